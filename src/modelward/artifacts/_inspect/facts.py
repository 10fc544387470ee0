"""What an estimator learned, in a few words and sizes: one line for each thing that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import plain
from modelward.artifacts._graph import labels, numbers, shape_of
from modelward.artifacts._inspect.trees import items_of
from modelward.artifacts._inspect.values import described

if TYPE_CHECKING:
    from modelward.artifacts._inert import Inert
    from modelward.artifacts._inspect.values import Allowance

# Arrays of which the shape is told: name, and the words for their sides.
_SHAPES = (
    ("coef_", "coefficients"),
    ("intercept_", "intercepts"),
    ("support_vectors_", "support vectors"),
    ("cluster_centers_", "cluster centres"),
    ("theta_", "means of a class and column"),
    ("var_", "variances"),
    ("sigma_", "variances"),
    ("feature_log_prob_", "log probabilities of a class and column"),
    ("class_log_prior_", "log priors"),
    ("components_", "components"),
    ("mean_", "means"),
    ("scale_", "scales"),
    ("center_", "centres"),
    ("data_min_", "smallest values"),
    ("data_max_", "largest values"),
    ("statistics_", "values for what is missing"),
    ("idf_", "weights of words"),
    ("means_", "means of components"),
    ("covariances_", "covariances of components"),
    ("core_sample_indices_", "core samples"),
    ("labels_", "labels of training rows"),
    ("dual_coef_", "dual coefficients"),
    ("scores_", "scores of columns"),
    ("lambdas_", "exponents of columns"),
    ("quantiles_", "quantiles"),
    ("weight", "weights"),
    ("embedding_", "embedding"),
)
_COUNTS = (
    ("n_iter_", "iterations"), ("n_estimators_", "trees"), ("n_clusters_", "clusters"),
    ("best_score_", "best score"), ("best_params_", "best parameters"),
    ("remainder", "columns not named"),
)  # fmt: skip


def facts_of(value: Inert, allowance: Allowance) -> tuple[tuple[str, Any], ...]:
    """Return what an object of the graph learned, as names and plain values.

    Shapes, counts and sizes; of one-dimensional attributes nothing but their length. Never rows or
    categories; the words of a vocabulary are told on their own (`vocabulary.py`).
    """
    attributes = value.attributes
    found: list[tuple[str, Any]] = []
    for key, words in _SHAPES:
        if key in attributes and (shape := _sides(attributes[key])) is not None:
            found.append((words, _size(shape)))
    found.extend(_texts(attributes))
    found.extend(_networks(attributes))
    for key, words in _COUNTS:
        if key in attributes:
            told = described(attributes[key], allowance)
            if isinstance(told, str | int | float | bool | dict):
                found.append((words, told))
    return tuple(found)


def _sides(value: Any) -> tuple[int, ...] | None:
    shape = shape_of(value)
    return shape or None


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{side:,}" for side in shape)


def _texts(attributes: dict[Any, Any]) -> list[tuple[str, Any]]:
    """Return sizes of vocabularies and of lists of categories."""
    found: list[tuple[str, Any]] = []
    vocabulary = attributes.get("vocabulary_")
    if isinstance(vocabulary, dict):
        found.append(("vocabulary", f"{len(vocabulary):,} words"))
    categories = items_of(attributes.get("categories_"))
    sizes = [shape[0] for item in categories if (shape := _sides(item))]
    if sizes:
        found.append(("categories", f"{sum(sizes):,} in {len(sizes):,} columns"))
    best = numbers(attributes.get("support_"))
    if best is not None and best.dtype.kind == "b":
        found.append(("columns kept", f"{int(best.sum()):,} of {best.size:,}"))
    return found


def _networks(attributes: dict[Any, Any]) -> list[tuple[str, Any]]:
    """Return the layers of a neural network, and how many support vectors each class has."""
    found: list[tuple[str, Any]] = []
    layers = attributes.get("coefs_")
    if isinstance(layers, list):
        shapes = [shape for item in layers if (shape := _sides(item)) is not None and len(shape) == 2]
        if shapes:
            sizes = [shapes[0][0], *(shape[1] for shape in shapes)]
            found.append(("layers", " → ".join(f"{size:,}" for size in sizes)))
    per_class = labels(attributes.get("_n_support", attributes.get("n_support_")))
    if per_class and all(isinstance(plain(n), int) for n in per_class):
        found.append(("support vectors by class", ", ".join(f"{n:,}" for n in per_class[:20])))
    return found
