"""Row 8, a malicious provider recovering training data: rows that the model's file carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.artifacts import class_name, training_rows
from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, Evidence
from modelward.findings import Claim, Countermeasure, Limit, Table
from modelward.stats import Exact

if TYPE_CHECKING:
    from modelward.artifacts import Artifact
    from modelward.checks._scope import Scope

_WITHOUT = """\
from sklearn.ensemble import HistGradientBoostingClassifier  # trees keep thresholds, no rows

model = HistGradientBoostingClassifier(random_state=0).fit(X_train, y_train)
"""
_APPROXIMATE = """\
from sklearn.kernel_approximation import RBFSampler          # random directions instead of rows
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline

model = make_pipeline(RBFSampler(n_components=500, random_state=0), SGDClassifier(random_state=0))
model.fit(X_train, y_train)
"""
_PERMISSIONS = """\
import os

os.chmod("model.pkl", 0o600)   # the file is the data: give it the data's own access rights
"""


class CarriedRows(Check):
    """Training rows that whoever holds the file can read from it, without asking the model once."""

    code = "MW081"
    title = "Training rows carried by the model file"
    number = 8
    severity = "high"
    needs_model = False
    exposure = ("file-holders", "suppliers")
    limits = {"training rows in the file": Limit(fail=0.0)}
    references = ("Kumar et al. 2019, row 8", "scikit-learn user guide, model persistence")

    def run(self, scope: Scope) -> Evidence:
        """Count the rows that stand in the file."""
        artifact = scope.artifact
        if artifact is None:
            raise CheckNotGiven("needs a model file: give MODEL as a pickle or joblib file")
        if artifact.root is None:
            raise CheckNotApplicable("the model file could not be read to its end; see `modelward scan`")
        found = training_rows(artifact)
        most = max((item.rows for item in found), default=0)
        share = ""
        if scope.train is not None and scope.train.total and most:
            share = f", {min(1.0, most / scope.train.total):.0%} of the training rows given"
        if found:
            places = ", ".join(dict.fromkeys(item.kind for item in found))
            summary = (
                f"Whoever holds the file reads {most:,} rows of training data from it{share}, "
                f"as they are ({places})."
            )
        else:
            summary = "The file holds no array in which this kind of model keeps training rows as they are."
        table = Table(
            "Training rows in the file",
            ("where", "rows", "columns", "what"),
            tuple(
                (item.path or "the object itself", item.rows, item.columns, item.kind) for item in found[:50]
            ),
        )
        return Evidence(
            summary,
            claims=(Claim("training rows in the file", Exact(float(most), 1), "rows"),),
            tables=(table,) if found else (),
            countermeasures=_advice() if found else (),
            location=found[0].path if found else None,
            unproven=_unread_kinds(artifact),
        )


def _unread_kinds(artifact: Artifact) -> str:
    """Return why finding no rows proves nothing; empty if every kind of object in the file is known."""
    unknown = [use.name for use in artifact.globals if use.status != "known"]
    if unknown:
        return f"nobody knows what objects of {', '.join(unknown[:3])} keep"
    return "" if class_name(artifact) else "the file holds plain data, not a fitted model whose kind is known"


def _advice() -> tuple[Countermeasure, ...]:
    return (
        Countermeasure("Publish a kind of model that keeps no rows", code=_WITHOUT),
        Countermeasure("Replace exact kernels by random features", code=_APPROXIMATE),
        Countermeasure("Guard the file as you guard the data", code=_PERMISSIONS),
    )


CHECKS: tuple[type[Check], ...] = (CarriedRows,)
