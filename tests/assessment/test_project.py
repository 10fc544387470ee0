"""Row 11 in an assessment: what `modelward deps` finds in the project, one finding a code, never clean by omission."""

from __future__ import annotations

import datetime
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest

from modelward import assess
from modelward.demo import credit_data, shallow_forest
from modelward.errors import InputError
from modelward.findings import Report
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
