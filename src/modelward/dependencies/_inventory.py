"""All that a project asks for, with versions from its locks, its pins, or the environment that it runs in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelward.dependencies._conflicts import conflicts
from modelward.dependencies._environment import Environment
from modelward.dependencies._fits import fits
from modelward.dependencies._packages import Doubt, Inventory, Package, Problem
from modelward.dependencies._walk import walk
from modelward.dependencies.sources import format_of, read_source
from modelward.dependencies.sources._others import unread as others
from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelward.dependencies._environment import Installed


def take_inventory(
    project: Path, *, environment: Environment | None = None, also: Sequence[Path] = ()
) -> Inventory:
    """Read every file of a project that names packages.

    Parameters
    ----------
    project : Path
        A folder, or one such file.
    environment : Environment, optional
        From `installed`: gives the versions that no file gives, and what those packages drag in.
    also : sequence of Path
        Further files that name packages, such as those beside a model that lies elsewhere.

    Raises
    ------
    InputError
        If there is nothing to read, or the one file that was named cannot be read.
    """
    if not project.exists():
        raise InputError(f"{project} does not exist: name a project folder or a requirements or lock file")
    installed = (environment or Environment()).packages
    single = project.is_file()
    inside, unread = ([project], ()) if single else walk(project, lambda _: True)
    files = [file for file in inside if single or format_of(file)]
    root = project.parent if single else project
    reads = [(file.relative_to(root).as_posix(), read_source(file, root)) for file in files]
    reads += [(f.name, read_source(f, f.parent)) for f in also if f not in files]
    problems: tuple[Problem, ...] = (*unread, *(p for _, read in reads for p in read.problems))
    if not single:
        problems += tuple(others(inside, root))
    if single and problems:
        raise InputError(f"{problems[0].place} {problems[0].text}")
    packages = tuple(
        dict.fromkeys(
            replace(p, direct=not p.locked and not p.hashed) for _, read in reads for p in read.packages
        )
    )
    doubts = [d for _, read in reads for d in read.doubts]
    known, unresolved = _resolve(packages, installed)
    problems += _undragged(known, installed)
    library = {path for path, read in reads if read.library}
    doubts += _looseness(packages, library, problems)
    doubts += conflicts(packages)
    return Inventory(
        known, unresolved, tuple(dict.fromkeys(doubts)), problems, tuple(path for path, _ in reads),
        tuple(p for p in packages if p.direct),
    )  # fmt: skip


def _undragged(known: tuple[Package, ...], environment: Mapping[str, Installed]) -> tuple[Problem, ...]:
    """Return the files of pinned packages of which nobody says what they drag in.

    A file with hashes is complete, or pip would refuse it.
    """
    if any(p.locked for p in known):
        return ()
    bare: dict[str, list[Package]] = {}
    for p in known:
        if not p.hashed and not _same(environment.get(p.name), p.version):
            bare.setdefault(p.path, []).append(p)
    return tuple(
        Problem(
            path,
            own[0].line,
            f"pins {own[0].name}{f' and {len(own) - 1} more' if own[1:] else ''}, and what "
            f"{'they drag' if own[1:] else 'it drags'} in is not known: lock it with hashes "
            "(uv pip compile --generate-hashes), or run this where it is installed",
        )
        for path, own in bare.items()
    )


def _same(found: Installed | None, version: str) -> bool:
    return found is not None and found.version == version


def _resolve(
    packages: tuple[Package, ...], environment: Mapping[str, Installed]
) -> tuple[tuple[Package, ...], tuple[Package, ...]]:
    """Split into packages with a version and those without; what is dragged in is added from the environment."""
    fixed = {p.name for p in packages if p.version}
    known = [_with_needs(p, environment) for p in packages if p.version]
    unresolved: list[Package] = []
    seen: set[str] = set(fixed)
    locked = any(p.locked for p in packages)
    pending: list[Package] = [] if locked else [p for p in known if p.name in environment]
    for package in packages:
        if package.version or package.name in fixed or package.kind == "path":
            continue
        if package.name not in environment or not fits(package.asked, environment[package.name].version):
            unresolved.append(package)
        elif package.name not in seen:
            seen.add(package.name)
            here = replace(
                package, version=environment[package.name].version, needs=_needs(environment, package)
            )
            known.append(here)
            pending.append(here)
    known += dragged(pending, seen, environment)
    return tuple(known), tuple(unresolved)


def dragged(
    packages: Sequence[Package], seen: set[str], environment: Mapping[str, Installed]
) -> list[Package]:
    """Return what packages drag in, as it is installed; names that were seen already are left out, and added to."""
    found: list[Package] = []
    pending = list(packages)
    while pending:
        package = pending.pop(0)
        for name in package.needs:
            if name in seen or name not in environment:
                continue
            seen.add(name)
            one = environment[name]
            new = replace(
                package, name=name, version=one.version, needs=one.needs, asked="", hashed=None, extras=(), direct=False
            )  # fmt: skip
            found.append(new)
            pending.append(new)
    return found


def _with_needs(package: Package, environment: Mapping[str, Installed]) -> Package:
    """Give a pinned package of which no file says what it asks for the needs of the very release installed here."""
    if package.needs or not _same(environment.get(package.name), package.version):
        return package
    return replace(package, needs=_needs(environment, package))


def _needs(environment: Mapping[str, Installed], package: Package) -> tuple[str, ...]:
    """Return what a package asks for, with the extras that the project asks for."""
    one = environment[package.name]
    return (*one.needs, *(name for extra in package.extras for name in one.extras.get(extra, ())))


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
                f"{len(loose)} of its packages {'have' if loose[1:] else 'has'} no hash: a release that "
                "was replaced under its own number is not noticed",
            )
        )
    return doubts
