"""What a folder may hold that is no model file: one line each, and the rest is still scanned."""

from __future__ import annotations

import os
import pickle
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from modelward.artifacts import _container as container
from modelward.artifacts import read_artifact
from modelward.artifacts._effort import Effort
from modelward.cli import _scan as scan_module
from modelward.cli._scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


def run(*args: object) -> tuple[int, list[str]]:
    result = CliRunner().invoke(scan, [str(arg) for arg in args], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.stdout.splitlines()


def verdicts(lines: list[str]) -> dict[str, str]:
    words = ("clean", "suspicious", "malicious", "unreadable")
    rows = [line.split("  ") for line in lines if line.startswith(words)]
    return {os.path.basename(row[-2]): row[0].strip() for row in rows}  # noqa: PTH119 - as printed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "z.pkl").write_bytes(pickle.dumps(Evil()))
    return tmp_path


def test_special_files_are_named_and_the_rest_is_scanned(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "empty").write_bytes(b"")
    (folder / "gone").symlink_to("nowhere")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "loop").symlink_to("loop")
    (folder / os.fsdecode(b"\xff\xfe.pkl")).write_bytes(pickle.dumps({}))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "sock"))
        code, lines = run(folder)
    assert code == 1
    found = verdicts(lines)
    assert (found.pop("a.pkl"), found.pop("z.pkl"), found.pop("\\udcff\\udcfe.pkl")) == (
        "clean",
        "malicious",
        "clean",
    )
    assert found == dict.fromkeys(("fifo", "empty", "gone", "device", "loop", "sock"), "unreadable")
    for word in ("a named pipe", "the file is empty", "no such file", "a device", "a socket"):
        assert sum(word in line for line in lines) == 1, word


def test_files_and_folders_without_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so the system's answer is made here.
    (folder / "b.pkl").write_bytes(pickle.dumps([1]))
    (folder / "locked").mkdir()
    (folder / "locked" / "in.pkl").write_bytes(pickle.dumps([1]))
    opened, listed = os.open, os.scandir

    def refusing(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith("b.pkl"):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, *args, **kwargs)

    def hiding(path: Any = ".") -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(container.os, "open", refusing)
    monkeypatch.setattr(os, "scandir", hiding)
    code, lines = run(folder)
    assert code == 1
    assert verdicts(lines) == {
        "a.pkl": "clean",
        "b.pkl": "unreadable",
        "locked": "unreadable",
        "z.pkl": "malicious",
    }
    assert sum("no permission" in line for line in lines) == 1


def test_many_files_are_read_as_they_come(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{i:07}.pkl" for i in range(100_000)]
    monkeypatch.setattr(os, "walk", lambda path, **_: iter([(path, [], names)]))
    files: Iterator[str] = scan_module._files((str(folder),))
    assert next(files).endswith("0000000.pkl")
    assert sum(1 for _ in files) == 99_999


def test_looking_ahead_reads_no_more_than_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    for i in range(5):
        (tmp_path / "in" / f"{i}.pkl").write_bytes(bytes(10 + i))
    (tmp_path / "gone").symlink_to("nowhere")
    missing = str(tmp_path / "missing")
    assert sorted(scan_module._sizes(str(tmp_path))) == [7, 10, 11, 12, 13, 14]
    assert list(scan_module._sizes(missing)) == []
    expected: list[int] = []
    monkeypatch.setattr(scan_module, "_LOOK_AHEAD", 3)
    monkeypatch.setattr(Effort, "expect", expected.append)
    scan_module._expect((missing, str(tmp_path / "in")))
    assert len(expected) == 1
    assert 33 <= expected[0] <= 39


def test_a_folder_of_thousands(tmp_path: Path) -> None:
    good, evil = pickle.dumps([1]), pickle.dumps(Evil())
    for i in range(3000):
        (tmp_path / f"{i}.pkl").write_bytes(evil if i == 1234 else good)
    code, lines = run(tmp_path)
    assert code == 1
    assert lines[-1] == "3000 files scanned: 2999 clean, 1 malicious."


@pytest.mark.parametrize("grow", [True, False])
def test_a_large_file_that_changes_while_it_is_read(
    tmp_path: Path, grow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "LARGE", 1 << 16)
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps([list(range(200)), bytes(1 << 20)] * 8))
    read = os.preadv

    def changing(*args: Any) -> int:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size + 99 if grow else 1 << 17)
        return read(*args)

    monkeypatch.setattr(os, "preadv", changing)
    artifact = read_artifact(path, whole=False)
    assert artifact.verdict == "unreadable"
    assert any("while it was read" in reason for reason in artifact.reasons)


def test_a_small_file_that_grows_without_end(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps([1]))
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab") as file:
            while not stop.is_set() and file.tell() < 50 << 20:
                file.write(bytes(1 << 16))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        artifact = read_artifact(path, whole=False, max_bytes=1 << 20)
    finally:
        stop.set()
        thread.join()
    # Whatever was read is judged as a whole: the model alone, or with bytes behind it that are no pickle.
    assert artifact.verdict == "unreadable" or artifact.data == pickle.dumps([1])
