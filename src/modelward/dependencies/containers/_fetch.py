"""Rules on what a build fetches: run as it comes, kept without a check, or over a connection that nobody checks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelward.dependencies.containers._flaws import flaw
from modelward.dependencies.containers._shell import SHELLS, Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.dependencies.containers._flaws import Flaw
    from modelward.dependencies.containers._layers import Layer

_FETCH = {"curl", "wget", "aria2c"}
_RUNS = SHELLS | {"python", "python3", "perl", "ruby", "node", "source", "."}
_CHECKS = {"sha256sum", "sha512sum", "shasum", "gpg", "gpgv", "cosign", "minisign", "openssl", "b2sum"}
_UNCHECKED = {
    "curl": ("--insecure",), "wget": ("--no-check-certificate",), "pip": ("--trusted-host",),
    "pip3": ("--trusted-host",),
    "apt-get": ("--allow-unauthenticated", "--force-yes"), "apt": ("--allow-unauthenticated",),
    "apk": ("--allow-untrusted",),
    "dnf": ("--nogpgcheck",), "yum": ("--nogpgcheck",), "uv": ("--allow-insecure-host",),
}  # fmt: skip
_OFF = re.compile(
    r"\b(GIT_SSL_NO_VERIFY|PIP_TRUSTED_HOST|UV_INSECURE_HOST)=[^\s0\"']|\bNODE_TLS_REJECT_UNAUTHORIZED=\"?0|\bPYTHONHTTPSVERIFY=\"?0"
    r"|http\.sslverify[\s=]+false|ssl_verify[\s=:]+false|strict-ssl[\s=]+false",
    re.IGNORECASE,
)
_URL = re.compile(r"(https?|ftp)://(?!localhost\b|127\.|\[::1\])", re.IGNORECASE)
_SUBSHELL = re.compile(r"(?:\beval\b|\b(?:ba|z|da)?sh\b)[^;&|]*(?:<\(|\$\(|`)\s*(?:curl|wget)\b")


def fetch_flaws(found: list[Layer]) -> Iterator[Flaw]:
    """Yield what is fetched and trusted as it comes."""
    for layer in found:
        if layer.one.word == "RUN":
            yield from _run(layer)
        elif layer.one.word == "ADD":
            yield from _add(layer)
        if layer.one.word in ("RUN", "ENV", "ARG") and (
            _OFF.search(layer.text) or any(map(_off, layer.runs))
        ):
            yield flaw(
                "unchecked-transport",
                layer.one,
                "the certificate or signature of what is fetched is not checked",
            )


def _off(command: Command) -> bool:
    if command.program == "curl" and any(re.fullmatch(r"-[a-zA-Z]*k[a-zA-Z]*", w) for w in _short(command)):
        return True
    return command.has(*_UNCHECKED.get(_tool(command), ()))


def _short(command: Command) -> list[str]:
    """Return curl's bundles of short options up to the first that takes a value: what follows is the value."""
    return [re.split(r"(?<=[oHdXuAeTF])", w)[0] for w in command.words[1:] if re.match(r"-[a-zA-Z]", w)]


def _tool(command: Command) -> str:
    words = command.words
    if re.fullmatch(r"python[\d.]*", command.program) and words[1:3] == ("-m", "pip"):
        return "pip"
    return command.program


def _run(layer: Layer) -> Iterator[Flaw]:
    runs = layer.runs
    piped = _SUBSHELL.search(layer.text) is not None
    for i, command in enumerate(runs):
        if command.program in _FETCH and command.piped:
            last = i
            while runs[last].piped and last + 1 < len(runs):
                last += 1
                piped = piped or (runs[last].program in _RUNS and not _about_json(runs[last]))
    if piped:
        yield flaw("piped-to-shell", layer.one, "what is fetched is run as it comes")
        return
    if any(c.program in _CHECKS for c in runs):
        return
    if any(c.words[:2] == ("git", "clone") and not c.has("-b", "--branch") for c in runs) and not any(
        {"checkout", "switch", "reset"} & set(c.words[1:]) for c in runs if c.program == "git"
    ):
        yield flaw(
            "fetched-unchecked",
            layer.one,
            "a repository is cloned as it is that day",
            "Check out a commit by its whole hash",
        )
    for command in runs:
        urls = [w for w in command.words[1:] if _URL.match(w)]
        kept = command.program in _FETCH and urls and not _shown(command)
        if kept or (command.program in ("pip", "pip3") and any(u.lower().startswith("http:") for u in urls)):
            plain = " over plain http" if any(u.lower().startswith("http:") for u in urls) else ""
            yield flaw(
                "fetched-unchecked",
                layer.one,
                f"{_host(urls[0])} can change what is fetched{plain}, and nothing notices",
            )


def _about_json(command: Command) -> bool:
    """Say whether an interpreter only reads what is piped into it."""
    return command.program not in SHELLS and any(
        w in ("-c", "-m", "-e", "-pe", "-ne") for w in command.words[1:]
    )


def _shown(command: Command) -> bool:
    """Say whether curl only shows, or tries, an address."""
    return command.program == "curl" and (command.has("--head", "-I") or "/dev/null" in command.words)


def _add(layer: Layer) -> Iterator[Flaw]:
    sources, _ = layer.files()
    remote = [s for s in sources if _URL.match(s)]
    if remote and layer.one.flag("checksum") is None:
        yield flaw(
            "fetched-unchecked",
            layer.one,
            f"{_host(remote[0])} can change what is fetched, and nothing notices",
        )
    plain = [
        s
        for s in sources
        if not _URL.match(s) and not re.search(r"\.(tar|tgz|tbz2?|txz|gz|bz2|xz|zst)\b|git@|\.git\b", s)
    ]
    if plain and not remote and layer.one.flag("checksum") is None:
        yield flaw("add-for-copy", layer.one, f"ADD is used to copy {plain[0]}")


def _host(url: str) -> str:
    """Return the host of an address, without user and password."""
    return (
        re.sub(r"^[a-z]+://(?:[^/@]*@)?([^/?#]*).*$", r"\1", url, flags=re.IGNORECASE | re.DOTALL)[:100]
        or "the server"
    )
