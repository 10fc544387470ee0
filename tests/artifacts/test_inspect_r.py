"""inspect on models of R; the oracle is what R itself answers on the same rows (data/r/answers.R)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelward.artifacts import read_artifact
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect import TreeNodes, TreeSet, inspect, tree_set

DATA = Path(__file__).parent / "data" / "r"
ROWS = pl.read_csv(DATA / "train.csv", null_values=["NA"])
ANSWERS = pl.read_csv(DATA / "answers.csv")
X = ROWS.select("income", "age", "debt").to_numpy()
FILES = (
    "randomforest", "ranger", "ranger_old", "gbm", "gbm_classes", "rpart", "glm", "glm_bare", "lm", "caret",
)  # fmt: skip


def leaf_values(tree: TreeNodes) -> np.ndarray[Any, Any]:
    """Follow each row down a tree, one by one."""
    out = []
    for row in X:
        node = 0
        while tree.left[node] != -1:
            x, at = row[tree.feature[node]], tree.threshold[node]
            node = tree.left[node] if (x < at if tree.strict else x <= at) else tree.right[node]
        out.append(tree.value[node])
    return np.array(out)


def trees_of(name: str) -> TreeSet:
    """Return the trees of a fixture."""
    found = inspect(DATA / f"{name}.rds").trees
    assert len(found) == 1
    assert not found[0].broken
    return found[0]


@pytest.mark.parametrize(
    ("name", "answers"), [("randomforest", "randomForest"), ("caret", "caret"), ("ranger", "ranger")]
)
def test_forests_vote_as_r_does(name: str, answers: str) -> None:
    mean = np.mean([leaf_values(tree) for tree in trees_of(name).trees], axis=0)
    np.testing.assert_allclose(mean[:, 1], ANSWERS[answers].to_numpy(), rtol=0, atol=1e-12)


def test_gbm_adds_up_to_what_r_answers() -> None:
    root = read_artifact(DATA / "gbm.rds").root
    start = root.attributes["initF"].payload.to_numpy()[0]
    total = start + np.sum([leaf_values(tree)[:, 0] for tree in trees_of("gbm").trees], axis=0)
    np.testing.assert_allclose(total, ANSWERS["gbm"].to_numpy(), rtol=0, atol=1e-12)


def test_gbm_of_three_classes_has_a_score_for_each() -> None:
    total = np.sum([leaf_values(tree) for tree in trees_of("gbm_classes").trees], axis=0)
    told = ANSWERS.select([f"gbm_classes.{label}" for label in "ABC"]).to_numpy()
    np.testing.assert_allclose(total, told, rtol=0, atol=1e-12)


def test_old_ranger_counts_the_answer_among_its_columns() -> None:
    votes = np.sum([leaf_values(tree) for tree in trees_of("ranger_old").trees], axis=0)
    first, second = np.sort(votes, axis=1)[:, :-3:-1].T
    sure = first > second  # R breaks ties by chance
    assert sure.sum() > 30
    told = np.array(["A", "B", "C"])[votes.argmax(axis=1)]
    np.testing.assert_array_equal(told[sure], ANSWERS["ranger_old"].to_numpy()[sure])


@pytest.mark.parametrize("name", FILES)
def test_which_r_wrote_the_file(name: str) -> None:
    # What R itself says of a file: infoRDS("glm.rds")$writer_version.
    found = inspect(DATA / f"{name}.rds")
    assert found.to_dict()["written_by"] == "R 4.2.2"
    assert found.library_version == ("4.2.2" if found.library == "stats" else "")


def test_workspaces_and_ascii_files_say_it_too() -> None:
    for name in ("two.rda", "frame_ascii.rds", "frame_native.rds", "frame_v2.RData"):
        assert read_artifact(DATA / name).writer == "R 4.2.2"


def test_rpart_answers_as_r_does() -> None:
    (tree,) = trees_of("rpart").trees
    np.testing.assert_array_equal(leaf_values(tree).argmax(axis=1), ANSWERS["rpart"].to_numpy())


@pytest.mark.parametrize("name", ["glm", "glm_bare"])
def test_coefficients_give_what_r_answers(name: str) -> None:
    found = inspect(DATA / f"{name}.rds")
    slope = np.array([found.weights[column][0] for column in ("income", "age", "debt")])
    np.testing.assert_allclose(X @ slope + found.constants[0], ANSWERS["glm"].to_numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", FILES)
def test_what_every_model_tells(name: str) -> None:
    found = inspect(DATA / f"{name}.rds")
    columns = ("income", "age") if name == "lm" else ("income", "age", "debt")
    assert (found.feature_names, found.n_features) == (columns, len(columns))
    grades = ("A", "B", "C")
    kept = {"gbm": (0, 1), "gbm_classes": grades, "ranger_old": grades, "glm_bare": None, "lm": None}
    assert found.classes == kept.get(name, ("no", "yes"))
    assert found.library in ("randomForest", "ranger", "gbm", "rpart", "stats", "caret")
    assert found.surface.used is not None
    assert not found.surface.rules


def test_parameters_by_rs_names() -> None:
    assert inspect(DATA / "gbm.rds").params["shrinkage"] == 0.1
    assert inspect(DATA / "ranger.rds").params["treetype"] == "Probability estimation"
    assert inspect(DATA / "glm.rds").params["family.link"] == "logit"
    caret = inspect(DATA / "caret.rds").params
    assert (caret["method"], caret["bestTune.mtry"], caret["finalModel__ntree"]) == ("rf", 2.0, 4.0)


def test_unused_columns_are_those_that_no_tree_splits_on() -> None:
    assert inspect(DATA / "gbm.rds").surface.unused == ("age",)
    assert inspect(DATA / "rpart.rds").surface.unused == ("debt",)


def test_surrogates_of_rpart_count_as_used() -> None:
    root = read_artifact(DATA / "rpart.rds").root
    kept = root.attributes["frame"].attributes["nsurrogate"].payload.to_numpy()
    from modelward.artifacts._inspect.r_models import r_surrogates

    assert not kept.any()
    assert r_surrogates(root) == set()
    root.attributes["frame"].attributes["nsurrogate"] = root.attributes["frame"].attributes["n"]
    assert r_surrogates(root) >= {0, 1}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("randomforest", ("forest", "treemap"), None),
        ("randomforest", ("forest", "bestvar"), "xbestsplit"),
        ("ranger", ("forest", "split.varIDs"), []),
        ("ranger_old", ("forest", "dependent.varID"), "num.trees"),
        ("gbm", ("trees",), [[1, 2]]),
        ("gbm_classes", ("num.classes",), "bag.fraction"),
        ("rpart", ("frame", "ncompete"), None),
    ],
)
def test_changed_tables_are_said_to_be_broken(name: str, path: tuple[str, ...], value: Any) -> None:
    root = read_artifact(DATA / f"{name}.rds").root
    holder: Inert = root
    for key in path[:-1]:
        holder = holder.attributes[key]
    holder.state[path[-1]] = holder.state[value] if isinstance(value, str) else value
    found = tree_set(root, "")
    assert found is not None
    assert found.broken
    assert not found.trees
