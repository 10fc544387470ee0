"""Row 13, side effects: the system disturbs what nobody meant it to move."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from modelward.checks._base import Check, CheckNotGiven

if TYPE_CHECKING:
    from modelward.checks._scope import Scope


class SideEffects(Check):
    """Business figures that move with the model although nobody meant them to."""

    code = "MW131"
    title = "Business figures nobody meant to move"
    number = 13
    severity = "medium"
    needs_model = False
    references = ("Amodei et al. 2016, Concrete Problems in AI Safety, section 3",)

    def run(self, scope: Scope) -> NoReturn:  # noqa: ARG002
        """Say what would cover this row."""
        raise CheckNotGiven(
            "needs business figures of a running service: `modelward monitor` watches them "
            "(FILE --time COL --kpi COL); name there the figures that must not move"
        )


CHECKS: tuple[type[Check], ...] = (SideEffects,)
