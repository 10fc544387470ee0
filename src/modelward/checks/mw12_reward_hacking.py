"""Row 12, reward hacking: the figure that is optimised goes up while what it stands for goes down."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from modelward.checks._base import Check, CheckNotGiven

if TYPE_CHECKING:
    from modelward.checks._scope import Scope


class RewardHacking(Check):
    """The proxy metric against the business figure that it stands for, over time."""

    code = "MW121"
    title = "Proxy metric against business figure"
    number = 12
    severity = "medium"
    needs_model = False
    references = ("Amodei et al. 2016, Concrete Problems in AI Safety, section 4",)

    def run(self, scope: Scope) -> NoReturn:  # noqa: ARG002
        """Say what would cover this row."""
        raise CheckNotGiven(
            "needs business figures of a running service: `modelward monitor` watches them "
            "(FILE --time COL --kpi COL); to see one gain at the other's cost, put both on one time axis"
        )


CHECKS: tuple[type[Check], ...] = (RewardHacking,)
