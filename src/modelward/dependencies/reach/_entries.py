"""Where serving begins: named, or found in the project's own files."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.dependencies._walk import walk
from modelward.dependencies.reach._project import beside
from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from modelward.dependencies.reach._project import Source

_MAX = 1_000_000
_COMMAND = re.compile(
    r"^\s*(?:CMD|ENTRYPOINT|command:|entrypoint:|web:|worker:|release:)\s*(.*)$", re.IGNORECASE
)
_SHELLS = re.compile(r"(python[\d.]*|sh|bash|env|exec|tini|node|java|npm)$")
_STARTERS = ("dockerfile", "containerfile", "procfile", "docker-compose", "compose.y")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file with which serving begins.

    Parameters
    ----------
    path : str
        Of the file, relative to the project; empty for a `tool`.
    why : str
        Where that is written.
    tool : str
        A package that starts it, such as ``"uvicorn"``.
    """

    path: str
    why: str
    tool: str = ""


def find_entries(project: Path, source: Source, named: Iterable[str] = ()) -> tuple[Entry, ...]:
    """Return where serving begins.

    What is named wins. Else the commands of Dockerfiles, compose files and Procfiles, the scripts of
    pyproject.toml, and files that make a web application.

    Parameters
    ----------
    project : Path
    source : Source
    named : iterable of str
        Files relative to the project, modules, or ``module:attribute``.

    Raises
    ------
    InputError
        If something that was named is no file or module of the project.
    """
    given = [_named(text, source) for text in named]
    if given:
        return tuple(dict.fromkeys(given))
    found = [*_commands(project, source), *_scripts(project, source)]
    found += [
        Entry(path, f"a web application is made at {path}:{one.server}")
        for path, one in source.files.items()
        if one.server and not beside(path)
    ]
    kept: dict[tuple[str, str], Entry] = {}
    for entry in found:
        kept.setdefault((entry.path, entry.tool), entry)
    return tuple(kept.values())


def _named(text: str, source: Source) -> Entry:
    path = text.removeprefix("./")
    if path not in source.files:
        path = source.module_file(text.partition(":")[0])
    if not path:
        raise InputError(f"--entry {text}: the project has no such Python file or module that can be read")
    return Entry(path, "named with --entry")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= _MAX else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _commands(project: Path, source: Source) -> Iterable[Entry]:
    files, _ = walk(project, lambda name: name.lower().startswith(_STARTERS))
    for file in files:
        name = file.relative_to(project).as_posix()
        for number, line in enumerate(_read(file).splitlines(), 1):
            said = _COMMAND.match(line)
            words = re.findall(r"[^\s\"',\[\]]+", said[1]) if said else []
            yield from _started(words, f"{name}:{number}", source)


def _started(words: list[str], place: str, source: Source) -> Iterable[Entry]:
    why = f"started by {place}"
    for i, word in enumerate(words):
        before = words[i - 1] if i else ""
        module, colon, _ = word.partition(":")
        if word.endswith(".py"):
            wanted = word.removeprefix("./")
            found = next((p for p in source.files if wanted == p or wanted.endswith(f"/{p}")), "")
        elif before == "-m" or (colon and re.fullmatch(r"[\w.]+", module)):
            found = source.module_file(module)
        else:
            found = ""
        if found:
            yield Entry(found, why)
        elif (i == 0 or before == "-m") and re.fullmatch(r"[\w.-]+", word) and not _SHELLS.match(word):
            yield Entry("", why, tool=word.lower())


def _scripts(project: Path, source: Source) -> Iterable[Entry]:
    try:
        document: Any = tomllib.loads(_read(project / "pyproject.toml"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    tool = document.get("tool", {})
    poetry = tool.get("poetry", {}) if isinstance(tool, dict) else {}
    own = document.get("project", {})
    for table in (own, poetry):
        for key in ("scripts", "gui-scripts"):
            scripts = table.get(key, {}) if isinstance(table, dict) else {}
            for name, target in scripts.items() if isinstance(scripts, dict) else ():
                path = source.module_file(target.partition(":")[0]) if isinstance(target, str) else ""
                if path:
                    yield Entry(path, f"the script {name} of pyproject.toml")
