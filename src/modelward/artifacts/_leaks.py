"""Training rows that a model file carries.

What counts: a row of the training table that stands in the file whole, every column beside its neighbour, as
it was given to the estimator that holds it. Figures about rows do not count (labels, distances, kernel values,
embeddings, per-row scores), nor do values out of their rows (quantiles, bin edges, thresholds, categories of one
column), nor means of several rows. A centre that happens to be the mean of a single row is only called a row
where a training table proves it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._artifact import TrainingRows
from modelward.artifacts._graph import join, shape_of
from modelward.artifacts._inert import Inert
from modelward.artifacts._leaks_frames import frame_shape
from modelward.artifacts._leaks_tables import model_width, unnamed_rows
from modelward.artifacts._leaks_walk import Held, walk_values

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact

# Attribute, kind, and the classes that hold it where the attribute's name alone does not say.
_CARRIERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("_fit_X", "neighbours", ()),
    ("support_vectors_", "support vectors", ()),
    ("_BaseLibSVM__Xfit", "rows of a kernel given as a function", ()),
    ("X_train_", "Gaussian process", ()),
    ("X_fit_", "kernel method", ()),
    ("_raw_data", "density clustering", ()),
    ("medoids_", "medoids of a clustering", ("HDBSCAN",)),
    ("X_", "label propagation", ("LabelPropagation", "LabelSpreading", "BaseLabelPropagation")),
    ("components_", "kernel approximation", ("Nystroem",)),
    ("components_", "core rows of a clustering", ("DBSCAN",)),
    ("training_data_", "rows of a manifold", ("Isomap",)),
    ("cluster_centers_", "exemplars of a clustering", ("AffinityPropagation",)),
    ("SV", "support vectors", ("svm", "svm.formula")),
    ("xmatrix", "kernel method", ("ksvm",)),
    ("subcluster_centers_", "centres of small clusters, mostly single rows", ("Birch",)),
)
_CARRIED = frozenset(attribute for attribute, _, _ in _CARRIERS)
_PRECOMPUTED = ("metric", "kernel", "affinity")
_TREES = (
    "sklearn.neighbors._kd_tree.",
    "sklearn.neighbors._ball_tree.",
    "sklearn.neighbors.kd_tree.",
    "sklearn.neighbors.ball_tree.",
    "scipy.spatial._ckdtree.",
    "scipy.spatial.ckdtree.",
    "scipy.spatial._kdtree.",
    "scipy.spatial.kdtree.",
)
# Names that people and libraries give to the data itself, whatever class holds it.
_DATA = re.compile(
    r"""_*(?:
      x (?:_?(?:train|tr|fit|ref|reference|background|raw|data|all|full|ed|mat))* |
      (?:train|training|fit|background|reference|cached?|memory|raw|orig|input|source)_?
        (?:x|data|dataset|set|rows|samples|features|inputs?|df|frame|table|exog|matrix)s? |
      background | reference | train | training |
      data | dataset | df | frame | exog | wexog | model_?matrix
    )_*""",
    re.VERBOSE | re.IGNORECASE,
)
# Frames that hold what was learned, not what it was learned from.
_LEARNED = re.compile(
    r"mapping|result|summar|importance|coef|param|score|metric|report|lookup|stat|leaderboard", re.IGNORECASE
)
# Frames of R's models that describe the model: rpart's tree, caret's grids and figures.
_R_OTHER = re.compile(r"frame|tune|resample|pred|parameters|control|perf|grid|times", re.IGNORECASE)
_FEW = 10


def training_rows(artifact: Artifact, train: Any = None) -> tuple[TrainingRows, ...]:
    """Return the training rows that a file carries, wherever they are nested.

    Recognised are the estimators that keep rows as they are (neighbours and their trees, support vector
    machines, Gaussian processes, kernel methods, label propagation, clusterings by density or exemplars, also of
    other libraries that use the same names), data frames (pandas, polars, Arrow), arrays that have the name of
    data in any object, arrays that a closure or ``functools.partial`` has captured, arrays that stand beside a model
    and have its columns, and such tables as plain lists or records; in pipelines, searches, ensembles or any other
    wrapper. The members of a container are read too.

    Parameters
    ----------
    artifact : Artifact
        A model file that was read.
    train : polars.DataFrame or array of shape (n, d), optional
        The training table. With it each entry says how many of its rows occur in the table and which share
        of the table is carried, also after a scaler whose parameters are in the file; and arrays are found that
        no name gives away.

    Returns
    -------
    tuple of TrainingRows
        In the order of the file. Names and rows of the data are never part of it.

    Examples
    --------
    >>> import pickle
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from modelward.artifacts import read_bytes, training_rows
    >>> X = [[0.5, 1.5], [2.5, 0.1], [3.5, 4.5], [0.2, 0.3], [1.5, 9.5]]
    >>> model = KNeighborsClassifier(1).fit(X, [0, 1, 1, 0, 1])
    >>> training_rows(read_bytes(pickle.dumps(model)), train=X)[0]
    TrainingRows(path='_fit_X', rows=5, columns=2, kind='neighbours', matched=5, share=1.0)
    """
    found = _in_graph(artifact.root, train)
    for member in getattr(artifact, "members", ()):
        name = member.path.removeprefix(f"{artifact.path}!/")
        found += [replace(item, path=join(name, item.path) if item.path else name)
                  for item in training_rows(member, train)]  # fmt: skip
    return tuple(found)


def _in_graph(root: Any, train: Any) -> list[TrainingRows]:
    claims: dict[int, tuple[TrainingRows, Any]] = {}
    values: list[Held] = []
    width = model_width(root)
    for held in walk_values(root):
        if train is not None:
            values.append(held)
        if isinstance(held.value, Inert):
            _from_object(held, claims)
        _from_name(held, claims)
        if id(held.value) not in claims:
            rows = unnamed_rows(held, width)
            if rows is not None:
                claims[id(held.value)] = TrainingRows(held.path, *rows), held.value
    if train is None:
        return [claim for claim, _ in claims.values()]
    from modelward.artifacts._leaks_match import matched

    return matched(values, claims, train)


def _from_object(held: Held, claims: dict[int, tuple[TrainingRows, Any]]) -> None:
    """Claim what an object of a known class carries."""
    value, path = held.value, held.path
    attributes = value.attributes
    kind = value.type_name
    if kind.startswith(_TREES):
        _from_tree(held, claims)
    elif kind == "R.gbm":
        _from_gbm(held, claims)
    elif not _CARRIED.isdisjoint(attributes) and not _is_precomputed(attributes):
        name = kind.rpartition(".")[2]
        for attribute, what, classes in _CARRIERS:
            if attribute in attributes and (not classes or name in classes):
                _claim(claims, join(path, attribute), attributes[attribute], what)
    elif kind.endswith("IsotonicRegression") and "calibrators" not in path:
        # Of a single column a value is a row; calibrators are fitted on scores.
        _claim(
            claims,
            join(path, "X_thresholds_"),
            attributes.get("X_thresholds_"),
            "values of a model of one column",
        )


def _from_gbm(held: Held, claims: dict[int, tuple[TrainingRows, Any]]) -> None:
    """Claim the rows of R's gbm, which keeps them as one long vector, column after column."""
    data, names = held.value.attributes.get("data"), held.value.attributes.get("var.names")
    flat = as_array(data.attributes.get("x")) if isinstance(data, Inert) else None
    if not isinstance(flat, RawArray) or not isinstance(names, list) or not names or len(flat.shape) != 1:
        return
    rows = flat.shape[0] // len(names)
    if rows and rows * len(names) == flat.shape[0]:
        shaped = RawArray(flat.dtype, (rows, len(names)), True, flat.data, flat.start, flat.end)
        claims[id(shaped)] = (
            TrainingRows(join(held.path, "data.x"), rows, len(names), "rows kept by gbm (keep.data)"), shaped,
        )  # fmt: skip


