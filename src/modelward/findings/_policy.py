"""Policy: limits, ignores and a baseline, as a project configures them.

::

    [tool.modelward]
    baseline = "reports/last-release.json"

    [tool.modelward.limits]
    MW011 = { warn = 0.3 }                      # all measures of a code
    "MW041.AUC" = { warn = 0.55, fail = 0.6 }   # one measure

    [[tool.modelward.ignore]]
    code = "MW051"
    reason = "the endpoint is internal, rate limited at the gateway"
    until = 2027-06-30

    [[tool.modelward.ignore]]
    code = "MW112"
    where = "tests/*"                           # path, or path:line; * stands for any text
    rule = "B101"                               # the rule that a title names after its colon, or a CVE
    reason = "assert is what tests are made of"
    until = 2027-06-30
"""

from __future__ import annotations

import datetime
import json
import tomllib
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from modelward.errors import InputError, UsageError
from modelward.findings._finding import Finding, Ignored
from modelward.findings._measure import Claim, Limit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ignore:
    """A finding that a person has looked at and accepts, for a reason and until a day (included)."""

    code: str
    reason: str
    until: datetime.date
    where: str = ""
    rule: str = ""

    def meets(self, finding: Finding) -> bool:
        """Say whether a finding is one of those that are accepted."""
        if finding.code != self.code or (finding.parts and (self.where or self.rule)):
            # What sums up findings at many places is not ignored for one of them: its parts are.
            return False
        place = finding.location or ""
        path = place.rpartition(":")[0] if place.rpartition(":")[2].isdigit() else place
        here = not self.where or any(fnmatchcase(text, self.where) for text in (place, path))
        return here and self.rule in ("", finding.title.rpartition(": ")[2], *finding.names)

    def __str__(self) -> str:
        narrowed = (f" in {self.where}" if self.where else "") + (f" by {self.rule}" if self.rule else "")
        return self.code + narrowed


@dataclass(frozen=True)
class Policy:
    """How a report is judged.

    Parameters
    ----------
    limits : mapping of str to Limit
        By ``"CODE"`` or ``"CODE.measure"``; they replace a check's default limits.
    ignores : tuple of Ignore
        Accepted findings.
    baseline : mapping of str to (float, float)
        By ``"CODE.measure"`` the 95 % interval of an earlier report. A measure without limits warns when it
        is proven to be worse than the worse end of it.
    """

    limits: Mapping[str, Limit] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()
    baseline: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def limit_for(self, code: str, claim: Claim, defaults: Mapping[str, Limit]) -> Limit:
        """Return the limit of a claim: configured, else the default by its name before a colon."""
        stem = claim.name.split(":", 1)[0].strip()
        for key in (f"{code}.{claim.name}", f"{code}.{stem}", code):
            if key in self.limits:
                return self.limits[key]
        limit = defaults.get(stem, Limit())
        if limit == Limit() and f"{code}.{claim.name}" in self.baseline:
            low, high = self.baseline[f"{code}.{claim.name}"]
            return Limit(warn=high if claim.worse == "higher" else low)
        return limit

    def can_fail(self, code: str, defaults: Mapping[str, Limit]) -> bool:
        """Say whether a code has any limit that can make it fail."""
        configured = [v for k, v in self.limits.items() if k.split(".", 1)[0] == code]
        if code in self.limits:
            return any(limit.fail is not None for limit in configured)
        return any(limit.fail is not None for limit in [*configured, *defaults.values()])

    def apply_ignores(
        self, findings: Sequence[Finding], today: datetime.date
    ) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """Mark ignored findings, and say which ignores are expired or had nothing to ignore.

        Returns
        -------
        findings : tuple of Finding
        warnings : tuple of str
        """
        warnings = []
        active: list[Ignore] = []
        for entry in self.ignores:
            if entry.until < today:
                warnings.append(f"the ignore of {entry} expired on {entry.until}: it is back")
            else:
                active.append(entry)
        marked, used = [], set()
        for finding in findings:
            used |= {entry for entry in active if any(entry.meets(part) for part in finding.parts)}
            match = next((entry for entry in active if entry.meets(finding)), None)
            if match is not None and finding.verdict in ("fail", "warn", "inconclusive"):
                used.add(match)
                finding = replace(finding, ignored=Ignored(match.reason, match.until.isoformat()))
            marked.append(finding)
        # What another command finds is none of this one's business.
        ours = {finding.code for finding in findings}
        unused = sorted(str(entry) for entry in set(active) - used if entry.code in ours)
        warnings += [f"the ignore of {entry} had nothing to ignore: remove it" for entry in unused]
        return tuple(marked), tuple(warnings)

    def unused_limits(self, findings: Sequence[Finding]) -> tuple[str, ...]:
        """Warn of limits whose code was judged but has no such measure: a misspelt limit protects nobody."""
        names: dict[str, set[str]] = {}
        for finding in findings:
            for measure in finding.measures:
                stems = {measure.name, measure.name.split(":", 1)[0].strip()}
                names.setdefault(finding.code, set()).update(stems)
        return tuple(
            f"the limit for {key} met no measure; {code} has: {', '.join(sorted(names[code]))}"
            for key in sorted(self.limits)
            for code, _, name in [key.partition(".")]
            if name and code in names and name not in names[code]
        )


