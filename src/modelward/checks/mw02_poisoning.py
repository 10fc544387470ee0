"""MW021 and MW022: how much flipped labels would move the model, and whether labels look flipped already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, CheckSkipped, Evidence
from modelward.errors import NotRefittable
from modelward.findings import MIN_ROWS, Claim, Countermeasure, Limit, Series, Table
from modelward.poisoning import compare_labels, measure_exposure
from modelward.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.checks._scope import Sample, Scope
    from modelward.poisoning import Exposure, LabelShift, Point, Rates
    from modelward.stats import Bootstrap

_KINDS = {"random": "random flips", "subgroup": "flips in the worst subgroup"}
_COMPARE = "modelward data new.csv --reference trusted.csv --target COL"


class PoisoningExposure(Check):
    """Train again with 1, 3, 5 and 10 % of the labels flipped, at random and in the worst subgroup."""

    code = "MW021"
    title = "Exposure to flipped labels"
    number = 2
    severity = "medium"
    exposure = ("suppliers",)
    limits = {}
    references = (
        "Biggio, Nelson & Laskov 2012, Poisoning Attacks against Support Vector Machines",
        "Jagielski et al. 2021, Subpopulation Data Poisoning Attacks",
        "Levine & Feizi 2021, Deep Partition Aggregation",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        train = _train_of(scope)
        if scope.subject.trainer is None:
            raise CheckNotApplicable(
                "the model cannot be trained again: callables and endpoints cannot be cloned"
            )
        budget = scope.budget
        try:
            exposure = measure_exposure(
                scope.subject, train.X, train.y, scope.test.X, scope.test.y, goal=scope.goal,
                sensitive=scope.sensitive, metric=scope.metric, fit_rows=budget.fit_rows // 4,
                repeats=budget.repeats, random_state=scope.seed_of(self.code),
            )  # fmt: skip
        except NotRefittable as error:
            raise CheckNotApplicable(error.public) from error
        except ValueError as error:
            raise CheckSkipped(f"flipped labels could not be tried: {error}") from error
        rule = exposure.subgroup.text(scope.subject.codec)
        return Evidence(
            summary=_exposure_summary(scope, exposure, rule),
            claims=tuple(claim for point in exposure.points for claim in _exposure_claims(point)),
            series=_exposure_series(scope, exposure, rule),
            countermeasures=_exposure_locks(exposure),
        )


def _train_of(scope: Scope) -> Sample:
    if scope.train is None:
        raise CheckNotGiven("needs --train FILE, the rows that the model was trained on")
    return scope.train


def _exposure_claims(point: Point) -> tuple[Claim, Claim]:
    where = f"{_KINDS[point.kind]}, {point.share:.0%} of labels"
    return (
        Claim(f"metric lost: {where}", point.lost, "share"),
        Claim(f"positive rate moved: {where}", point.moved, "share"),
    )


def _exposure_summary(scope: Scope, exposure: Exposure, rule: str) -> str:
    last = {point.kind: point for point in exposure.points}
    label = scope.subject.classes[exposure.goal]
    return (
        f"Whoever flips 10 % of the labels at random moves {scope.metric.replace('_', ' ')} by "
        f"{-last['random'].lost.value:+.3f}. Spent on the rows where {rule}, as many labels move "
        f"their share of class {label} from {exposure.clean_rate.value:.0%} to "
        f"{last['subgroup'].rate.value:.0%}. {exposure.fits} models were trained on {exposure.fit_rows:,} rows "
        "each and compared with refits on clean labels of the same rows."
    )


def _exposure_series(scope: Scope, exposure: Exposure, rule: str) -> tuple[Series, ...]:
    label = scope.subject.classes[exposure.goal]
    metric = scope.metric.replace("_", " ")
    out = []
    figures: tuple[tuple[str, Bootstrap, Callable[[Point], Bootstrap]], ...] = (
        (metric, exposure.clean_metric, lambda point: point.metric),
        (f"share of class {label} where {rule}", exposure.clean_rate, lambda point: point.rate),
    )
    for what, clean, figure in figures:
        for kind, words in _KINDS.items():
            points = [(0.0, clean)] + [(p.share, figure(p)) for p in exposure.points if p.kind == kind]
            edges = [estimate.interval(0.95) for _, estimate in points]
            out.append(
                Series(
                    words, tuple(share for share, _ in points), tuple(e.value for _, e in points),
                    tuple(low for low, _ in edges), tuple(high for _, high in edges),
                    "share of training labels flipped", what, "line", f"Flipped labels: {what}",
                )
            )  # fmt: skip
    return tuple(out)


def _exposure_locks(exposure: Exposure) -> tuple[Countermeasure, ...]:
    vote = exposure.voting
    plain = next(p for p in exposure.points if p.kind == "subgroup" and p.share == vote.share)
    low, high = vote.moved.interval(0.95)
    plain_low, plain_high = plain.moved.interval(0.95)
    effect = (
        f"with {vote.share:.0%} of the labels flipped in the subgroup its rate moves by {vote.moved.value:.2f} "
        f"({low:.2f} to {high:.2f}) instead of {plain.moved.value:.2f} ({plain_low:.2f} to {plain_high:.2f}); "
        f"the clean metric changes by {-vote.price.value:+.3f}"
    )
    return (
        Countermeasure(
            f"Let {vote.parts} models vote, each trained on a part of the rows of its own", effect
        ),
        Countermeasure(
            "Compare every delivery of data with the last trusted one before training", "", _COMPARE
        ),
        Countermeasure("Sign data sets, and train only on signed ones"),
    )


class LabelShiftCheck(Check):
    """Compare training labels with test labels: over all rows, and under the rule that departs most.

    Drift moves labels as well as tampering does, and two samples alone cannot tell one from the other. So it
    warns, and names the rows to look at.
    """

    code = "MW022"
    title = "Labels that depart from the test data"
    number = 2
    severity = "medium"
    exposure = ("suppliers",)
    limits = {"label rate gap": Limit(warn=0.10)}
    references = (
        "Newcombe 1998, Interval estimation for the difference between independent proportions",
        "Jagielski et al. 2021, Subpopulation Data Poisoning Attacks",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        train = _train_of(scope)
        try:
            shift = compare_labels(
                train.X, train.y, scope.test.X, scope.test.y, scope.schema,
                random_state=scope.seed_of(self.code),
            )  # fmt: skip
        except ValueError as error:
            raise CheckSkipped(f"{error}: give more rows") from error
        claims = [Claim("label rate gap: all rows", shift.overall.gap, "share")]
        inside = shift.inside
        if inside is None or min(inside.train_rows, inside.test_rows) < MIN_ROWS:
            first = shift.candidate
            measurable = first is not None and min(first.train_rows, first.test_rows) >= MIN_ROWS
            if first is not None and measurable:
                # That no rule stood out proves nothing by itself: the first of the search must be shown to be small.
                claims.append(Claim("label rate gap: first rule of the search", first.gap, "share"))
            return Evidence(
                _unmoved(scope, shift), tuple(claims),
                unproven="" if measurable else "no rule has rows enough on both sides to be measured",
            )  # fmt: skip
        claims.append(Claim("label rate gap: rule that departs most", inside.gap, "share"))
        rule = inside.rule.text(scope.subject.codec)
        return Evidence(
            summary=_moved(scope, inside, rule),
            claims=tuple(claims),
            series=_rate_bars(scope, shift, inside, rule),
            tables=(_rate_table(scope, shift, inside, rule),),
            countermeasures=(
                Countermeasure(f"Look at the training rows of {rule}, and at who delivered them"),
                Countermeasure("Compare with the last trusted data set, row by row", "", _COMPARE),
            ),
        )


def _unmoved(scope: Scope, shift: LabelShift) -> str:
    label = scope.subject.classes[shift.overall.label]
    return (
        f"Class {label} is {shift.overall.gap.value:+.3f} more frequent in training than in test rows. Of "
        f"{shift.rules:,} rules of one or two conditions that cover at least 3 % of the rows, none stood out."
    )


def _moved(scope: Scope, inside: Rates, rule: str) -> str:
    train, test = _shares(inside)
    return (
        f"Where {rule}, {train.value:.0%} of {train.n:,} training rows have class "
        f"{scope.subject.classes[inside.label]}, but {test.value:.0%} of {test.n:,} test rows. "
        "Drift and relabelling look alike here: only the rows' history tells which it is."
    )


def _shares(rates: Rates) -> tuple[Proportion, Proportion]:
    return (
        Proportion(rates.train_hits, rates.train_rows),
        Proportion(rates.test_hits, rates.test_rows),
    )


def _rate_bars(scope: Scope, shift: LabelShift, inside: Rates, rule: str) -> tuple[Series, ...]:
    label = scope.subject.classes[inside.label]
    names = (rule,) if shift.overall.label != inside.label else (rule, "all rows")
    rates = (inside,) if shift.overall.label != inside.label else (inside, shift.overall)
    out = []
    for position, name in enumerate(("training rows", "test rows")):
        shares = [_shares(each)[position] for each in rates]
        edges = [share.interval(0.95) for share in shares]
        out.append(
            Series(
                name, names, tuple(share.value for share in shares), tuple(low for low, _ in edges),
                tuple(high for _, high in edges), "rows", f"share of class {label}", "bar",
                f"Share of class {label} in training and test rows",
            )
        )  # fmt: skip
    return tuple(out)


def _rate_table(scope: Scope, shift: LabelShift, inside: Rates, rule: str) -> Table:
    rows: list[tuple[str | float | int, ...]] = []
    for name, rates in ((rule, inside), ("all rows", shift.overall)):
        label = str(scope.subject.classes[rates.label])
        cells = []
        for share in _shares(rates):
            low, high = share.interval(0.95)
            cells.append(f"{share.value:.1%} ({low:.1%} to {high:.1%})")
        rows.append((name, label, *cells, rates.train_rows, rates.test_rows))
    return Table(
        "Label rates, on the halves that did not choose the rule",
        ("rows", "class", "training", "test", "training rows", "test rows"), tuple(rows),
    )  # fmt: skip


CHECKS: tuple[type[Check], ...] = (PoisoningExposure, LabelShiftCheck)
