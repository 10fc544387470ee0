"""SARIF of every verb that finds something: held to the published schema, and to where things are."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import click
import jsonschema
import pytest
from sklearn.tree import DecisionTreeClassifier

from modelward.cli import cli
from modelward.cli._sarif import _lines_of_rows
from modelward.findings import Finding
from modelward.reports import render_sarif

SCHEMA = json.loads((Path(__file__).parents[1] / "reports" / "data" / "sarif-2.1.0-rtm.5.json").read_text())


class Bad:
    def __reduce__(self) -> tuple:
        return print, ("x",)


def results(path: Path) -> list[dict]:
    log = json.loads(path.read_text())
    jsonschema.validate(log, SCHEMA)
    (run,) = log["runs"]
    found: list[dict] = run["results"]
    for one in found:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
    assert len({r["partialFingerprints"]["modelward/v1"] for r in found}) == len(found)
    return found


def whole(path: Path) -> bool:
    (run,) = json.loads(path.read_text())["runs"]
    return bool(run["invocations"][0]["executionSuccessful"])


def place(result: dict) -> tuple[str, int]:
    at = result["locations"][0]["physicalLocation"]
    return at["artifactLocation"]["uri"], at["region"]["startLine"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository; the commands run in a folder of it."""
    (tmp_path / ".git").mkdir()
    inside = tmp_path / "service a"
    inside.mkdir()
    monkeypatch.chdir(inside)
    return tmp_path


def run(*words: object, code: int) -> None:
    try:
        done = cli.main(list(map(str, words)), prog_name="modelward", standalone_mode=False)
    except click.exceptions.Exit as left:
        done = left.exit_code
    assert (done or 0) == code


def test_scan_points_at_the_file_and_its_member(repository: Path) -> None:
    Path("bad.pkl").write_bytes(pickle.dumps(Bad()))
    Path("good.pkl").write_bytes(pickle.dumps([1, 2]))
    run("scan", ".", "-o", "x.sarif", code=1)
    (found,) = results(Path("x.sarif"))
    assert (found["ruleId"], found["level"], place(found)) == ("MW091", "error", ("service%20a/bad.pkl", 1))
    assert found["locations"][0]["physicalLocation"]["region"]["startColumn"] == 1
    # The same file gives the same fingerprint from wherever it is scanned.
    before = found["partialFingerprints"]
    run("scan", repository / "service a" / "bad.pkl", "-o", "y.sarif", code=1)
    assert results(Path("y.sarif"))[0]["partialFingerprints"] == before


