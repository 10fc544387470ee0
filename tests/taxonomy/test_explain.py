"""`modelward explain` as a newcomer meets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

import pytest
from click.testing import CliRunner

from modelward.checks import Check, Evidence, all_codes
from modelward.cli._explain import explain
from modelward.errors import UsageError
from modelward.findings import Limit, read_policy
from modelward.taxonomy import MODES

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from modelward.checks import Scope


class _Copy(Check):
    code = "MW051"
    title = "A copy trained on answers"
    number = 5
    severity = "medium"
    exposure = ("callers",)
    limits: ClassVar = {"fidelity": Limit(0.7, 0.9)}
    references = ("Tramèr et al. 2016",)

    def run(self, scope: Scope) -> Evidence:
        return Evidence("")


class _Other(_Copy):
    code = "MW052"
    title = "Another check of row 5"


@pytest.fixture(autouse=True)
def two_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelward.checks.all_checks", lambda: (_Copy, _Other))
    monkeypatch.setenv("COLUMNS", "90")


def run(*args: str) -> Result:
    return CliRunner().invoke(explain, args, catch_exceptions=False)


@pytest.mark.parametrize("name", ["stealing", "MW05", "mw05", "5", "Model Stealing", "model-theft", "ML05"])
def test_all_ways_to_the_same_page(name: str) -> None:
    assert run(name).output == run("stealing").output


def test_the_page_has_what_a_reader_needs() -> None:
    text = run("stealing").output
    for part in (
        "5  Model stealing", "somebody does it on purpose", "It breaks confidentiality", "black box",
        "MW051  A copy trained on answers  (severity medium)", "warn limit 0.7, fail limit 0.9", "MW052",
        "--select MW051,MW052", "AML.T0024.002 Extract AI Model", "ML05:2023 Model Theft",
        "NISTAML.031 Model Extraction", "Tramèr et al. 2016.", "def allowed(caller, rows, budget=500):",
    ):  # fmt: skip
        assert part in text


def test_a_full_code_shows_only_its_check() -> None:
    text = run("MW052").output
    assert "Another check of row 5" in text
    assert "A copy trained on answers" not in text


def test_a_code_that_no_check_has_is_an_error() -> None:
    with pytest.raises(UsageError, match="there is no check MW059; .* MW051, MW052"):
        run("MW059")


def test_what_other_commands_find_is_explained_too() -> None:
    text = run("MW113").output
    assert "How dependencies are asked for  (severity medium)" in text
    assert "modelward deps PROJECT" in text
    assert "Dangerous code" not in text
    assert "MW025  Tampered rows" in run("poisoning").output
    assert "MW113" not in run("MW112").output


def test_a_policy_may_name_what_any_command_finds(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[[tool.modelward.ignore]]\ncode = "MW113"\nreason = "pinned elsewhere"\nuntil = 2030-01-01\n'
    )
    assert read_policy(path, all_codes()).ignores[0].code == "MW113"


@pytest.mark.parametrize("row", MODES, ids=lambda row: row.slug)
def test_prose_fits_the_width_and_code_is_whole(row: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run(row.slug).output  # type: ignore[attr-defined]
    code = {line for lock in row.countermeasures for line in lock.code.splitlines()}  # type: ignore[attr-defined]
    lines = text.splitlines()
    for line in lines:
        assert line == line.rstrip()
        assert len(line) <= 80 or line.strip() in {piece.strip() for piece in code} or "--select" in line
    assert code <= {line[5:] if line else "" for line in lines}
    assert "\x1b" not in text


def test_without_a_name_all_seventeen_are_listed() -> None:
    text = run().output
    assert all(row.name in text and row.slug in text for row in MODES)
    assert "MW051–2" in text


def test_json_carries_everything() -> None:
    data = json.loads(run("MW051", "--format", "json").output)
    assert data["schema_version"] == 1
    assert data["number"] == 5
    assert [check["code"] for check in data["checks"]] == ["MW051"]
    assert data["checks"][0]["limits"] == {"fidelity": {"warn": 0.7, "fail": 0.9}}
    assert len(json.loads(run("--format", "json").output)["failure_modes"]) == 17
