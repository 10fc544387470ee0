"""Signing and verifying, also against the model-signing library's own command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from modelward.artifacts import (
    append_audit,
    check_audit,
    new_key,
    read_public_key,
    sign,
    signature_path,
    verify,
)
from modelward.cli._sign import sign as sign_verb
from modelward.cli._verify import verify as verify_verb
from modelward.errors import AuditError, InputError, SignatureError, UnsignedError, UsageError, WrongKeyError

pytest.importorskip("model_signing")
SECRET = "s3"  # noqa: S105


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("team", "other"):
        new_key(folder / name)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"a model" * 100)
    return path


def trusted(keys: Path, *names: str) -> dict[str, bytes]:
    return {name: read_public_key(keys / f"{name}.pub") for name in names}


def theirs(*args: object) -> None:
    """Run the library's own command, in this process: starting it takes seconds."""
    from model_signing._cli import main

    run = CliRunner().invoke(main, [str(arg) for arg in args])
    assert run.exit_code == 0, run.output


def test_there_and_back(model: Path, keys: Path) -> None:
    assert sign(model, keys / "team") == signature_path(model)
    signed = verify(model, trusted(keys, "other", "team"))
    assert signed.key == "team"
    assert signed.signed_at is not None
    assert (keys / "team").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("folder", [False, True])
def test_the_other_tool_verifies_ours_and_we_theirs(tmp_path: Path, keys: Path, folder: bool) -> None:
    target = tmp_path / "m"
    if folder:
        (target / "sub").mkdir(parents=True)
        (target / "a.bin").write_bytes(b"a")
        (target / "sub" / "b.bin").write_bytes(b"b")
    else:
        target.write_bytes(b"content")
    ours, other = tmp_path / "ours.sig", tmp_path / "theirs.sig"
    sign(target, keys / "team", signature=ours)
    theirs("verify", "key", target, "--signature", ours, "--public_key", keys / "team.pub")
    theirs("sign", "key", target, "--signature", other, "--private_key", keys / "team")
    signed = verify(target, trusted(keys, "team"), signature=other)
    assert (signed.key, signed.signed_at) == ("team", None)
    (target / "a.bin" if folder else target).write_bytes(b"changed")
    for signature in (ours, other):
        with pytest.raises(SignatureError, match="changed since"):
            verify(target, trusted(keys, "team"), signature=signature)


def test_one_line_for_each_thing_that_is_wrong(model: Path, keys: Path, tmp_path: Path) -> None:
    team = trusted(keys, "team")
    with pytest.raises(UnsignedError, match="not signed"):
        verify(model, team)
    signature = sign(model, keys / "team")
    with pytest.raises(WrongKeyError, match="another key than other"):
        verify(model, trusted(keys, "other"))
    elsewhere = tmp_path / "other.pkl"
    elsewhere.write_bytes(b"another model")
    with pytest.raises(SignatureError, match="of another file"):
        verify(elsewhere, team, signature=signature)
    link = tmp_path / "link.pkl"
    link.symlink_to(model)
    with pytest.raises(SignatureError, match="symbolic link"):
        verify(link, team, signature=signature)
    with pytest.raises(InputError, match="no such file"):
        verify(tmp_path / "none", team)
    with pytest.raises(InputError, match="already"):
        sign(model, keys / "team")
    sign(model, keys / "team", force=True)
    with pytest.raises(InputError, match="no private key"):
        sign(model, keys / "team.pub", force=True)
    with pytest.raises(InputError, match="no public key"):
        read_public_key(model)


def test_a_folder_with_a_link_or_a_new_file_does_not_hold(tmp_path: Path, keys: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "a").write_bytes(b"a")
    sign(folder, keys / "team")
    assert verify(folder, trusted(keys, "team")).key == "team"
    (folder / "new").write_bytes(b"")
    with pytest.raises(SignatureError, match="changed since"):
        verify(folder, trusted(keys, "team"))
    (folder / "new").unlink()
    (folder / "b").symlink_to(folder / "a")
    with pytest.raises(SignatureError):
        verify(folder, trusted(keys, "team"))


