"""MW031: does the model tell a sensitive column of a row that is otherwise known?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, CheckSkipped, Evidence
from modelward.checks._scope import Sample
from modelward.errors import BudgetExhausted
from modelward.findings import Claim, Countermeasure, Limit, Series, Table
from modelward.privacy import AttributeInference, find_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.checks._scope import Scope
    from modelward.findings import Estimate
    from modelward.privacy import AttributeResult

_GROUP = "Guessing a hidden column: balanced accuracy"


class AttributeInferenceCheck(Check):
    """Compare guessing a sensitive column with the model's answers to guessing it without."""

    code = "MW031"
    title = "Attribute inference"
    number = 3
    severity = "high"
    query_share = 3.0
    exposure = ("callers",)
    limits = {"advantage": Limit(0.05, 0.10)}
    references = (
        "Fredrikson et al. 2014, Privacy in Pharmacogenetics",
        "Jayaraman & Evans 2022, Are Attribute Inference Attacks Just Imputation?",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        names = sensitive_names(scope)
        if not names:
            raise CheckNotGiven("needs --sensitive COLS, the columns that must stay private")
        targets, auxiliary = _sides(scope, self.code)
        rows = min(scope.budget.test_rows, scope.budget.fit_rows)
        left = scope.subject.meter.left
        if left is not None:
            # Both sides ask each row with every candidate: two to four for most columns.
            rows = min(rows, left // (8 * len(names)))
        attack = AttributeInference(rows=rows, auxiliary=rows)
        results, unusable = [], []
        for place, name in enumerate(names):
            rng = np.random.default_rng([scope.seed_of(self.code), place])
            try:
                results.append(
                    attack.run(
                        scope.subject, targets, auxiliary, schema=scope.schema, name=name, random_state=rng
                    )
                )
            except BudgetExhausted as error:
                raise CheckSkipped(
                    f"each sensitive column asks every row with every candidate: {error}"
                ) from error
            except ValueError as error:
                unusable.append(str(error))
        if not results:
            raise CheckNotApplicable("; ".join(unusable))
        return _evidence(results, unusable, scope.train is not None)


def sensitive_names(scope: Scope) -> tuple[str, ...]:
    """Return the sensitive columns that were named, or else those that the schema marks; a group once."""
    asked = scope.sensitive or tuple(c.name for c in scope.schema if c.role == "sensitive")
    names: dict[tuple[int, ...], str] = {}
    for name in asked:
        names.setdefault(find_columns(scope.schema, name), name)
    return tuple(names.values())


def _sides(scope: Scope, code: str) -> tuple[Sample, Sample]:
    """Return target rows (training rows where given) and the attacker's own rows."""
    if scope.train is not None:
        return scope.train, scope.test
    order = scope.rng(code).permutation(len(scope.test))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    test = scope.test
    return Sample(test.X[first], test.y[first]), Sample(test.X[second], test.y[second])


def _evidence(results: Sequence[AttributeResult], unusable: Sequence[str], members: bool) -> Evidence:
    said = "; ".join(
        f"{r.name} is guessed with balanced accuracy {r.with_model.value:.3f} with the model's answers and "
        f"{r.without.value:.3f} without"
        for r in results
    )
    whose = "training rows" if members else "test rows"
    missing = f" Not measured: {'; '.join(unusable)}." if unusable else ""
    return Evidence(
        summary=f"Of {whose} whose other columns and label are known, {said}.{missing}",
        claims=tuple(Claim(f"advantage: {r.name}", r.advantage, "balanced accuracy") for r in results),
        series=_series(results),
        tables=(_table(results),),
        countermeasures=_countermeasures(results),
    )


def _series(results: Sequence[AttributeResult]) -> tuple[Series, ...]:
    names = tuple(r.name for r in results)
    pairs = (
        ("imputation without the model", [r.without for r in results]),
        ("with the model's answers", [r.with_model for r in results]),
    )
    return tuple(
        Series(
            title, names, tuple(m.value for m in means),
            tuple(m.interval(0.95)[0] for m in means), tuple(m.interval(0.95)[1] for m in means),
            x_label="hidden column", y_label="balanced accuracy", kind="bar", group=_GROUP,
        )
        for title, means in pairs
    )  # fmt: skip


def _table(results: Sequence[AttributeResult]) -> Table:
    return Table(
        "Attribute inference",
        ("column", "values or bins", "attack", "without the model", "with it", "rows"),
        tuple(
            (r.name, r.candidates, r.attack, round(r.without.value, 4), round(r.with_model.value, 4), r.n)
            for r in results
        ),
    )


def _countermeasures(results: Sequence[AttributeResult]) -> tuple[Countermeasure, ...]:
    effect = "; ".join(
        f"{r.name}: advantage {_shown(r.advantage)} → {_shown(r.labels_only)}" for r in results
    )
    names = [r.name for r in results]
    return (
        Countermeasure(
            "Return labels without scores", effect,
            'return {"label": str(model.predict(row)[0])}  # and no score',
        ),
        Countermeasure(
            "Train without the sensitive columns, where the task allows it: what the model never saw it cannot tell",
            code=f"X = X.drop(columns=[c for c in X if c.startswith({tuple(names)!r})])",
        ),
    )  # fmt: skip


def _shown(figure: Estimate) -> str:
    low, high = figure.interval(0.95)
    return f"{figure.value:+.3f} [{low:+.3f}, {high:+.3f}]"


CHECKS: tuple[type[Check], ...] = (AttributeInferenceCheck,)
