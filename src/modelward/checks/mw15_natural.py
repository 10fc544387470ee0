"""Row 15, natural adversarial examples: honest rows that the model gets wrong while it is sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotApplicable, Evidence
from modelward.findings import Claim, Countermeasure, Series
from modelward.robustness import SURE, certainty
from modelward.stats import Proportion

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.robustness import Certainty

_ABSTAIN = """scores = model.predict_proba(rows)
unsure = scores.max(axis=1) < 0.7          # choose the level on the curve above
decision = model.classes_[scores.argmax(axis=1)]
send_to_a_person(rows[unsure])             # everything else is decided automatically
"""
_CALIBRATE = """from sklearn.calibration import CalibratedClassifierCV

model = CalibratedClassifierCV(model, method="isotonic", cv=5).fit(X_train, y_train)
"""


class NaturalExamples(Check):
    """Errors on untouched rows against the model's own certainty."""

    code = "MW151"
    title = "Sure and wrong on honest rows"
    number = 15
    severity = "medium"
    references = (
        "Hendrycks et al. 2021, Natural Adversarial Examples",
        "El-Yaniv & Wiener 2010, On the Foundations of Noise-free Selective Classification",
    )

    def run(self, scope: Scope) -> Evidence:
        """Rank the test rows by certainty."""
        scores, predicted = scope.answers().scores, scope.answers().codes
        if scores is None:
            raise CheckNotApplicable("the model gives labels without scores, so it is never sure or unsure")
        found = certainty(scores, scope.test.y, predicted)
        errors = Proportion(int((predicted != scope.test.y).sum()), len(scope.test))
        claims = [Claim("error", errors, "share of rows")]
        if found.sure_errors is not None:
            claims.append(Claim("error where the model is sure", found.sure_errors, "share of sure rows"))
        return Evidence(
            _summary(found, errors),
            claims=tuple(claims),
            series=(_curve(found),),
            countermeasures=(
                Countermeasure(*_abstention(found), code=_ABSTAIN),
                Countermeasure("Calibrate the probabilities, so that 0.9 means 0.9", code=_CALIBRATE),
            ),
        )


def _summary(found: Certainty, errors: Proportion) -> str:
    start = f"On untouched test rows the model errs on {errors.value:.1%}. "
    if found.sure_errors is None:
        return (
            f"{start}It is (almost) never sure: fewer than ten answers have a probability of {SURE} or more."
        )
    sure = found.sure_errors
    return (
        f"{start}Where it is sure (probability {SURE} or more, {sure.n:,} rows) it errs on {sure.value:.1%}, while its "
        f"own probabilities claim {found.claimed:.1%}."
    )


def _abstention(found: Certainty) -> tuple[str, str]:
    """Say what handing the least certain fifth of the rows to a person does, as measured."""
    title = "Leave the least certain rows to a person"
    if 0.8 not in found.coverage:
        return title, ""
    kept, every = found.risk[found.coverage.index(0.8)], found.risk[-1]
    return (
        title,
        f"without the least certain fifth of the rows the error is {kept.value:.1%} instead of {every.value:.1%}",
    )


def _curve(found: Certainty) -> Series:
    bounds = [risk.interval(0.95) for risk in found.risk]
    return Series(
        "error among the most certain rows", found.coverage, tuple(r.value for r in found.risk),
        tuple(low for low, _ in bounds), tuple(high for _, high in bounds),
        x_label="share of rows, most certain first", y_label="error", group="Risk against coverage",
    )  # fmt: skip


CHECKS: tuple[type[Check], ...] = (NaturalExamples,)