def test_diff_has_a_result_for_each_change(repository: Path) -> None:
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    for name, labels in (("a.pkl", y), ("b.pkl", [0, 1, 1, 1])):
        Path(name).write_bytes(pickle.dumps(DecisionTreeClassifier(random_state=0).fit(X, labels)))
    run("diff", "a.pkl", "b.pkl", "-o", "x.sarif", "-o", "x.json", code=1)
    found = results(Path("x.sarif"))
    changes = json.loads(Path("x.json").read_text())["changes"]
    assert len(found) == len(changes) > 0
    assert {place(f) for f in found} == {("service%20a/b.pkl", 1)}
    assert {f["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for f in found} == {
        c["path"] for c in changes
    }
    run("diff", "a.pkl", "a.pkl", "-o", "x.sarif", code=0)
    assert results(Path("x.sarif")) == []


def test_data_and_tables_that_differ(repository: Path) -> None:
    rows = [f"{i},{i * 7 % 50},{i % 2}" for i in range(400)]
    Path("old.csv").write_text("id,a,y\n" + "\n".join(rows) + "\n")
    changed = [r[:-1] + "1" if 100 <= i < 160 else r for i, r in enumerate(rows)]
    Path("new.csv").write_text("id,a,y\n" + "\n".join(changed) + "\n")
    run("data", "new.csv", "--reference", "old.csv", "--target", "y", "--key", "id", "-o", "x.sarif", code=1)
    found = results(Path("x.sarif"))
    assert {f["ruleId"] for f in found} == {"MW025"}
    assert {place(f)[0] for f in found} == {"service%20a/new.csv"}
    # Rows 100 to 159 were changed, and the header is line 1.
    assert {place(f)[1] for f in found} == {102}
    assert all("row 100, counted from 0, in line 102" in f["message"]["text"] for f in found)
    assert whole(Path("x.sarif"))
    # Tampered with, and yet nobody looked into the labels: the failure must not make the looking whole.
    run("data", "new.csv", "--reference", "old.csv", "--key", "id", "-o", "z.sarif", code=1)
    assert not whole(Path("z.sarif"))
    run("diff", "old.csv", "new.csv", "-o", "y.sarif", code=1)
    assert {f["ruleId"] for f in results(Path("y.sarif"))} == {"MW094"}


def test_lines_of_rows_are_those_of_an_editor(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"two\nlines"\n\n3,4\n5,"x\n\n"\n7,8\n')
    assert _lines_of_rows(str(path), {0, 1, 2, 3, 9}) == {0: 2, 1: 5, 2: 6, 3: 9}
    assert (
        _lines_of_rows(str(tmp_path / "a.parquet"), {0})
        == _lines_of_rows(str(tmp_path / "no.csv"), {0})
        == {}
    )


def at(place: str, title: str = "Dangerous code: load") -> Finding:
    return Finding(code="MW112", number=11, failure_mode="x", title=title, verdict="fail", severity="high",
                   summary="it loads", location=place)  # fmt: skip


def marks(*findings: Finding) -> dict[int, str]:
    log = json.loads(render_sarif(findings, verb="deps", complete=True))
    jsonschema.validate(log, SCHEMA)
    found = {place(r)[1]: r["partialFingerprints"]["modelward/v1"] for r in log["runs"][0]["results"]}
    assert len(set(found.values())) == len(findings)
    return found


def test_a_result_keeps_its_fingerprint_when_lines_and_equal_findings_come_before_it(
    repository: Path,
) -> None:
    file = Path("a.py")
    body = ["a = load('x')", "b = 1", "c = load('y')", "d = 2" + "#" * 120, "a = load('x')"]
    file.write_text("\n".join(body))
    before = marks(at("a.py:1"), at("a.py:3"), at("a.py:5"))
    file.write_text("\n".join(["import os", "  e = load('z')", *body]))
    # One is new, and above the others; they come in another order, too.
    after = marks(at("a.py:7"), at("a.py:2"), at("a.py:5"), at("a.py:3"))
    assert [after[line] for line in (3, 5, 7)] == [before[line] for line in (1, 3, 5)]
    # Blanks and what is quoted do not matter; another rule, another file and the same line elsewhere do.
    file.write_text("\n".join(["a  =  load('other')", *body[1:]]))
    assert marks(at("a.py:1"))[1] == before[1]
    assert marks(at("a.py:1", "Dangerous code: other"))[1] != before[1]
    Path("b.py").write_text("\n".join(body))
    assert marks(at("b.py:1"))[1] != before[1]
    # Without the text the order in the file is all that is left.
    file.unlink()
    assert marks(at("a.py:3"), at("a.py:1")).keys() == {1, 3}


def test_a_fingerprint_tells_nothing_of_a_secret(repository: Path) -> None:
    found = []
    for word in ("swordfish", "hunter2"):
        Path("Dockerfile").write_text(f"FROM a\nENV DB_PASSWORD={word}\n")
        found.append(marks(at("Dockerfile:2", "Container files: secret"))[2])
    assert found[0] == found[1]


def test_verify_names_what_does_not_hold(repository: Path) -> None:
    from modelward.artifacts import new_key, sign

    Path("m.pkl").write_bytes(pickle.dumps([1]))
    new_key("team.key")
    sign("m.pkl", "team.key")
    run("verify", "m.pkl", "--key", "team.key.pub", "-o", "x.sarif", code=0)
    assert results(Path("x.sarif")) == []
    Path("m.pkl").write_bytes(pickle.dumps([2]))
    run("verify", "m.pkl", "--key", "team.key.pub", "-o", "x.sarif", code=1)
    (found,) = results(Path("x.sarif"))
    assert (found["ruleId"], place(found)) == ("MW095", ("service%20a/m.pkl", 1))


def test_deps_points_at_the_very_line_from_the_root_of_the_repository(repository: Path) -> None:
    Path("requirements.txt").write_text("# first\n\nnot-installed-anywhere\n")
    run("deps", ".", "-o", "x.sarif", code=3)
    assert ("service%20a/requirements.txt", 3) in {place(f) for f in results(Path("x.sarif"))}
    run("deps", repository / "service a", "-o", "y.sarif", code=3)
    assert Path("x.sarif").read_text() == Path("y.sarif").read_text()


def test_a_place_outside_any_repository_says_nothing_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    one = Finding("MW091", 9, "m", "t", "fail", "critical", "s", location=str(tmp_path / "other" / "m.pkl"))
    two = Finding("MW091", 9, "m", "t", "fail", "critical", "s", location="../../m.pkl:7")
    text = render_sarif([one, two], verb="scan", complete=True)
    assert [place(r) for r in json.loads(text)["runs"][0]["results"]] == [("m.pkl", 1), ("m.pkl", 7)]
    assert tmp_path.name not in text
