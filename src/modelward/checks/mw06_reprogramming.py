"""MW06: a model is made to do another task through crafted inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotApplicable

if TYPE_CHECKING:
    from modelward.checks._base import Evidence
    from modelward.checks._scope import Scope


class Reprogramming(Check):
    """Reprogramming needs inputs large enough to hold another task's inputs, such as images or text."""

    code = "MW061"
    title = "Reprogramming through crafted inputs"
    number = 6
    severity = "medium"
    exposure = ("callers",)
    references = ("Elsayed, Goodfellow & Sohl-Dickstein 2019, Adversarial Reprogramming of Neural Networks",)

    def run(self, scope: Scope) -> Evidence:
        """Say that it does not apply."""
        raise CheckNotApplicable(
            f"a table of {len(scope.schema)} columns with a fixed meaning cannot carry another task's inputs; "
            "models of images, sound or text can be reprogrammed"
        )


CHECKS: tuple[type[Check], ...] = (Reprogramming,)
