"""Training rows that a model file carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._artifact import TrainingRows
from modelward.artifacts._graph import join, shape_of, walk_graph

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._inert import Inert

# Attribute, kind, and the classes that hold it where the attribute's name alone does not say.
_CARRIERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("_fit_X", "neighbours", ()),
    ("support_vectors_", "support vectors", ()),
    ("X_train_", "Gaussian process", ()),
    ("X_fit_", "kernel method", ()),
    ("_raw_data", "density clustering", ()),
    ("X_", "label propagation", ("LabelPropagation", "LabelSpreading", "BaseLabelPropagation")),
    ("components_", "kernel approximation", ("Nystroem",)),
    ("cluster_centers_", "exemplars of a clustering", ("AffinityPropagation",)),
    ("subcluster_centers_", "centres of small clusters, mostly single rows", ("Birch",)),
)
_FRAMES = frozenset({"pandas.DataFrame", "pandas.core.frame.DataFrame"})


def training_rows(artifact: Artifact) -> tuple[TrainingRows, ...]:
    """Return the training rows that a file carries, wherever they are nested.

    Recognised are the estimators of scikit-learn that keep rows as they are (neighbours, support vector
    machines, Gaussian processes, kernel methods, label propagation, density trees, exemplars) and data frames.

    Parameters
    ----------
    artifact : Artifact
        A model file that was read.
    """
    found: list[TrainingRows] = []
    for node in walk_graph(artifact.root):
        kind = node.value.type_name
        if kind in _FRAMES:
            shape = _frame_shape(node.value)
            if shape is not None:
                found.append(TrainingRows(node.path, *shape, "cached data frame"))
        elif kind.endswith("KernelDensity"):
            found.extend(_density(node.path, node.value))
        found.extend(_carried(node.path, node.value))
    return tuple(found)


def _carried(path: str, value: Inert) -> list[TrainingRows]:
    attributes = value.attributes
    if "precomputed" in (attributes.get("metric"), attributes.get("kernel"), attributes.get("affinity")):
        return []  # distances or kernel values, not rows
    name = value.type_name.rpartition(".")[2]
    found = []
    for attribute, kind, classes in _CARRIERS:
        if attribute in attributes and (not classes or name in classes):
            shape = shape_of(attributes[attribute])
            if shape is not None and len(shape) == 2 and min(shape) > 0:
                found.append(TrainingRows(join(path, attribute), shape[0], shape[1], kind))
    return found


def _density(path: str, value: Inert) -> list[TrainingRows]:
    """Read the tree of a KernelDensity, whose state begins with the rows."""
    tree = value.attributes.get("tree_")
    state: Any = getattr(tree, "state", None)
    shape = shape_of(state[0]) if isinstance(state, tuple) and state else None
    if shape is None or len(shape) != 2:
        return []
    return [TrainingRows(join(path, "tree_"), shape[0], shape[1], "density tree")]


def _frame_shape(frame: Inert) -> tuple[int, int] | None:
    """Return rows and columns of a data frame, from the blocks of its manager."""
    rows = columns = 0
    for node in walk_graph(frame.attributes.get("_mgr", frame.attributes.get("_data"))):
        if not node.value.type_name.endswith("_unpickle_block") or not node.value.args:
            continue
        content = node.value.args[0]
        shape = shape_of(content)
        if shape is None:
            # Extension arrays (text, dates, categories) hold their values one level below.
            inner = [shape_of(item) for item in getattr(content, "attributes", {}).values()]
            shape = next((s for s in inner if s), None)
        rows = max(rows, shape[-1] if shape else 0)
        columns += shape[0] if shape and len(shape) == 2 else 1
    return (rows, max(columns, 1)) if rows else None
