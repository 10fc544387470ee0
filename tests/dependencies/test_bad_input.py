"""Readers of locks and advisories on input that is broken, hostile or contradicts itself."""

from __future__ import annotations

import datetime
import json
import random
import tempfile
import zipfile
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from modelward.dependencies import read_database, take_inventory
from modelward.dependencies._ranges import read_affected
from modelward.dependencies.sources import read_source
from modelward.errors import InputError
from osv_server import _state

TODAY = datetime.date(2026, 6, 1)
NAMES = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "pyproject.toml",
    "environment.yml",
    "requirements.txt",
)
KEYS = ("package", "packages", "name", "version", "source", "dependencies", "wheels", "sdist", "metadata", "lock-version", "files",
        "project", "optional-dependencies", "dependency-groups", "tool", "poetry", "group", "uv", "index", "url", "git", "pip",
        "editable", "registry", "hash", "hashes", "marker", "groups", "category", "build-system", "extras", "vcs", "archive")  # fmt: skip
LEAVES = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.text(max_size=8),
    st.sampled_from(["1", "2.1", "1.0", "a==1", "git+https://x/y", "."]),
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=20,
    ),
    max_size=6,
)  # fmt: skip
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(name: str, text: str) -> object:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        found = read_source(Path(folder) / name, Path(folder))
        lines = max(text.count("\n"), len(text.splitlines())) + 1
        assert all(0 <= p.line <= lines for p in (*found.problems, *found.packages, *found.doubts))
        assert all(p.text and p.path for p in found.problems)
        take_inventory(Path(folder))
        return found


@QUIET
@given(st.sampled_from(NAMES), st.text(max_size=80))
def test_any_text_is_read_or_refused_by_name(name: str, text: str) -> None:
    read(name, text)


@QUIET
@given(st.sampled_from(NAMES[:6]), DOCUMENTS)
def test_any_document_of_the_right_syntax_is_read_or_refused(name: str, document: dict) -> None:
    read(name, json.dumps(document) if name.endswith("yml") else tomli_w.dumps(document))


WHOLE: dict[str, dict] = {
    "uv.lock": {"version": 1, "package": [
        {"name": "app", "version": "0", "source": {"editable": "."}, "dependencies": [{"name": "a"}],
         "optional-dependencies": {"x": [{"name": "a"}]}},
        {"name": "a", "version": "1", "source": {"registry": "https://x"}, "sdist": {"hash": "sha256:0"},
         "wheels": [{"url": "u", "hash": "sha256:0"}], "dependencies": [{"name": "a"}]}]},
    "poetry.lock": {"package": [{"name": "a", "version": "1", "groups": ["main"], "files": [{"hash": "sha256:0"}],
                                 "dependencies": {"b": "*"}, "source": {"type": "git", "url": "https://x", "resolved_reference": "0"}}],
                    "metadata": {"lock-version": "2.1", "files": {}}},
    "pylock.toml": {"lock-version": "1.0", "packages": [
        {"name": "a", "version": "1", "marker": "python_version > '3'", "wheels": [{"hashes": {"sha256": "0"}}],
         "dependencies": [{"name": "b"}], "vcs": {"url": "https://x", "commit-id": "0"}}]},
    "pyproject.toml": {"project": {"name": "x", "dependencies": ["a==1"], "optional-dependencies": {"x": ["b"]}},
                       "dependency-groups": {"dev": ["c", {"include-group": "x"}]}, "build-system": {"requires": ["d"]},
                       "tool": {"uv": {"index": [{"url": "https://x"}]},
                                "poetry": {"dependencies": {"e": "1", "f": {"version": "==1.0.0", "extras": ["y"]}},
                                           "group": {"dev": {"dependencies": {"g": [{"version": "1"}]}}}, "source": [{"url": "u"}]}}},
    "pdm.lock": {"metadata": {"lock_version": "4.5.0", "files": {}}, "package": [
        {"name": "a", "version": "1", "groups": ["default"], "dependencies": ["b>=1"], "files": [{"hash": "sha256:0"}], "marker": ""},
        {"name": "a", "version": "1", "extras": ["x"], "git": "https://x", "revision": "0", "path": "./a"}]},
    "Pipfile.lock": {"_meta": {"pipfile-spec": 6, "sources": [{"url": "https://x", "verify_ssl": True}]},
                     "default": {"a": {"version": "==1", "hashes": ["sha256:0"], "markers": "", "extras": ["x"]},
                                 "b": {"git": "https://x", "ref": "0"}}, "develop": {"c": {"file": "https://x/c.whl"}}},
    "environment.yml": {"dependencies": ["python=3.11", "a=1.2.3", {"pip": ["b==1"]}]},
}  # fmt: skip


