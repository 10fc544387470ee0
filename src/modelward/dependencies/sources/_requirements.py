"""requirements.txt: pip's format, with includes, constraints, hashes and options.

Source: pip's documentation, "Requirements File Format".
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelward.dependencies._packages import MAX_TEXT, Doubt, Package, Problem, Read
from modelward.dependencies.sources._parts import Malformed, bare, kind_of, problem, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMENT = re.compile(r"(^|\s+)#.*$")
_HASH = re.compile(r"\s--hash[= ]\s*\S+")
_OPTION = re.compile(r"\s--(global-option|install-option|config-settings?)[= ]\s*\S+")
_MOST_FILES = 200
_DEV = re.compile(r"dev|test|lint|docs?\b|ci\b", re.IGNORECASE)


@dataclass
class _State:
    root: Path
    packages: list[Package] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)


def read(text: str, path: str, root: Path) -> Read:
    """Read a requirements file and what it includes."""
    state = _State(root)
    state.seen.add((root / path).resolve())
    _read(text, path, state, dev=bool(_DEV.search(path.rpartition("/")[2])))
    return Read(tuple(state.packages), tuple(state.problems), tuple(state.doubts))


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Yield the first line number and the text of each logical line, comments taken off."""
    start, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        stripped = line.rstrip()
        if stripped.endswith("\\") and not stripped.lstrip().startswith("#"):
            parts.append(stripped[:-1])
            continue
        parts.append(_COMMENT.sub("", line))
        whole = " ".join(part.strip() for part in parts if part.strip())
        if whole:
            yield start, whole
        start, parts = 0, []
    if whole := " ".join(parts).strip():
        yield start, whole


def _read(text: str, path: str, state: _State, *, dev: bool) -> None:
    for line, content in _logical(text):
        try:
            if content.startswith("-"):
                _option(content, path, line, state, dev=dev)
            else:
                state.packages.append(_package(content, path, line, dev=dev))
        except Malformed as error:
            state.problems.append(problem(path, error))


def _package(content: str, path: str, line: int, *, dev: bool) -> Package:
    hashed = bool(_HASH.search(content))
    plain = _OPTION.sub("", _HASH.sub("", content)).strip()
    if "://" in plain.partition(";")[0] and "@" not in plain.partition("://")[0]:
        url = plain.partition(";")[0].strip()
        name = re.search(r"#.*?egg=([\w.-]+)", url)
        shown = name[1] if name else bare(url).rstrip("/").rpartition("/")[2].partition("-")[0]
        return Package(
            shown.lower(), "", path, line, kind=kind_of(url), url=bare(url), hashed=hashed, dev=dev
        )
    if plain.startswith((".", "/")):
        return Package(plain, "", path, line, kind="path", url=plain, hashed=hashed, dev=dev)
    return requirement(plain, path, line, dev=dev, hashed=hashed)


def _option(content: str, path: str, line: int, state: _State, *, dev: bool) -> None:
    try:
        first, *rest = shlex.split(content)
    except ValueError:
        raise Malformed(f"cannot be read: {content[:80]!r}", line) from None
    name, _, value = first.partition("=")
    if not value and len(first) > 2 and not first.startswith("--"):
        name, value = first[:2], first[2:]
    value = value or " ".join(rest)
    if name in ("-r", "--requirement", "-c", "--constraint"):
        _include(value, path, line, state, dev=dev, wanted=name in ("-r", "--requirement"))
    elif name in ("-e", "--editable"):
        state.packages.append(
            Package(value.rstrip("/").rpartition("/")[2] or ".", "", path, line, kind=kind_of(value),
                    url=bare(value) if "://" in value else value, dev=dev)
        )  # fmt: skip
    elif name == "--extra-index-url":
        state.doubts.append(
            Doubt(
                "extra-index", path, line,
                f"packages come from {bare(value)} and from the main index alike, and the higher version wins: "
                "whoever registers a private name on the public index is installed. Use one index that proxies the "
                "other, or uv's explicit indexes", severe=True,
            )
        )  # fmt: skip
    elif name in ("-i", "--index-url", "-f", "--find-links") and value.startswith("http://"):
        state.doubts.append(
            Doubt("plain-http", path, line, f"{bare(value)} is not encrypted: anybody on the way can replace packages",
                  severe=True)
        )  # fmt: skip
    elif name == "--trusted-host":
        state.doubts.append(
            Doubt("trusted-host", path, line, f"the certificate of {value} is not checked", severe=True)
        )
    elif name not in _KNOWN:
        raise Malformed(f"has an option that pip does not know here: {name}", line)


_KNOWN = (
    "-i", "--index-url", "-f", "--find-links", "--no-index", "--no-binary", "--only-binary", "--prefer-binary",
    "--require-hashes", "--pre", "--use-feature", "--no-deps",
)  # fmt: skip


def _include(value: str, path: str, line: int, state: _State, *, dev: bool, wanted: bool) -> None:
    if "://" in value:
        raise Malformed(f"includes {bare(value)}, which is not read from the network", line)
    file = ((state.root / path).parent / value).resolve()
    if file in state.seen:
        return
    state.seen.add(file)
    root = state.root.resolve()
    if not file.is_relative_to(root):
        raise Malformed(f"includes {value}, which lies outside the project and is not read", line)
    if len(state.seen) > _MOST_FILES:
        raise Malformed(f"includes over {_MOST_FILES} files", line)
    try:
        if file.stat().st_size > MAX_TEXT:
            raise Malformed(f"includes {value}, which is over {MAX_TEXT:,} bytes", line)
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Malformed(f"includes {value}, which cannot be read", line) from None
    name = file.relative_to(root).as_posix()
    if wanted:
        _read(text, name, state, dev=dev)
        return
    pins = _State(state.root, seen=state.seen)
    _read(text, name, pins, dev=dev)
    state.problems += pins.problems
    state.doubts += pins.doubts
    _constrain(state, pins.packages)


def _constrain(state: _State, pins: list[Package]) -> None:
    """Take versions from a constraints file: it installs nothing by itself."""
    from dataclasses import replace

    exact = {pin.name: pin.version for pin in pins if pin.version}
    state.packages = [
        replace(p, version=exact[p.name]) if not p.version and p.name in exact else p for p in state.packages
    ]