def test_a_signature_that_is_cut_or_forged_anywhere_never_holds(model: Path, keys: Path) -> None:
    signature = sign(model, keys / "team")
    whole, team = signature.read_bytes(), trusted(keys, "team")
    for end in range(0, len(whole), 61):
        signature.write_bytes(whole[:end])
        with pytest.raises(SignatureError):
            verify(model, team)
    bundle = json.loads(whole)
    envelope = bundle["dsseEnvelope"]
    for change in (
        {"payload": envelope["payload"][:-8]},
        {"signatures": []},
        {"payloadType": "x"},
        {"payload": 3},
    ):
        signature.write_text(json.dumps({**bundle, "dsseEnvelope": {**envelope, **change}}))
        with pytest.raises(SignatureError) as caught:
            verify(model, team)
        assert "\n" not in str(caught.value)
    for other in (b"[]", b"{}", b"null", b"[" * 100_000, b'{"verificationMaterial": 1}'):
        signature.write_bytes(other)
        with pytest.raises(SignatureError):
            verify(model, team)


def test_password(model: Path, tmp_path: Path) -> None:
    new_key(tmp_path / "locked", password=SECRET)
    with pytest.raises(InputError, match="no private key"):
        sign(model, tmp_path / "locked")
    with pytest.raises(InputError, match="no private key"):
        sign(model, tmp_path / "locked", password=SECRET + "x")
    sign(model, tmp_path / "locked", password=SECRET)


def call(command: Any, *args: object) -> tuple[Any, str]:
    run = CliRunner().invoke(command, [str(arg) for arg in args], standalone_mode=False)
    if run.exception is not None:
        raise run.exception
    return run.return_value, run.stdout


def test_verbs(model: Path, tmp_path: Path) -> None:
    key = tmp_path / "k"
    assert call(sign_verb, "--new-key", key)[0] == 0
    second = tmp_path / "second.pkl"
    second.write_bytes(b"2")
    assert call(sign_verb, model, second, "--key", key)[0] == 0
    code, out = call(verify_verb, model, second, "--key", f"{key}.pub")
    assert code == 0
    assert out.count("holds") == 2
    second.write_bytes(b"3")
    code, out = call(verify_verb, second, model, "--key", f"{key}.pub", "--format", "json")
    assert code == 1
    assert [file["holds"] for file in json.loads(out)["files"]] == [False, True]
    assert call(verify_verb, tmp_path / "none", "--key", f"{key}.pub")[0] == 2
    for wrong in (
        [],
        [model],
        [model, "--key", key, "--clearance", "x", "--stage", "y"],
        [model, "--stage", "x"],
    ):
        with pytest.raises(UsageError):
            call(verify_verb, *wrong)
    for wrong in ([], [model]):
        with pytest.raises(UsageError):
            call(sign_verb, *wrong)


def test_audit_log_shows_what_is_missing(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    for i in range(5):
        append_audit(log, {"n": i})
    assert check_audit(log)[0] == 5
    lines = log.read_bytes().splitlines(keepends=True)
    for i in range(4):
        log.write_bytes(b"".join(lines[:i] + lines[i + 1 :]))
        with pytest.raises(AuditError, match=f"before line {i + 1}"):
            check_audit(log)
        log.write_bytes(b"".join([*lines[:i], lines[i].replace(b'"n": ', b'"n": 1'), *lines[i + 1 :]]))
        with pytest.raises(AuditError, match=f"before line {i + 2}"):
            check_audit(log)
    log.write_bytes(b"".join(lines)[:-3])
    with pytest.raises(AuditError, match="cut off"):
        check_audit(log)
    append_audit(log, {"n": 9})
    with pytest.raises(AuditError, match="line 5"):
        check_audit(log)
    assert call(verify_verb, "--log", log)[0] == 1
    log.unlink()
    append_audit(log, {"n": 0})
    assert call(verify_verb, "--log", log)[0] == 0
    assert log.stat().st_mode & 0o007 == 0


def test_audit_log_of_several_processes_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom modelward.artifacts import append_audit\n"
        "for i in range(40): append_audit(sys.argv[1], {'i': i})\n"
    )
    log = tmp_path / "audit.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", code, str(log)]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert check_audit(log)[0] == 120
