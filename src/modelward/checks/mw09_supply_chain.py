"""Row 9, attacking the supply chain: what loading the file would run, and whether somebody changed the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.artifacts import integrity
from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, Evidence
from modelward.findings import Claim, Countermeasure, Limit, Table
from modelward.stats import Exact, Normal

if TYPE_CHECKING:
    from modelward.artifacts import Artifact
    from modelward.checks._scope import Scope

_SCAN = """\
modelward scan model.pkl     # never loads it; exit code 1 if it must not be loaded
"""
_LOAD = """\
import hashlib
from pathlib import Path

data = Path("model.pkl").read_bytes()
if hashlib.sha256(data).hexdigest() != "THE HASH THAT THE TRAINING JOB PRINTED":
    raise SystemExit("model.pkl is not the file that was trained")
"""
_SKOPS = """\
import skops.io as sio       # a format that names its types and runs nothing

sio.dump(model, "model.skops")
model = sio.load("model.skops", trusted=[])
"""
_RETEST = """\
from sklearn.metrics import balanced_accuracy_score

# In the serving job, before the first request: the model must still know what it knew.
assert balanced_accuracy_score(y_known, model.predict(X_known)) > 0.6
"""


def _artifact(scope: Scope) -> Artifact:
    if scope.artifact is None:
        raise CheckNotGiven("needs a model file: give MODEL as a pickle or joblib file")
    return scope.artifact


class DangerousNames(Check):
    """Names in the file that run code, touch files or the network, or import, as soon as it is loaded."""

    code = "MW091"
    title = "Names in the model file that run code when it is loaded"
    number = 9
    severity = "critical"
    needs_model = False
    exposure = ("suppliers", "file-holders")
    limits = {"dangerous names": Limit(fail=0.0)}
    references = ("CWE-502: Deserialization of untrusted data", "Python documentation, module pickle")

    def run(self, scope: Scope) -> Evidence:
        """Count what the scan calls dangerous."""
        artifact = _artifact(scope)
        bad = [use for use in artifact.globals if use.status == "dangerous"]
        count = max(len(bad), int(artifact.verdict == "malicious"))
        if count:
            summary = f"Loading this file runs what its author chose: {'; '.join(artifact.reasons[:3])}."
        else:
            summary = f"Loading this file reaches {len(artifact.globals)} names, none of which is dangerous."
        return Evidence(
            summary,
            claims=(Claim("dangerous names", Exact(float(count), len(artifact.globals)), "names"),),
            tables=_table("Dangerous names", [(use.name, use.reason) for use in bad]),
            countermeasures=(
                Countermeasure("Scan every model file before anything loads it", code=_SCAN),
                Countermeasure("Load only the bytes that the training job made", code=_LOAD),
                Countermeasure("Exchange models in a format that cannot run code", code=_SKOPS),
            )
            if count
            else (),
            inconclusive=""
            if count or artifact.verdict != "unreadable"
            else "the file could not be read to its end",
        )


class UnknownNames(Check):
    """Names in the file that nobody has vouched for."""

    code = "MW092"
    title = "Unknown names in the model file"
    number = 9
    severity = "high"
    needs_model = False
    exposure = ("suppliers", "file-holders")
    limits = {"unknown names": Limit(fail=0.0)}
    references = ("CWE-502: Deserialization of untrusted data",)

    def run(self, scope: Scope) -> Evidence:
        """Count what the scan does not know."""
        artifact = _artifact(scope)
        trusted = set(scope.options.get("trust", ()))
        unknown = [use for use in artifact.globals if use.status == "unknown" and use.name not in trusted]
        names = ", ".join(use.name for use in unknown[:5])
        summary = (
            f"Loading this file reaches {len(unknown)} names that are not known to be harmless: {names}."
            if unknown
            else f"All {len(artifact.globals)} names that loading this file reaches are known or trusted by name."
        )
        return Evidence(
            summary,
            claims=(Claim("unknown names", Exact(float(len(unknown)), len(artifact.globals)), "names"),),
            tables=_table("Unknown names", [(use.name, use.reason) for use in unknown]),
            countermeasures=(
                Countermeasure(
                    "Read the code behind each name, then trust it by its exact name",
                    code=f"modelward assess model.pkl … --trust {unknown[0].name}\n",
                ),
            )
            if unknown
            else (),
            inconclusive="" if artifact.verdict != "unreadable" else "the file could not be read to its end",
        )


class Tampered(Check):
    """Signs that the model was changed after training: in its file, and in what it answers."""

    code = "MW093"
    title = "Model changed after training"
    number = 9
    severity = "critical"
    exposure = ("suppliers", "file-holders", "insiders")
    limits = {
        "defects in the file": Limit(fail=0.0),
        "balanced accuracy above chance": Limit(fail=0.0),
    }
    references = ("Kumar et al. 2019, row 9", "MITRE ATLAS, manipulate AI model")

    def run(self, scope: Scope) -> Evidence:
        """Look for what no honest training produces, and ask whether the answers are worse than guessing."""
        known = scope.artifact is not None and scope.artifact.root is not None
        defects = integrity(scope.artifact) if scope.artifact is not None and known else ()
        edge = above_chance(scope)
        if not known and edge is None:
            raise CheckNotApplicable(
                "no model file that can be read, and too few labelled rows of two classes"
            )
        claims = []
        parts = []
        if known:
            claims.append(Claim("defects in the file", Exact(float(len(defects)), 1), "defects"))
            parts.append(
                f"The file shows {len(defects)} {'things' if len(defects) > 1 else 'thing'} that no honest training "
                "produces: " + "; ".join(f"{d.path} {d.what}" for d in defects[:3])
                if defects
                else "The file's classes and trees are as training leaves them"
            )
        if edge is not None:
            claims.append(Claim("balanced accuracy above chance", edge, "share", worse="lower"))
            parts.append(
                f"balanced accuracy on the test rows is {edge.value:+.2f} against guessing"
                + (", so labels may have been swapped" if edge.value < 0 else "")
            )
        return Evidence(
            ". ".join(part[0].upper() + part[1:] for part in parts) + ".",
            claims=tuple(claims),
            tables=_table("Defects in the file", [(d.path, d.what) for d in defects]),
            countermeasures=(
                Countermeasure("Load only the bytes that the training job made", code=_LOAD),
                Countermeasure("Test the served model on known rows before the first request", code=_RETEST),
            ),
            location=defects[0].path if defects else None,
        )


def above_chance(scope: Scope) -> Normal | Exact | None:
    """Return the balanced accuracy on the test rows minus that of guessing.

    A model that gives every row the most common label is at chance exactly: an unlearned model, not a swapped
    one. One that gives every row a rarer label stays an open question.

    Recalls are independent shares of disjoint rows. A recall of 0 or 1 has no spread of its own, so two rows
    of each outcome are added for the error (Agresti & Coull 1998), not for the value.

    Returns
    -------
    Normal, Exact or None
        None with fewer than two classes of ten rows or more.
    """
    y = scope.test.y
    present = [k for k in range(scope.subject.n_classes) if np.count_nonzero(y == k) >= 10]
    if len(present) < 2:
        return None
    rows = np.isin(y, present)
    answers = scope.answers().codes[rows]
    if np.all(answers == np.bincount(y[rows]).argmax()):
        return Exact(0.0, int(rows.sum()), "every row gets the most common label")
    right = answers == y[rows]
    recalls, variance = [], 0.0
    for k in present:
        hit = right[y[rows] == k]
        recalls.append(float(hit.mean()))
        share = (hit.sum() + 2) / (len(hit) + 4)
        variance += share * (1 - share) / (len(hit) + 4)
    classes = len(present)
    return Normal(
        float(np.mean(recalls)) - 1 / classes, float(np.sqrt(variance)) / classes, int(rows.sum()),
        "recalls of the classes, normal with Agresti-Coull errors", -1.0, 1.0,
    )  # fmt: skip


def _table(title: str, rows: list[tuple[str, str]]) -> tuple[Table, ...]:
    return (Table(title, ("where", "what"), tuple(rows[:50])),) if rows else ()


CHECKS: tuple[type[Check], ...] = (DangerousNames, UnknownNames, Tampered)
