"""Row 11 in an assessment: what `modelward deps` finds in the project, one finding a code, never clean by omission."""

from __future__ import annotations

import datetime
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest

from modelward import assess
from modelward.checks import all_codes
from modelward.demo import credit_data, shallow_forest
from modelward.errors import InputError, UsageError
from modelward.findings import Report, read_policy
from modelward.reports import render_html, write_report

TODAY = datetime.datetime.now(tz=datetime.UTC).date()
SCHEMA = json.loads((Path(__file__).parents[1] / "reports" / "data" / "sarif-2.1.0-rtm.5.json").read_text())
TRAIN, TEST = credit_data(rows=1_500, seed=0)
MODEL = shallow_forest(TRAIN)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "requirements.txt").write_text("# pinned\npillow-x==1.4 --hash=sha256:00\n")
    record = {
        "id": "PYSEC-1", "modified": f"{TODAY}T00:00:00Z", "published": "2024-01-01", "summary": "a hole",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "pillow-x"},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.5"}]}]}],
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "db.zip", "w") as archive:
        archive.writestr("1.json", json.dumps(record))
    monkeypatch.setenv("MODELWARD_ADVISORIES", str(tmp_path / "db.zip"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def run(project: Path | None, select: str = "MW11") -> Report:
    return assess(MODEL, TEST, target="DEFAULT", select=[select], project=project)


def verdicts(report: Report) -> dict[str, str]:
    return {f.code: f.verdict for f in report.findings}


def test_each_code_is_a_finding_and_sarif_has_every_place(project: Path, tmp_path: Path) -> None:
    (project / "serve.py").write_text("import pickle\nx = 1\npickle.load(open('m', 'rb'))\n")
    (project / "Dockerfile").write_text("FROM python\nENV DB_PASSWORD=swordfish\nUSER a\n")
    report = run(project)
    assert verdicts(report)["MW111"] == verdicts(report)["MW114"] == "fail"
    assert verdicts(report)["MW112"] in ("warn", "fail")
    assert (report.coverage[10].status, report.exit_code()) == ("checked", 1)
    assert all("swordfish" not in text for text in (report.to_json(), render_html(report)))
    write_report(report, tmp_path / "x.sarif")
    log = json.loads((tmp_path / "x.sarif").read_text())
    jsonschema.validate(log, SCHEMA)
    places = {
        (r["ruleId"], p["artifactLocation"]["uri"], p["region"]["startLine"])
        for r in log["runs"][0]["results"]
        for p in [r["locations"][0]["physicalLocation"]]
    }
    assert {
        ("MW111", "requirements.txt", 2),
        ("MW112", "serve.py", 3),
        ("MW114", "Dockerfile", 1),
        ("MW114", "Dockerfile", 2),
    } <= places


def test_what_is_not_checked_is_never_clean(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "broken.py").write_text("def (:\n")
    monkeypatch.delenv("MODELWARD_ADVISORIES")
    report = run(project)
    assert verdicts(report) == {
        "MW111": "inconclusive",
        "MW112": "inconclusive",
        "MW113": "pass",
        "MW114": "pass",
    }
    assert report.exit_code() == 3
    assert run(None).coverage[10].status == "not_given"
    with pytest.raises(InputError, match="is no folder"):
        run(project / "absent")


def limited(project: Path, policy: str, tmp_path: Path, select: str = "MW112") -> Report:
    (tmp_path / "policy.toml").write_text(policy)
    return assess(MODEL, TEST, target="DEFAULT", select=[select], project=project,
                  policy=read_policy(tmp_path / "policy.toml", all_codes()))  # fmt: skip


def test_each_code_is_selected_judged_and_limited_by_itself(project: Path, tmp_path: Path) -> None:
    (project / "serve.py").write_text("import pickle\npickle.load(open('m', 'rb'))\n")
    for code in ("MW112", "MW113", "MW114"):
        report = run(project, code)
        assert list(verdicts(report)) == [code]
        assert report.coverage[10].status == "checked"
    first = run(project, "MW112").findings[0]
    assert first.verdict == "warn"
    counts = {m.name: m.value for m in first.measures}
    limit = f'[tool.modelward.limits]\n"MW112.to look at" = {{ warn = {counts["to look at"]} }}\n'
    assert verdicts(limited(project, limit, tmp_path)) == {"MW112": "pass"}
    strict = '[tool.modelward.limits]\n"MW112.to look at" = { fail = 0 }\n"MW112.to mend" = { fail = 0 }\n'
    assert limited(project, strict, tmp_path).exit_code() == 1


def test_an_ignore_of_one_place_hides_no_other(project: Path, tmp_path: Path) -> None:
    (project / "a.py").write_text("import joblib\njoblib.load('a')\n")
    whole = run(project, "MW112").findings[0]
    assert whole.verdict in ("fail", "warn")
    entry = '[[tool.modelward.ignore]]\ncode = "MW112"\nwhere = "a.py"\nreason = "ours"\nuntil = 2999-01-01\n'
    quiet = limited(project, entry, tmp_path)
    assert verdicts(quiet)["MW112"] == "pass" and quiet.warnings == ()
    assert "ignored, for reasons" in quiet.findings[0].summary
    (project / "b.py").write_text("import joblib\njoblib.load('b')\n")
    told = limited(project, entry, tmp_path)
    assert verdicts(told)["MW112"] == whole.verdict and told.findings[0].ignored is None
    assert told.findings[0].location == "b.py:2"
    write_report(told, tmp_path / "x.sarif")
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for r in json.loads((tmp_path / "x.sarif").read_text())["runs"][0]["results"]}  # fmt: skip
    assert uris == {"b.py"}
    # What the project's own file ignores holds here, too, and an ignore that met nothing is told.
    (project / "pyproject.toml").write_text(entry.replace('"a.py"', '"b.py"'))
    assert verdicts(limited(project, entry, tmp_path))["MW112"] == "pass"
    absent = entry.replace('"a.py"', '"c.py"')
    assert "had nothing to ignore" in limited(project, absent, tmp_path).warnings[0]


def test_the_database_and_its_age_are_given(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODELWARD_ADVISORIES")
    given = assess(MODEL, TEST, target="DEFAULT", select=["MW111"], project=project, db=tmp_path / "db.zip")
    assert verdicts(given) == {"MW111": "fail"}
    (project / "requirements.txt").write_text("pillow-x==1.6 --hash=sha256:00\n")
    database = tmp_path / "db.zip"
    with zipfile.ZipFile(database) as archive:
        text = archive.read("1.json").decode()
    with zipfile.ZipFile(database, "w") as archive:
        archive.writestr("1.json", text.replace(str(TODAY), str(TODAY - datetime.timedelta(40))))
    for days, verdict in ((39, "inconclusive"), (40, "pass")):
        aged = assess(
            MODEL, TEST, target="DEFAULT", select=["MW111"], project=project, db=database, max_db_age=days
        )
        assert verdicts(aged) == {"MW111": verdict}
    with pytest.raises(UsageError, match="--project"):
        assess(MODEL, TEST, target="DEFAULT", select=["MW111"], db=database)


def test_an_index_is_asked_about_the_project_where_a_person_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelward.dependencies import Doubt, IndexAnswer, _index

    asked: list[str] = []

    def answer(inventory: object, url: str, *, today: datetime.date) -> IndexAnswer:
        asked.append(url)
        return IndexAnswer(
            "host", 1, True, (Doubt("yanked", "requirements.txt", 2, "it was yanked", severe=True),)
        )

    monkeypatch.setattr(_index, "ask_index", answer)
    assert verdicts(run(project, "MW113")) == {"MW113": "pass"} and not asked
    report = assess(
        MODEL, TEST, target="DEFAULT", select=["MW113"], project=project, index="https://x/simple"
    )
    assert asked == ["https://x/simple"]
    assert verdicts(report) == {"MW113": "fail"} and report.findings[0].location == "requirements.txt:2"
    for more, match in (({}, "--project"), ({"project": project, "offline": True}, "--offline")):
        with pytest.raises(UsageError, match=match):
            assess(MODEL, TEST, target="DEFAULT", select=["MW113"], index="https://x/simple", **more)


def test_one_hole_is_ignored_by_any_of_its_names(project: Path, tmp_path: Path) -> None:
    database = tmp_path / "db.zip"
    with zipfile.ZipFile(database) as archive:
        record = json.loads(archive.read("1.json"))
    others = [{**record, "id": "PYSEC-2"}, {**record, "aliases": ["CVE-1", "GHSA-1"]}]
    with zipfile.ZipFile(database, "w") as archive:
        for i, one in enumerate(others):
            archive.writestr(f"{i}.json", json.dumps(one))
    entry = (
        '[[tool.modelward.ignore]]\ncode = "MW111"\nrule = "{}"\nreason = "not reached"\nuntil = 2999-01-01\n'
    )
    for name, left in (
        ("CVE-1", "PYSEC-2"),
        ("GHSA-1", "PYSEC-2"),
        ("PYSEC-1", "PYSEC-2"),
        ("PYSEC-2", "PYSEC-1"),
    ):
        report = limited(project, entry.format(name), tmp_path, "MW111")
        (told,) = [part for part in report.findings[0].parts if not part.ignored]
        assert told.title == f"pillow-x: {left}"
        assert verdicts(report) == {"MW111": "fail"}
