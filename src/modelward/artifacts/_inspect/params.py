"""Hyper-parameters, as the object's own `get_params` would tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import as_array
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect.r_models import r_kind, r_params

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 5_000
_DEPTH = 12

# Public attributes without the underscore at the end that are no parameters, by class of scikit-learn: what a
# base class or an own constructor sets beside the parameters of the class's signature.
_BESIDE = {
    "AdaBoostClassifier": "estimator_params", "AdaBoostRegressor": "estimator_params",
    "BaggingClassifier": "estimator_params", "BaggingRegressor": "estimator_params",
    "CCA": "algorithm deflation_mode mode",
    "DecisionTreeRegressor": "class_weight", "ExtraTreeRegressor": "class_weight",
    "ExtraTreesClassifier": "base_estimator estimator estimator_params",
    "ExtraTreesRegressor": "base_estimator class_weight estimator estimator_params",
    "GradientBoostingClassifier": "alpha base_estimator estimator estimator_params",
    "GradientBoostingRegressor": "base_estimator estimator estimator_params",
    "GraphicalLasso": "store_precision", "GraphicalLassoCV": "store_precision",
    "HalvingGridSearchCV": "pre_dispatch", "HalvingRandomSearchCV": "pre_dispatch",
    "IsolationForest": "base_estimator bootstrap_features estimator estimator_params oob_score",
    "KNeighborsClassifier": "radius", "KNeighborsRegressor": "radius", "KNeighborsTransformer": "radius",
    "LabelPropagation": "alpha",
    "LarsCV": "fit_path jitter n_nonzero_coefs random_state",
    "LassoLarsCV": "fit_path jitter n_nonzero_coefs random_state",
    "Lasso": "l1_ratio", "LassoLarsIC": "fit_path",
    "LocalOutlierFactor": "radius",
    "MLPClassifier": "loss", "MultiTaskLasso": "l1_ratio", "MultiTaskLassoCV": "positive precompute",
    "NuSVC": "C epsilon", "NuSVR": "class_weight epsilon probability random_state",
    "OneClassSVM": "C class_weight epsilon probability random_state",
    "PLSCanonical": "deflation_mode mode", "PLSRegression": "algorithm deflation_mode mode",
    "PassiveAggressiveClassifier": "alpha epsilon eta0 l1_ratio learning_rate penalty power_t",
    "PassiveAggressiveRegressor": "alpha eta0 l1_ratio learning_rate penalty power_t",
    "Perceptron": "average epsilon learning_rate loss power_t",
    "RadiusNeighborsClassifier": "n_neighbors", "RadiusNeighborsRegressor": "n_neighbors",
    "RadiusNeighborsTransformer": "n_neighbors",
    "RandomForestClassifier": "base_estimator estimator estimator_params",
    "RandomForestRegressor": "base_estimator class_weight estimator estimator_params",
    "RandomTreesEmbedding": "base_estimator bootstrap class_weight estimator estimator_params max_samples oob_score",
    "RidgeClassifierCV": "alpha_per_target gcv_mode",
    "SGDOneClassSVM": "alpha early_stopping epsilon l1_ratio loss n_iter_no_change penalty validation_fraction",
    "SVC": "epsilon nu", "SVR": "class_weight nu probability random_state",
    "StackingRegressor": "stack_method",
}  # fmt: skip
# What has parameters but is no estimator, and what is of these modules but has none.
_WITHOUT = (
    "sklearn.model_selection._split.", "sklearn.metrics.", "sklearn._loss.", "sklearn.utils.", "sklearn.tree._tree.",
    "sklearn.tree._splitter.", "sklearn.tree._criterion.",
    "sklearn.neighbors._kd_tree.", "sklearn.neighbors._ball_tree.",
)  # fmt: skip
_LIBRARIES = ("sklearn.", "xgboost.", "lightgbm.", "catboost.", "imblearn.", "skops.")
# Lists of named members, whose names stand in for attributes.
_MEMBERS = ("steps", "transformer_list", "transformers", "estimators")


def is_estimator(value: Any) -> bool:
    """Say whether a value of the graph looks like an object with `get_params`."""
    if not isinstance(value, Inert) or as_array(value) is not None:
        return False
    if r_kind(value):
        return True
    name = value.type_name
    return (
        name.startswith(_LIBRARIES) and not name.startswith(_WITHOUT) and isinstance(value.state, dict | None)
    ) or "_sklearn_version" in value.attributes


def own_params(value: Inert) -> dict[str, Any]:
    """Return the parameters of an object itself, in alphabetical order."""
    if r_kind(value):
        return _sorted(r_params(value))
    attributes = value.attributes
    kind = value.type_name
    if kind in ("xgboost.core.Booster", "lightgbm.basic.Booster"):
        return {}
    if kind.startswith("catboost.") and isinstance(attributes.get("_init_params"), dict):
        return _sorted(attributes["_init_params"])
    drop = _BESIDE.get(kind.rpartition(".")[2], "").split() if kind.startswith("sklearn.") else []
    found = {
        key: item
        for key, item in attributes.items()
        if isinstance(key, str) and not key.startswith("_") and not key.endswith("_") and key not in drop
    }
    for extra in ("kwargs", "_other_params"):
        more = attributes.get(extra)
        if kind.startswith(("xgboost.", "lightgbm.")) and isinstance(more, dict):
            found.pop(extra, None)
            found.update({key: item for key, item in more.items() if isinstance(key, str)})
    return _sorted(found)


def _sorted(found: dict[Any, Any]) -> dict[str, Any]:
    return {key: found[key] for key in sorted(key for key in found if isinstance(key, str))}


def params(root: Any) -> tuple[dict[str, Any], bool]:
    """Return the parameters of an object and of all that it is made of, nested with ``__``.

    Parameters
    ----------
    root : object
        A value of the graph.

    Returns
    -------
    dict
        From name to value of the graph.
    complete : bool
        False if there are more than `MOST`, or they are nested without end.
    """
    found: dict[str, Any] = {}
    pending: list[tuple[str, Inert, int]] = [("", root, 0)] if isinstance(root, Inert) else []
    complete = True
    while pending:
        prefix, value, depth = pending.pop()
        for name, item in _named(value):
            if len(found) >= MOST:
                return found, False
            found[prefix + name] = item
            if is_estimator(item):
                if depth < _DEPTH:
                    pending.append((f"{prefix}{name}__", item, depth + 1))
                else:
                    complete = False
    return found, complete


def _named(value: Inert) -> Iterator[tuple[str, Any]]:
    own = own_params(value)
    yield from own.items()
    for key in _MEMBERS:
        if key in own:
            yield from ((name, item) for name, item, _ in members(own[key]))


def members(value: Any) -> list[tuple[str, Any, Any]]:
    """Return the named members of a list of tuples: name, object, and what stands third (columns)."""
    if not isinstance(value, list | tuple):
        return []
    return [
        (entry[0], entry[1], entry[2] if len(entry) > 2 else None)
        for entry in value
        if isinstance(entry, tuple | list) and len(entry) in (2, 3) and isinstance(entry[0], str)
    ]
