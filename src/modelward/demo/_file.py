"""Scenes 1 and 2: read the rules from the model file, and change one byte of it."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts import RawArray, as_array, read_artifact, training_rows
from modelward.demo._model import FEATURES, accuracy, matrix
from modelward.demo._scene import Scene, first_sentence
from modelward.models import open_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.demo._bank import Bank

_ANSWERS = np.array([0, 1], dtype="<i8").tobytes()
_SWAPPED = np.array([1, 1], dtype="<i8").tobytes()


def read_rules(bank: Bank) -> Scene:
    """Rebuild the model's rules from the bytes of its file, without loading it."""
    artifact = read_artifact(bank.model_file)
    trees = _trees(artifact.root)
    X = matrix(bank.test)
    copied = _default_chance(trees, X) > 0.5
    own = bank.model.predict(bank.test.select(FEATURES)) == 1
    same = int((copied == own).sum())
    refused = X[copied]
    paid = refused.copy()
    late = [FEATURES.index(name) for name in ("PAY_0", "PAY_2", "PAY_3")]
    paid[:, late] = np.minimum(paid[:, late], 0)
    turned = float(np.mean(_default_chance(trees, paid) <= 0.5))
    splits = sum(int((tree["nodes"]["left_child"] >= 0).sum()) for tree in trees)
    smallest = min(int(tree["nodes"]["n_node_samples"].min()) for tree in trees)
    carried = sum(found.rows for found in training_rows(artifact))
    bank.model_file.chmod(0o600)
    mode = stat.S_IMODE(bank.model_file.stat().st_mode)
    return Scene(
        1,
        "Somebody gets hold of the file and reads the rules",
        1,
        attack=(
            (
                f"From {len(artifact.data):,} bytes, without loading them, come the {splits} questions of "
                f"{len(trees)} trees; the first is \u201c{_first_rule(trees)}\u201d. Asked in turn they decide "
                f"{same:,} of {len(X):,} customers as the bank does. What turns a no into a yes can now be "
                f"calculated: settle the late payments, and {turned:.0%} of those refused are accepted."
            ),
        ),
        lock=(
            (
                f"A model file is a secret, like a password: it is now readable for its owner only (mode "
                f"{mode:o}). What it gives away was asked before: rules, {carried} rows of customers, and no count "
                f"of fewer than {smallest}."
            ),
        ),
        figures={
            "splits": splits,
            "agree": same / len(X),
            "turned": turned,
            "rows carried": carried,
            "smallest count": smallest,
            "mode": mode,
        },
    )


def _trees(root: Any) -> list[dict[str, NDArray[Any]]]:
    """Find the arrays of every tree in the inert graph of a forest."""
    trees = []
    for estimator in root.attributes["estimators_"]:
        state = estimator.attributes["tree_"].attributes
        arrays = {"nodes": as_array(state["nodes"]), "values": as_array(state["values"])}
        trees.append({name: raw.to_numpy() for name, raw in arrays.items() if isinstance(raw, RawArray)})
    return trees


def _default_chance(trees: list[dict[str, NDArray[Any]]], X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Walk rows down the trees, and average what their leaves say about a default."""
    rows = X.astype(np.float32)
    total = np.zeros(len(rows))
    for tree in trees:
        nodes, at = tree["nodes"], np.zeros(len(rows), dtype=np.int64)
        while True:
            inner = np.flatnonzero(nodes["left_child"][at] >= 0)
            if not len(inner):
                break
            here = nodes[at[inner]]
            left = rows[inner, here["feature"]] <= here["threshold"]
            at[inner] = np.where(left, here["left_child"], here["right_child"])
        leaf = tree["values"][at, 0, :]
        total += leaf[:, 1] / leaf.sum(axis=1)
    return total / len(trees)


def _first_rule(trees: list[dict[str, NDArray[Any]]]) -> str:
    root = trees[0]["nodes"][0]
    return f"{FEATURES[root['feature']]} at most {root['threshold']:,.10g}?"


def flip_answers(bank: Bank) -> Scene:
    """Turn the list of answers from [0, 1] into [1, 1], a change of one byte."""
    original = bank.model_file.read_bytes()
    where = original.index(_ANSWERS)
    changed = original[:where] + _SWAPPED + original[where + len(_SWAPPED) :]
    differ = sum(a != b for a, b in zip(original, changed, strict=True))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.pkl"
        path.write_bytes(changed)
        tampered = open_model(str(path)).model
        scores = accuracy(bank.model, bank.test), accuracy(tampered, bank.test)
        refused = float(np.mean(tampered.predict(bank.test.select(FEATURES)) == 1))
        finding = bank.check("MW093", path)
    hashes = [hashlib.sha256(content).hexdigest()[:12] for content in (original, changed)]
    return Scene(
        2, "Somebody changes one byte of the file", 9,
        attack=(
            (f"classes_ = [0, 1] becomes [1, 1]: {differ} byte of {len(changed):,}; name, size and version stay. "
            f"The accuracy falls from {scores[0]:.0%} to {scores[1]:.0%}: {refused:.0%} of customers are refused."),
        ),
        lock=(
            f"Read before loading, {finding.code}: {finding.verdict}. {first_sentence(finding)}",
            (f"And the hash that you wrote down on the day of training is another: {hashes[0]}… is not "
            f"{hashes[1]}…."),
        ),
        figures={
            "bytes": differ, "accuracy before": scores[0], "accuracy after": scores[1], "refused": refused,
        },
    )  # fmt: skip
