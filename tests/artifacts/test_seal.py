"""Sealing and unsealing, also against the age command where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from modelward.artifacts import new_identity, read_identities, read_recipients, recipient, seal, unseal
from modelward.cli._seal import seal as seal_verb
from modelward.cli._seal import unseal as unseal_verb
from modelward.errors import InputError, SealError, UsageError

pyrage = pytest.importorskip("pyrage")
CONTENT = bytes(range(256)) * 700


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(CONTENT)
    return path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_there_and_back_for_several_recipients(model: Path, tmp_path: Path) -> None:
    names = [new_identity(tmp_path / f"{i}.key") for i in range(3)]
    sealed = seal(model, [recipient(name) for name in names[:2]])
    assert CONTENT[:64] not in sealed.read_bytes()
    for i in range(2):
        out = unseal(sealed, read_identities(tmp_path / f"{i}.key"), out=tmp_path / f"out{i}")
        assert out.read_bytes() == CONTENT
        assert out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SealError, match="other recipients"):
        unseal(sealed, read_identities(tmp_path / "2.key"), out=tmp_path / "out2")
    assert not (tmp_path / "out2").exists()
    assert pyrage.decrypt(sealed.read_bytes(), read_identities(tmp_path / "0.key")) == CONTENT


def test_what_others_sealed_opens(model: Path, tmp_path: Path) -> None:
    name = new_identity(tmp_path / "key")
    (tmp_path / "x.age").write_bytes(pyrage.encrypt(CONTENT, [pyrage.x25519.Recipient.from_str(name)]))
    assert unseal(tmp_path / "x.age", read_identities(tmp_path / "key")).read_bytes() == CONTENT


@pytest.mark.skipif(shutil.which("age") is None, reason="needs the age command")
def test_the_age_command_opens_ours_and_we_open_its(model: Path, tmp_path: Path) -> None:
    subprocess.run(["age-keygen", "-o", tmp_path / "theirs.key"], check=True, capture_output=True)
    ours = new_identity(tmp_path / "ours.key")
    public = subprocess.run(
        ["age-keygen", "-y", tmp_path / "theirs.key"], check=True, capture_output=True, text=True
    ).stdout
    sealed = seal(model, [recipient(public)])
    opened = subprocess.run(
        ["age", "-d", "-i", tmp_path / "theirs.key", sealed], check=True, capture_output=True
    ).stdout
    assert opened == CONTENT
    subprocess.run(["age", "-r", ours, "-o", tmp_path / "x.age", model], check=True)
    assert unseal(tmp_path / "x.age", read_identities(tmp_path / "ours.key")).read_bytes() == CONTENT
    assert len(read_identities(tmp_path / "theirs.key")) == 1


def test_a_sealed_file_that_is_cut_or_changed_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    name = new_identity(tmp_path / "key")
    sealed = seal(model, [recipient(name)])
    whole, before = sealed.read_bytes(), files(tmp_path)
    identities = read_identities(tmp_path / "key")
    for end in (0, 1, 30, 100, 200, 300, 65_000, len(whole) - 1):
        sealed.write_bytes(whole[:end])
        with pytest.raises(SealError) as caught:
            unseal(sealed, identities, out=tmp_path / "out")
        assert "\n" not in str(caught.value)
    for at in (5, 60, 150, 250, 70_000, len(whole) - 1):
        sealed.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(SealError):
            unseal(sealed, identities, out=tmp_path / "out")
    assert files(tmp_path) == before


def test_nothing_is_overwritten_and_nothing_half_written(
    model: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    who = [recipient(new_identity(tmp_path / "key"))]
    sealed = seal(model, who)
    first = sealed.read_bytes()
    with pytest.raises(InputError, match="--force"):
        seal(model, who)
    assert sealed.read_bytes() == first
    seal(model, who, force=True)
    assert sealed.read_bytes() != first
    with pytest.raises(InputError, match="--force"):
        unseal(sealed, read_identities(tmp_path / "key"))
    with pytest.raises(InputError, match="--force"):
        new_identity(tmp_path / "key")
    link = tmp_path / "link.age"
    link.symlink_to(sealed)
    with pytest.raises(InputError, match="regular file"):
        seal(model, who, out=link, force=True)
    before = files(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        seal(model, who, out=tmp_path / "no" / "x.age")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="no space left"):
        seal(model, who, out=tmp_path / "full.age")
    assert files(tmp_path) == before


def test_bad_keys_and_files_are_one_line(model: Path, tmp_path: Path) -> None:
    name = new_identity(tmp_path / "key")
    secret = (tmp_path / "key").read_text().split()[-1]
    with pytest.raises(UsageError) as caught:
        recipient(secret)
    assert secret not in str(caught.value)
    for wrong in ("", "age1", name[:-1] + ("q" if name[-1] != "q" else "p"), "ssh-ed25519 AAAA", "x\x1b[31m"):
        with pytest.raises(UsageError) as bad:
            recipient(wrong)
        assert "\x1b" not in str(bad.value)
    with pytest.raises(UsageError, match="no identity"):
        read_identities(model)
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(UsageError, match="holds no"):
        read_identities(tmp_path / "empty")
    with pytest.raises(UsageError, match="holds no"):
        read_recipients(tmp_path / "empty")
    with pytest.raises(UsageError, match="nobody"):
        seal(model, [])
    with pytest.raises(InputError, match="no such file"):
        seal(tmp_path / "none", [recipient(name)])
    with pytest.raises(InputError, match="not a regular file"):
        seal(tmp_path, [recipient(name)], out=tmp_path / "x")
    with pytest.raises(UsageError, match="-o"):
        unseal(model, read_identities(tmp_path / "key"))


def test_verbs(model: Path, tmp_path: Path) -> None:
    def call(command: Any, *args: object) -> str:
        run = CliRunner().invoke(command, [str(arg) for arg in args], standalone_mode=False)
        if run.exception is not None:
            raise run.exception
        assert run.return_value == 0
        return run.stdout

    name = call(seal_verb, "--new-identity", tmp_path / "key").split()[-1]
    (tmp_path / "all.txt").write_text(f"# team\n{name}\n")
    call(seal_verb, model, "-r", name, "-R", tmp_path / "all.txt")
    call(unseal_verb, f"{model}.age", "-i", tmp_path / "key", "-o", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT
    with pytest.raises(UsageError):
        call(seal_verb)
    with pytest.raises(UsageError):
        call(seal_verb, model)
