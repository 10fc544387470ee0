"""What comes along with the project of a model, for `assess`: all that `modelward deps` finds, one finding a code."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from modelward.checks._base import Evidence
from modelward.checks._dependencies import TITLES, code_findings, container_findings, dependency_findings
from modelward.findings import Claim, Countermeasure, Finding, Table
from modelward.stats import Exact
from modelward.taxonomy import mode

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.findings import Verdict

MAX_AGE = 30
"""Days after which a database of advisories says too little."""
_SHOWN = 50
_LOOKED = "what comes along"
_LOCK = Lock()


def look(project: Path, *, today: datetime.date) -> tuple[Finding, ...]:
    """Return what `modelward deps` finds in a project; the advisories are those of the environment or the cache.

    Parameters
    ----------
    project : Path
        A folder.
    today : date
        Against which the age of the advisories counts.

    Raises
    ------
    InputError
        If the folder or the database cannot be read.
    """
    from modelward.dependencies import (
        audit,
        cached_database,
        read_code,
        read_containers,
        read_database,
        survey,
    )

    looked = survey(project)
    inventory = looked.inventory
    named = os.environ.get("MODELWARD_ADVISORIES")
    path = Path(named) if named else cached_database()
    database = None
    if named or path.is_file():
        database = read_database(path, today=today, wanted={p.name for p in inventory.packages})
    holes = audit(inventory.packages, database) if database else ()
    missing = "there is no advisory database: fetch one with `modelward deps --update-db`, or set MODELWARD_ADVISORIES"
    found = dependency_findings(
        inventory,
        database,
        holes,
        today=today,
        max_age=MAX_AGE,
        missing=missing,
        uses=looked.reach.uses if looked.reach else None,
    )
    return (*found, *code_findings(read_code(project)), *container_findings(read_containers(project)))


def looked_at(scope: Scope) -> tuple[Finding, ...]:
    """Return what was found in the project of a scope, which is looked at once."""
    with _LOCK:
        if _LOOKED not in scope.options and scope.project is not None:
            scope.options[_LOOKED] = look(scope.project, today=datetime.datetime.now(tz=datetime.UTC).date())
        found: tuple[Finding, ...] = scope.options.get(_LOOKED, ())
    return found


def holes_of(found: tuple[Finding, ...]) -> Evidence:
    """Return the evidence about known holes: their number, and why there may be more."""
    mine = [f for f in found if f.code == "MW111"]
    failed = [f for f in mine if f.verdict == "fail"]
    open_ = [f for f in mine if f.verdict == "inconclusive"]
    why = ""
    if open_:
        first = open_[0].summary.removeprefix("Not checked: ").rstrip(".")
        why = f"{len(open_)} things could not be checked, such as: {first}"
    return Evidence(
        f"{len(failed)} known vulnerabilities in what the project is installed with.",
        claims=(Claim("known vulnerabilities", Exact(float(len(failed)), 1), "advisories"),),
        tables=_tables(mine),
        countermeasures=_advice(failed),
        inconclusive="" if failed else why,
        unproven=why,
        location=mine[0].location if mine else None,
        parts=tuple(mine),
    )


def others_of(scope: Scope) -> tuple[Finding, ...]:
    """Return the findings of the other codes about the project, if it was looked at."""
    found: tuple[Finding, ...] = scope.options.get(_LOOKED, ())
    if _LOOKED not in scope.options:
        return ()
    return tuple(
        _sum(code, [f for f in found if f.code == code]) for code in sorted(TITLES) if code != "MW111"
    )


def _sum(code: str, parts: list[Finding]) -> Finding:
    order: tuple[Verdict, ...] = ("fail", "inconclusive", "warn")
    verdict: Verdict = next((v for v in order if any(p.verdict == v for p in parts)), "pass")
    counts = [
        f"{n} {word}"
        for v, word in zip(order, ("to mend", "not checked", "to look at"), strict=True)
        if (n := sum(p.verdict == v for p in parts))
    ]
    title, severity = TITLES[code]
    worst = [p for p in parts if p.verdict == verdict]
    summary = f"{title}: {', '.join(counts) or 'nothing was found'}."
    return Finding(
        code=code,
        number=11,
        failure_mode=mode(11).name,
        title=title,
        verdict=verdict,
        severity=severity,
        summary=summary,
        tables=_tables(parts),
        countermeasures=_advice(worst),
        location=worst[0].location if worst else None,
        parts=tuple(parts),
    )


def _tables(parts: list[Finding]) -> tuple[Table, ...]:
    order = ("fail", "inconclusive", "warn", "measured", "pass")
    rows = sorted(parts, key=lambda p: order.index(p.verdict))[:_SHOWN]
    if not rows:
        return ()
    more = f" (the first {_SHOWN} of {len(parts)})" if len(parts) > _SHOWN else ""
    return (
        Table(
            f"What was found{more}",
            ("where", "verdict", "what"),
            tuple((p.location or "", p.verdict, p.summary) for p in rows),
        ),
    )


def _advice(parts: list[Finding]) -> tuple[Countermeasure, ...]:
    return tuple(dict.fromkeys(c for p in parts for c in p.countermeasures))[:3]
