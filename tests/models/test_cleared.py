"""modelward.load: what a clearance lets in, and what it refuses."""

from __future__ import annotations

import datetime
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

import modelward
from modelward.artifacts import check_audit, new_key, read_clearance, sign
from modelward.cli._verify import verify
from modelward.errors import (
    AuditError,
    ClearanceError,
    ExpiredError,
    InputError,
    RefusedError,
    SignatureError,
    StageError,
    SubjectError,
    UnreadableError,
    UnsignedError,
    UsageError,
    VerdictError,
    WrongKeyError,
)

pytest.importorskip("model_signing")
RULES = """
version = 1
[keys]
science = "science.pub"
release = "release.pub"
[stages.production]
keys = ["release"]
max_age_days = 30
[stages.staging]
keys = ["science", "release"]
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("science", "release", "stranger"):
        new_key(folder / name)
    return folder


@pytest.fixture
def place(tmp_path: Path, keys: Path) -> Path:
    for name in ("science", "release"):
        (tmp_path / f"{name}.pub").write_bytes((keys / f"{name}.pub").read_bytes())
    (tmp_path / "clearance.toml").write_text(RULES)
    model = LogisticRegression().fit(np.arange(20.0).reshape(10, 2), [0, 1] * 5)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    return tmp_path


def load(place: Path, stage: str = "production", name: str = "model.pkl") -> Any:
    return modelward.load(place / name, clearance=place / "clearance.toml", stage=stage)


def log(place: Path) -> list[dict[str, Any]]:
    path = place / "audit.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert check_audit(path)[0] == len(lines)
    return lines


def test_a_signed_clean_model_is_loaded_and_written_down(place: Path, keys: Path) -> None:
    sign(place / "model.pkl", keys / "release")
    assert isinstance(load(place), LogisticRegression)
    assert isinstance(load(place, "staging"), LogisticRegression)
    import hashlib

    first = log(place)[0]
    assert first["sha256"] == hashlib.sha256((place / "model.pkl").read_bytes()).hexdigest()
    assert (first["result"], first["key"], first["verdict"], first["stage"]) == (
        "cleared",
        "release",
        "clean",
        "production",
    )
    assert first["who"]
    assert datetime.datetime.fromisoformat(first["time"]).tzinfo is not None


def test_refusals_have_their_own_errors_and_are_written_down(place: Path, keys: Path) -> None:
    model = place / "model.pkl"
    with pytest.raises(UnsignedError):
        load(place)
    sign(model, keys / "stranger")
    with pytest.raises(WrongKeyError):
        load(place)
    sign(model, keys / "science", force=True)
    with pytest.raises(StageError, match="may not sign for 'production'"):
        load(place)
    assert load(place, "staging") is not None
    with pytest.raises(StageError, match="no stage 'moon'"):
        load(place, "moon")
    model.write_bytes(model.read_bytes().replace(b"lbfgs", b"sagaa"))
    with pytest.raises(SignatureError, match="changed since"):
        load(place, "staging")
    assert [line["result"] for line in log(place)] == ["refused"] * 3 + ["cleared"] + ["refused"] * 2
    assert issubclass(StageError, ClearanceError)
    assert issubclass(ClearanceError, RefusedError)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime.datetime, then: Any) -> Any:
    real = datetime.datetime

    class Clock(real):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return moment.astimezone(tz)

    with monkeypatch.context() as patch:
        patch.setattr(datetime, "datetime", Clock)
        return then()


def test_age_and_clocks(place: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, now = place / "model.pkl", datetime.datetime.now(datetime.UTC)
    days = datetime.timedelta(days=1)
    at(monkeypatch, now - 31 * days, lambda: sign(model, keys / "release"))
    with pytest.raises(ExpiredError, match="31 days ago"):
        load(place)
    assert load(place, "staging") is not None  # no maximum age there
    at(monkeypatch, now - 29 * days, lambda: sign(model, keys / "release", force=True))
    assert load(place) is not None
    at(monkeypatch, now + datetime.timedelta(minutes=3), lambda: sign(model, keys / "release", force=True))
    assert load(place) is not None
    at(monkeypatch, now + datetime.timedelta(hours=1), lambda: sign(model, keys / "release", force=True))
    for stage in ("production", "staging"):
        with pytest.raises(ExpiredError, match="clocks"):
            load(place, stage)


def test_a_signature_without_a_time_has_no_age(place: Path, keys: Path) -> None:
    from model_signing._cli import main

    args = [
        "sign",
        "key",
        place / "model.pkl",
        "--signature",
        place / "model.pkl.sig",
        "--private_key",
        keys / "release",
    ]
    assert CliRunner().invoke(main, [str(arg) for arg in args]).exit_code == 0
    assert load(place, "staging") is not None
    with pytest.raises(ExpiredError, match="does not say when"):
        load(place)


def test_an_expired_clearance_lets_nothing_in(place: Path, keys: Path) -> None:
    sign(place / "model.pkl", keys / "release")
    (place / "clearance.toml").write_text(RULES.replace("version = 1", "version = 1\nexpires = 2020-01-31"))
    with pytest.raises(ExpiredError, match="2020-01-31"):
        load(place)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    (place / "clearance.toml").write_text(RULES.replace("version = 1", f"version = 1\nexpires = {today}"))
    assert load(place) is not None


class Runs:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


class Ours:
    pass


def test_verdicts(place: Path, keys: Path) -> None:
    path = place / "x.pkl"

    def signed(content: bytes) -> None:
        path.write_bytes(content)
        sign(path, keys / "release", force=True)

    signed(pickle.dumps(Runs(place / "ran")))
    with pytest.raises(VerdictError, match="malicious"):
        load(place, name="x.pkl")
    assert not (place / "ran").exists()
    signed(pickle.dumps(LogisticRegression())[:-4])
    with pytest.raises(UnreadableError):
        load(place, name="x.pkl")
    signed(b"\x80\x04\x8c\x04bank\x8c\x03Net\x93.")
    with pytest.raises(VerdictError, match=r"bank\.Net"):
        load(place, name="x.pkl")
    (place / "clearance.toml").write_text(RULES.replace("max_age_days = 30", 'verdict = "suspicious"'))
    with pytest.raises(RefusedError, match=r"bank\.Net"):
        load(place, name="x.pkl")
    assert [line["result"] for line in log(place)][-2:] == ["cleared", "failed"]


def test_trusted_names_are_let_in(place: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{Ours.__module__}.Ours"
    monkeypatch.setitem(sys.modules, Ours.__module__, sys.modules[Ours.__module__])
    (place / "x.pkl").write_bytes(pickle.dumps(Ours()))
    sign(place / "x.pkl", keys / "release")
    with pytest.raises(VerdictError):
        load(place, name="x.pkl")
    (place / "clearance.toml").write_text(RULES.replace("max_age_days = 30", f'trust = ["{name}"]'))
    assert isinstance(load(place, name="x.pkl"), Ours)


def test_the_file_is_read_once(place: Path, keys: Path) -> None:
    sign(place / "model.pkl", keys / "release")
    code = (
        "import sys, modelward\nopened = []\n"
        "sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None)\n"
        "modelward.load('model.pkl', clearance='clearance.toml', stage='production')\n"
        "print(sum(name.endswith('model.pkl') for name in opened))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.stdout.strip() == "1", run.stderr


def test_nothing_is_loaded_that_cannot_be_written_down(
    place: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(place / "model.pkl", keys / "release")

    def never(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr("modelward.models._cleared.load_artifact", never)
    for log_path in ("no/such/folder/a.jsonl", "model.pkl/a.jsonl", "."):
        (place / "clearance.toml").write_text(f'log = "{log_path}"' + RULES)
        with pytest.raises(AuditError, match="cannot be written"):
            load(place)


@pytest.mark.skipif(os.name != "posix", reason="device files")
def test_a_log_that_keeps_nothing_is_none(place: Path, keys: Path) -> None:
    sign(place / "model.pkl", keys / "release")
    os.mkfifo(place / "fifo")
    for log_path in ("/dev/null", "fifo"):
        (place / "clearance.toml").write_text(f'log = "{log_path}"' + RULES)
        with pytest.raises(AuditError, match="no ordinary file"):
            load(place)


@pytest.mark.skipif(os.name != "posix", reason="identities of Unix")
def test_whoever_loads_cannot_choose_the_name_in_the_log(
    place: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    sign(place / "model.pkl", keys / "release")
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    load(place)
    assert log(place)[0]["who"].startswith(pwd.getpwuid(os.getuid()).pw_name + "@")


@pytest.mark.parametrize("name", ['a"}\n{"result": "cleared"', "\x1b[2Jmodel", "caf\udce9"])
def test_a_file_cannot_write_entries_by_its_name(place: Path, name: str) -> None:
    (place / name).write_bytes((place / "model.pkl").read_bytes())
    with pytest.raises(UnsignedError) as caught:
        load(place, name=name)
    assert str(caught.value).isprintable()
    entries = log(place)
    assert [(entry["result"], Path(entry["file"]).name) for entry in entries] == [("refused", name)]
    assert "\x1b" not in (place / "audit.jsonl").read_text()


def test_an_entry_may_be_long(place: Path) -> None:
    from modelward.artifacts import append_audit

    path = place / "audit.jsonl"
    for length in (1, 70_000, 200_000, 1):
        append_audit(path, {"stage": "x" * length})
    assert check_audit(path)[0] == 4


def test_a_file_that_is_swapped_is_not_the_one_that_is_loaded(
    place: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes the file after it was verified changes nothing: those very bytes are loaded."""
    model = place / "model.pkl"
    sign(model, keys / "release")
    real = modelward.artifacts.append_audit

    def swap(*args: Any) -> None:
        real(*args)
        model.write_bytes(pickle.dumps({"swapped": True}))

    monkeypatch.setattr("modelward.artifacts.append_audit", swap)
    assert isinstance(load(place), LogisticRegression)
    with pytest.raises(SignatureError, match="changed since"):
        load(place)


