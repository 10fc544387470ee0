"""What the dependencies room finds, as findings: one for each hole, doubt or thing that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._elsewhere import ELSEWHERE
from modelward.findings import Countermeasure, Finding, Severity, Verdict
from modelward.taxonomy import mode

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    from modelward.dependencies import (
        CodeRead,
        ContainerRead,
        Database,
        Doubt,
        Hazard,
        Inventory,
        Problem,
        Use,
        Vulnerability,
    )

TITLES: dict[str, tuple[str, Severity]] = {
    kind.code: (kind.title, kind.severity) for kind in ELSEWHERE if kind.number == 11
}


def dependency_findings(
    inventory: Inventory,
    database: Database | None,
    holes: tuple[Vulnerability, ...],
    *,
    missing: str,
    today: datetime.date,
    max_age: int,
    uses: Mapping[str, Use] | None = None,
) -> tuple[Finding, ...]:
    """Return the findings about a project's packages.

    Parameters
    ----------
    inventory : Inventory
    database : Database or None
        None if there is none.
    holes : tuple of Vulnerability
    missing : str
        Why there is no database.
    today : date
    max_age : int
        Days after which a database says too little.
    uses : mapping of str to Use, optional
        Whether each package matters where the project serves: said beside its holes, and nothing is hidden by it.
    """
    found = [_hole(hole, uses) for hole in holes]
    found += [
        _open(text, place) for text, place in open_questions(inventory, database, missing, today, max_age)
    ]
    found += [_doubt(doubt) for doubt in inventory.doubts]
    return tuple(found)


def open_questions(
    inventory: Inventory, database: Database | None, missing: str, today: datetime.date, max_age: int
) -> list[tuple[str, str | None]]:
    """Return what could not be checked, and where: with any of these a project is never clean."""
    asked: list[tuple[str, str | None]] = [(f"{p.place} {p.text}", p.place) for p in inventory.problems]
    named = (*inventory.packages, *inventory.unresolved)
    if not inventory.problems and not any(p.path in inventory.files for p in named):
        asked.append(("no file that names packages was found", None))
    asked += [
        (f"no version of {p.name} is known: pin it, lock it, or run this where it is installed", p.place)
        for p in inventory.unresolved
    ]
    if database is None:
        return [*asked, (missing, None)]
    age = database.age(today)
    if age is None:
        asked.append((f"{database.name} does not tell its date", None))
    elif age > max_age:
        old = f"{database.name} is of {database.date}, {age:,} days old, and may be {max_age}"
        asked.append((f"{old}: download the current one", None))
    ours = {p.name: p for p in inventory.packages}
    asked += [
        (f"an advisory about {name} has a range that makes no sense and was skipped", ours[name].place)
        for name in sorted(database.doubtful & set(ours))
    ]
    odd = [p for p in inventory.packages if not _readable(p.version)]
    asked += [(f"{p.name} {p.version} is no version of PEP 440: it cannot be compared", p.place) for p in odd]
    return asked


def _readable(version: str) -> bool:
    from modelward.dependencies._ranges import parse

    return parse(version) is not None


def _hole(hole: Vulnerability, uses: Mapping[str, Use] | None) -> Finding:
    package = hole.package
    names = ", ".join(hole.ids[:4])
    remedy = (
        f"Upgrade {package.name} to {hole.upgrade}" if hole.upgrade
        else f"No release of {package.name} is known that resolves it: look for a replacement"
    )  # fmt: skip
    own = " It is a development tool only." if package.dev else ""
    use = f" {uses[package.name].text}" if uses and package.name in uses else own
    stop = "" if hole.summary.endswith((".", "!", "?", "…")) or not use else "."
    return _finding(
        "MW111", "fail", f"{package.name}: {hole.ids[0]}",
        f"{package.name} {package.version} has {names}: {hole.summary}{stop}{use}", package.place, remedy,
        names=hole.ids,
    )  # fmt: skip


def _open(text: str, place: str | None) -> Finding:
    return _finding("MW111", "inconclusive", TITLES["MW111"][0], f"Not checked: {text}.", place, "")


def _doubt(doubt: Doubt) -> Finding:
    verdict: Verdict = "fail" if doubt.severe else "warn"
    return _finding(
        "MW113", verdict, f"{TITLES['MW113'][0]}: {doubt.rule}", f"{doubt.text}.", doubt.place, "",
        severity="low" if doubt.minor else None,
    )  # fmt: skip


def _finding(
    code: str,
    verdict: Verdict,
    title: str,
    summary: str,
    place: str | None,
    remedy: str,
    severity: Severity | None = None,
    names: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        code=code, number=11, failure_mode=mode(11).name, title=title, verdict=verdict,
        severity=severity or TITLES[code][1], summary=summary, location=place,
        countermeasures=(Countermeasure(remedy),) if remedy else (), names=names,
    )  # fmt: skip


def code_findings(code: CodeRead) -> tuple[Finding, ...]:
    """Return the findings about a project's code: one for each place, and one for each file that was not read."""
    return _places("MW112", "bandit", code.hazards, code.problems)


def container_findings(read: ContainerRead) -> tuple[Finding, ...]:
    """Return the findings about a project's container files, likewise."""
    return _places("MW114", "hadolint", read.flaws, read.problems)


def _places(
    code: str, peer: str, hazards: tuple[Hazard, ...], problems: tuple[Problem, ...]
) -> tuple[Finding, ...]:
    found = [_hazard(hazard, code, peer) for hazard in hazards]
    found += [
        _finding(code, "inconclusive", TITLES[code][0], f"Not checked: {p.place} {p.text}.", p.place, "")
        for p in problems
    ]
    return tuple(found)


def _hazard(hazard: Hazard, code: str, peer: str) -> Finding:
    cell = f"Cell {hazard.cell}: " if hazard.cell else ""
    also = f" ({peer} {', '.join(hazard.also)})" if hazard.also else ""
    verdict: Verdict = "fail" if hazard.level == "high" else "warn"
    return _finding(
        code, verdict, f"{TITLES[code][0]}: {hazard.rule}", f"{cell}{hazard.text}{also}.",
        hazard.place, hazard.remedy, severity=hazard.level,
    )  # fmt: skip
