"""Row 11, exploiting software dependencies: what comes along with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotGiven, Evidence
from modelward.checks._elsewhere import elsewhere
from modelward.checks._project import FAILED, HOLES, WARNED, evidence_of, looked_at
from modelward.findings import Limit

if TYPE_CHECKING:
    from modelward.checks._scope import Scope


class ProjectCheck(Check):
    """What `modelward deps` finds in the project, of one code."""

    number = 11
    needs_model = False
    by_chance = False
    exposure = ("suppliers",)
    flags = "--project DIR"
    limits = {FAILED: Limit(fail=0.0), WARNED: Limit(warn=0.0)}

    def run(self, scope: Scope) -> Evidence:
        """Look at the project, once for all of its codes."""
        if scope.project is None:
            raise CheckNotGiven("the project's packages were not looked at: add --project DIR")
        return evidence_of(self.code, looked_at(scope))


class Dependencies(ProjectCheck):
    """Known vulnerabilities of the packages that the model is served with."""

    code = "MW111"
    title = elsewhere("MW111").title
    severity = elsewhere("MW111").severity
    limits = {HOLES: Limit(fail=0.0)}
    references = ("OWASP Machine Learning Security Top 10 2023, ML06: AI supply chain attacks",)


class DangerousCode(ProjectCheck):
    """Code of the project that runs what somebody else wrote, or gives secrets away."""

    code = "MW112"
    title = elsewhere("MW112").title
    severity = elsewhere("MW112").severity
    references = ("CWE-502, deserialization of untrusted data", "PyCQA, bandit's rules")


class LooseEnds(ProjectCheck):
    """Pins, hashes, sources and declarations of packages that let something else in than was tested."""

    code = "MW113"
    title = elsewhere("MW113").title
    severity = elsewhere("MW113").severity
    references = ("CWE-1357, reliance on insufficiently trustworthy component",)


class ContainerFiles(ProjectCheck):
    """Dockerfiles and compose files that are careless with secrets, users or what they fetch."""

    code = "MW114"
    title = elsewhere("MW114").title
    severity = elsewhere("MW114").severity
    references = ("CIS Docker Benchmark, section 4: container images and build files",)


CHECKS: tuple[type[Check], ...] = (Dependencies, DangerousCode, LooseEnds, ContainerFiles)
