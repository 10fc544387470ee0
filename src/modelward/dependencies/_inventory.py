"""All that a project asks for, with versions from its locks, its pins, or the environment that it runs in."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

from modelward.dependencies._extra import canonical
from modelward.dependencies._packages import Doubt, Inventory, Package, Problem
from modelward.dependencies._walk import walk
from modelward.dependencies.sources import format_of, read_source
from modelward.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def take_inventory(
    project: Path, *, environment: dict[str, tuple[str, tuple[str, ...]]] | None = None
) -> Inventory:
    """Read every file of a project that names packages.

    Parameters
    ----------
    project : Path
        A folder, or one such file.
    environment : dict, optional
        From `installed`: gives the versions that no file gives, and what those packages drag in.

    Raises
    ------
    InputError
        If there is nothing to read, or the one file that was named cannot be read.
    """
    if not project.exists():
        raise InputError(f"{project} does not exist: name a project folder or a requirements or lock file")
    single = project.is_file()
    inside, unread = ([project], ()) if single else walk(project, lambda _: True)
    files = [file for file in inside if single or format_of(file)]
    root = project.parent if single else project
    reads = [(file.relative_to(root).as_posix(), read_source(file, root)) for file in files]
    problems: tuple[Problem, ...] = (*unread, *(p for _, read in reads for p in read.problems))
    if single and problems:
        raise InputError(f"{problems[0].place} {problems[0].text}")
    packages = tuple(dict.fromkeys(p for _, read in reads for p in read.packages))
    doubts = [d for _, read in reads for d in read.doubts]
    known, unresolved = _resolve(packages, environment or {})
    problems += _undragged(known, environment or {})
    library = {path for path, read in reads if read.library}
    doubts += _looseness(packages, library, problems)
    return Inventory(
        known, unresolved, tuple(dict.fromkeys(doubts)), problems, tuple(path for path, _ in reads)
    )


def _undragged(
    known: tuple[Package, ...], environment: dict[str, tuple[str, tuple[str, ...]]]
) -> tuple[Problem, ...]:
    """Return the files of pinned packages of which nobody says what they drag in.

    A file with hashes is complete, or pip would refuse it.
    """
    if any(p.locked for p in known):
        return ()
    bare: dict[str, list[Package]] = {}
    for p in known:
        if not p.hashed and environment.get(p.name, ("",))[0] != p.version:
            bare.setdefault(p.path, []).append(p)
    return tuple(
        Problem(
            path,
            own[0].line,
            f"pins {own[0].name} and {len(own) - 1} more, and what they drag in is not known: lock it with hashes "
            "(uv pip compile --generate-hashes), or run this where it is installed",
        )
        for path, own in bare.items()
    )


def installed(path: Path | None = None) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the installed distributions by name: version, and what each asks for here.

    Parameters
    ----------
    path : Path, optional
        A folder of installed packages; the environment that runs this if absent.
    """
    from modelward.dependencies._extra import need

    requirements = need("packaging.requirements", "packaging")
    markers: dict[str, tuple[str, tuple[str, ...]]] = {}
    found = metadata.distributions() if path is None else metadata.distributions(path=[str(path)])
    for one in found:
        name = canonical(str(one.metadata["Name"] or ""))
        needs = []
        for text in one.requires or ():
            try:
                asked = requirements.Requirement(text)
                if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                    needs.append(canonical(asked.name))
            except (requirements.InvalidRequirement, ValueError):
                continue
        if name and name not in markers:
            markers[name] = (one.version, tuple(needs))
    return markers


def _resolve(
    packages: tuple[Package, ...], environment: dict[str, tuple[str, tuple[str, ...]]]
) -> tuple[tuple[Package, ...], tuple[Package, ...]]:
    """Split into packages with a version and those without; what is dragged in is added from the environment."""
    fixed = {p.name for p in packages if p.version}
    known = [p for p in packages if p.version]
    unresolved: list[Package] = []
    seen: set[str] = set(fixed)
    locked = any(p.locked for p in packages)
    pending: list[Package] = [] if locked else [p for p in known if p.name in environment]
    for package in packages:
        if package.version or package.name in fixed or package.kind == "path":
            continue
        if package.name not in environment:
            unresolved.append(package)
        elif package.name not in seen:
            seen.add(package.name)
            here = replace(package, version=environment[package.name][0], needs=environment[package.name][1])
            known.append(here)
            pending.append(here)
    while pending:
        package = pending.pop(0)
        for name in environment[package.name][1]:
            if name in seen or name not in environment:
                continue
            seen.add(name)
            version, needs = environment[name]
            dragged = replace(package, name=name, version=version, needs=needs, asked="", hashed=None)
            known.append(dragged)
            pending.append(dragged)
    return tuple(known), tuple(unresolved)


def _looseness(
    packages: tuple[Package, ...], library: set[str], problems: tuple[Problem, ...]
) -> list[Doubt]:
    """Return what is asked for so loosely that two installations may differ."""
    locked = any(p.locked for p in packages) and not problems
    doubts: list[Doubt] = []
    bare: dict[str, list[Package]] = {}
    for p in packages:
        if p.kind in ("url", "vcs") and not p.hashed:
            doubts.append(
                Doubt(
                    "direct-" + p.kind,
                    p.path,
                    p.line,
                    f"{p.name} comes from {p.url or 'a repository'}, which "
                    "may change without notice: name an index release, or a commit or hash",
                )
            )
        elif p.kind == "index" and not p.version and not locked and p.path not in library:
            doubts.append(
                Doubt(
                    "unpinned",
                    p.path,
                    p.line,
                    f"{p.name} {p.asked or 'in any version'} is not pinned: what "
                    "is installed changes from day to day",
                )
            )
        elif p.hashed is False and p.version:
            bare.setdefault(p.path, []).append(p)
    for path, loose in bare.items():
        doubts.append(
            Doubt(
                "unhashed",
                path,
                loose[0].line,
                f"{len(loose)} of its packages have no hash: a release that "
                "was replaced under its own number is not noticed",
            )
        )
    return doubts
