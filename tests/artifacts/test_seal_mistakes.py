"""Mistakes at the command line of seal, unseal and sign: one line that says what and where, nothing left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from modelward.cli import main

pytest.importorskip("pyrage")


def told(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Return the exit code of a command, and what it printed."""
    capfd.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["modelward", *map(str, args)])
        with pytest.raises(SystemExit) as left:
            main()
    out, err = capfd.readouterr()
    return int(left.value.code or 0), out, err


@pytest.fixture
def place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "model.pkl").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "folder").mkdir()
    for name in ("me.key", "other.key"):
        code, out, _ = told(capfd, "seal", "--new-identity", tmp_path / name)
        assert code == 0
        (tmp_path / f"{name}.pub").write_text(out.split()[-1] + "\n")
    secret = (tmp_path / "me.key").read_text().splitlines()[-1]
    mixed = f"# the team\n{(tmp_path / 'me.key.pub').read_text()}\nage1nobody\n"
    for name, text in {
        "empty": "", "notes": "# only\n", "nonsense": "\x07hello\n", "mixed": mixed, "leaked": f"\n{secret}\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    (tmp_path / "large").write_bytes(bytes(3 << 20))
    os.mkfifo(tmp_path / "pipe")
    assert told(capfd, "seal", tmp_path / "model.pkl", "-R", tmp_path / "me.key.pub")[0] == 0
    return tmp_path


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("gone", "gone: no such file"),
        ("folder", "a directory, not a file; give a key file"),
        ("pipe", "a named pipe, not a file; give a key file"),
        ("empty", "holds no recipient"),
        ("notes", "holds no recipient"),
        ("nonsense", "nonsense: line 1 is no recipient"),
        ("mixed", "mixed: line 4 is no recipient"),
        ("leaked", "leaked: line 2 is no recipient (that is a secret identity: tell nobody)"),
        ("large", "too large for keys"),
    ],
)
def test_bad_files_of_recipients(
    place: Path, capfd: pytest.CaptureFixture[str], file: str, says: str
) -> None:
    out = place / "out.age"
    code, _, said = told(capfd, "seal", place / "model.pkl", "-R", place / file, "-o", out)
    assert code == 2
    assert says in said
    assert len(said.splitlines()) == 1
    assert "AGE-SECRET" not in said
    assert not out.exists()


@pytest.mark.parametrize("name", ["", "nonsense", "age1nobody", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp256 AAAA", "\x1b[31m"])  # fmt: skip
def test_bad_recipients(place: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    out = place / "out.age"
    code, _, said = told(capfd, "seal", place / "model.pkl", "-r", name, "-o", out)
    assert code == 2
    assert "give age1… or an SSH public key" in said
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("gone", "gone: no such file"),
        ("folder", "a directory, not a file; give a key file"),
        ("pipe", "a named pipe, not a file; give a key file"),
        ("empty", "holds no identity"),
        ("nonsense", "no identity that can be read"),
        ("me.key.pub", "no identity that can be read; that is a public key"),
        ("large", "too large for keys"),
        ("other.key", "sealed for other recipients than these identities"),
    ],
)
def test_bad_identities(place: Path, capfd: pytest.CaptureFixture[str], file: str, says: str) -> None:
    out = place / "out"
    code, _, said = told(capfd, "unseal", place / "model.pkl.age", "-i", place / file, "-o", out)
    assert code == 2
    assert says in said
    assert len(said.splitlines()) == 1
    assert not out.exists()


def test_what_is_no_sealed_file(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = (place / "model.pkl.age").read_bytes()
    for name, content, says in (
        ("cut.age", whole[:-9], "cut off or changed"),
        ("none.age", b"hello", "no sealed file"),
    ):
        (place / name).write_bytes(content)
        code, _, said = told(capfd, "unseal", place / name, "-i", place / "me.key", "-o", place / "out")
        assert (code, len(said.splitlines())) == (2, 1)
        assert says in said
        assert not (place / "out").exists()
    code, _, said = told(capfd, "unseal", place / "folder", "-i", place / "me.key", "-o", place / "out")
    assert code == 2
    assert "give a sealed file" in said


def test_the_others_are_still_sealed_and_opened(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (place / "b.pkl").write_bytes(b"b")
    files = (place / "gone.pkl", place / "b.pkl", place / "model.pkl")
    code, out, said = told(capfd, "seal", *files, "-R", place / "me.key.pub", "--format", "json")
    assert code == 2
    found = json.loads(out)
    assert [Path(one["sealed"]).name for one in found["sealed"]] == ["b.pkl.age"]
    assert [Path(one["path"]).name for one in found["failed"]] == ["gone.pkl", "model.pkl"]
    assert [line.split(": ", 2)[2] for line in said.splitlines()] == [
        "no such file", "is there already; --force replaces it",
    ]  # fmt: skip
    (place / "b.pkl").unlink()
    code, out, said = told(capfd, "unseal", place / "x.age", place / "b.pkl.age", "-i", place / "me.key")
    assert code == 2
    assert (place / "b.pkl").read_bytes() == b"b"
    assert len(out.splitlines()) == len(said.splitlines()) == 1


def test_a_folder_is_no_key(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("model_signing")
    for verb in ("sign", "verify"):
        code, out, said = told(capfd, verb, place / "model.pkl", "--key", place / "folder")
        assert (code, out) == (2, "")
        assert "give a key file" in said
    code, _, said = told(capfd, "sign", place / "model.pkl", place / "empty", "--key", place / "folder")
    assert code == 2
    assert len(said.splitlines()) == 1
