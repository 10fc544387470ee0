"""Check: a row of the taxonomy made operational.

A check asks an engine and hands over Evidence: figures with intervals, and words. It never states a verdict;
`conclude` compares the figures with their limits in the same way for all checks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from modelward.findings import Claim, Cost, Finding, Limit, Policy, judge, verdict_of
from modelward.taxonomy import mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from modelward.checks._scope import Scope
    from modelward.findings import Countermeasure, Series, Severity, Table


class CheckNotApplicable(Exception):  # noqa: N818 - it is an outcome, not an error
    """The check says nothing about this kind of model; the message says why."""


class CheckNotGiven(Exception):  # noqa: N818 - it is an outcome, not an error
    """Something that the check needs was not given; the message names the flag that supplies it."""


class CheckSkipped(Exception):  # noqa: N818 - it is an outcome, not an error
    """The check could not be finished within its budget; the message says what would help."""


@dataclass(frozen=True)
class Evidence:
    """What a check measured.

    Parameters
    ----------
    summary : str
        What was measured, in a sentence or two, without a verdict.
    claims : tuple of Claim
        Figures to be judged. Their limits are left out: `conclude` takes them from the check and the
        configuration; a figure for which there is none is shown as it is.
    series, tables : tuple
        Pictures and tables.
    countermeasures : tuple of Countermeasure
        What to do about it, those tried with their measured effect first.
    attack_rows : ndarray of shape (m, d) or None
        Encoded rows as an attacker sent them, to be replayed through the input locks.
    inconclusive : str
        Why the figures cannot be believed, whatever they say ("not exchangeable"); empty if they can.
    unproven : str
        Why figures on the right side of their limits prove nothing here ("pairs were not tried"): a pass becomes
        inconclusive, a warning or a fail stands.
    location : str or None
        A relative path or a place in a file.
    parts : tuple of Finding
        The findings that this sums up, each with a place of its own.
    """

    summary: str
    claims: tuple[Claim, ...] = ()
    series: tuple[Series, ...] = ()
    tables: tuple[Table, ...] = ()
    countermeasures: tuple[Countermeasure, ...] = ()
    attack_rows: NDArray[np.float64] | None = None
    inconclusive: str = ""
    unproven: str = ""
    location: str | None = None
    parts: tuple[Finding, ...] = ()


class Check(ABC):
    """Base of all checks; the class attributes are the source of docs, `explain` and reports.

    Attributes
    ----------
    code : str
        ``MW`` + number of the taxonomy's row + a digit.
    title : str
        What it measures, in a few words.
    number : int
        Row of the taxonomy.
    severity : {"low", "medium", "high", "critical"}
        Impact if it is true; fixed.
    exposure : tuple of str
        Who could do it; empty for what goes wrong by itself.
    limits : mapping of str to Limit
        Default limits by the name of the measure; a measure with several values (one per column, say)
        uses the name before the first colon.
    references : tuple of str
        Sources of the method.
    query_share : float
        How much of a row budget it gets, against other checks; 0 for one that asks the model nothing beyond
        the answers to the test rows.
    min_queries : int
        With fewer rows than this it cannot say anything, and is skipped before it sends one.
    needs_model : bool
        Whether the model is asked; a check that only reads its file also runs when the file was refused.
    flags : str
        What to give it on the command line beside the model and its data, as `explain` shows it.
    by_chance : bool
        Whether its figures come from samples: a bare count can be no false fail, and takes nothing of the rate of them.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    number: ClassVar[int]
    severity: ClassVar[Severity]
    exposure: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[Mapping[str, Limit]] = {}
    references: ClassVar[tuple[str, ...]] = ()
    query_share: ClassVar[float] = 0.0
    min_queries: ClassVar[int] = 0
    needs_model: ClassVar[bool] = True
    by_chance: ClassVar[bool] = True
    flags: ClassVar[str] = "--train FILE"

    @abstractmethod
    def run(self, scope: Scope) -> Evidence:
        """Measure.

        Raises
        ------
        CheckNotApplicable, CheckNotGiven, CheckSkipped
            Outcomes other than evidence.
        """


def conclude(check: type[Check], evidence: Evidence, *, alpha: float, policy: Policy, cost: Cost) -> Finding:
    """Judge the evidence and return the finding."""
    claims = [
        replace(claim, limit=policy.limit_for(check.code, claim, check.limits)) for claim in evidence.claims
    ]
    measures = judge(claims, alpha=alpha)
    verdict = verdict_of(measures)
    open_question = evidence.inconclusive or (evidence.unproven if verdict == "pass" else "")
    if open_question:
        verdict = "inconclusive"
        # What may have been missed would move every figure: none of them stands as passed.
        measures = tuple(replace(m, verdict="inconclusive") if m.verdict == "pass" else m for m in measures)
    summary = f"{evidence.summary} Inconclusive: {open_question}." if open_question else evidence.summary
    return Finding(
        code=check.code, number=check.number, failure_mode=mode(check.number).name, title=check.title,
        verdict=verdict, severity=check.severity, summary=summary, measures=measures,
        series=evidence.series, tables=evidence.tables, countermeasures=evidence.countermeasures,
        cost=cost, location=evidence.location, parts=evidence.parts,
    )  # fmt: skip
