"""Row 14, what a shift costs: how often a running model is right, against the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks._base import Check, CheckNotGiven, CheckSkipped, Evidence
from modelward.checks._service import span_of, standing_of, why_open
from modelward.findings import Claim, Countermeasure, Limit, Series
from modelward.monitoring import MIN_ANSWERS
from modelward.stats import Normal, ProportionDifference

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.monitoring import Performance
    from modelward.stats import Proportion

_LEAST_LABELS = 100
_CODE = """monitor = Monitor().fit(past, outputs, when=times, labels=truth)
monitor.update(rows, scores, ids=order_ids)
monitor.labels(late_truth, ids=order_ids)  # weeks later
"""


class ProductionAccuracy(Check):
    """Share of right answers over the last four weeks of a service: counted where labels came, else estimated."""

    code = "MW143"
    title = "Right answers in production"
    number = 14
    severity = "medium"
    needs_model = False
    limits = {
        "accuracy lost, counted": Limit(warn=0.02, fail=0.05),
        "accuracy lost, estimated": Limit(warn=0.05),
    }
    references = (
        "Guillory et al. 2021, Predicting with Confidence on Unseen Distributions",
        "Newcombe 1998, Interval estimation for the difference between independent proportions",
    )

    def run(self, scope: Scope) -> Evidence:
        """Compare with the reference."""
        standing = standing_of(scope)
        learned = standing.accuracy
        if learned is None:
            raise CheckNotGiven(
                "the monitor in --store has no labels: give those of the reference (`modelward monitor --label COL`, "
                "Monitor.fit(labels=…)), and later ones as they come"
            )
        held = [p for p in standing.performance if np.isfinite(p.estimate)]
        right, labels = (sum(getattr(p, what) for p in standing.performance) for what in ("right", "labels"))
        if not held and labels < _LEAST_LABELS:
            raise CheckSkipped(f"no hour has {MIN_ANSWERS} answers, and {labels} labels came: wait for more")
        claims, words = [], []
        if labels >= _LEAST_LABELS:
            gap = ProportionDifference(int(learned.value * learned.n + 0.5), learned.n, right, labels)
            claims.append(Claim("accuracy lost, counted", gap, "share"))
            words.append(f"{right / labels:.1%} of {labels:,} answers whose labels came were right")
        if held:
            estimate = _estimate(held, learned)
            claims.append(Claim("accuracy lost, estimated", estimate, "share"))
            words.append(f"without labels {learned.value - estimate.value:.1%} are estimated to be right")
        few = f"only {labels} labels came: an estimate is no proof" if labels < _LEAST_LABELS else ""
        return Evidence(
            f"Over {span_of(standing)}: {'; '.join(words)}; in the reference {learned.value:.1%} of {learned.n:,}. The "
            "estimate sees harder questions, not a world that changed behind equal answers.",
            claims=tuple(claims),
            series=_pictures(list(standing.performance)),
            countermeasures=(
                Countermeasure("Have labels come back, if only of a random share of rows", code=_CODE),
                Countermeasure("Retrain on rows of today, or route hard questions to people"),
            ),
            unproven="; ".join(reason for reason in (why_open(standing), few) if reason),
        )


def _estimate(held: list[Performance], learned: Proportion) -> Normal:
    """Return the loss; errors of the calibration are the same in every hour, so more hours do not shrink them."""
    weight = np.array([p.answers for p in held], dtype=float)
    weight /= weight.sum()
    value = float(weight @ np.array([p.estimate for p in held]))
    doubt = np.array([p.doubt for p in held])
    drawn = np.maximum(((np.array([p.high - p.low for p in held])) / 2) ** 2 - doubt**2, 0.0)
    own = (learned.interval(0.95)[1] - learned.interval(0.95)[0]) / 2
    half = float(np.sqrt((weight @ doubt) ** 2 + weight**2 @ drawn + own**2))
    answers = sum(p.answers for p in held)
    return Normal(
        learned.value - value,
        half / 1.959964,
        answers,
        "confidence-based estimate, calibrated on the reference",
    )


def _pictures(held: list[Performance]) -> tuple[Series, ...]:
    days: dict[int, list[Performance]] = {}
    for p in held:
        days.setdefault(p.hour // 24, []).append(p)
    if not days:
        return ()
    first, group, out = min(days), "Right answers by day", []
    for name in ("estimated", "counted"):
        x, y = [], []
        for day, parts in sorted(days.items()):
            known = [p for p in parts if np.isfinite(p.estimate)]
            n = sum(p.answers for p in known) if name == "estimated" else sum(p.labels for p in parts)
            if n >= MIN_ANSWERS:
                total = (
                    sum(p.answers * p.estimate for p in known)
                    if name == "estimated"
                    else sum(p.right for p in parts)
                )
                x.append(float(day - first))
                y.append(total / n)
        if x:
            out.append(Series(name, tuple(x), tuple(y), x_label="day", y_label="share right", group=group))
    return tuple(out)


CHECKS: tuple[type[Check], ...] = (ProductionAccuracy,)
