"""Row 11, exploiting software dependencies: what comes along with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from modelward.checks._base import Check, CheckNotGiven

if TYPE_CHECKING:
    from modelward.checks._scope import Scope


class Dependencies(Check):
    """Known vulnerabilities of the packages that the model is served with."""

    code = "MW111"
    title = "Dependencies with known vulnerabilities"
    number = 11
    severity = "high"
    needs_model = False
    exposure = ("suppliers",)
    references = ("OWASP Machine Learning Security Top 10 2023, ML06: AI supply chain attacks",)

    def run(self, scope: Scope) -> NoReturn:  # noqa: ARG002
        """Say what would cover this row."""
        raise CheckNotGiven(
            "the project's packages were not looked at: run `modelward deps PROJECT --db FILE`"
        )


CHECKS: tuple[type[Check], ...] = (Dependencies,)
