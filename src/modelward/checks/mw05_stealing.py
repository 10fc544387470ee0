"""MW051: how many queries does a copy of the model take?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckSkipped, Evidence
from modelward.errors import BudgetExhausted
from modelward.extraction import ModelStealing
from modelward.findings import Claim, Countermeasure, Series, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.checks._scope import Scope
    from modelward.extraction import Answers, Source, StealingResult, StolenCopy
    from modelward.findings import Estimate

_FEWEST_QUERIES = 700
_GROUP = "Model stealing: agreement of the copy with the model"
_SOURCES: tuple[Source, ...] = ("real rows", "drawn rows")
_LIMIT = """\
from collections import Counter

asked = Counter()  # by caller and day; keep it where all workers see it

def allow(caller: str, rows: int, most: int = 1_000) -> bool:
    asked[caller] += rows
    return asked[caller] <= most
"""


class Stealing(Check):
    """Train copies on the model's answers and measure how often they agree with it."""

    code = "MW051"
    title = "Model stealing"
    number = 5
    severity = "high"
    query_share = 3.0
    exposure = ("callers",)
    references = (
        "Tramèr et al. 2016, Stealing Machine Learning Models via Prediction APIs",
        "Jagielski et al. 2020, High Accuracy and High Fidelity Extraction of Neural Networks",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        pool, test = _rows(scope, self.code)
        queries, left = scope.budget.steal_queries, scope.subject.meter.left
        if left is not None:
            # Two sources of rows are asked for labels and for scores, and both kinds of test rows measure.
            if left < _FEWEST_QUERIES:
                raise CheckSkipped(
                    f"three points of the curve take {_FEWEST_QUERIES} rows, and {left} may be sent: "
                    "raise --max-queries"
                )
            queries, test = min(queries, left // 9), test[: left // 7]
        attack = ModelStealing(queries=queries, points=4 if scope.budget.name == "quick" else 6)
        try:
            result = attack.run(
                scope.subject, pool, test, schema=scope.schema, random_state=scope.rng(self.code)
            )
        except BudgetExhausted as error:
            raise CheckSkipped(f"fewer than three points of the curve could be asked: {error}") from error
        except ValueError as error:
            raise CheckSkipped(f"{error}: give more rows with --data") from error
        return Evidence(
            summary=_summary(result),
            claims=_claims(result),
            series=_series(result),
            tables=(_table(result),),
            countermeasures=_countermeasures(result),
            attack_rows=result.drawn,
        )


def _rows(scope: Scope, code: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rows a thief asks (training rows where given) and those that measure."""
    if scope.train is not None:
        return scope.train.X, scope.test.X
    order = scope.rng(code).permutation(len(scope.test))
    half = len(order) // 2
    return scope.test.X[order[:half]], scope.test.X[order[half:]]


def _main(result: StealingResult) -> Answers:
    return "scores" if result.curve("real rows", "scores") else "labels"


def _last(result: StealingResult, source: Source, answers: Answers) -> StolenCopy:
    return result.curve(source, answers)[-1]


def _summary(result: StealingResult) -> str:
    answers = _main(result)
    real, drawn = (_last(result, source, answers) for source in _SOURCES)
    text = (
        f"After {real.queries:,} queries a copy agrees with the model on {real.fidelity.value:.1%} of held-out rows "
        f"if the queries are like real rows, on {drawn.fidelity.value:.1%} if they are drawn from the legal ranges; "
        f"always answering the most common label agrees on {result.baseline.value:.1%}."
    )
    if not result.complete:
        text += " The query budget ended the curve early."
    return text


def _claims(result: StealingResult) -> tuple[Claim, ...]:
    claims: list[Claim] = []
    answers = _main(result)
    for source in _SOURCES:
        copy = _last(result, source, answers)
        claims.append(Claim(f"fidelity: {source} asked", copy.fidelity, "share"))
        claims.append(Claim(f"balanced fidelity: {source} asked", copy.balanced, "share"))
        claims.append(Claim(f"fidelity on drawn rows: {source} asked", copy.fidelity_drawn, "share"))
    claims.append(Claim("baseline: most common label, real rows", result.baseline, "share"))
    claims.append(Claim("baseline: most common label, drawn rows", result.baseline_drawn, "share"))
    return tuple(claims)


def _series(result: StealingResult) -> tuple[Series, ...]:
    series = []
    answers: tuple[Answers, ...] = ("scores", "labels")
    for source in _SOURCES:
        for seen in answers:
            curve = result.curve(source, seen)
            if curve:
                bands = [copy.fidelity.interval(0.95) for copy in curve]
                series.append(
                    Series(
                        f"{source}, {seen} returned",
                        tuple(copy.queries for copy in curve),
                        tuple(copy.fidelity.value for copy in curve),
                        tuple(low for low, _ in bands),
                        tuple(high for _, high in bands),
                        x_label="queries", y_label="agreement on held-out rows", group=_GROUP,
                    )
                )  # fmt: skip
    x = series[0].x
    low, high = result.baseline.interval(0.95)
    series.append(
        Series(
            "always the most common label", x, (result.baseline.value,) * len(x), (low,) * len(x),
            (high,) * len(x), x_label=series[0].x_label, y_label=series[0].y_label, group=_GROUP,
        )
    )  # fmt: skip
    return tuple(series)


def _table(result: StealingResult) -> Table:
    return Table(
        "Copies",
        ("queries", "asked", "returned", "family", "agreement", "balanced", "on drawn rows"),
        tuple(
            (
                c.queries, c.source, c.answers, c.family, round(c.fidelity.value, 4),
                round(c.balanced.value, 4), round(c.fidelity_drawn.value, 4),
            )
            for c in result.copies
        ),
    )  # fmt: skip


def _countermeasures(result: StealingResult) -> tuple[Countermeasure, ...]:
    answers = _main(result)
    curve = result.curve("real rows", answers)
    few, many = curve[0], curve[-1]
    out = []
    if answers == "scores":
        out += [
            Countermeasure(
                "Return labels without scores", _change(result, "labels"),
                'return {"label": str(model.predict(row)[0])}  # and no score',
            ),
            Countermeasure(
                "Round scores to one decimal", _change(result, "rounded scores"),
                "scores = model.predict_proba(rows).round(1)",
            ),
        ]  # fmt: skip
    out.append(
        Countermeasure(
            "Limit the queries of a caller",
            f"balanced agreement {_shown(many.balanced)} after {many.queries:,} queries → {_shown(few.balanced)} "
            f"after {few.queries:,}",
            _LIMIT,
        )
    )
    return tuple(out)


def _change(result: StealingResult, answers: Answers) -> str:
    return "; ".join(
        f"{source}: balanced agreement {_shown(_last(result, source, 'scores').balanced)} → "
        f"{_shown(_last(result, source, answers).balanced)}"
        for source in _SOURCES
    )


def _shown(figure: Estimate) -> str:
    low, high = figure.interval(0.95)
    return f"{figure.value:.3f} [{max(0.0, low):.3f}, {min(1.0, high):.3f}]"


CHECKS: tuple[type[Check], ...] = (Stealing,)
