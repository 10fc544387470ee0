"""What comes along with the project of a model, for `assess`: all that `modelward deps` finds, one finding a code."""

from __future__ import annotations

import datetime
import os
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from modelward.checks._base import Evidence
from modelward.checks._dependencies import TITLES, code_findings, container_findings, dependency_findings
from modelward.findings import Claim, Countermeasure, Finding, Policy, Table, read_policy
from modelward.stats import Exact

if TYPE_CHECKING:
    from modelward.checks._scope import Scope

MAX_AGE = 30
"""Days after which a database of advisories says too little."""
HOLES, FAILED, WARNED = "known vulnerabilities", "to mend", "to look at"
"""Names of the measures: holes, findings that fail, findings that warn."""
_SHOWN = 50
_LOOKED = "what comes along"
_LOCK = Lock()


def look(
    project: Path,
    *,
    today: datetime.date,
    db: Path | None = None,
    max_age: int = MAX_AGE,
    index: str | None = None,
    policy: Policy | None = None,
) -> tuple[Finding, ...]:
    """Return what `modelward deps` finds in a project, each finding that is ignored marked as such.

    Parameters
    ----------
    project : Path
        A folder. What its own pyproject.toml ignores is ignored, too.
    today : date
        Against which the age of the advisories counts.
    db : Path, optional
        The advisories; those of the environment or the cache if absent.
    max_age : int
        Days after which the advisories say too little.
    index : str, optional
        Simple pages of a package index that is asked, too.
    policy : Policy, optional

    Raises
    ------
    InputError
        If the folder or the database cannot be read, or the index does not answer.
    """
    from modelward.checks import all_codes
    from modelward.dependencies import (
        audit,
        cache_folder,
        cached_database,
        read_code,
        read_containers,
        read_database,
        survey,
    )

    looked = survey(project)
    inventory, reach = looked.inventory, looked.reach
    named = db or os.environ.get("MODELWARD_ADVISORIES")
    path = Path(named) if named else cached_database()
    asked = (*inventory.packages, *inventory.unresolved)
    database = None
    if path is not None and (named or path.is_file()):
        database = read_database(path, today=today, wanted={p.name for p in asked}, cache=cache_folder())
    holes = audit(inventory.packages, database) if database else ()
    if index:
        from modelward.dependencies import ask_index

        doubts = ask_index(inventory, index, today=today).doubts
        inventory = replace(inventory, doubts=(*inventory.doubts, *doubts))
    missing = (
        "there is no advisory database: name one with --db, or fetch one with `modelward deps --update-db`"
    )
    found = dependency_findings(
        inventory, database, holes, today=today, max_age=max_age, missing=missing, uses=reach.uses if reach else None,
    )  # fmt: skip
    found += code_findings(read_code(project, asked)) + container_findings(read_containers(project))
    ignores = policy.ignores if policy else ()
    settings = project / "pyproject.toml"
    if settings.is_file() and not inventory.problems:
        own = read_policy(settings, all_codes()).ignores
        ignores = (*ignores, *(entry for entry in own if entry not in ignores))
    return Policy(ignores=ignores).apply_ignores(found, today)[0]


def looked_at(scope: Scope) -> tuple[Finding, ...]:
    """Return what was found in the project of a scope, which is looked at once."""
    with _LOCK:
        if _LOOKED not in scope.options and scope.project is not None:
            scope.options[_LOOKED] = look(
                scope.project, today=datetime.datetime.now(tz=datetime.UTC).date(), db=scope.options.get("db"),
                max_age=scope.options.get("max_db_age", MAX_AGE), index=scope.options.get("index"),
                policy=scope.options.get("policy"),
            )  # fmt: skip
        found: tuple[Finding, ...] = scope.options.get(_LOOKED, ())
    return found


def evidence_of(code: str, found: tuple[Finding, ...]) -> Evidence:
    """Return the evidence about one code: how many findings fail and warn, and why there may be more.

    What is ignored is among the parts, and counts for nothing.
    """
    parts = [f for f in found if f.code == code]
    mine = [f for f in parts if f.ignored is None]
    failed, warned, open_ = ([f for f in mine if f.verdict == v] for v in ("fail", "warn", "inconclusive"))
    why = ""
    if open_:
        first = open_[0].summary.removeprefix("Not checked: ").rstrip(".")
        why = f"{len(open_)} things could not be checked, such as: {first}"
    quiet = f" {len(parts) - len(mine)} more are ignored, for reasons." if len(mine) < len(parts) else ""
    if code == "MW111":
        summary = f"{len(failed)} known vulnerabilities in what the project is installed with."
        claims: tuple[Claim, ...] = (Claim(HOLES, Exact(float(len(failed)), 1), "advisories"),)
    else:
        counts = [f"{len(f)} {word}" for f, word in ((failed, FAILED), (warned, WARNED)) if f]
        summary = f"{TITLES[code][0]}: {', '.join(counts) or 'nothing was found'}."
        claims = tuple(
            Claim(word, Exact(float(len(f)), 1), "findings")
            for f, word in ((failed, FAILED), (warned, WARNED))
        )
    worst = failed or open_ or warned
    return Evidence(
        summary + quiet,
        claims=claims,
        tables=_tables(mine),
        countermeasures=_advice(worst),
        inconclusive="" if failed else why,
        unproven=why,
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
