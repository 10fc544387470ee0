"""What comes along with a project, as a page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from modelward._version import __version__
from modelward.cli._deps_weight import pictures, size, tables
from modelward.findings import SEVERITIES, Table
from modelward.reports import Page, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelward.cli._deps_output import Told
    from modelward.dependencies import How, Survey, Use, Vulnerability
    from modelward.findings import Finding

_ORDER = {"fail": 0, "inconclusive": 1, "warn": 2}
_HOW: dict[How, str] = {
    "serving": "imported where serving begins, or started there",
    "model": "imported when a model file is loaded",
    "dragged": "dragged in by one of these; whether it runs is not known",
    "imported": "imported by the project; what serves is not known",
    "elsewhere": "imported by other files of the project, or dragged in by such",
    "development": "a development tool only",
    "unseen": "no import of it was found",
}
_FOOT = (
    (
        "Files were read and nothing of the project was run. Where a package is used was told from imports in the "
        "syntax trees of its sources: what is imported by a name that is known at run time only is not seen, so a hole "
        "in a package that seems unused is still a hole."
    ),
    (
        "Bytes are those of installed files. What goes with a dependency is what nothing else that the project asks "
        "for needs: that much is gained by leaving it out."
    ),
)


def page_of(run: Told) -> Page:
    """Return the page about a project."""
    looked, holes = run.looked, run.holes
    told = sorted((f for f in run.found if not f.ignored), key=_rank(run))
    serious = tuple(f for f in told if f.verdict in ("fail", "inconclusive"))
    sections = [
        _glance(run),
        _use(looked, holes),
        _weight(looked, run.took),
        _rest(told),
        _packages(looked),
    ]
    return Page(
        title=run.project.resolve().name, headline=_headline(looked, holes, told, asked=run.database is not None),
        alarm=_alarm(looked, holes, told),
        calm="" if serious else "Nothing was found that fails, and nothing stayed open.",
        sections=tuple(s for s in sections if s is not None), findings=serious, exit_code=run.exit_code,
        version=__version__, foot=_FOOT, brand="what comes along with a project",
        closing="Read without running anything of the project.",
    )  # fmt: skip


def _rank(run: Told) -> Callable[[Finding], tuple[int, int, int]]:
    """Return how findings are put in order: what fails, then the severe, then what runs when the model is served."""
    uses = _uses(run.looked)
    order = list(_HOW)
    of = {
        id(f): order.index(uses[h.package.name].how)
        for f, h in zip(run.found, run.holes, strict=False)
        if h.package.name in uses
    }
    return lambda f: (_ORDER.get(f.verdict, 3), -SEVERITIES.index(f.severity), of.get(id(f), len(order)))


def _uses(looked: Survey) -> dict[str, Use]:
    return looked.reach.uses if looked.reach else {}


def _headline(looked: Survey, holes: Sequence[Vulnerability], told: Sequence[Finding], *, asked: bool) -> str:
    packages = len(looked.inventory.packages)
    if not holes:
        opened = sum(f.verdict == "inconclusive" for f in told)
        said = "no known hole was found" if asked else "nobody was asked for known holes"
        return f"{packages} packages: {said}" + (
            f", and {opened} things were not checked." if opened else "."
        )
    hit = len({hole.package.name for hole in holes})
    return f"{packages} packages: {len(holes)} known hole{'s' * (len(holes) != 1)} in {hit} of them."


def _alarm(looked: Survey, holes: Sequence[Vulnerability], told: Sequence[Finding]) -> str:
    uses = _uses(looked)
    served = [h for h in holes if (use := uses.get(h.package.name)) and use.how in ("serving", "model")]
    if served:
        names = ", ".join(dict.fromkeys(h.package.name for h in served))
        one = "are" if served[1:] else "is"
        return f"{len(served)} of these holes {one} in what runs when the model is served: {names}."
    fails = sum(f.verdict == "fail" for f in told)
    return f"{fails} findings fail." if fails > 1 else "1 finding fails." if fails else ""


def _glance(run: Told) -> Section:
    from modelward.cli._deps_output import index_line, listed

    looked, database, code = run.looked, run.database, run.code
    inventory, reach = looked.inventory, looked.reach
    dated = (
        f"{database.name} of {database.date}, {database.records:,} records"
        if database
        else "none: holes were not looked for"
    )
    facts = [
        ("packages", f"{len(inventory.packages)} with a version, {len(inventory.unresolved)} without"),
        ("read", listed(inventory.files) or "no file that names packages"),
        ("advisories", dated),
        ("yanked, abandoned", index_line(run.index).partition(": ")[2]),
        ("environment", looked.environment.name),
        ("weight", f"{size(looked.load.total)} in {looked.load.packages} packages that serving needs"),
    ]
    if code is not None:
        facts.append(
            (
                "code",
                f"{len(code.files):,} sources and notebooks, {code.silenced} findings silenced by comments",
            )
        )
    if reach is not None:
        begun = listed(dict.fromkeys(f"{e.path or e.tool} ({e.why})" for e in reach.entries))
        facts.append(("serving begins", begun or "not known: name it with --entry"))
        if reach.models:
            facts.append(("model files", listed(m.path for m in reach.models)))
        if reach.dynamic:
            facts.append(("not seen", f"imports named at run time only: {listed(reach.dynamic)}"))
    return Section("At a glance", facts=tuple(facts))


def _use(looked: Survey, holes: Sequence[Vulnerability]) -> Section | None:
    uses = _uses(looked)
    if not uses:
        return None
    names = {p.name for p in looked.inventory.packages}
    counts = Counter(use.how for name, use in uses.items() if name in names)
    hit = Counter(uses[h.package.name].how for h in holes if h.package.name in uses)
    rows = tuple((text, counts[how], hit[how]) for how, text in _HOW.items() if counts[how])
    return Section(
        "Does it matter here?", lead="Where the packages are used; it hides no finding.",
        tables=(Table("Use of packages", ("use", "packages", "known holes"), rows),),
    )  # fmt: skip


def _weight(looked: Survey, took: Mapping[str, float | None]) -> Section | None:
    load = looked.load
    if not load.weights:
        return None
    lead = f"{load.packages} packages, {size(load.total)} installed"
    lead += (
        f"; {load.unknown} are not installed here, and their bytes are not known." if load.unknown else "."
    )
    if load.tools:
        lead += f" Development alone needs {load.tools} more, {size(load.tools_total)}."
    return Section("What it weighs", lead=lead, series=pictures(load), tables=tables(load, took))


def _rest(told: Sequence[Finding]) -> Section | None:
    rows = tuple((f.code, f.severity, f.location or "", f.summary) for f in told if f.verdict == "warn")
    if not rows:
        return None
    return Section(
        "Warnings", lead=f"{len(rows)} warnings, none of which fails.", folded=True,
        tables=(Table("Warnings", ("code", "severity", "where", "what"), rows),),
    )  # fmt: skip


def _packages(looked: Survey) -> Section | None:
    uses = _uses(looked)
    rows = tuple(
        (p.name, p.version, p.place, uses[p.name].text if p.name in uses else "")
        for p in looked.inventory.packages
    )
    if not rows:
        return None
    return Section(
        "All packages", folded=True, tables=(Table("Packages", ("package", "version", "from", "use"), rows),)
    )
