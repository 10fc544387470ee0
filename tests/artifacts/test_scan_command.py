"""`modelward scan`: verdicts, exit codes, JSON, directories."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelward.cli._scan import scan
from modelward.errors import InputError, UsageError


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "good.pkl").write_bytes(pickle.dumps([1, 2]))
    (tmp_path / "sub" / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "notes.txt").write_text("hello\n")
    (tmp_path / "odd.pkl").write_bytes(b"\x80\x04\x8c\x04bank\x8c\x03Net\x93.")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"\xff.pkl")).write_bytes(pickle.dumps({}))
    return tmp_path


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(scan, [str(arg) for arg in args], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.stdout


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("good.pkl", 0, "clean"),
        ("sub/evil.pkl", 1, "malicious"),
        ("odd.pkl", 1, "suspicious"),
        ("notes.txt", 3, "unreadable"),
    ],
)
def test_exit_codes(folder: Path, name: str, code: int, word: str) -> None:
    got, out = run(folder / name)
    assert got == code
    assert out.startswith(word)


def test_directory_is_walked_in_order_and_nothing_stops_it(folder: Path) -> None:
    code, out = run(folder, "--format", "json")
    data = json.loads(out)
    assert code == 1
    assert set(data) == {"schema_version", "complete", "artifacts", "findings"}
    assert data["complete"] is False
    verdicts = {Path(a["path"]).name: a["verdict"] for a in data["artifacts"]}
    assert verdicts == {
        "good.pkl": "clean", "notes.txt": "unreadable", "odd.pkl": "suspicious", "pipe": "unreadable", "\\udcff.pkl": "clean",
        "evil.pkl": "malicious",
    }  # fmt: skip
    assert set(data["artifacts"][0]) == {"path", "format", "verdict", "reasons", "globals"}
    found = {f["location"].rpartition("/")[2]: (f["verdict"], f["severity"]) for f in data["findings"]}
    assert found["evil.pkl"] == ("fail", "critical")
    assert found["odd.pkl"] == ("fail", "high")
    assert found["notes.txt"] == ("inconclusive", "critical")
    assert "good.pkl" not in found
    assert run(folder, "--format", "json")[1] == out


def test_written_files(folder: Path, tmp_path: Path) -> None:
    run(folder / "good.pkl", "-o", tmp_path / "out.json", "-o", tmp_path / "out.txt")
    assert json.loads((tmp_path / "out.json").read_text())["complete"] is True
    assert "1 file scanned: 1 clean." in (tmp_path / "out.txt").read_text()
    with pytest.raises(UsageError, match="suffix"):
        run(folder / "good.pkl", "-o", tmp_path / "out.doc")


def test_missing_files(folder: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        run(folder / "none")
    code, out = run(folder / "none", folder / "good.pkl")
    assert code == 3
    assert "1 clean" in out
