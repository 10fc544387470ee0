"""Which checks apply, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.errors import UsageError
from modelward.findings import Coverage, Finding, Status
from modelward.taxonomy import MODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.checks import Check

# A row with several checks takes the first of these that any of them has: a crash is never hidden by a
# sibling that ran.
_ORDER: tuple[Status, ...] = ("error", "skipped", "checked", "not_given", "not_applicable")


TOLD = ("MW132", "MW147", "MW148")
"""Findings that open alerts of `--store` give beside those of the checks that read it."""
READ_STORE = ("MW121", "MW131", "MW142", "MW143")


@dataclass(frozen=True)
class Outcome:
    """What became of one check."""

    check: type[Check]
    status: Status
    reason: str = ""
    finding: Finding | None = None


def keeps(code: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    """Say whether the user's choices keep a code.

    Examples
    --------
    >>> keeps("MW148", ["MW14"], []), keeps("MW148", ["MW142"], []), keeps("MW148", [], ["MW148"])
    (True, False, False)
    """
    return (not select or code.startswith(tuple(select))) and not (ignore and code.startswith(tuple(ignore)))


def make_sure_told(select: Sequence[str], ignore: Sequence[str], *, store: bool) -> None:
    """Make sure that a check reads the store, where findings are kept that only a store that was read can give.

    Without one they would be silent, and look clean.

    Raises
    ------
    UsageError
        If none does.
    """
    told = [code for code in TOLD if keeps(code, select, ignore)]
    if told and (select or store) and not any(keeps(code, select, ignore) for code in READ_STORE):
        raise UsageError(
            f"{told[0]} is told beside checks that read --store: select MW142 too, or ignore {told[0]} as well"
        )


def chosen(
    checks: Sequence[type[Check]],
    *,
    select: Sequence[str],
    ignore: Sequence[str],
    exposure: Sequence[str],
    refused: bool,
) -> tuple[list[type[Check]], list[Outcome]]:
    """Split the checks into those to run and those that the user's choices leave out.

    Parameters
    ----------
    checks : sequence of Check classes
    select, ignore : sequence of str
        Codes or their beginnings, such as ``MW041`` or ``MW04``.
    exposure : sequence of str
        The declared exposure.
    refused : bool
        Whether the model file was refused, so that only its file can be looked at.

    Raises
    ------
    UsageError
        If a code matches no check.
    """
    codes = [check.code for check in checks]
    for word in (*select, *ignore):
        if not word or not any(code.startswith(word) for code in (*codes, *TOLD)):
            raise UsageError(
                f"no check has a code beginning with {word!r}; there are {', '.join((*codes, *TOLD))}"
            )
    run: list[type[Check]] = []
    left: list[Outcome] = []
    for check in checks:
        if select and not check.code.startswith(tuple(select)):
            left.append(Outcome(check, "not_applicable", "not selected (--select)"))
        elif ignore and check.code.startswith(tuple(ignore)):
            left.append(Outcome(check, "not_applicable", "left out (--ignore)"))
        elif check.exposure and not set(check.exposure) & set(exposure):
            left.append(Outcome(check, "not_applicable", "outside the declared exposure"))
        elif refused and check.needs_model:
            left.append(Outcome(check, "skipped", "the model file was refused, so the model was not asked"))
        else:
            run.append(check)
    return run, left


def share_out(checks: Sequence[type[Check]], rows: int) -> dict[str, int]:
    """Divide a row budget among the checks, before any of them runs.

    Shares that are fixed beforehand do not depend on which check happens to ask first. A check whose share
    would be less than it needs gets nothing, and its share goes to the others.

    Parameters
    ----------
    checks : sequence of Check classes
        Those that run.
    rows : int
        To divide.

    Returns
    -------
    dict of str to int
        Rows by code.
    """
    asking = [check for check in checks if check.query_share > 0]
    while asking:
        total = sum(check.query_share for check in asking)
        shares = {check.code: int(rows * check.query_share / total) for check in asking}
        short = [check for check in asking if shares[check.code] < check.min_queries]
        if not short:
            return {check.code: shares.get(check.code, 0) for check in checks}
        greediest = max(short, key=lambda check: check.min_queries)
        asking.remove(greediest)
    return {check.code: 0 for check in checks}


def coverage(outcomes: Sequence[Outcome]) -> tuple[Coverage, ...]:
    """Return the seventeen rows, each with its status and the reasons of the checks that did not finish."""
    rows = []
    for mode in MODES:
        own = [o for o in outcomes if o.check.number == mode.number]
        status: Status = next((s for s in _ORDER if any(o.status == s for o in own)), "not_applicable")
        told = [o for o in own if o.status == status or (status == "checked" and o.status != "checked")]
        reasons: list[str] = []
        apart = len(own) > 1 and len({(o.status, o.reason) for o in own}) > 1
        for outcome in told:
            if outcome.reason:
                text = f"{outcome.check.code}: {outcome.reason}" if apart else outcome.reason
                if text not in reasons:
                    reasons.append(text)
        rows.append(Coverage(mode.number, mode.name, status, "; ".join(reasons)))
    return tuple(rows)
