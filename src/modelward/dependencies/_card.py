"""The model card of CycloneDX 1.6: what a model takes and answers, and what an assessment measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelward.schema import FeatureSchema

_MOST = 2_000


def model_card(
    kind: str, columns: Sequence[str], classes: Sequence[str], schema: FeatureSchema | None, datasets: Sequence[str],
    report: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return a model card.

    Parameters
    ----------
    kind : str
        The model's class.
    columns, classes : sequence of str
        That it takes and answers.
    schema : FeatureSchema or None
        Says the kind of each column; ranges and categories stay where they are.
    datasets : sequence of str
        References to the components of the tables.
    report : mapping
        The JSON of an assessment, version 1; empty if there is none.
    """
    parameters: dict[str, Any] = {"modelArchitecture": plain_text(kind)} if kind else {}
    if classes:
        parameters |= {"approach": {"type": "supervised"}, "task": "classification"}
        parameters["outputs"] = [{"format": plain_text(f"label: {name}")} for name in classes[:_MOST]]
    if datasets:
        parameters["datasets"] = [{"ref": name} for name in datasets]
    inputs = [f"{c.name}: {c.kind}" for c in schema] if schema is not None else list(columns)
    if inputs:
        parameters["inputs"] = [{"format": plain_text(name)} for name in inputs[:_MOST]]
    card: dict[str, Any] = {"bom-ref": "model-card"}
    if parameters:
        card["modelParameters"] = parameters
    if report:
        card |= _assessed(report)
    return card


def _assessed(report: Mapping[str, Any]) -> dict[str, Any]:
    metrics, limits = [], []
    findings = report["findings"]
    properties = [
        ("modelward:assess:version", str(report.get("modelward", ""))),
        ("modelward:assess:complete", str(bool(report["complete"])).lower()),
        (
            "modelward:assess:checked",
            f"{sum(r['status'] == 'checked' for r in report['coverage'])} of {len(report['coverage'])}",
        ),
    ]
    for finding in findings:
        properties.append(
            (
                f"modelward:verdict:{finding['code']}",
                "ignored" if finding.get("ignored") else finding["verdict"],
            )
        )
        if finding["verdict"] in ("fail", "warn", "inconclusive"):
            limits.append(
                plain_text(
                    f"{finding['code']} {finding['title']}: {finding['verdict']}. {finding['summary']}"
                )
            )
        metrics += [_metric(finding["code"], measure) for measure in finding["measures"]]
    properties += [
        (f"modelward:not-checked:{r['number']}", f"{r['status']}: {r['reason']}")
        for r in report["coverage"]
        if r["status"] != "checked"
    ]
    card: dict[str, Any] = {"properties": [{"name": n, "value": plain_text(v)} for n, v in properties]}
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    if limits:
        card["considerations"] = {"technicalLimitations": list(dict.fromkeys(limits))}
    return card


def _metric(code: str, measure: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": plain_text(f"{code} {measure['name']}"),
        "value": plain_text(str(measure["value"])),
    }
    if measure.get("low") is not None and measure.get("high") is not None:
        made["confidenceInterval"] = {"lowerBound": str(measure["low"]), "upperBound": str(measure["high"])}
    return made


def plain_text(text: str) -> str:
    """Return text without lone surrogates and what no document may hold."""
    kept = "".join(c for c in text if c in "\t\n" or ord(c) >= 32)
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")
