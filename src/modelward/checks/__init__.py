"""The table of contents: one short file for each row of the taxonomy."""

from __future__ import annotations

from importlib import import_module

from modelward.checks._base import (
    Check,
    CheckNotApplicable,
    CheckNotGiven,
    CheckSkipped,
    Evidence,
    conclude,
)
from modelward.checks._dependencies import code_findings, container_findings, dependency_findings
from modelward.checks._elsewhere import ELSEWHERE, Elsewhere, elsewhere
from modelward.checks._live import live_findings
from modelward.checks._locks import input_lock
from modelward.checks._project import others_of
from modelward.checks._scope import BUDGETS, EXPOSURES, Answers, Budget, Sample, Scope

_MODULES = (
    "mw01_perturbation",
    "mw01_recipe",
    "mw02_planted",
    "mw02_poisoning",
    "mw03_inversion",
    "mw04_membership",
    "mw05_stealing",
    "mw06_reprogramming",
    "mw07_physical",
    "mw08_provider",
    "mw09_supply_chain",
    "mw10_backdoor",
    "mw11_dependencies",
    "mw12_reward_hacking",
    "mw13_side_effects",
    "mw14_shift",
    "mw15_natural",
    "mw16_corruption",
    "mw17_testing",
)


def all_checks() -> tuple[type[Check], ...]:
    """Return every check, in the order of their codes."""
    found: list[type[Check]] = []
    for name in _MODULES:
        found.extend(import_module(f"modelward.checks.{name}").CHECKS)
    return tuple(sorted(found, key=lambda check: check.code))


def all_codes() -> frozenset[str]:
    """Return the codes of all findings that any command can give: what a policy may name."""
    return frozenset({check.code for check in all_checks()} | {kind.code for kind in ELSEWHERE})


__all__ = [
    "BUDGETS",
    "ELSEWHERE",
    "EXPOSURES",
    "Answers",
    "Budget",
    "Check",
    "CheckNotApplicable",
    "CheckNotGiven",
    "CheckSkipped",
    "Elsewhere",
    "Evidence",
    "Sample",
    "Scope",
    "all_checks",
    "all_codes",
    "code_findings",
    "conclude",
    "container_findings",
    "dependency_findings",
    "elsewhere",
    "input_lock",
    "live_findings",
    "others_of",
]
