"""What taxonomy says of modelward is true of modelward: its codes, its verbs and its flags exist."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module

import pytest
from click.testing import CliRunner

from modelward import checks
from modelward.checks import all_checks
from modelward.cli import cli
from modelward.cli._explain import explain
from modelward.taxonomy import MODES

MEASURES = [lock.measured_by for row in MODES for lock in row.countermeasures if lock.measured_by]


def test_every_row_has_a_check_that_explains_itself() -> None:
    assert {check.number for check in all_checks()} == set(range(1, 18))


def test_the_table_of_contents_names_the_codes_of_each_file() -> None:
    for module, codes in checks._MODULES.items():
        found = import_module(f"modelward.checks.{module}").CHECKS
        assert sorted(check.code for check in found) == list(codes), module


def test_names_of_checks_are_loaded_when_they_are_used() -> None:
    assert all(getattr(checks, name) is not None for name in checks.__all__)
    with pytest.raises(AttributeError, match="no attribute"):
        checks.absent  # noqa: B018
    script = "import sys, modelward.checks as c; c.all_codes(), c.dependency_findings; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.code)
def test_the_page_of_each_check(check: type) -> None:
    text = CliRunner().invoke(explain, [check.code], catch_exceptions=False).output  # type: ignore[attr-defined]
    assert f"{check.code}  {check.title}"[:60] in text  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", MEASURES)
def test_measures_name_what_exists(text: str) -> None:
    codes = [check.code for check in all_checks()]
    for named in re.findall(r"MW\d{2,3}", text):
        assert any(code.startswith(named) for code in codes), named
    for verb in re.findall(r"modelward (\w+)", text):
        command = cli.get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None, verb
        flags = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", text)) <= flags
