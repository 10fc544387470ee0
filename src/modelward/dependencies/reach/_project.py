"""The import graph of a project's own files."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from modelward.dependencies._walk import walk
from modelward.dependencies.code._notebooks import read_notebook
from modelward.dependencies.reach._imports import Imports, imports_of

if TYPE_CHECKING:
    from pathlib import Path

    from modelward.dependencies.reach._imports import Import

_MOST = {".py": 4_000_000, ".pyw": 4_000_000, ".ipynb": 100_000_000}
_ASIDE = {"tests", "test", "testing", "docs", "doc", "examples", "benchmarks", "conftest", "noxfile", "setup"}


@dataclass
class Source:
    """The project's files with what each imports.

    Parameters
    ----------
    files : dict
        Imports by path, relative to the project.
    unread : tuple of str
        Files that could not be read or parsed: what they import is not known.
    """

    files: dict[str, Imports] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    _folders: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._folders = frozenset(
            str(parent) for path in self.files for parent in PurePosixPath(path).parents if str(parent) != "."
        )

    def root_of(self, path: str) -> str:
        """Return the folder from which a file's own package is imported; empty for the project itself."""
        folder = PurePosixPath(path).parent
        while str(folder) != "." and f"{folder}/__init__.py" in self.files:
            folder = folder.parent
        return "" if str(folder) == "." else str(folder)

    def resolve(self, name: str, roots: tuple[str, ...]) -> tuple[str, ...]:
        """Return the project's files that importing a name runs, packages first; none if it is not the project's.

        Parameters
        ----------
        name : str
            Dotted.
        roots : tuple of str
            Folders to look in, the first that has it wins.
        """
        for root in roots:
            found = self._below(root, name.split("."))
            if found:
                return found
        return ()

    def _below(self, root: str, parts: list[str]) -> tuple[str, ...]:
        found: list[str] = []
        at = root
        for part in parts:
            at = f"{at}/{part}" if at else part
            inside = [p for p in (f"{at}/__init__.py", f"{at}.py") if p in self.files][:1]
            found += inside
            if not inside and at not in self._folders:
                break
        return tuple(found)

    def imported(self, path: str, one: Import) -> tuple[tuple[str, ...], str]:
        """Return the project's files that an import runs, and its name if it may be somebody else's."""
        own = self.root_of(path)
        if one.begins:
            return self._beginning(path, one)
        if one.level:
            folder = PurePosixPath(path).parent
            for _ in range(one.level - 1):
                folder = folder.parent
            root = "" if str(folder) == "." else str(folder)
            files = self.resolve(one.name, (root,)) if one.name else ()
            here = f"{root}/__init__.py" if root else "__init__.py"
            return ((here, *files) if here in self.files else files), ""
        files = self.resolve(one.name, tuple(dict.fromkeys((own, "", "src"))))
        return files, "" if files else one.name

    def _beginning(self, path: str, one: Import) -> tuple[tuple[str, ...], str]:
        """Return all files whose module's name begins so."""
        folder = PurePosixPath(path).parent
        for _ in range(one.level - 1):
            folder = folder.parent
        roots = (str(folder),) if one.level else (self.root_of(path), "", "src")
        for root in roots:
            stem = "/".join([*([root] if root not in ("", ".") else []), *one.name.split(".")])
            found = tuple(p for p in self.files if p.startswith(stem))
            if found:
                return found, ""
        return (), one.name.rpartition(".")[0]

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """All folders from which some file's own package is imported."""
        return tuple(dict.fromkeys(("", "src", *(self.root_of(path) for path in self.files))))

    def module_file(self, name: str) -> str:
        """Return the file of a dotted module; empty if the project has none."""
        for root in self.roots:
            stem = "/".join([*([root] if root else []), *name.split(".")])
            for path in (f"{stem}.py", f"{stem}/__main__.py", f"{stem}/__init__.py"):
                if path in self.files:
                    return path
        return ""


def beside(path: str) -> bool:
    """Say whether a file is a test, an example or documentation by its place."""
    parts = PurePosixPath(path).parts
    stem = PurePosixPath(path).stem
    return bool(_ASIDE & {*parts[:-1], stem}) or stem.startswith("test_") or stem.endswith("_test")


def read_imports(project: Path) -> Source:
    """Read what every Python file and notebook of a project imports; nothing is imported or run.

    Parameters
    ----------
    project : Path
        A folder.
    """
    found, problems = walk(project, lambda name: name.endswith(tuple(_MOST)))
    files: dict[str, Imports] = {}
    unread = [problem.path for problem in problems]
    for file in found:
        path = file.relative_to(project).as_posix()
        try:
            if (
                not file.resolve().is_relative_to(project.resolve())
                or file.stat().st_size > _MOST[file.suffix]
            ):
                unread.append(path)
                continue
            data = file.read_bytes()
            if file.suffix == ".ipynb":
                data = read_notebook(data.decode("utf-8-sig"), path).source.encode("utf-8", "surrogatepass")
            files[path] = imports_of(data)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            unread.append(path)
    return Source(files, tuple(sorted(unread)))
