"""The README is typed in, block by block: its commands run, and print what it says they print."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from modelward.checks import all_checks
from modelward.findings import read_policy

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
CSV = Path(__file__).parents[2] / "shared" / "data" / "uci-credit-default.csv"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
# These set up an environment, or are the demo, which has tests of its own.
SETUP = re.compile(r"^(make|pip|modelward demo)\b", re.MULTILINE)


def _shell(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, "CSV": str(CSV), "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(
        ["bash", "-c", text], cwd=folder, env=settings, capture_output=True, text=True, check=False
    )


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Type every shell block in order; return the command, what it printed, and what the README says."""
    if not CSV.exists():
        pytest.skip(f"the real credit data is not at {CSV}")
    folder = tmp_path_factory.mktemp("reader")
    results = []
    for (language, text), following in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True):
        if language != "sh" or SETUP.search(text):
            continue
        done = _shell(text, folder)
        assert done.returncode in (0, 1, 3), f"{text}\n{done.stderr}"
        results.append((text, done.stdout, following[1] if following[0] == "text" else ""))
    model = pickle.loads((folder / "model.pkl").read_bytes())
    space = {
        "model": model,
        "test": pl.read_csv(folder / "test.csv"),
        "train": pl.read_csv(folder / "train.csv"),
    }
    for language, text in BLOCKS:
        if language == "python":
            exec(text, space)  # noqa: S102 - it is our own
    assert (folder / "report.html").stat().st_size < 2_000_000
    return results


def test_the_commands_print_what_the_readme_says(typed: list[tuple[str, str, str]]) -> None:
    said = [(command, printed, expected) for command, printed, expected in typed if expected]
    assert len(said) >= 3
    for command, printed, expected in said:
        assert _plain(printed) == _plain(expected), command


@pytest.mark.parametrize("words", [["--help"], ["assess", "--help"]], ids=" ".join)
def test_the_help_in_the_readme_is_todays_help(words: list[str]) -> None:
    done = _shell(f"modelward {' '.join(words)}", Path.cwd())
    assert done.returncode == 0
    assert _plain(done.stdout) in [_plain(text) for language, text in BLOCKS if language == "text"]


def test_the_configuration_in_the_readme_is_read(tmp_path: Path) -> None:
    (text,) = (text for language, text in BLOCKS if language == "toml")
    tomllib.loads(text)
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "last-release.json").write_text('{"schema_version": 1, "findings": []}')
    policy = read_policy(tmp_path / "pyproject.toml", {check.code for check in all_checks()})
    assert policy.ignores
    assert policy.limits


def test_every_code_stands_in_the_readme() -> None:
    table = README.partition("## What is measured")[2].partition("\n## ")[0]
    named = set(re.findall(r"MW\d{3}", table)) | {"MW092"}
    silent = {check.code for check in all_checks() if check.number in (6, 7, 11)}
    assert named == {check.code for check in all_checks()} - silent