def test_the_signature_of_another_file_does_not_hold(place: Path, keys: Path) -> None:
    (place / "other.pkl").write_bytes(pickle.dumps({"a": 1}))
    sign(place / "other.pkl", keys / "release")
    (place / "other.pkl.sig").rename(place / "model.pkl.sig")
    with pytest.raises(SignatureError, match="of another file"):
        load(place)


def test_other_formats_are_said_to_be_such(place: Path, keys: Path) -> None:
    np.save(place / "a.npy", np.zeros(3))
    sign(place / "a.npy", keys / "release")
    with pytest.raises(SubjectError, match="a file of npy, which its own library loads"):
        load(place, name="a.npy")
    assert log(place)[-1]["result"] == "failed"


@pytest.mark.parametrize(
    ("change", "mistakes"),
    [
        (("version = 1", ""), ["version = 1 is missing"]),
        (("version = 1", "version = 2\nmodels = 3"), ["version must be 1", "models is not known"]),
        (("science.pub", "none.pub"), ["keys.science: ", "no such file"]),
        (("science.pub", "model.pkl"), ["keys.science: ", "no public key"]),
        (('["release"]', '["boss"]'), ["stages.production.keys: there is no key 'boss'"]),
        (('["release"]', "[]"), ["stages.production.keys must name"]),
        (('keys = ["release"]', ""), ["stages.production.keys must name"]),
        (('["release"]', "3"), ["stages.production.keys must be a list"]),
        (("= 30", "= -1"), ["max_age_days must be a positive"]),
        (("= 30", "= true"), ["max_age_days must be a positive"]),
        (("= 30", "= nan"), ["max_age_days must be a positive"]),
        (
            ("max_age_days = 30", 'max_age = 3\nverdict = "malicious"'),
            ["max_age is not known", "verdict must be"],
        ),
        (("max_age_days = 30", "trust = [1]"), ["trust must be a list of texts"]),
        (
            ("version = 1", 'version = 1\nexpires = "soon"\nlog = 3'),
            ["expires must be a date", "log must be"],
        ),
        (("version = 1", "version = "), ["not TOML"]),
        (("[stages.staging]", "[stage.staging]"), ["stage is not known"]),
        (("[stages.staging]", "[stages.production]"), ["not TOML"]),
        (("max_age_days", "max-age-days"), ["max-age-days is not known"]),
        (("release.pub", "science.pub"), ["keys.release is the same key as keys.science"]),
        (
            ("max_age_days = 30", 'trust = ["os.system", "ourlib"]'),
            [
                "os.system is dangerous, and is never trusted",
                "'ourlib' is no full name",
            ],
        ),
    ],
)
def test_mistakes_of_a_clearance_are_named(place: Path, change: tuple[str, str], mistakes: list[str]) -> None:
    path = place / "clearance.toml"
    path.write_text(RULES.replace(*change))
    with pytest.raises(UsageError) as caught:
        read_clearance(path)
    for mistake in mistakes:
        assert mistake in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_clearance_that_is_not_there_or_says_nothing(place: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_clearance(place / "none.toml")
    (place / "clearance.toml").write_text("")
    with pytest.raises(UsageError, match=r"\[keys\] is missing.*\[stages\.NAME\] is missing"):
        read_clearance(place / "clearance.toml")


def test_the_example_in_the_help_is_a_clearance(tmp_path: Path) -> None:
    text = CliRunner().invoke(verify, ["--help"]).output
    lines = text[text.index("version = 1") :].split("\n\n")[0]
    (tmp_path / "clearance.toml").write_text(lines)
    new_key(tmp_path / "team.key")
    stage = read_clearance(tmp_path / "clearance.toml").stages["production"]
    assert stage.max_age_days == 90
