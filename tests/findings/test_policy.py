"""Policy: limits, ignores and baselines from pyproject.toml."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING

import pytest

from modelward.errors import InputError, UsageError
from modelward.findings import Claim, Coverage, Finding, Ignore, Limit, Policy, Report, judge, read_policy
from modelward.stats import Proportion

if TYPE_CHECKING:
    from pathlib import Path

CODES = {"MW011", "MW041", "MW051"}
TODAY = datetime.date(2026, 6, 1)


def _finding(code: str = "MW041", verdict: str = "fail", severity: str = "high") -> Finding:
    measures = judge([Claim("AUC", Proportion(70, 100), "AUC")], alpha=0.01)
    return Finding(code, 4, "Membership inference", "t", verdict, severity, "s", measures)  # type: ignore[arg-type]


def _report(*findings: Finding, status: str = "checked") -> Report:
    rows = tuple(Coverage(i, f"row {i}", status) for i in range(1, 18))  # type: ignore[arg-type]
    return Report({}, {}, {}, {}, 0, rows, findings)


def _write(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(text)
    return path


def test_a_whole_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(_report(_finding("MW051", "measured")).to_json())
    policy = read_policy(
        _write(
            tmp_path,
            """
            [tool.modelward]
            baseline = "old.json"
            [tool.modelward.limits]
            MW011 = { warn = 0.3 }
            "MW041.AUC" = { warn = 0.5, fail = 0.7 }
            [tool.modelward.limits.MW051]
            "fidelity: in" = { fail = 0.9 }
            [[tool.modelward.ignore]]
            code = "MW051"
            reason = "internal"
            until = 2027-01-01
            """,
        ),
        CODES,
    )
    claim = Claim("AUC", Proportion(1, 2), "AUC")
    assert policy.limit_for("MW041", claim, {"AUC": Limit(0.1, 0.2)}) == Limit(0.5, 0.7)
    assert policy.limit_for("MW011", claim, {}) == Limit(0.3)
    assert policy.limits["MW051.fidelity: in"] == Limit(None, 0.9)
    assert policy.limit_for("MW051", claim, {}) == Limit(warn=policy.baseline["MW051.AUC"][1])
    assert policy.ignores == (Ignore("MW051", "internal", datetime.date(2027, 1, 1)),)
    assert policy.can_fail("MW051", {})
    assert not policy.can_fail("MW011", {"x": Limit(fail=1.0)}), "a configured code replaces its defaults"


def test_a_project_without_the_table_has_the_default_policy(tmp_path: Path) -> None:
    assert read_policy(_write(tmp_path, "[project]\nname = 'x'\n"), CODES) == Policy()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tool.modelward]\nlimit = 1", "does not know limit"),
        ("[tool.modelward.limits]\nMW999 = { warn = 1 }", "MW999"),
        ("[tool.modelward.limits]\nMW041 = 0.3", "must be like"),
        ("[tool.modelward.limits]\nMW041 = { warn = 'x' }", "must be a number"),
        ("[tool.modelward.limits]\nMW041 = { warn = nan }", "must be a number"),
        ("[tool.modelward.limits.MW041]\nAUC = { wran = 1 }", "must be like"),
        ("[[tool.modelward.ignore]]\ncode = 'MW041'\nreason = 'x'", "code, reason and until"),
        ("[[tool.modelward.ignore]]\ncode = 'MW041'\nuntil = 2027-01-01", "code, reason and until"),
        ("[[tool.modelward.ignore]]\ncode = 'MW041'\nreason = ' '\nuntil = 2027-01-01", "a reason"),
        ("[[tool.modelward.ignore]]\ncode = 'MW041'\nreason = 'x'\nuntil = 'soon'", "YYYY-MM-DD"),
        ("[[tool.modelward.ignore]]\ncode = 'MW9'\nreason = 'x'\nuntil = 2027-01-01", "no code of a check"),
        ("[tool.modelward]\nignore = 'MW041'", "[[tool.modelward.ignore]]"),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_policy(_write(tmp_path, text), CODES)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"), [("[tool", "not valid TOML"), ("[tool.modelward]\nbaseline='b'", "missing")]
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_policy(_write(tmp_path, text), CODES)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1, "findings": [1]}']
)
def test_a_baseline_that_is_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(InputError, match="baseline b.json"):
        read_policy(_write(tmp_path, "[tool.modelward]\nbaseline = 'b.json'"), CODES)


def test_an_ignore_holds_until_its_day_and_then_the_finding_is_back() -> None:
    policy = Policy(ignores=(Ignore("MW041", "accepted", TODAY),))
    (held,), quiet = policy.apply_ignores([_finding()], TODAY)
    (back,), warned = policy.apply_ignores([_finding()], TODAY + datetime.timedelta(days=1))
    assert (_report(held).exit_code(), quiet) == (0, ())
    assert _report(back).exit_code() == 1
    assert "expired" in warned[0]


def test_an_unused_ignore_warns() -> None:
    policy = Policy(ignores=(Ignore("MW051", "accepted", TODAY),))
    _, warned = policy.apply_ignores([_finding(), _finding("MW051", "pass")], TODAY)
    assert "nothing to ignore" in warned[0]


def test_an_ignore_of_what_another_command_finds_is_let_be() -> None:
    policy = Policy(ignores=(Ignore("MW113", "pinned elsewhere", TODAY),))
    assert policy.apply_ignores([_finding()], TODAY)[1] == ()


def test_a_limit_for_a_measure_that_does_not_exist_warns() -> None:
    policy = Policy(
        limits={"MW041.AUK": Limit(fail=0.6), "MW041.AUC": Limit(fail=0.6), "MW051.x": Limit(fail=1)}
    )
    (warning,) = policy.unused_limits([_finding()])
    assert "MW041.AUK" in warning


@pytest.mark.parametrize(
    ("verdict", "severity", "fail_on", "code"),
    [
        ("fail", "high", "high", 1),
        ("fail", "medium", "high", 0),
        ("fail", "medium", "medium", 1),
        ("fail", "critical", "never", 0),
        ("inconclusive", "high", "high", 3),
        ("inconclusive", "low", "high", 0),
        ("warn", "critical", "low", 0),
        ("measured", "critical", "low", 0),
        ("pass", "critical", "low", 0),
    ],
)
def test_exit_codes(verdict: str, severity: str, fail_on: str, code: int) -> None:
    assert _report(_finding("MW041", verdict, severity)).exit_code(fail_on) == code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "code"), [("skipped", 3), ("error", 3), ("not_given", 0), ("not_applicable", 0)]
)
def test_rows_that_were_not_finished_are_not_clean(status: str, code: int) -> None:
    assert _report(_finding(verdict="pass"), status=status).exit_code() == code
    assert _report(_finding(), status=status).exit_code() == 1, "1 beats 3"


def test_json_keeps_the_contract_and_knows_no_infinity() -> None:
    data = json.loads(_report(_finding()).to_json())
    assert set(data) >= {
        "schema_version", "modelward", "subject", "inputs", "environment", "budget", "seed", "assumptions",
        "complete", "coverage", "findings",
    }  # fmt: skip
    assert set(data["coverage"][0]) == {"number", "failure_mode", "status", "reason"}
    assert set(data["findings"][0]) >= {
        "code", "failure_mode", "title", "verdict", "severity", "summary", "measures", "series", "tables",
        "countermeasures", "cost", "location",
    }  # fmt: skip
    assert set(data["findings"][0]["measures"][0]) >= {
        "name", "value", "low", "high", "unit", "n", "confidence", "method", "limit", "worse",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("where", "rule", "held"),
    [
        ("", "", [True, True, True]), ("src/*", "", [True, True, False]), ("src/a.py", "", [True, True, False]),
        ("src/a.py:3", "", [True, False, False]), ("", "B101", [True, False, True]), ("tests/*", "B404", [False] * 3),
    ],
)  # fmt: skip
def test_an_ignore_may_name_a_place_and_a_rule(where: str, rule: str, held: list[bool]) -> None:
    policy = Policy(ignores=(Ignore("MW112", "looked at", TODAY, where, rule),))
    findings = [
        dataclasses.replace(_finding("MW112", "warn"), location=place, title=f"Dangerous code: {name}")
        for place, name in (("src/a.py:3", "B101"), ("src/a.py:13", "B404"), ("tests/t.py:3", "B101"))
    ]
    marked, warned = policy.apply_ignores(findings, TODAY)
    assert [f.ignored is not None for f in marked] == held
    assert len(warned) == (not any(held))


def test_two_ignores_of_one_code_stand_beside_each_other(tmp_path: Path) -> None:
    one = "[[tool.modelward.ignore]]\ncode = 'MW041'\nreason = 'x'\nuntil = 2999-01-01\nwhere = "
    (tmp_path / "pyproject.toml").write_text(f"{one}'a/*'\n{one}'b/*'\n")
    policy = read_policy(tmp_path / "pyproject.toml", ["MW041"])
    findings = [dataclasses.replace(_finding(), location=f"{folder}/x.py:1") for folder in "abc"]
    marked, _ = policy.apply_ignores(findings, TODAY)
    assert [f.ignored is not None for f in marked] == [True, True, False]
    for wrong in ("''", "3"):
        (tmp_path / "pyproject.toml").write_text(f"{one}{wrong}\n")
        with pytest.raises(UsageError, match="where and rule"):
            read_policy(tmp_path / "pyproject.toml", ["MW041"])