def read_policy(path: Path, codes: Collection[str]) -> Policy:
    """Read ``[tool.modelward]`` of a pyproject.toml; a file without that table gives the default policy.

    Parameters
    ----------
    path : Path
        The pyproject.toml.
    codes : collection of str
        Codes that exist.

    Raises
    ------
    UsageError
        For anything that the table should not hold: unknown keys and codes, an ignore without a reason.
    InputError
        If a file is not valid TOML or JSON.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not valid TOML: {error}") from None
    table = document.get("tool", {}).get("modelward", {})
    unknown = sorted(set(table) - {"limits", "ignore", "baseline"})
    if unknown:
        raise UsageError(f"{path.name}: [tool.modelward] does not know {', '.join(unknown)}")
    return Policy(
        limits=_limits(table.get("limits", {}), codes, path.name),
        ignores=tuple(_ignore(entry, codes, path.name) for entry in _list(table, path.name)),
        baseline=read_baseline(path.parent / table["baseline"]) if "baseline" in table else {},
    )


def _list(table: Mapping[str, Any], where: str) -> list[Any]:
    entries = table.get("ignore", [])
    if not isinstance(entries, list):
        raise UsageError(f"{where}: write ignores as [[tool.modelward.ignore]] tables")
    return entries


def _limits(table: Any, codes: Collection[str], where: str) -> dict[str, Limit]:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: [tool.modelward.limits] must be a table")
    limits: dict[str, Limit] = {}
    for key, entry in table.items():
        code = key.split(".", 1)[0]
        if code not in codes:
            raise UsageError(f"{where}: [tool.modelward.limits] names {code!r}, which is no code of a check")
        if not isinstance(entry, dict):
            raise UsageError(f"{where}: limit {key} must be like {{ warn = 0.1, fail = 0.2 }}")
        if set(entry) <= {"warn", "fail"}:
            limits[key] = _limit(entry, key, where)
        else:
            for name, inner in entry.items():
                if not isinstance(inner, dict) or not set(inner) <= {"warn", "fail"}:
                    raise UsageError(f"{where}: limit {key}.{name} must be like {{ warn = 0.1, fail = 0.2 }}")
                limits[f"{key}.{name}"] = _limit(inner, f"{key}.{name}", where)
    return limits


def _limit(entry: Mapping[str, Any], key: str, where: str) -> Limit:
    for word, value in entry.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise UsageError(f"{where}: limit {key}.{word} must be a number")
    return Limit(warn=entry.get("warn"), fail=entry.get("fail"))


def _ignore(entry: Any, codes: Collection[str], where: str) -> Ignore:
    if not isinstance(entry, dict) or set(entry) - {"where", "rule"} != {"code", "reason", "until"}:
        raise UsageError(
            f"{where}: every [[tool.modelward.ignore]] needs just code, reason and until, and may have where and rule"
        )
    code, reason, until = entry["code"], entry["reason"], entry["until"]
    if code not in codes:
        raise UsageError(f"{where}: an ignore names {code!r}, which is no code of a check")
    if not isinstance(reason, str) or not reason.strip():
        raise UsageError(f"{where}: the ignore of {code} needs a reason in words")
    if isinstance(until, str):
        try:
            until = datetime.date.fromisoformat(until)
        except ValueError:
            raise UsageError(f"{where}: the ignore of {code} needs until = YYYY-MM-DD") from None
    if isinstance(until, datetime.datetime) or not isinstance(until, datetime.date):
        raise UsageError(f"{where}: the ignore of {code} needs until = YYYY-MM-DD")
    narrow = [entry.get(key, "") for key in ("where", "rule")]
    if not all(isinstance(text, str) for text in narrow) or any(
        entry.get(k) == "" for k in ("where", "rule")
    ):
        raise UsageError(f"{where}: where and rule of the ignore of {code} must be texts that are not empty")
    return Ignore(code, reason.strip(), until, *narrow)


def read_baseline(path: Path) -> dict[str, tuple[float, float]]:
    """Read the intervals of an earlier JSON report.

    Raises
    ------
    InputError
        If the file is missing or is no report of version 1.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["schema_version"] != 1:
            raise InputError(f"baseline {path.name} has schema_version {report['schema_version']}, not 1")
        return {
            f"{finding['code']}.{measure['name']}": (float(measure["low"]), float(measure["high"]))
            for finding in report["findings"]
            for measure in finding["measures"]
            if measure["low"] is not None and measure["high"] is not None
        }
    except FileNotFoundError:
        raise InputError(f"baseline {path.name} is missing: write one with `modelward assess … -o`") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"baseline {path.name} is no JSON report of `modelward assess`") from None
