"""From where serving begins to the packages: over the project's own files, then over what packages ask for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from modelward.dependencies.reach._project import beside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from modelward.dependencies._modules import Owners
    from modelward.dependencies._packages import Package
    from modelward.dependencies.reach._entries import Entry
    from modelward.dependencies.reach._models import ModelFile
    from modelward.dependencies.reach._project import Source

How = Literal["serving", "model", "dragged", "imported", "elsewhere", "development", "unseen"]


@dataclass(frozen=True, slots=True)
class Use:
    """Whether a package matters where a project serves. It never hides a finding.

    Parameters
    ----------
    how : {"serving", "model", "dragged", "imported", "elsewhere", "development", "unseen"}
        Imported by what serves; reached by loading a model file; asked for by a package that is one of these;
        imported by the project, of which nobody knows what serves; by its other files, or asked for by what those
        import; by development tools only; or no import was found.
    text : str
        The same as a sentence.
    chain : tuple of str
        ``path:line`` of each import on the way, and packages on it by name.
    """

    how: How
    text: str
    chain: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """What is known of where packages are used.

    Parameters
    ----------
    entries : tuple of Entry
        Where serving begins; empty if nobody knows.
    models : tuple of ModelFile
    uses : dict of str to Use
        By a package's name.
    dynamic : tuple of str
        Places, reached from an entry, that import what is named at run time only: a package may be used there
        without being seen.
    unread : tuple of str
        Sources that could not be read.
    """

    entries: tuple[Entry, ...] = ()
    models: tuple[ModelFile, ...] = ()
    uses: dict[str, Use] = field(default_factory=dict)
    dynamic: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass
class _Walked:
    """Files that were reached, each with the way to it, and the names imported from there."""

    ways: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


def trace(
    packages: Sequence[Package],
    source: Source,
    entries: Sequence[Entry],
    models: Sequence[ModelFile],
    owners: Owners,
    blind: Collection[str] = (),
) -> Reach:
    """Say of each package whether and how it is used.

    Parameters
    ----------
    packages : sequence of Package
    source : Source
    entries, models : sequence
        Where serving begins, and what it loads.
    owners : Owners
        Who brings a module.
    blind : collection of str
        Packages of which nobody says what they ask for.
    """
    serving = _walk(source, [(e.path, (e.why,)) for e in entries if e.path], owners)
    found = _in_use(source, serving, entries, models, owners)
    if entries:
        _drag(packages, found, serving=True)
    dynamic = tuple(
        f"{path}:{line}" for path in (serving.ways or source.files) for line in source.files[path].dynamic
    )
    gaps = _gaps(source, models, dynamic)
    unknown = [p.name for p in packages if p.name in blind and p.name in found]
    more = f"{'; ' * bool(gaps)}what {unknown[0]} asks for is not known" if unknown else ""
    rest = _walk(source, sorted(((p, ()) for p in source.files), key=lambda item: beside(item[0])), owners)
    for name, way in rest.names.items():
        for owner in owners.of(name):
            found.setdefault(owner, _elsewhere(way, entries, gaps))
    _drag(packages, found, serving=not entries)
    tools = {p.name for p in packages if p.dev} - {p.name for p in packages if not p.dev}
    unseen = _unseen(gaps + more)
    tool = Use(
        "development", f"A development tool only: no import of it by what serves was found{_but(gaps)}."
    )
    for package in packages:
        before = found.setdefault(package.name, unseen)
        if package.name in tools and before.how in ("elsewhere", "imported", "unseen"):
            found[package.name] = tool
    return Reach(tuple(entries), tuple(models), found, dynamic, source.unread)


def _in_use(
    source: Source, serving: _Walked, entries: Sequence[Entry], models: Sequence[ModelFile], owners: Owners
) -> dict[str, Use]:
    """Return what is imported where serving begins, or by loading a model file."""
    held = {name: (m.path,) for m in reversed(models) for name in m.names}
    own = [(path, way) for name, way in held.items() for path in [_file_of(name, source, owners)] if path]
    loading = _walk(source, own, owners)
    found = {e.tool: Use("serving", f"It runs when serving: {e.why}.", (e.why,)) for e in entries if e.tool}
    for name, way in serving.names.items():
        for owner in owners.of(name):
            found.setdefault(owner, Use("serving", f"Imported when serving: {_arrow(way)}.", way))
    for name, way in {**loading.names, **held}.items():
        for owner in owners.of(name):
            found.setdefault(owner, Use("model", f"Loading {way[0]} imports it ({name}).", (*way, name)))
    return found


def _walk(source: Source, begin: Iterable[tuple[str, tuple[str, ...]]], owners: Owners) -> _Walked:
    """Follow imports breadth first, so that the way to each file is a shortest one."""
    walked = _Walked()
    pending: deque[str] = deque()
    for path, way in begin:
        if path not in walked.ways:
            walked.ways[path] = way
            pending.append(path)
    while pending:
        path = pending.popleft()
        for one in source.files[path].found:
            way = (*walked.ways[path], f"{path}:{one.line}")
            files, name = source.imported(path, one)
            if name and not owners.of(name):
                files = source.resolve(name, source.roots)
            elif name:
                walked.names.setdefault(name, way)
            for file in files:
                if file not in walked.ways:
                    walked.ways[file] = way
                    pending.append(file)
    return walked


def _file_of(name: str, source: Source, owners: Owners) -> str:
    """Return the project's file that a name in a model file means; empty if it is somebody else's."""
    if owners.of(name):
        return ""
    files = source.resolve(name, source.roots)
    return files[-1] if files else ""


def _drag(packages: Sequence[Package], found: dict[str, Use], *, serving: bool) -> None:
    """Add what packages in use ask for, on a shortest way."""
    needs: dict[str, dict[str, None]] = {}
    for package in packages:
        needs.setdefault(package.name, {}).update(dict.fromkeys(package.needs))
    pending: deque[tuple[str, tuple[str, ...]]] = deque((name, (name,)) for name in found)
    while pending:
        name, way = pending.popleft()
        for needed in needs.get(name, ()):
            if needed in needs and needed not in found:
                found[needed] = _dragged(found[way[0]], way, serving=serving)
                pending.append((needed, (*way, needed)))


def _dragged(first: Use, way: tuple[str, ...], *, serving: bool) -> Use:
    over = f" by way of {' → '.join(way[1:])}" if way[1:] else ""
    when = {
        "serving": "which is in use when serving",
        "model": f"which loading {first.chain[0]} imports" if first.chain else "",
        "imported": "which the project imports",
    }.get(first.how, "which nothing that serves imports")
    text = f"It comes along with {way[0]}{over}, {when}; whether it is run is not known."
    return Use("dragged" if serving else "elsewhere", text, (*first.chain, *way))


def _elsewhere(way: tuple[str, ...], entries: Sequence[Entry], gaps: str) -> Use:
    if entries:
        return Use("elsewhere", f"Imported at {way[0]}, and by nothing that serves{_but(gaps)}.", way)
    return Use("imported", f"Imported at {_arrow(way)}; what serves is not known, name it with --entry.", way)


def _gaps(source: Source, models: Sequence[ModelFile], dynamic: Sequence[str]) -> str:
    """Return why an import may have been missed; empty if nothing is known to be missing."""
    why = []
    if dynamic:
        why.append(f"{dynamic[0]} imports what is named at run time only")
    if source.unread:
        why.append(f"{source.unread[0]} could not be read")
    broken = [m.path for m in models if m.unread]
    if broken:
        why.append(f"{broken[0]} could not be read to its end")
    return "; ".join(why)


def _unseen(gaps: str) -> Use:
    text = "No import of it was found in the project, nor a package in use that asks for it"
    return Use("unseen", f"{text}{_but(gaps)}.")


def _but(gaps: str) -> str:
    return f", but {gaps}" if gaps else ""


def _arrow(way: tuple[str, ...]) -> str:
    return " → ".join(way)
