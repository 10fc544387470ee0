"""`modelward harden`: what it writes, the same bytes for the same seed, and one line for what is wrong."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import polars as pl
import pytest
from sklearn.tree import DecisionTreeClassifier

from modelward.cli import main
from modelward.evasion import LOCKS

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ["harden", "model.pkl", "--data", "test.csv", "--target", "label"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, credit) -> Path:
    frame, y = credit
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(frame.to_pandas()[:1_500], y[:1_500])
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    table = frame.with_columns(pl.Series("label", y))
    table[:1_500].write_csv(tmp_path / "train.csv")
    table[1_500:2_000].write_csv(tmp_path / "test.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def _run(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> int:
    monkeypatch.setattr("sys.argv", ["modelward", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def test_it_writes_the_same_table_as_page_markdown_and_data(folder, monkeypatch, capsys):
    outputs = ["-o", "h.html", "-o", "h.md", "-o", "h.json"]
    assert _run(monkeypatch, [*WORDS, "--train", "train.csv", "--goal", "0", *outputs]) == 0
    said = capsys.readouterr().out
    document = json.loads((folder / "h.json").read_text())
    assert document["schema_version"] == 1
    assert document["complete"] is True
    assert document["goal"] == "0"
    trials = document["countermeasures"]
    assert [t["name"] for t in trials] == [lock.name for lock in LOCKS]
    page, marks = (folder / "h.html").read_text(), (folder / "h.md").read_text()
    for trial in trials:
        assert trial["title"] in page
        assert trial["title"] in marks
        assert trial["title"] in said
        assert trial["status"] == "tried" or trial["reason"]
        if trial["status"] == "tried":
            for standing in (trial["before"], trial["after"]):
                share = standing["flipped_at_cost_1"]
                assert 0 <= share["low"] <= share["value"] <= share["high"] <= 1
                assert share["n"] >= 10
    assert "monotonic_cst" in page
    assert "```python\nfrom sklearn.base import clone" in marks
    assert "read without loading" not in page.lower()
    first = (folder / "h.json").read_bytes()
    assert _run(monkeypatch, [*WORDS, "--train", "train.csv", "--goal", "0", "-o", "h.json"]) == 0
    assert (folder / "h.json").read_bytes() == first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--train", "nowhere.csv"], "nowhere.csv"),
        (["--train", "train.csv", "--goal", "7"], "--goal"),
        (["--train", "train.csv", "-o", "h.pdf"], ".html"),
        ([], "--train"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(folder, monkeypatch, capsys, words, said):
    before = set(folder.iterdir())
    assert _run(monkeypatch, [*WORDS, *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert set(folder.iterdir()) == before


def test_a_search_that_ends_early_is_exit_code_three(folder, monkeypatch, capsys):
    from modelward.evasion import _field

    monkeypatch.setattr(_field.Field, "_note", lambda self, _: setattr(self, "stopped", "the budget ended"))
    assert _run(monkeypatch, [*WORDS, "--train", "train.csv"]) == 3
    assert "Not complete: the budget ended" in capsys.readouterr().out
