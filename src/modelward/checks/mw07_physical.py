"""MW07: adversarial examples in the physical domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotApplicable

if TYPE_CHECKING:
    from modelward.checks._base import Evidence
    from modelward.checks._scope import Scope


class PhysicalExamples(Check):
    """Objects made to deceive need a sensor between the world and the model."""

    code = "MW071"
    title = "Adversarial examples in the physical domain"
    number = 7
    severity = "medium"
    exposure = ("callers",)
    references = ("Kurakin, Goodfellow & Bengio 2017, Adversarial Examples in the Physical World",)

    def run(self, scope: Scope) -> Evidence:  # noqa: ARG002 - the same for every table
        """Say that it does not apply."""
        raise CheckNotApplicable(
            "the rows of a table do not come through a camera or microphone; what a caller can do to them is "
            "measured by MW011, what faulty sources do to them by MW161"
        )


CHECKS: tuple[type[Check], ...] = (PhysicalExamples,)
