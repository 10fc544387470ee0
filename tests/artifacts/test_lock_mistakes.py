"""Mistakes at the command line of sign and verify: one line that says what and where, and the right exit code."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from modelward.cli import main

pytest.importorskip("model_signing")


def told(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str]:
    """Return the exit code of a command, and what it printed."""
    capfd.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["modelward", *map(str, args)])
        with pytest.raises(SystemExit) as left:
            main()
    out, err = capfd.readouterr()
    return int(left.value.code or 0), out + err


@pytest.fixture
def place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    for name in ("a.pkl", "b.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps({"name": name}))
    for key in ("team.key", "other.key"):
        assert told(capfd, "sign", "--new-key", tmp_path / key)[0] == 0
    for name in ("a.pkl", "b.pkl"):
        assert told(capfd, "sign", tmp_path / name, "--key", tmp_path / "team.key")[0] == 0
    return tmp_path


@pytest.mark.parametrize(
    ("file", "key", "signature", "code", "says"),
    [
        ("a.pkl", "team.key.pub", "a.pkl.sig", 0, ""),
        ("b.pkl", "team.key.pub", "a.pkl.sig", 1, "another file"),
        ("a.pkl", "other.key.pub", "a.pkl.sig", 1, "another key"),
        ("a.pkl", "team.key", "a.pkl.sig", 2, "no public key"),
        ("a.pkl", "text.pub", "a.pkl.sig", 2, "no public key"),
        ("a.pkl", "gone.pub", "a.pkl.sig", 2, "gone.pub: no such file"),
        ("a.pkl", "team.key.pub", "empty.sig", 1, "cut off or damaged"),
        ("a.pkl", "team.key.pub", "gone.sig", 1, "not signed"),
        ("gone.pkl", "team.key.pub", "a.pkl.sig", 2, "no such file"),
    ],
)
def test_verify(
    place: Path, capfd: pytest.CaptureFixture[str], file: str, key: str, signature: str, code: int, says: str
) -> None:
    (place / "text.pub").write_text("no key\n")
    (place / "empty.sig").write_bytes(b"")
    args = ("--key", place / key, "--signature", place / signature)
    found, said = told(capfd, "verify", place / file, *args)
    assert found == code, said
    assert says in said
    assert len(said.strip().splitlines()) == 1


def test_a_public_key_signs_nothing_and_leaves_nothing(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(place / "a.pkl", place / "c.pkl")
    code, said = told(capfd, "sign", place / "c.pkl", "--key", place / "team.key.pub")
    assert code == 2
    assert "no private key" in said
    assert len(said.strip().splitlines()) == 1
    assert not (place / "c.pkl.sig").exists()
