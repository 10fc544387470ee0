"""`modelward profile`: tables with texts, folders of pictures, arrays, and bad input in one clear line each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from modelward.cli import cli
from modelward.errors import MissingExtraError, ModelwardError
from modelward.profiles import read_image_profile, read_profile


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["profile", *map(str, arguments)])


def _table(word: str = "") -> pl.DataFrame:
    rng = np.random.default_rng(len(word))
    n = 600
    notes = [
        f"please send my {w} parcel soon {word if i % 5 == 0 else ''}"
        for i, w in enumerate(rng.choice(["red", "blue", "old"], n))
    ]
    return pl.DataFrame(
        {
            "amount": rng.normal(100, 10, n) + 30 * bool(word),
            "plan": rng.choice(["a", "b"], n),
            "note": [f"{t} {i * 7919 % 1000:x}z" for i, t in enumerate(notes)],
        }
    )


@pytest.fixture(scope="module")
def june(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("profile")
    _table().write_csv(folder / "june.csv")
    done = _run(folder / "june.csv", "-o", folder / "june.json", "--text", "note")
    assert done.exit_code == 0, done.output
    return folder


def test_what_moved_is_said_in_the_terminal_and_on_the_page(june: Path, tmp_path: Path) -> None:
    _table("bitcoin").write_parquet(tmp_path / "july.parquet")
    done = _run(
        tmp_path / "july.parquet",
        "-o",
        tmp_path / "july.json",
        "-o",
        tmp_path / "july.html",
        "--like",
        june / "june.json",
    )
    assert done.exit_code == 0, done.output
    for said in (done.output, (tmp_path / "july.html").read_text()):
        assert "600 rows, 3 columns" in said
        assert "bitcoin" in said
        assert "What moved" in said
    merged = read_profile(june / "june.json").merge(read_profile(tmp_path / "july.json"))
    assert merged.texts["note"].texts == 1200
    as_json = _run(june / "june.csv", "-o", tmp_path / "x.json", "--format", "json")
    assert json.loads(as_json.output)["rows"] == 600


def test_a_folder_of_pictures_is_recognised_and_a_turn_of_hues_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, order in (("before", (0, 1, 2)), ("after", (2, 0, 1))):
        (tmp_path / name / "deep").mkdir(parents=True)
        for k in range(4):
            pixels = np.clip(rng.normal([200, 60, 30], 20, (20, 30, 3)), 0, 255).astype(np.uint8)[..., order]
            Image.fromarray(pixels).save(tmp_path / name / "deep" / f"{k}.png")
    (tmp_path / "after" / "notes.txt").write_text("x")
    (tmp_path / "after" / "cut.png").write_bytes((tmp_path / "after" / "deep" / "0.png").read_bytes()[:100])
    (tmp_path / "after" / "loop.png").symlink_to(tmp_path / "before" / "deep" / "0.png")
    assert _run(tmp_path / "before", "-o", tmp_path / "a.json").exit_code == 0
    done = _run(
        tmp_path / "after",
        "-o",
        tmp_path / "b.json",
        "-o",
        tmp_path / "b.html",
        "--like",
        tmp_path / "a.json",
    )
    assert done.exit_code == 0, done.output
    assert "4 pictures" in done.output
    assert "1 pictures cannot be read, such as cut.png; 1 files are no pictures" in done.output
    assert read_image_profile(tmp_path / "a.json").hue_shift(read_image_profile(tmp_path / "b.json")) == 120
    assert "+120°" in done.output
    np.save(tmp_path / "p.npy", np.zeros((300, 4, 4, 3), np.uint8))
    assert "300 pictures" in _run(tmp_path / "p.npy", "-o", tmp_path / "c.json").output


def test_infinities_and_vanished_columns_are_said(june: Path, tmp_path: Path) -> None:
    frame = (
        _table()
        .drop("note")
        .with_columns(
            pl.when(pl.int_range(pl.len()) == 3).then(float("inf")).otherwise("amount").alias("amount"),
            pl.lit("?").alias("plan2"),
        )
    )
    frame.write_parquet(tmp_path / "a.parquet")
    done = _run(tmp_path / "a.parquet", "-o", tmp_path / "a.json", "--like", june / "june.json")
    assert done.exit_code == 0
    said = " ".join(done.output.split())
    assert "column 'note': vanished" in said
    assert "column 'plan2': appeared" in said
    assert "infinite values in amount" in said
    frame.with_columns(pl.lit("text").alias("amount")).write_csv(tmp_path / "b.csv")
    done = _run(tmp_path / "b.csv", "-o", tmp_path / "b.json", "--like", june / "june.json")
    assert "column 'amount': type changed" in " ".join(done.output.split())
    assert read_profile(tmp_path / "b.json").missing[0] == 600


def test_bad_input_is_one_clear_line_and_writes_nothing(june: Path, tmp_path: Path) -> None:
    good = (june / "june.json").read_text()
    (tmp_path / "cut.json").write_text(good[: len(good) // 2])
    (tmp_path / "other.json").write_text(good.replace('"version":2', '"version":7', 1))
    (tmp_path / "empty.csv").write_text("a,b\n")
    (tmp_path / "cut.parquet").write_bytes(_parquet(tmp_path)[:500])
    (tmp_path / "none").mkdir()
    np.save(tmp_path / "t.npy", np.zeros((2, 3)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "t.npy").read_bytes()[:40])
    np.save(tmp_path / "objects.npy", np.array([{}, "x"], dtype=object), allow_pickle=True)
    np.save(tmp_path / "p.npy", np.zeros((3, 4, 4, 3), np.uint8))
    assert _run(tmp_path / "p.npy", "-o", tmp_path / "p.json").exit_code == 0
    table, out = june / "june.csv", tmp_path / "out.json"
    for arguments, said in (
        ((tmp_path / "nowhere.csv",), "nowhere.csv"),
        ((tmp_path / "empty.csv",), "no rows"),
        ((tmp_path / "cut.parquet",), "damaged"),
        ((table, "--like", tmp_path / "cut.json"), "not JSON"),
        ((table, "--like", tmp_path / "other.json"), "version 7"),
        ((table, "--like", tmp_path / "p.json"), "no profile"),
        ((table, "--like", june / "june.json", "--text", "note"), "--like excludes"),
        ((table, "--text", "nope"), "no such column"),
        ((tmp_path / "none",), "no pictures"),
        ((tmp_path / "t.npy",), "pictures of shape"),
        ((tmp_path / "cut.npy",), "truncated"),
        ((tmp_path / "objects.npy",), "holds objects"),
        ((tmp_path / "p.npy", "--text", "note"), "are for tables"),
        ((tmp_path / "p.npy", "--like", june / "june.json"), "no profile of pictures"),
    ):  # fmt: skip
        done = _run(*arguments, "-o", out)
        # `main` prints the message of these errors as the one line, and exits with 2.
        assert isinstance(done.exception, ModelwardError), (arguments, done.output, done.exception)
        line = str(done.exception)
        assert said in line
        assert len(line.splitlines()) == 1
        assert not out.exists()


def _parquet(folder: Path) -> bytes:
    _table().write_parquet(folder / "whole.parquet")
    return (folder / "whole.parquet").read_bytes()


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    done = _run(tmp_path, "-o", tmp_path / "out.json")
    assert isinstance(done.exception, MissingExtraError)
    assert "modelward[images]" in str(done.exception)


def test_a_column_without_any_common_value_has_no_histogram(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    holiday = [f"day {i}" if i < 9 else None for i in range(500)]
    pl.DataFrame({"x": rng.normal(size=500), "holiday": holiday}).write_csv(tmp_path / "t.csv")
    done = _run(tmp_path / "t.csv", "-o", tmp_path / "t.json", "-o", tmp_path / "t.html")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "t.html").exists()