JSONS = ("environment.yml", "Pipfile.lock")


def places(value: object, way: tuple = ()) -> list[tuple]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, inner in items for place in places(inner, (*way, key)))]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("other", [3, True, "", "word", [], [3], {}, {"x": 3}], ids=str)
def test_a_value_of_another_type_anywhere_in_a_lock_is_read_or_refused(name: str, other: object) -> None:
    whole = read(name, json.dumps(WHOLE[name]) if name in JSONS else tomli_w.dumps(WHOLE[name]))
    assert not whole.problems, "what is mutated must be sound"  # type: ignore[attr-defined]
    for way in places(WHOLE[name]):
        document = json.loads(json.dumps(WHOLE[name]))
        if way:
            inner = document
            for key in way[:-1]:
                inner = inner[key]
            inner[way[-1]] = other
        elif isinstance(other, dict):
            document = other
        text = json.dumps(document) if name in JSONS else tomli_w.dumps(document)
        found = read(name, text)
        # Whatever happened to a name or a version, no package goes without either being known or being told.
        assert found.problems or all(p.name for p in found.packages)  # type: ignore[attr-defined]


GOOD = (
    "numpy==1.26.4",
    "scipy>=1.0,<2 ; python_version > '3.8'",
    "requests[socks]==2.31.0 # why",
    "-e ./here",
    "--no-index",
    "# no",
    "",
)
BAD = (
    "numpy=1.26",
    "==1.0",
    "a b c",
    "numpy==1.0,==2.0",
    "--frobnicate x",
    "scipy>=",
    "x ; python_versio > '3'",
    "-r nowhere.txt",
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(GOOD), max_size=8), st.sampled_from(BAD), st.integers(0, 8))
def test_a_broken_line_of_requirements_is_named_and_the_others_are_read(
    lines: list[str], bad: str, at: int
) -> None:
    at = min(at, len(lines))
    text = "\n".join([*lines[:at], bad, *lines[at:]]) + "\n"
    found = read("requirements.txt", text)
    assert [p.line for p in found.problems] == [at + 1]  # type: ignore[attr-defined]
    good = read("requirements.txt", "\n".join(lines))
    assert len(found.packages) == len(good.packages)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a==1\nb==2\na==2\n", 3),
        ("a==1\na==1\n", None),
        ("a==1 ; python_version < '3.10'\na==2 ; python_version >= '3.10'\n", None),
        ("a==1 ; python_version <= '3.10'\na==2 ; python_version >= '3.10'\n", 2),
        ("a==1 ; sys_platform == 'linux'\na==2 ; sys_platform != 'linux'\n", None),
        ("a==1 ; sys_platform == 'linux'\na==2 ; python_version > '3.11'\n", 2),
        ("a==1 ; platform_machine == 'arm64' and extra == 'x'\na==2\n", None),
    ],
)
def test_pins_for_one_environment_that_contradict_each_other_are_said(
    text: str, line: int | None, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    doubts = [d for d in take_inventory(tmp_path).doubts if d.rule == "conflicting-pins"]
    assert [d.line for d in doubts] == ([] if line is None else [line])


VERSIONS = ("0", "0.9", "1.0", "1.0rc1", "1.0.post1", "1.1", "2.0", "10.0")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(VERSIONS), unique=True, min_size=1, max_size=5), st.sampled_from(["fixed", "last_affected"]),
    st.sampled_from(VERSIONS[1:]),
)  # fmt: skip
def test_ranges_are_those_of_the_specifications_own_algorithm(
    marks: list[str], end: str, version: str
) -> None:
    ordered = sorted(marks, key=lambda text: Version("0.dev0") if text == "0" else Version(text))
    events = [{"introduced" if i % 2 == 0 else end: text} for i, text in enumerate(ordered)]
    random.Random(version).shuffle(events)
    one = read_affected({"ranges": [{"type": "ECOSYSTEM", "events": events}]})
    assert not one.broken
    assert one.covers(Version(version)) == _state(Version(version), events)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6) | st.sampled_from(["ECOSYSTEM", "PyPI", "1.0", "0", "fixed"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "affected", "package", "ecosystem", "name", "ranges", "events", "type", "versions",
                                       "introduced", "fixed", "aliases", "modified", "withdrawn", "summary"]), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip
