"""Row 11, exploiting software dependencies: what comes along with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotGiven, Evidence
from modelward.checks._project import holes_of, looked_at
from modelward.findings import Limit

if TYPE_CHECKING:
    from modelward.checks._scope import Scope


class Dependencies(Check):
    """Known vulnerabilities of the packages that the model is served with.

    With it comes what else `modelward deps` finds in the project: a finding each of MW112, MW113 and MW114.
    """

    code = "MW111"
    title = "Dependencies with known vulnerabilities"
    number = 11
    severity = "high"
    needs_model = False
    by_chance = False
    exposure = ("suppliers",)
    limits = {"known vulnerabilities": Limit(fail=0.0)}
    references = ("OWASP Machine Learning Security Top 10 2023, ML06: AI supply chain attacks",)

    def run(self, scope: Scope) -> Evidence:
        """Look at the project's packages, code and container files."""
        if scope.project is None:
            raise CheckNotGiven("the project's packages were not looked at: add --project DIR")
        return holes_of(looked_at(scope))


CHECKS: tuple[type[Check], ...] = (Dependencies,)
