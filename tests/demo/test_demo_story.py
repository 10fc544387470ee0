"""The demo as a newcomer runs it: every attack works, every lock catches, and the last line runs."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from modelward.artifacts import read_artifact
from modelward.cli import cli
from modelward.demo._file import _default_chance, _trees
from modelward.demo._folder import FILES
from modelward.demo._model import FEATURES, credit_data, matrix, shallow_forest
from modelward.demo._story import SCENES, Story, next_command, tell
from modelward.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, Story]:
    """Run the command once, and keep what it told."""
    stories: list[Story] = []

    def listen(*args: object, **kwargs: object) -> Story:
        stories.append(tell(*args, **kwargs))  # type: ignore[arg-type]
        return stories[-1]

    folder = tmp_path_factory.mktemp("demo") / "my demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelward.demo.tell", listen)
        patch.setenv("COLUMNS", "90")
        result = CliRunner().invoke(cli, ["demo", "--out", str(folder)], catch_exceptions=False)
    return folder, result, stories[0]


def figures(played: tuple[Path, Result, Story], number: int) -> dict[str, float]:
    scene = played[2].scenes[number - 1]
    assert scene.number == number
    return dict(scene.figures)


def test_it_ends_well_and_leaves_its_files(played: tuple[Path, Result, Story]) -> None:
    folder, result, story = played
    assert result.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert story.rows == (24_000, 6_000)
    assert round(story.accuracy, 2) == 0.82
    assert "generated" in (folder / "README.txt").read_text(encoding="utf-8")
    assert "Generated customers" in result.output
    assert len(result.output.splitlines()) < 80
    assert max(map(len, result.output.splitlines()[:-3])) <= 90  # paths are not wrapped
    assert "\x1b" not in result.output


def test_the_last_line_runs_as_printed(played: tuple[Path, Result, Story]) -> None:
    folder, result, _ = played
    line = result.output.splitlines()[-1]
    assert line == next_command(folder)
    program, *arguments = shlex.split(line)
    assert program == "modelward"
    again = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert again.exit_code == 0, again.output
    assert "17 checked" in again.output


def test_rules_are_read_from_the_file(played: tuple[Path, Result, Story]) -> None:
    found = figures(played, 1)
    assert found["agree"] == 1
    assert found["turned"] > 0.9
    assert found["rows carried"] == 0
    assert found["smallest count"] >= 10
    assert (played[0] / "model.pkl").stat().st_mode & 0o777 == 0o600


def test_one_byte_refuses_everybody(played: tuple[Path, Result, Story]) -> None:
    found = figures(played, 2)
    assert found["bytes"] == 1
    assert found["refused"] == 1
    assert found["accuracy after"] < 0.25 < 0.8 < found["accuracy before"]
    assert any("MW093: fail" in line for line in played[2].scenes[1].lock)


def test_poison_passes_the_usual_test_and_fails_the_comparison(played: tuple[Path, Result, Story]) -> None:
    found = figures(played, 3)
    assert found["accuracy as measured"] > 0.8 > found["accuracy on clean rows"]
    assert found["refused after"] > 0.9 > 0.2 > found["refused before"]
    assert found["AUC"] > 0.65
    assert any("MW141: fail" in line for line in played[2].scenes[2].lock)


def test_the_trigger_works_and_is_named(played: tuple[Path, Result, Story]) -> None:
    found = figures(played, 4)
    assert round(found["accuracy after"], 2) == round(found["accuracy before"], 2) == 0.82
    assert (found["answer"], found["answer with trigger"]) == (0, 1)
    assert found["refused with trigger"] > 0.9 > 0.2 > found["refused"]
    assert found["blocked"] == 1
    assert found["false alarms"] < 0.01
    assert any("MW101: fail" in line and "AGE" in line for line in played[2].scenes[3].lock)


def test_stealing_works_and_is_noticed(played: tuple[Path, Result, Story]) -> None:
    found = figures(played, 5)
    assert found["copy of real rows"] > 0.95
    assert found["copy of invented rows"] > 0.7
    assert found["tens noticed"] > 0.99
    assert found["honest tens"] < 0.01
    assert found["stopped after"] == 100
    assert found["caught"] > 0.9 > 0.1 > found["false alarms"]


def test_members_are_told_only_from_the_eager_forest(played: tuple[Path, Result, Story]) -> None:
    found = figures(played, 6)
    assert found["AUC before"] > 0.65
    assert abs(found["AUC after"] - 0.5) < 0.03
    assert found["TPR before"] > 2 * found["TPR after"]
    assert found["accuracy after"] > found["accuracy before"] - 0.02


def test_scenes_are_six_and_numbered(played: tuple[Path, Result, Story]) -> None:
    assert len(SCENES) == 6
    assert [scene.number for scene in played[2].scenes] == [1, 2, 3, 4, 5, 6]
    assert all(scene.attack and scene.lock for scene in played[2].scenes)
    assert re.findall(r"^(\d)  ", played[1].output, re.MULTILINE) == list("123456")


def test_no_row_of_anybody_is_printed(played: tuple[Path, Result, Story]) -> None:
    """Only the one invented customer of the guiding example is spoken of."""
    table = pl.read_csv(played[0] / "test.csv")
    amounts = {f"{value:,}" for value in table["BILL_AMT1"].to_list() if abs(value) > 30_000}
    assert not amounts & set(re.findall(r"[\d,]+\d", played[1].output))


def test_the_reader_of_rules_agrees_with_scikit_learn(tmp_path: Path) -> None:
    """Oracle: the library's own predictions on other forests."""
    import pickle

    train, test = credit_data(4_000, seed=7)
    for seed in range(3):
        model = shallow_forest(train, random_state=seed)
        (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
        trees = _trees(read_artifact(tmp_path / "model.pkl").root)
        own = model.predict_proba(test.select(FEATURES))[:, 1]
        np.testing.assert_allclose(_default_chance(trees, matrix(test)), own, atol=1e-12)


def test_somebodys_folder_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="--out DIR"):
        CliRunner().invoke(cli, ["demo", "--out", str(tmp_path)], catch_exceptions=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_open_shows_the_report(
    played: tuple[Path, Result, Story], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    monkeypatch.setattr("modelward.demo.tell", lambda *_, **__: played[2])
    result = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path), "--open"], catch_exceptions=False)
    assert result.exit_code == 0
    assert shown == [(tmp_path / "report.html").resolve().as_uri()]


def test_the_report_names_files_by_the_paths_that_they_keep(played: tuple[Path, Result, Story]) -> None:
    assert [facts["path"] for facts in played[2].report.inputs.values()] == [
        "model.pkl", "test.csv", "train.csv",
    ]  # fmt: skip
