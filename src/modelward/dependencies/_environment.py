"""What is installed: in the environment that runs this, or in another one, whose files are read and never run."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import canonical, need
from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Installed:
    """One installed distribution.

    Parameters
    ----------
    version : str
    needs : tuple of str
        What it asks for in this environment.
    extras : dict of str to tuple of str
        What each of its extras asks for besides.
    inactive : bool
        Whether its own metadata say that nobody looks after it.
    source : importlib.metadata.Distribution or None
        For its list of files.
    """

    version: str
    needs: tuple[str, ...] = ()
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inactive: bool = False
    source: metadata.Distribution | None = field(default=None, repr=False, compare=False)

    def files(self) -> list[tuple[str, int]]:
        """Return its installed files with their bytes; none if there is no list of them."""
        if self.source is None:
            return []
        record = self.source.read_text("RECORD")
        if record is None:
            return [(str(file), _bytes(file)) for file in self.source.files or ()]
        rows = [row for row in csv.reader(record.splitlines()) if row and row[0]]
        return [
            (row[0], int(row[2])) if len(row) > 2 and row[2].isdecimal()
            else (row[0], _bytes(self.source.locate_file(row[0])))
            for row in rows
        ]  # fmt: skip


def _bytes(file: Any) -> int:
    try:
        return Path(str(file.locate() if isinstance(file, metadata.PackagePath) else file)).stat().st_size
    except (OSError, ValueError):
        return 0


@dataclass(frozen=True)
class Environment:
    """Installed distributions by name.

    Parameters
    ----------
    name : str
        How it is called in messages.
    packages : mapping of str to Installed
    paths : tuple of Path
        Folders of installed packages; empty for the environment that runs this.
    """

    name: str = "the environment of modelward"
    packages: Mapping[str, Installed] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()


class _Listed(Mapping[str, Installed]):
    """Distributions of some folders by name; what one says of itself is worked out when it is asked for."""

    def __init__(self, paths: tuple[Path, ...], markers: dict[str, str]) -> None:
        self._markers = markers
        self._found: dict[str, tuple[metadata.Distribution, Any]] = {}
        self._made: dict[str, Installed] = {}
        folders = [str(path) for path in paths]
        for one in metadata.distributions(path=folders) if folders else metadata.distributions():
            told = _headers(one)
            name = canonical(str(told["Name"] or ""))
            # Of two with one name the first is the one that is imported.
            if name:
                self._found.setdefault(name, (one, told))

    def __getitem__(self, name: str) -> Installed:
        if name not in self._made:
            self._made[name] = _installed(*self._found[name], self._markers)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _headers(one: metadata.Distribution) -> Any:
    """Return what a distribution says of itself without its description, which is most of the text."""
    text = one.read_text("METADATA") or one.read_text("PKG-INFO") or ""
    if not text:
        # An egg of one file has them in its own name.
        return one.metadata
    return HeaderParser().parsestr(text.partition("\n\n")[0], headersonly=True)


def installed(python: Path | None = None) -> Environment:
    """Read what is installed.

    Parameters
    ----------
    python : Path, optional
        A virtual environment, or an interpreter: its files are read, it is not started. The environment that runs
        this if absent.

    Raises
    ------
    InputError
        If no folder of installed packages belongs to it.

    Examples
    --------
    >>> installed().packages["packaging"].needs
    ()
    """
    if python is None:
        return Environment(packages=_Listed((), {}))
    paths, version = _folders(python)
    markers = {"python_version": version, "python_full_version": f"{version}.0"} if version else {}
    return Environment(str(python), _Listed(paths, markers), paths)


def _installed(one: metadata.Distribution, told: Any, markers: dict[str, str]) -> Installed:
    requirements = need("packaging.requirements", "packaging")
    needs: list[str] = []
    extras: dict[str, list[str]] = {canonical(e): [] for e in told.get_all("Provides-Extra") or ()}
    # An egg keeps what it asks for in a file of its own.
    for text in told.get_all("Requires-Dist") or one.requires or ():
        try:
            asked = requirements.Requirement(text)
            name = canonical(asked.name)
            if asked.marker is None or asked.marker.evaluate({**markers, "extra": ""}):
                needs.append(name)
                continue
            for extra, own in extras.items():
                if asked.marker.evaluate({**markers, "extra": extra}):
                    own.append(name)
        except (requirements.InvalidRequirement, ValueError):
            continue
    inactive = "Development Status :: 7 - Inactive" in (told.get_all("Classifier") or ())
    return Installed(
        str(told["Version"]), tuple(needs), {k: tuple(v) for k, v in extras.items() if v}, inactive, one
    )


def _folders(python: Path) -> tuple[tuple[Path, ...], str]:
    """Return the folders of an environment, and its version of Python as far as their names tell."""
    root = python if python.is_dir() else python.parent.parent
    if not python.exists():
        raise InputError(f"--python {python} does not exist: name a virtual environment or an interpreter")
    found = [python] if python.name in ("site-packages", "dist-packages") else []
    for pattern in ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages",
                    "lib/python3*/dist-packages"):  # fmt: skip
        found += sorted(path for path in root.glob(pattern) if path.is_dir())
    unique = tuple({path.resolve(): path for path in found}.values())
    if not unique:
        raise InputError(
            f"--python {python} has no folder of installed packages (lib/python3*/site-packages)"
        )
    versions = {said[1] for path in unique if (said := re.search(r"python(3\.\d+)", path.as_posix()))}
    if len(versions) > 1:
        raise InputError(
            f"--python {python} holds packages of Python {' and '.join(sorted(versions))}: name one site-packages"
        )
    return unique, next(iter(versions), "")


def own_environment(project: Path) -> Path | None:
    """Return a virtual environment that lies in a project, unless it is the one that runs this."""
    for name in (".venv", "venv", "env"):
        folder = project / name
        if (folder / "pyvenv.cfg").is_file() and folder.resolve() != Path(sys.prefix).resolve():
            return folder
    return None
