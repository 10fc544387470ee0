"""From claims to verdicts: the one place where a figure meets its limit.

A report promises that in at most 5 % of sound cases it contains a false `fail`. That 5 % is divided equally
over all codes that can fail (whether or not they ran), and within a code by Holm's step-down procedure
(Holm 1979). `pass` needs every claim of a code to be proven on the right side, an intersection-union test
(Berger 1982), so it spends no multiplicity.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from modelward.findings._measure import Claim, Estimate, Limit, Measure, Verdict, Worse

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORT_ALPHA = 0.05
SHOWN_CONFIDENCE = 0.95

_Side = Literal["wrong", "right", "open"]


def code_alpha(codes_that_can_fail: int) -> float:
    """Return the error rate that one code may spend.

    Examples
    --------
    >>> code_alpha(5)
    0.01
    """
    return REPORT_ALPHA / max(1, codes_that_can_fail)


def _beyond(estimate: Estimate, limit: float, worse: Worse, alpha: float) -> bool:
    """Say whether the one-sided bound at `alpha` is on the wrong side of the limit."""
    low, high = estimate.interval(1 - 2 * alpha)
    return low > limit if worse == "higher" else high < limit


def _within(estimate: Estimate, limit: float, worse: Worse, alpha: float) -> bool:
    low, high = estimate.interval(1 - 2 * alpha)
    return high <= limit if worse == "higher" else low >= limit


def p_value(estimate: Estimate, limit: float, worse: Worse) -> float:
    """Return the one-sided p-value of "the true value is not beyond the limit", by inverting the interval.

    Returns
    -------
    float
        In (0, 1]; 1 when even the point estimate's own side does not lie beyond the limit.
    """
    if not _beyond(estimate, limit, worse, 0.4999):
        return 1.0
    low, high = -12.0, math.log10(0.4999)
    if _beyond(estimate, limit, worse, 10.0**low):
        return float(10.0**low)
    for _ in range(40):
        middle = (low + high) / 2
        if _beyond(estimate, limit, worse, 10.0**middle):
            high = middle
        else:
            low = middle
    return float(10.0**high)


def _sides(claims: Sequence[Claim], limits: Sequence[float | None], alpha: float) -> list[_Side | None]:
    """Return for each claim on which side of its limit it is proven to lie; None without a limit."""
    sides: list[_Side | None] = [None] * len(claims)
    ranked: list[tuple[float, int]] = []
    for i, (claim, limit) in enumerate(zip(claims, limits, strict=True)):
        if limit is not None:
            sides[i] = "right" if _within(claim.estimate, limit, claim.worse, alpha) else "open"
            ranked.append((p_value(claim.estimate, limit, claim.worse), i))
    ranked.sort()
    for rank, (p, i) in enumerate(ranked):
        if p > alpha / (len(ranked) - rank):
            break
        sides[i] = "wrong"
    return sides


def _claim_verdict(warn: _Side | None, fail: _Side | None) -> Verdict:
    if fail == "wrong":
        return "fail"
    if fail == "open":
        return "inconclusive"
    if warn == "wrong":
        return "warn"
    if warn == "open":
        return "inconclusive"
    return "measured" if warn is None and fail is None else "pass"


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of a whole from those of its parts; ``measured`` for none.

    A fail beats everything, and an open question beats a warning: not known is never clean.

    Examples
    --------
    >>> worst(["pass", "measured", "warn"])
    'warn'
    >>> worst([])
    'measured'
    """
    order: tuple[Verdict, ...] = ("fail", "inconclusive", "warn", "pass")
    for verdict in order:
        if verdict in verdicts:
            return verdict
    return "measured"


def verdict_of(measures: Sequence[Measure]) -> Verdict:
    """Return the verdict of a finding from its measures.

    A fail beats everything; then the open question whether something fails; then a proven warning, which
    beats the open question whether something else warns.

    Parameters
    ----------
    measures : sequence of Measure
        As `judge` returned them; none gives ``measured``.
    """
    verdicts = [m.verdict for m in measures]
    if "fail" in verdicts:
        return "fail"
    if any(m.verdict == "inconclusive" and _may_fail(m) for m in measures):
        return "inconclusive"
    return "warn" if "warn" in verdicts else worst(verdicts)


def _may_fail(measure: Measure) -> bool:
    if measure.limit is None:
        return False
    if measure.worse == "higher":
        return not measure.decision_high <= measure.limit
    return not measure.decision_low >= measure.limit


def judge(claims: Sequence[Claim], *, alpha: float) -> tuple[Measure, ...]:
    """Compare every claim with its limits.

    Parameters
    ----------
    claims : sequence of Claim
        All claims of one code.
    alpha : float
        What this code may spend of the report's rate of false fails, see `code_alpha`.

    Returns
    -------
    tuple of Measure
        In the order of the claims.
    """
    fails = _sides(claims, [c.limit.fail for c in claims], alpha)
    warns = _sides(claims, [c.limit.warn for c in claims], alpha)
    confidence = 1 - 2 * alpha
    measures = []
    for claim, warn, fail in zip(claims, warns, fails, strict=True):
        low, high = claim.estimate.interval(SHOWN_CONFIDENCE)
        decision_low, decision_high = claim.estimate.interval(confidence)
        measures.append(
            Measure(
                name=claim.name, value=claim.estimate.value, low=low, high=high, unit=claim.unit,
                n=claim.estimate.n, confidence=SHOWN_CONFIDENCE, method=claim.estimate.method,
                limit=claim.limit.fail, worse=claim.worse, warn=claim.limit.warn,
                verdict=_claim_verdict(warn, fail), decision_confidence=confidence,
                decision_low=decision_low, decision_high=decision_high,
            )
        )  # fmt: skip
    return tuple(measures)


__all__ = ["REPORT_ALPHA", "Limit", "code_alpha", "judge", "p_value", "verdict_of", "worst"]
