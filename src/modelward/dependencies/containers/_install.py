"""Rules on what a build installs: versions left open, compilers and caches left in, libraries for no GPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelward.dependencies.containers._dockerfile import pairs
from modelward.dependencies.containers._flaws import flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.dependencies.containers._flaws import Flaw
    from modelward.dependencies.containers._layers import Layer
    from modelward.dependencies.containers._shell import Command

_COMPILERS = re.compile(
    r"build-essential|build-base|gcc(-c\+\+|-\d+)?|g\+\+(-\d+)?|clang(-\d+)?|llvm(-\d+)?|make|cmake|ninja-build|gfortran(-\d+)?|rustc|"
    r"cargo|golang(-go)?|musl-dev|(lib)?python[\d.]*-dev(el)?|cuda-(toolkit|nvcc|compiler)[\w-]*|cxx-compiler|c-compiler|"
    r"gxx(_linux-64)?|fortran-compiler|compilers|linux-headers"
)
_TOOLS = {
    "jupyter",
    "jupyterlab",
    "notebook",
    "ipykernel",
    "pytest",
    "black",
    "ruff",
    "flake8",
    "pylint",
    "mypy",
    "pre-commit",
    "ipython",
}
_GPU = {"torch", "torchvision", "torchaudio"}
_VALUED = {
    "-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f",
    "--find-links", "--trusted-host",
    "--target", "-t", "--prefix", "--root", "--timeout", "--retries", "--cache-dir", "--python", "-p",
    "--progress-bar", "--only-binary",
    "--no-binary", "--proxy", "--cert", "--upgrade-strategy", "--python-version", "--platform", "--src",
    "--index-strategy", "--index",
    "--torch-backend", "--config-settings", "--default-timeout", "--break-system-packages-for",
}  # fmt: skip
_MANAGERS = {"apt-get": "apt", "apt": "apt", "aptitude": "apt", "apk": "apk", "dnf": "dnf", "microdnf": "dnf",
             "yum": "dnf",
             "conda": "conda", "mamba": "conda", "micromamba": "conda"}  # fmt: skip


_EXTRA = {"PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL"}


def install_flaws(found: list[Layer]) -> Iterator[Flaw]:
    """Yield the flaws of what RUN installs."""
    for layer in found:
        if layer.one.word == "ENV" and set(pairs(layer.one.value)) & _EXTRA:
            yield flaw("extra-index", layer.one, "every later installation asks either of two indexes")
        if layer.one.word != "RUN":
            continue
        yield from _python(layer)
        if layer.shipped:
            yield from _system(layer)
        if any(re.search(r"(^|\s|[;&|(])sudo\s", text) for text in (layer.one.value, *layer.one.documents)):
            yield flaw("sudo", layer.one, "sudo is used: the image then holds a way to become root")


def pip_arguments(command: Command) -> tuple[str, ...] | None:
    """Return what follows ``install`` for pip, or uv in its place; None for another command."""
    words = command.words
    if re.fullmatch(r"python[\d.]*", command.program) and words[1:3] == ("-m", "pip"):
        words = words[2:]
    elif command.program == "uv" and words[1:2] == ("pip",):
        words = words[1:]
    elif not re.fullmatch(r"pip[\d.]*", command.program):
        return None
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        rest.pop(0)
    return tuple(rest[1:]) if rest[:1] == ["install"] else None


def _packages(arguments: tuple[str, ...]) -> list[str]:
    out, skip = [], False
    for word in arguments:
        if skip or word.startswith("-"):
            skip = not skip and word in _VALUED
        else:
            out.append(word)
    return out


def _python(layer: Layer) -> Iterator[Flaw]:
    for command in layer.runs:
        arguments = pip_arguments(command)
        if arguments is None:
            continue
        asked = _packages(arguments)
        names = {re.split(r"[\[=<>!~;@ ]", word)[0].lower() for word in asked}
        loose = [
            w for w in asked
            if re.fullmatch(r"[A-Za-z0-9][\w.-]*(\[[\w,.-]*\])?([<>!~]=?[^=]*)?",
            w) and not re.search(r"\.(whl|gz|zip)$|^\.", w)
        ]  # fmt: skip
        loose += [w for w in asked if w.startswith("git+") and not re.search(r"@[0-9a-f]{40}\b", w)]
        if loose:
            tools = set(loose) <= {"pip", "setuptools", "wheel", "uv"}
            yield flaw(
                "unpinned-install",
                layer.one,
                f"{_shown(loose[0])} is installed in whatever version there is that day",
                level="low" if tools else None,
            )
        if any(w.startswith("--extra-index-url") for w in arguments):
            yield flaw("extra-index", layer.one, "packages come from either of two indexes")
        if layer.shipped:
            yield from _shipped(layer, command, arguments, names)


def _shown(word: str) -> str:
    return re.sub(r"//[^/@]*@", "//", word)[:100]


def _shipped(layer: Layer, command: Command, arguments: tuple[str, ...], names: set[str]) -> Iterator[Flaw]:
    environment = layer.environment
    uv = command.program == "uv"
    variable, folder = ("UV_NO_CACHE", "/uv") if uv else ("PIP_NO_CACHE_DIR", "/pip")
    quiet = (environment.get(variable) or "0").strip("\"'").lower() not in ("0", "false", "no", "off")
    quiet = quiet or any(a.partition("=")[0] == variable for a in command.assigned)
    purged = any({"cache", "purge"} <= set(c.words) or _removes(c, ".cache") for c in layer.runs)
    if not (
        quiet
        or purged
        or layer.mounts(folder)
        or layer.mounts("/.cache")
        or {"--no-cache-dir", "--no-cache", "-n"} & set(arguments)
    ):
        yield flaw(
            "download-cache",
            layer.one,
            "what pip downloads stays in the layer",
            "Add " + ("--no-cache" if uv else "--no-cache-dir"),
        )
    tools = sorted(names & _TOOLS)
    if tools:
        yield flaw("development-tools", layer.one, f"{', '.join(tools)} is not needed to serve a model")
    if names & _GPU and not re.search(
        r"cu\d|cuda|nvidia|rocm|/cpu|\+cpu|=cpu", " ".join([*arguments, _base(layer)]).lower()
    ):
        yield flaw(
            "gpu-libraries",
            layer.one,
            "torch brings some gigabytes of libraries for a GPU, and the base has none",
        )


def _base(layer: Layer) -> str:
    return layer.stage.line_of_descent()[0].image


def _removes(command: Command, what: str) -> bool:
    return command.program == "rm" and any(what in word for word in command.words)


def _system(layer: Layer) -> Iterator[Flaw]:
    done: set[str] = set()
    for command in layer.runs:
        manager = _MANAGERS.get(command.program, "")
        verb = next((w for w in command.plain if w in ("install", "add", "create")), "")
        if not manager or not verb:
            continue
        names = [
            re.split(r"[=<>~]", w.rsplit("::", 1)[-1])[0]
            for w in command.plain
            if w not in (verb, command.program)
        ]
        built = [n for n in names if _COMPILERS.fullmatch(n.lower())]
        if built and not _taken_out(layer, built, manager, command):
            yield flaw(
                "compilers-left",
                layer.one,
                f"{', '.join(built[:4])} stay in the image: tools for whoever breaks in, and weight",
            )
        for rule, text, fill in _left(layer, command, manager):
            if rule + manager not in done:
                done.add(rule + manager)
                yield flaw(rule, layer.one, text, fill)


def _left(layer: Layer, command: Command, manager: str) -> Iterator[tuple[str, str, str]]:
    runs = layer.runs
    if manager == "apt":
        if not (layer.mounts("/var/lib/apt") or any(_removes(c, "/var/lib/apt") for c in runs)):
            yield "apt-lists", "the lists of apt stay in the layer", ""
        lean = (
            command.has("--no-install-recommends", "APT::Install-Recommends")
            or "Install-Recommends" in layer.text
        )
        if not lean:
            yield "apt-recommends", "packages are installed that nobody asked for", ""
    elif manager == "apk":
        if (
            not command.has("--no-cache")
            and not layer.mounts("apk")
            and not any(_removes(c, "/var/cache/apk") for c in runs)
        ):
            yield "download-cache", "what apk downloads stays in the layer", "Add --no-cache"
    elif manager == "conda":
        if not any("clean" in c.words for c in runs) and not layer.mounts("pkgs"):
            yield (
                "download-cache",
                "what conda downloads stays in the layer",
                "End the same RUN with conda clean -afy",
            )
    elif not any("clean" in c.words or _removes(c, "/var/cache") for c in runs) and not layer.mounts(
        "/var/cache"
    ):
        yield (
            "download-cache",
            f"what {command.program} downloads stays in the layer",
            f"End the same RUN with {command.program} clean all",
        )


def _taken_out(layer: Layer, built: list[str], manager: str, by: Command) -> bool:
    """Say whether compilers go in the very RUN that brought them: later it is too late."""
    group = next((by.words[i + 1] for i, w in enumerate(by.words[:-1]) if w in ("--virtual", "-t")), "")
    group = next((w.partition("=")[2] for w in by.words if w.startswith("--virtual=")), group)
    for command in layer.runs:
        if _MANAGERS.get(command.program) == manager and {
            "purge",
            "remove",
            "del",
            "autoremove",
            "uninstall",
        } & set(command.words):
            gone = set(command.plain)
            if (group and group in gone) or all(any(g.startswith(name) for g in gone) for name in built):
                return True
    return False
