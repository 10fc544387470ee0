"""`modelward monitor`: what it writes, its exit codes, and names that try to steer the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from modelward.cli import main

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "<script>alert(1)</script>"


def _rows(weeks: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    hour = np.repeat(np.arange(weeks * 168), 25)
    n = len(hour)
    return pl.DataFrame({
        "at": hour * 3600,
        EVIL: rng.normal(size=n) * np.where(hour < 1500, 1, 10),
        "score": rng.uniform(size=n),
        "sales": 50 + rng.normal(size=n),
    })  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["modelward", "monitor", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def test_page_markdown_and_data_tell_the_same_alerts(folder, monkeypatch, capsys) -> None:
    _rows(10).write_csv("rows.csv")
    given = ["rows.csv", "--time", "at", "--answer", "score", "--kpi", "sales"]
    assert _run(monkeypatch, *given, "-o", "m.html", "-o", "m.json", "-o", "m.md") == 0
    said = capsys.readouterr().out
    document = json.loads((folder / "m.json").read_text())
    assert document["schema_version"] == 1
    assert document["complete"] is True
    assert document["dropped"] == {}
    assert document["learned"]["first"] == "1970-01-01T00:00:00Z"
    loud = [a for a in document["alerts"] if a["column"] == EVIL]
    assert loud[0]["start"] == "1970-03-04T12:00:00Z"
    assert len({a["id"] for a in document["alerts"]}) == len(document["alerts"])
    assert document["findings"][0]["code"] == "MW146"
    assert _run(monkeypatch, *given, "-o", "m.sarif") == 0
    (run,) = json.loads((folder / "m.sarif").read_text())["runs"]
    assert [r["ruleId"] for r in run["results"]] == [f["code"] for f in document["findings"]]
    assert all("rows.csv" in json.dumps(r["locations"]) for r in run["results"])
    capsys.readouterr()
    assert document["findings"][0]["failure_mode"] == 14
    page, marks = (folder / "m.html").read_text(), (folder / "m.md").read_text()
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert 'class="normal"' in page
    assert 'class="alert"' in page
    assert len(page) < 2_000_000
    assert "<script>" not in marks
    assert "1970-03-04 12:00" in page
    assert "1970-03-04 12:00" in said
    assert f"{len(document['alerts'])} alert" in said
    # The same file, the same bytes.
    capsys.readouterr()
    assert _run(monkeypatch, *given, "--format", "json", "--fail-on", "medium") == 1
    assert json.loads(capsys.readouterr().out) == document


def test_what_could_not_be_judged_is_exit_code_three(folder, monkeypatch, capsys) -> None:
    _rows(3).write_parquet("rows.parquet")
    assert _run(monkeypatch, "rows.parquet", "--time", "at", "--format", "json") == 3
    document = json.loads(capsys.readouterr().out)
    assert document["complete"] is False
    assert [f["verdict"] for f in document["findings"]] == ["inconclusive"]
    assert "insufficient history" in document["promise"]
    lost = _rows(10).filter(pl.col("at") < 1500 * 3600)
    lost.with_columns(at=pl.when(pl.int_range(pl.len()) == 5).then(None).otherwise("at")).write_csv(
        "lost.csv"
    )
    assert _run(monkeypatch, "lost.csv", "--time", "at") == 3
    assert "have no time" in capsys.readouterr().out


def test_thin_traffic_is_not_called_quiet(folder, monkeypatch, capsys) -> None:
    """Ten rows a day have no means and shares, so that no alert says little."""
    _rows(9).filter(pl.col("at") < 1500 * 3600).gather_every(60).write_csv("rows.csv")
    assert _run(monkeypatch, "rows.csv", "--time", "at", "-o", "m.json") == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "Most days have under 20 rows" in said
    assert "like the weeks that were learned from" not in said
    assert json.loads((folder / "m.json").read_text())["complete"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.csv", "--time", "at"], "none.csv"),
        (["rows.csv", "--time", "when"], "no column 'when'"),
        (["rows.csv", "--time", "at", "--kpi", "at"], "two things"),
        (["rows.csv", "--time", "at", "-o", "m.pdf"], "m.pdf"),
        (["rows.csv", "--time", "at", "--store", "rows.csv"], "cannot be opened"),
        (["rows.csv", "--time", "at", "--schema", "none.toml"], "none.toml"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(folder, monkeypatch, capsys, words, said) -> None:
    _rows(2).write_csv("rows.csv")
    assert _run(monkeypatch, *words) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