FINE = {"id": "PYSEC-1", "modified": "2026-05-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}  # fmt: skip


@QUIET
@given(st.lists(JSON | st.fixed_dictionaries({"id": st.just("X"), "affected": st.lists(st.fixed_dictionaries({
    "package": st.just({"ecosystem": "PyPI", "name": "a"}), "ranges": JSON, "versions": JSON}), max_size=2)}), max_size=4))  # fmt: skip
def test_nonsense_among_advisories_is_skipped_and_counted_and_never_hides_the_others(
    records: list[object],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for i, record in enumerate([*records, FINE]):
                archive.writestr(f"{i}.json", json.dumps(record))
            archive.writestr("x.json", b"\xff{")
        database = read_database(path, today=TODAY)
    assert database.records == len(records) + 2
    assert database.skipped >= 1
    assert "PYSEC-1" in {advisory.id for advisory in database.by_name["a"]}


def test_a_zip_that_unfolds_without_end_is_refused_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelward.dependencies import _advisories

    monkeypatch.setattr(_advisories, "MAX_TOTAL", 3_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(9):
            archive.writestr(f"{i}.json", b"[" * 1_000_000)
    with pytest.raises(InputError, match="unfolds to over"):
        read_database(tmp_path / "bomb.zip", today=TODAY)
    cut = (tmp_path / "bomb.zip").read_bytes()[:-40]
    (tmp_path / "cut.zip").write_bytes(cut)
    with pytest.raises(InputError, match="no zip"):
        read_database(tmp_path / "cut.zip", today=TODAY)


def test_a_lock_of_fifty_megabytes_is_refused_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements.txt", "pyproject.toml",
             "environment.yml")  # fmt: skip
    for name in names:
        with (tmp_path / name).open("wb") as file:
            file.truncate(50_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} was read"))
    assert sorted(p.path for p in take_inventory(tmp_path).problems) == sorted(names)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("conda-lock.yml", "", True),
        ("sub/pixi.lock", "", True),
        ("Pipfile", "", True),
        ("setup.py", "setup(install_requires=['requests'])", True),
        ("setup.py", "setup()", False),
        ("setup.cfg", "[options]\ninstall_requires = requests", True),
        ("requirements-extra.in", "requests", True),
        ("requirements.in", "requests", False),
    ],
)
def test_what_no_reader_knows_is_never_passed_over(name: str, text: str, told: bool, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1 --hash=sha256:00\n")
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    problems = take_inventory(tmp_path).problems
    assert [p.path for p in problems] == [name] * told
    # What stands beside a lock is in it.
    if name.startswith("setup"):
        (tmp_path / "uv.lock").write_text("version = 1\n")
        assert not take_inventory(tmp_path).problems
