"""Report: findings and, beside them, what was not looked at."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from modelward.findings._measure import SEVERITIES, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelward.findings._finding import Finding

Status = Literal["checked", "not_given", "not_applicable", "skipped", "error"]
FailOn = Literal["low", "medium", "high", "critical", "never"]
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether one of the seventeen rows was looked at, and if not why, and what would supply it."""

    number: int
    failure_mode: str
    status: Status
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """An assessment: seventeen rows of coverage, and findings.

    Parameters
    ----------
    subject : mapping
        Name and kind of the model under test.
    inputs : mapping
        The files given, by relative path, with hashes and row counts.
    environment : mapping
        Versions of Python and of the libraries involved.
    budget : mapping
        The budget's name and its numbers.
    seed : int
        The seed that reproduces it.
    assumptions : tuple of str
        What was assumed because nobody said otherwise.
    coverage : tuple of Coverage
        All seventeen rows, in order.
    findings : tuple of Finding
        In order of their codes.
    exposure : tuple of str
        Who is assumed to be able to attack.
    """

    subject: Mapping[str, Any]
    inputs: Mapping[str, Any]
    environment: Mapping[str, Any]
    budget: Mapping[str, Any]
    seed: int
    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    exposure: tuple[str, ...] = ()
    modelward: str = field(default="")

    @property
    def complete(self) -> bool:
        """Whether nothing that was asked for was skipped or crashed."""
        return all(row.status not in ("skipped", "error") for row in self.coverage)

    @property
    def headline(self) -> str:
        """How many of the rows were looked at: ``"9 of 17 checked"``."""
        return f"{sum(row.status == 'checked' for row in self.coverage)} of {len(self.coverage)} checked"

    def exit_code(self, fail_on: FailOn = "high") -> int:
        """Return what the process should exit with.

        Returns
        -------
        int
            1 for a fail of severity at or over `fail_on`; else 3 if something of that severity is
            inconclusive, or a row was skipped or crashed; else 0.
        """
        gating = [f for f in self.findings if f.ignored is None and _at_least(f.severity, fail_on)]
        if any(f.verdict == "fail" for f in gating):
            return 1
        if any(f.verdict == "inconclusive" for f in gating) or not self.complete:
            return 3
        return 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract, version 1, as plain data."""
        data = {
            "schema_version": SCHEMA_VERSION,
            "modelward": self.modelward,
            "subject": dict(self.subject),
            "inputs": dict(self.inputs),
            "environment": dict(self.environment),
            "budget": dict(self.budget),
            "seed": self.seed,
            "exposure": list(self.exposure),
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
            "complete": self.complete,
            "headline": self.headline,
            "coverage": [dataclasses.asdict(row) for row in self.coverage],
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }
        return {key: _plain(value) for key, value in data.items()}

    def to_json(self) -> str:
        """Return `to_dict` as text; figures that are not finite become null."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _at_least(severity: Severity, fail_on: FailOn) -> bool:
    return fail_on != "never" and SEVERITIES.index(severity) >= SEVERITIES.index(fail_on)


def _plain(value: Any) -> Any:
    """Turn numpy scalars, tuples and non-finite floats into what JSON knows."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
