"""What a project asks for: packages with the place where each is written, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["index", "url", "vcs", "path", "model"]
MAX_TEXT = 16_000_000
"""Bytes of a dependency file that are read: real lock files have a few megabytes at most."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that comes along.

    Parameters
    ----------
    name : str
        In PyPI's normal form.
    version : str
        The exact version; empty where the file leaves it open.
    path, line : str, int
        Where it is written, relative to the project; line 0 for a file without lines.
    asked : str
        The version as the file asks for it.
    kind : {"index", "url", "vcs", "path", "model"}
        Where it is installed from; ``"model"`` for a library that a model file names.
    url : str
        Of a direct reference, without user and password.
    hashed : bool or None
        Whether a hash is written beside it; None where the format has no place for one.
    group : str
        The optional or development group; empty for what is always installed.
    dev : bool
        Whether only development needs it.
    locked : bool
        Whether the file is the result of a resolver, with everything that is dragged in.
    needs : tuple of str
        What it asks for itself, where the file says so.
    marker : str
        The environment that it is meant for.
    extras : tuple of str
        Extras of it that are asked for.
    direct : bool
        Whether a person asked for it: it was not dragged in, and no resolver wrote the file.
    """

    name: str
    version: str
    path: str
    line: int
    asked: str = ""
    kind: Kind = "index"
    url: str = ""
    hashed: bool | None = None
    group: str = ""
    dev: bool = False
    locked: bool = False
    needs: tuple[str, ...] = ()
    marker: str = ""
    extras: tuple[str, ...] = ()
    direct: bool = False

    @property
    def place(self) -> str:
        """``path:line``, or the path alone."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read, so that nothing is known of it."""

    path: str
    line: int
    text: str

    @property
    def place(self) -> str:
        """``path:line``, or the path alone."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something about how packages are asked for that a person should look at.

    `rule` is a short word, `severe` whether it lets somebody else's package in, `minor` whether it is of low severity.
    """

    rule: str
    path: str
    line: int
    text: str
    severe: bool = False
    minor: bool = False

    @property
    def place(self) -> str:
        """``path:line``, or the path alone."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Read:
    """What one file says."""

    packages: tuple[Package, ...] = ()
    problems: tuple[Problem, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    library: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a project asks for, over all its files.

    Parameters
    ----------
    packages : tuple of Package
        With an exact version wherever a lock, a pin or the environment gives one.
    unresolved : tuple of Package
        Asked for, and no version is known: nothing can be said about them.
    doubts, problems : tuple
    files : tuple of str
        What was read, relative to the project.
    declared : tuple of Package
        What persons asked for, as they wrote it.
    """

    packages: tuple[Package, ...] = ()
    unresolved: tuple[Package, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
    declared: tuple[Package, ...] = ()
