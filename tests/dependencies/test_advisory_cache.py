"""What is kept of a database of advisories says the same as the database, or is made anew."""

from __future__ import annotations

import datetime
import json
import random
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from modelward.dependencies import Database, Package, audit, read_database
from modelward.dependencies._ranges import one_form
from modelward.errors import InputError

TODAY = datetime.date(2026, 6, 1)
SNAPSHOT = Path(__file__).parents[3] / "shared" / "data" / "pypa-advisories-2024-10-10.zip"
VERSIONS = st.from_regex(
    r"\A([12]!)?[0-2](\.[0-2]){0,3}((a|b|rc)[01])?(\.post[01])?(\.dev[01])?(\+a\.[01])?\Z"
)


def write(path: Path, *records: Any) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for i, record in enumerate(records):
            archive.writestr(f"{i}.json", record if isinstance(record, bytes) else json.dumps(record))
    return path


def record(name: str, *names: str, fixed: str = "2", **more: Any) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
    affected = [
        {"package": {"ecosystem": "PyPI", "name": n}, "ranges": ranges, "versions": ["3.0.0", "?"]}
        for n in names
    ]
    return {"id": name, "modified": "2026-05-01T00:00:00Z", "affected": affected, **more}


RECORDS = (
    record("PYSEC-1", "a", aliases=["CVE-1", 7], summary="ü \ud800 one"),
    record("PYSEC-2", "a", "a", "B_c", published="2026-01-02"),
    record("PYSEC-3", "a", fixed="no version"),
    record("PYSEC-4", "a", withdrawn="2026-01-01"),
    record("PYSEC-5", "d", modified="2030-01-01T00:00:00Z"),
    b"{",
    b"[1]",
)


def said(database: Database) -> dict[str, Any]:
    """All that a database says, with each record's other packages left out."""
    by_name = {
        name: [replace(a, affected={name: a.affected[name]}) for a in found]
        for name, found in database.by_name.items()
    }
    return {**vars(database), "by_name": by_name}


@pytest.mark.parametrize("wanted", [("a",), ("a", "b-c", "d", "none"), ()])
def test_it_says_what_the_zip_says_the_first_time_and_later(wanted: tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path / "db.zip", *RECORDS)
    for today in (TODAY, datetime.date(2026, 1, 1), datetime.date(2031, 1, 1)):
        plain = said(read_database(path, today=today, wanted=wanted))
        assert said(read_database(path, today=today, wanted=wanted, cache=tmp_path / "c")) == plain
        assert said(read_database(path, today=today, wanted=wanted, cache=tmp_path / "c")) == plain
    assert len(list((tmp_path / "c").iterdir())) == 1


def test_a_zip_that_changed_in_its_place_is_read_anew_and_few_files_are_kept(tmp_path: Path) -> None:
    for i in range(7):
        path = write(tmp_path / "db.zip", record(f"PYSEC-{i}", "a"))
        found = read_database(path, today=TODAY, wanted=["a"], cache=tmp_path / "c")
        assert [a.id for a in found.by_name["a"]] == [f"PYSEC-{i}"]
    assert 1 <= len(list((tmp_path / "c").iterdir())) <= 4


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _forge(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"PYSEC-1", b"PYSEC-9"))


def _open(file: Path) -> None:
    digest = file.read_bytes()[:64]
    _forge(file)
    file.write_bytes(digest + file.read_bytes()[64:])
    file.chmod(0o666)


@pytest.mark.parametrize("harm", [_cut, _forge, _open, Path.unlink, lambda file: file.write_bytes(b"")])
def test_what_is_broken_or_open_to_others_is_not_believed(harm: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "db.zip", record("PYSEC-1", "a"))
    plain = said(read_database(path, today=TODAY, wanted=["a"], cache=tmp_path / "c"))
    (kept,) = (tmp_path / "c").iterdir()
    harm(kept)
    assert said(read_database(path, today=TODAY, wanted=["a"], cache=tmp_path / "c")) == plain
    assert said(read_database(path, today=TODAY, wanted=["a"], cache=tmp_path / "c")) == plain


def test_where_nothing_can_be_written_it_is_read_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "db.zip", record("PYSEC-1", "a"))
    (tmp_path / "file").write_text("")
    found = read_database(path, today=TODAY, wanted=["a"], cache=tmp_path / "file" / "c")
    assert [a.id for a in found.by_name["a"]] == ["PYSEC-1"]


def test_what_is_refused_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelward.dependencies import _advisories

    monkeypatch.setattr(_advisories, "MAX_TOTAL", 1_000)
    for content in ((b"[" * 2_000,), (b"{",), ()):
        path = write(tmp_path / "db.zip", *content)
        with pytest.raises(InputError):
            read_database(path, today=TODAY, wanted=["a"], cache=tmp_path / "c")
    (tmp_path / "db.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="no zip"):
        read_database(tmp_path / "db.zip", today=TODAY, wanted=["a"], cache=tmp_path / "c")
    assert not (tmp_path / "c").exists()


@settings(max_examples=60, deadline=None)
@given(VERSIONS, VERSIONS)
def test_two_versions_share_a_form_if_and_only_if_they_are_equal(one: str, other: str) -> None:
    assert (one_form(Version(one)) == one_form(Version(other))) == (Version(one) == Version(other))
    assert one_form(Version(one_form(Version(one)))) == one_form(Version(one))


def test_the_holes_of_a_real_snapshot_are_the_same(tmp_path: Path) -> None:
    if not SNAPSHOT.is_file():
        pytest.skip("the snapshot of PyPA's advisories is not here")
    names = ["pillow", "numpy", "tensorflow", "mlflow", "requests", "jinja2", "urllib3"]
    rng = random.Random(0)
    packages = [
        Package(n, f"{rng.randrange(3)}.{rng.randrange(30)}.{rng.randrange(5)}", "r", 1) for n in names for _ in range(9)
    ]  # fmt: skip
    plain = read_database(SNAPSHOT, today=TODAY, wanted=names)
    kept = read_database(SNAPSHOT, today=TODAY, wanted=names, cache=tmp_path)
    assert said(kept) == said(plain)
    assert audit(packages, kept) == audit(packages, plain) != ()
