"""The table of contents: one short file for each row of the taxonomy.

The names are loaded when they are used: most verbs need one or two of them, and some bring half of scipy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from modelward.checks._live import live_findings, looks_like
    from modelward.checks._locks import input_lock
    from modelward.checks._scope import BUDGETS, EXPOSURES, Answers, Budget, Sample, Scope
    from modelward.checks._service import told_by

_MODULES: dict[str, tuple[str, ...]] = {
    "mw01_perturbation": ("MW011",),
    "mw01_recipe": ("MW012",),
    "mw02_planted": ("MW023",),
    "mw02_poisoning": ("MW021", "MW022"),
    "mw03_inversion": ("MW031",),
    "mw04_membership": ("MW041",),
    "mw05_stealing": ("MW051",),
    "mw06_reprogramming": ("MW061",),
    "mw07_physical": ("MW071",),
    "mw08_provider": ("MW081",),
    "mw09_supply_chain": ("MW091", "MW092", "MW093"),
    "mw10_backdoor": ("MW101",),
    "mw11_dependencies": ("MW111", "MW112", "MW113", "MW114"),
    "mw12_reward_hacking": ("MW121",),
    "mw13_side_effects": ("MW131",),
    "mw14_live": ("MW142",),
    "mw14_performance": ("MW143",),
    "mw14_shift": ("MW141",),
    "mw15_natural": ("MW151",),
    "mw16_corruption": ("MW161",),
    "mw17_testing": ("MW171", "MW172", "MW173"),
}
"""The file of each row, with the codes of its checks."""
_HOMES = {
    "Answers": "_scope",
    "BUDGETS": "_scope",
    "Budget": "_scope",
    "Check": "_base",
    "CheckNotApplicable": "_base",
    "CheckNotGiven": "_base",
    "CheckSkipped": "_base",
    "ELSEWHERE": "_elsewhere",
    "EXPOSURES": "_scope",
    "Elsewhere": "_elsewhere",
    "Evidence": "_base",
    "Sample": "_scope",
    "Scope": "_scope",
    "code_findings": "_dependencies",
    "conclude": "_base",
    "container_findings": "_dependencies",
    "dependency_findings": "_dependencies",
    "elsewhere": "_elsewhere",
    "input_lock": "_locks",
    "live_findings": "_live",
    "looks_like": "_live",
    "told_by": "_service",
}


def all_checks() -> tuple[type[Check], ...]:
    """Return every check, in the order of their codes."""
    found: list[type[Check]] = []
    for name in _MODULES:
        found.extend(import_module(f"modelward.checks.{name}").CHECKS)
    return tuple(sorted(found, key=lambda check: check.code))


def all_codes() -> frozenset[str]:
    """Return the codes of all findings that any command can give: what a policy may name."""
    from modelward.checks._elsewhere import ELSEWHERE

    return frozenset(
        {code for codes in _MODULES.values() for code in codes} | {kind.code for kind in ELSEWHERE}
    )


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
    "looks_like",
    "told_by",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"modelward.checks.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'modelward.checks' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
