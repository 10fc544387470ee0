"""`modelward deps`: verdicts on planted locks and databases, and what is never called clean."""

from __future__ import annotations

import datetime
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from modelward.cli._deps import deps
from modelward.dependencies import _advisories, audit, read_database, take_inventory
from modelward.errors import InputError

TODAY = datetime.datetime.now(tz=datetime.UTC).date()
SCHEMA = Path(__file__).parents[1] / "reports" / "data" / "sarif-2.1.0-rtm.5.json"


def record(name: str, events: list[dict], **more: object) -> dict:
    return {
        "id": "PYSEC-1", "modified": f"{TODAY}T00:00:00Z", "published": "2024-01-01T00:00:00Z", "summary": "a hole",
        "affected": [{"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
        **more,
    }  # fmt: skip


def write_db(folder: Path, *records: dict) -> Path:
    path = folder / "db.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, one in enumerate(records):
            archive.writestr(f"{i}.json", json.dumps(one))
    return path


def run(*words: object) -> tuple[int, dict]:
    done = CliRunner().invoke(deps, [*map(str, words), "--format", "json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.output)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("# first\nPillow_X==1.4 \\\n  --hash=sha256:00\n")
    return folder


def test_a_hole_is_found_at_its_line_with_the_smallest_upgrade(project: Path, tmp_path: Path) -> None:
    db = write_db(
        tmp_path,
        record("pillow-x", [{"introduced": "0"}, {"fixed": "1.5"}], aliases=["CVE-1"]),
        record("pillow-x", [{"introduced": "0"}, {"fixed": "1.6"}], id="GHSA-1", aliases=["CVE-1"]),
        record("pillow-x", [{"introduced": "1.6"}, {"fixed": "1.8"}], id="PYSEC-2"),
    )
    code, result = run(project, "--db", db, "-o", tmp_path / "x.sarif")
    assert code == 1
    (finding,) = result["findings"]
    assert finding["location"] == "requirements.txt:2"
    assert "PYSEC-1, CVE-1, GHSA-1" in finding["summary"]
    assert finding["countermeasures"][0]["title"] == "Upgrade pillow-x to 1.8"
    log = json.loads((tmp_path / "x.sarif").read_text())
    jsonschema.validate(log, json.loads(SCHEMA.read_text()))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "requirements.txt"
    assert place["region"]["startLine"] == 2


@pytest.mark.parametrize(
    ("version", "hit"), [("0.9", False), ("1.0", True), ("2.0", False), ("2.0rc1", True)]
)
def test_ends_of_a_range(version: str, hit: bool, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"a=={version} --hash=sha256:0\n")
    db = read_database(
        write_db(tmp_path, record("A", [{"fixed": "2.0"}, {"introduced": "1.0"}])), today=TODAY
    )
    assert bool(audit(take_inventory(tmp_path).packages, db)) is hit


def test_what_is_not_checked_is_never_clean(project: Path, tmp_path: Path) -> None:
    fine = record("other", [{"introduced": "0"}])
    assert run(project, "--db", write_db(tmp_path, fine))[0] == 0
    assert run(project)[0] == 3
    old = {**fine, "modified": "2020-01-01T00:00:00Z"}
    assert run(project, "--db", write_db(tmp_path, old))[0] == 3
    assert run(project, "--db", write_db(tmp_path, old, {**fine, "modified": "2999-01-01"}))[0] == 3
    broken = record("pillow-x", [{"introduced": "one"}])
    code, result = run(project, "--db", write_db(tmp_path, fine, broken))
    assert (code, result["complete"], result["database"]["broken_ranges"]) == (3, False, 1)
    (project / "dev-requirements.txt").write_text("no-such-package-here\n")
    assert run(project, "--db", write_db(tmp_path, fine))[0] == 3


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("requirements.txt", "a==1\nb===\n", 2),
        ("requirements.txt", "a==1\n\na==1,==2\n", 3),
        ("requirements.txt", "a==1; python_version\n", 1),
        ("pyproject.toml", "[project]\nname = \n", 2),
        ("uv.lock", "version = 9\n", 1),
        ("poetry.lock", "[metadata]\nlock-version = '7.0'\n", 1),
        ("pylock.toml", "lock-version = '2.0'\n", 1),
        ("environment.yml", "dependencies:\n  - a\n - b: [\n", 3),
    ],
)
def test_broken_files_name_the_line(name: str, text: str, line: int, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InputError, match=f"{name}:{line} "):
        take_inventory(file)
    assert take_inventory(tmp_path).problems[0].line == line


def test_a_huge_lock_is_refused_and_a_bomb_does_not_unfold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "uv.lock").open("wb") as file:
        file.truncate(50_000_000)
    assert "50,000,000 bytes" in take_inventory(tmp_path).problems[0].text
    monkeypatch.setattr(_advisories, "MAX_TOTAL", 1_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", b" " * 5_000_000)
    with pytest.raises(InputError, match="unfolds"):
        read_database(tmp_path / "bomb.zip", today=TODAY)


def test_locks_give_versions_lines_and_development_tools(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(
        'version = 1\n\n[[package]]\nname = "app"\nversion = "0"\nsource = { editable = "." }\n'
        'dependencies = [{ name = "a" }]\n\n[[package]]\nname = "a"\nversion = "1"\n'
        'source = { registry = "https://x" }\nwheels = [{ url = "u", hash = "sha256:0" }]\n\n'
        '[[package]]\nname = "tool"\nversion = "2"\nsource = { registry = "https://x" }\n'
    )
    found = {p.name: p for p in take_inventory(tmp_path).packages}
    assert {n: (p.version, p.line, p.dev, p.hashed) for n, p in found.items()} == {
        "a": ("1", 9, False, True), "tool": ("2", 15, True, False),
    }  # fmt: skip


def test_an_extra_index_is_severe(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("--extra-index-url https://me:pw@in.corp/simple\na==1\n")
    doubt = take_inventory(tmp_path).doubts[0]
    assert doubt.rule == "extra-index" and doubt.severe
    assert doubt.line == 1
    assert "pw" not in doubt.text


def test_pins_without_what_they_drag_in_are_not_complete(tmp_path: Path) -> None:
    db = write_db(tmp_path, record("other", [{"introduced": "0"}]))
    folder = tmp_path / "project"
    folder.mkdir()
    file = folder / "requirements.txt"
    file.write_text("no-such-package-here==1\n")
    code, result = run(folder, "--db", db)
    assert (code, result["complete"]) == (3, False)
    file.write_text(
        "# This file was autogenerated by uv via the following command:\n# uv pip compile\na==1\n"
    )
    assert run(folder, "--db", db)[0] == 0
