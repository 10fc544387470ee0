"""`modelward scan`: verdicts, exit codes, JSON, directories."""

from __future__ import annotations

import json
import os
import pickle
import weakref
import zipfile
from pathlib import Path

import numpy
import pytest
from click.testing import CliRunner

from modelward.cli import _scan as scan_module
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


def test_members_stand_in_the_json_and_decide_the_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.pkl", pickle.dumps([1]))
        archive.writestr("sub/evil.pkl", pickle.dumps(Evil()))
    code, out = run(path, "--format", "json")
    data = json.loads(out)
    assert code == 1
    assert [(a["path"], a["verdict"]) for a in data["artifacts"]] == [
        (str(path), "malicious"), (f"{path}!/good.pkl", "clean"), (f"{path}!/sub/evil.pkl", "malicious"),
    ]  # fmt: skip
    assert [f["location"] for f in data["findings"]] == [f"{path}!/sub/evil.pkl"]
    code, out = run(path)
    assert "2 members" in out
    assert "1 file scanned: 1 malicious." in out


def test_unreadable_archives_do_not_hide_suspicious_members(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("odd.pkl", b"\x80\x04\x8c\x04bank\x8c\x03Net\x93.")
        archive.writestr("notes.txt", "hello")
    code, out = run(path, "--format", "json")
    data = json.loads(out)
    assert (code, data["complete"]) == (1, False)
    assert {f["code"] for f in data["findings"]} == {"MW091", "MW092"}


@pytest.mark.parametrize("suffix", [".md", ".html", ".txt", ".json"])
def test_written_pages_escape_what_names_say(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "<script>alert(1)<|`x`.pkl").write_bytes(b"hello")
    (folder / "b\x1b[31m.pkl").write_bytes(pickle.dumps(Evil()))
    out = folder / f"out{suffix}"  # in the folder that is scanned: not scanned itself
    assert run(folder, "-o", out)[0] == 1
    text = out.read_text(encoding="utf-8")
    assert "malicious" in text
    assert "\x1b" not in text
    assert f"out{suffix}" not in text
    if suffix in (".md", ".html"):
        assert "<script>" not in text
        assert "http" not in text
        assert "2 files scanned: 1 malicious, 1 unreadable." in text


def test_what_was_read_of_a_file_goes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(50):
        (tmp_path / f"{i:05}.pkl").write_bytes(pickle.dumps(i))
    seen: list[weakref.ref[object]] = []
    most = 0

    def read(path: str) -> tuple[object, str]:
        nonlocal most
        found = original(path)
        seen.append(weakref.ref(found[0]))
        most = max(most, sum(ref() is not None for ref in seen))
        return found

    original = scan_module._read
    monkeypatch.setattr(scan_module, "_read", read)
    for form in ("text", "json"):
        run(tmp_path, "--format", form)
    assert len(seen) == 100
    assert most <= 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission(folder: Path) -> None:
    (folder / "good.pkl").chmod(0)
    code, out = run(folder / "good.pkl", folder / "odd.pkl")
    assert code == 1
    assert "no permission" in out


def test_empty_files_and_devices(tmp_path: Path) -> None:
    (tmp_path / "empty.pkl").write_bytes(b"")
    code, out = run(tmp_path / "empty.pkl", "/dev/zero")
    assert code == 3
    assert "the file is empty" in out
    assert "a device, not a file" in out


def test_links_to_directories_are_named_or_walked(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    models = tmp_path / "models"
    (models / "old").mkdir(parents=True)
    (models / "good.pkl").write_bytes(pickle.dumps([1, 2]))
    (models / "round").symlink_to(models)  # leads to what is walked anyway
    (models / "newest").symlink_to("old")
    assert run(models)[0] == 0
    (models / "linked").symlink_to("../elsewhere")
    code, out = run(models)
    assert code == 3
    assert "a link to a directory, which is not followed" in out
    assert "linked" in out
    code, out = run(models, tmp_path / "elsewhere")
    assert code == 1
    assert "not followed" not in out
    assert run(models / "linked")[0] == 1


def test_fields_of_arrays_may_have_any_names(tmp_path: Path) -> None:
    items = numpy.zeros(3, [("__init__", "f8"), ("__class__", "i4"), ("append", "i4")])
    (tmp_path / "items.pkl").write_bytes(pickle.dumps(items))
    assert run(tmp_path / "items.pkl")[0] == 0
