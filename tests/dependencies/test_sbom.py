"""The SBOM: held to the schema by the library's validator and by jsonschema, and to what is known of its parts."""

from __future__ import annotations

import datetime
import hashlib
import json
import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner
from cyclonedx.model.bom import Bom
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from modelward.cli._deps import deps
from modelward.dependencies import (
    DataFacts,
    Inventory,
    ModelFacts,
    Package,
    Subject,
    Vulnerability,
    render_sbom,
)
from modelward.dependencies._sbom import validate
from modelward.errors import InputError, UsageError

MADE = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def report(sha256: str) -> dict:
    return {
        "schema_version": 1, "modelward": "0.1.0", "complete": True,
        "inputs": {"model": {"path": "model.pkl", "sha256": sha256}, "train": {"path": "x/train.csv", "sha256": "a" * 64, "rows": 900}},
        "coverage": [{"number": 4, "failure_mode": "m", "status": "checked", "reason": ""}, {"number": 5, "failure_mode": "s", "status": "not_given", "reason": "--train"}],
        "findings": [
            {"code": "MW041", "title": "Membership", "verdict": "fail", "summary": "AUC 0.7.",
             "measures": [{"name": "AUC", "value": 0.7, "low": 0.65, "high": 0.75}, {"name": "n", "value": 3, "low": None, "high": None}]},
        ],
    }  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text(
        "numpy==2.1.0 --hash=sha256:00\nscipy==1.14.0 --hash=sha256:00\n"
    )
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(
        [[0, 1], [1, 0], [2, 2]], ["good", "bad", "good"]
    )
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "schema.toml").write_text(
        "version = 1\n[columns.a]\nkind = 'integer'\n[columns.b]\nkind = 'continuous'\n"
    )
    sha = hashlib.sha256((tmp_path / "model.pkl").read_bytes()).hexdigest()
    (tmp_path / "report.json").write_text(json.dumps(report(sha)))
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, dict]:
    out = folder / "model.cdx.json"
    said = [
        str(folder),
        "--no-code",
        "-o",
        str(out),
        *(str(folder / w) if "." in w and w[0] != "-" else w for w in words),
    ]
    done = CliRunner().invoke(deps, said, catch_exceptions=False)
    return done.exit_code, json.loads(out.read_text())


def test_the_model_is_the_component_with_hash_data_schema_and_assessment(project: Path) -> None:
    code, bom = run(
        project,
        "--model",
        "model.pkl",
        "--data",
        "rows.csv",
        "--schema",
        "schema.toml",
        "--report",
        "report.json",
    )
    assert code == 3  # no advisories
    validate(json.dumps(bom))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    model = bom["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [
        {"alg": "SHA-256", "content": hashlib.sha256((project / "model.pkl").read_bytes()).hexdigest()}
    ]
    card = model["modelCard"]
    assert card["modelParameters"]["inputs"] == [{"format": "a: integer"}, {"format": "b: continuous"}]
    assert [o["format"] for o in card["modelParameters"]["outputs"]] == ["label: bad", "label: good"]
    assert card["quantitativeAnalysis"]["performanceMetrics"][0] == {
        "type": "MW041 AUC", "value": "0.7", "confidenceInterval": {"lowerBound": "0.65", "upperBound": "0.75"},
    }  # fmt: skip
    assert card["considerations"]["technicalLimitations"] == ["MW041 Membership: fail. AUC 0.7."]
    data = {c["name"]: c for c in bom["components"] if c["type"] == "data"}
    assert (
        data["rows.csv"]["hashes"][0]["content"]
        == hashlib.sha256((project / "rows.csv").read_bytes()).hexdigest()
    )
    assert {p["name"]: p["value"] for p in data["train.csv"]["properties"]} == {
        "modelward:role": "training",
        "modelward:rows": "900",
    }
    refs = {d["ref"]: d.get("dependsOn", []) for d in bom["dependencies"]}
    assert set(refs[model["bom-ref"]]) >= {"data:0", "data:1", "pkg:numpy@2.1.0", "pkg:scipy@1.14.0"}
    purls = {c["purl"] for c in bom["components"] if c["type"] == "library"}
    assert purls >= {"pkg:pypi/numpy@2.1.0", "pkg:pypi/scipy@1.14.0"}
    assert bom["compositions"][0]["aggregate"] == "complete"
    assert {r["ref"] for r in card["modelParameters"]["datasets"]} <= set(refs)


def test_it_can_be_read_by_the_library_and_is_the_same_twice(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767312000")
    _, first = run(project)
    assert first["metadata"]["component"]["type"] == "application"
    assert first == run(project)[1]
    assert len(Bom.from_json(first).components) == 2
    (project / "requirements.txt").write_text("numpy==2.1.1 --hash=sha256:00\nno-such-package-here\n")
    _, second = run(project)
    assert second["serialNumber"] != first["serialNumber"]
    assert second["compositions"][0]["aggregate"] == "incomplete"


def test_a_report_about_another_model_is_refused(project: Path) -> None:
    (project / "report.json").write_text(json.dumps(report("b" * 64)))
    with pytest.raises(InputError, match="another model"):
        run(project, "--model", "model.pkl", "--report", "report.json")
    (project / "report.json").write_text('{"schema_version": 1, "findings": [1]}')
    with pytest.raises(InputError, match="no JSON report"):
        run(project, "--report", "report.json")
    with pytest.raises(UsageError, match="cdx"):
        CliRunner().invoke(deps, [str(project), "--data", str(project / "rows.csv")], catch_exceptions=False)


def test_holes_are_in_it_with_what_they_affect() -> None:
    package = Package("a", "1", "uv.lock", 3, needs=("b", "a"), locked=True)
    other = Package("b", "2", "uv.lock", 9, dev=True, locked=True)
    hole = Vulnerability(package, ("PYSEC-1", "CVE-1"), "a hole", "2024-01-01", ("2",), "2")
    text = render_sbom(
        Inventory((package, other)),
        Subject("p"),
        holes=[hole],
        advisories="db of today",
        complete=True,
        made=MADE,
    )
    bom = json.loads(text)
    (found,) = bom["vulnerabilities"]
    assert (found["id"], found["references"][0]["id"], found["recommendation"]) == (
        "PYSEC-1",
        "CVE-1",
        "Upgrade to 2",
    )
    assert found["affects"] == [{"ref": "pkg:a@1"}]
    assert {d["ref"]: d.get("dependsOn", []) for d in bom["dependencies"]}["project"] == ["pkg:a@1"]
    assert {c["name"]: c["scope"] for c in bom["components"]} == {"a": "required", "b": "excluded"}


TEXT = st.text(st.characters(codec=None), max_size=20)  # lone surrogates and control characters, too


@given(TEXT, TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=3), st.lists(TEXT, max_size=3))
@example("", "", [("", "\ud800")], [])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_names_files_have_the_document_is_valid(
    name: str, kind: str, packages: list, columns: list
) -> None:
    found = tuple(Package(f"p{n}", v, "uv.lock", i, url=n) for i, (n, v) in enumerate(packages))
    model = ModelFacts(name, "0" * 64, kind=kind, columns=tuple(columns), classes=tuple(columns))
    text = render_sbom(
        Inventory(found), Subject(name, model, (DataFacts(name, "1" * 64),)), complete=False, made=MADE
    )
    assert json.loads(text)["metadata"]["component"]["type"] == "machine-learning-model"