def _is_precomputed(attributes: dict[Any, Any]) -> bool:
    """Say whether what is kept are distances or kernel values, not rows."""
    return any(
        attributes.get(key) == "precomputed" for key in _PRECOMPUTED if isinstance(attributes.get(key), str)
    )


def _from_tree(held: Held, claims: dict[int, tuple[TrainingRows, Any]]) -> None:
    """Claim the rows of a KD or ball tree, which stand near the beginning of its state."""
    state = held.value.state
    holder = held.holder.attributes if held.holder is not None else {}
    if any(id(holder.get(key)) in claims for key in ("_fit_X", "_raw_data")) or not isinstance(state, tuple):
        return  # the tree of an estimator that carries the same rows anyway
    for i, part in enumerate(state[:3]):
        shape = shape_of(part)
        if shape is not None and len(shape) == 2:
            _claim(claims, f"{held.path}[{i}]" if not held.path else held.path, part, "search tree over rows")
            return


def _from_name(held: Held, claims: dict[int, tuple[TrainingRows, Any]]) -> None:
    """Claim data frames, and arrays by their name or because code has captured them."""
    if id(held.value) in claims:
        return
    frame = frame_shape(held.value)
    named = bool(_DATA.fullmatch(held.name)) and held.name not in _CARRIED  # those are judged by their holder
    if frame is not None:
        rows, columns, series = frame
        if type(held.value).module == "R" and _R_OTHER.search(held.name):
            return
        if not _LEARNED.search(held.name) and (not series or named):
            what = "cached column" if series else "cached data frame"
            claims[id(held.value)] = TrainingRows(held.path, rows, columns, what), held.value
        return
    if not named and not held.captured:
        return
    shape = shape_of(held.value)
    if shape is None or len(shape) < 2 or shape[0] < 2:
        return
    if named:
        _claim(claims, held.path, held.value, "array named as data")
    elif shape[0] >= max(_FEW, shape[1]):
        _claim(claims, held.path, held.value, "array captured by a function")


def _claim(claims: dict[int, tuple[TrainingRows, Any]], path: str, value: Any, what: str) -> None:
    """Note an array of rows once, under the first name that it is met by."""
    shape = shape_of(value)
    if shape is None or not shape or min(shape) < 1 or id(value) in claims:
        return
    columns = 1
    for side in shape[1:]:
        columns *= side
    claims[id(value)] = TrainingRows(path, shape[0], columns, what), value
