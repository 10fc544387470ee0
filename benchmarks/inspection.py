"""What inspect reads from a file, beside the same object loaded by its own library.

Every estimator of scikit-learn that fits plainly, in the configurations of scikit-learn's own tests, alone and,
where it can be, in a pipeline, a search and a column transformer; the wrappers of XGBoost and LightGBM. The file
is read without loading; the oracle is the object itself.

    python benchmarks/inspection.py > benchmarks/inspection.md
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import platform
import sys
import warnings
from collections import Counter
from typing import Any

import joblib
import numpy as np
import sklearn

SEED = 0
COLUMNS = ["class", "version", "params", "n_features", "classes", "trees", "importances"]


def described(value: Any) -> Any:
    """Say in plain data what a loaded parameter is, by rules of its own."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if isinstance(value, dict):
        return {str(described(key)): described(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [described(item) for item in value.tolist()] if value.ndim == 1 and len(value) <= 100 else None
    if isinstance(value, slice):
        return repr(value)
    kind = value if isinstance(value, type) or hasattr(value, "__qualname__") else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def fitted() -> list[tuple[str, Any]]:
    """Return what fits, with the group that it is reported in."""
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.compose import ColumnTransformer
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import all_estimators
    from sklearn.utils._test_common.instance_generator import _construct_instances

    rng = np.random.default_rng(SEED)
    X = rng.normal(size=(60, 5))
    y = (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)
    words = ["good day", "bad day", "day and night"] * 20
    two = np.c_[y, 1 - y]
    data = [
        (X, y),
        (np.abs(X), y),
        (X[:, 0], X[:, 1]),
        (X[:, :1], X[:, 1]),
        (words, y),
        (X, two),
        ([["a"], ["b"]] * 30, y),
    ]
    found: list[tuple[str, Any]] = []
    for _, cls in all_estimators():
        instances: list[Any] = []
        with contextlib.suppress(Exception):
            instances = list(_construct_instances(cls))
        for estimator in instances:
            for A, b in data:
                with contextlib.suppress(Exception):
                    found.append(("estimators", clone(estimator).fit(A, b)))
                    break
    # One configuration of each class inside of the others: those are what is measured there.
    for one in {type(model): model for _, model in found}.values():
        if getattr(one, "n_features_in_", 0) != 5:
            continue
        last = clone(one)
        with contextlib.suppress(Exception):
            found.append(
                ("in a Pipeline", Pipeline([("scale", StandardScaler()), ("last", last)]).fit(np.abs(X), y))
            )
        if is_classifier(one) or is_regressor(one):
            with contextlib.suppress(Exception):
                found.append(
                    (
                        "in a search",
                        GridSearchCV(Pipeline([("last", clone(one))]), {}, cv=2).fit(np.abs(X), y),
                    )
                )
        if hasattr(one, "transform"):
            with contextlib.suppress(Exception):
                steps = ColumnTransformer([("some", clone(one), [0, 2, 3])], remainder="passthrough")
                found.append(("in a ColumnTransformer", steps.fit(np.abs(X), y)))
    return [*found, *boosters(X, y)]


def boosters(X: Any, y: Any) -> list[tuple[str, Any]]:
    """Return the wrappers of other libraries, where these are installed."""
    found: list[tuple[str, Any]] = []
    with contextlib.suppress(ImportError):
        import xgboost

        found += [("XGBoost", getattr(xgboost, name)(n_estimators=4).fit(X, y))
                  for name in ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor")]  # fmt: skip
    with contextlib.suppress(ImportError):
        import lightgbm

        found += [("LightGBM", getattr(lightgbm, name)(n_estimators=4, verbose=-1).fit(X, y))
                  for name in ("LGBMClassifier", "LGBMRegressor")]  # fmt: skip
    return found


def own_version(model: Any) -> str:
    """Return the version of the library of a model."""
    name = type(model).__module__.partition(".")[0]
    return str(sys.modules[name].__version__)


def library_trees(model: Any) -> list[tuple[Any, Any]] | None:
    """Return the node arrays of a tree or ensemble of trees of scikit-learn; None for other models."""
    predictors = getattr(model, "_predictors", None)
    if predictors:
        return [(one.nodes, None) for entry in predictors for one in entry]
    members: list[Any] = []
    for entry in getattr(model, "estimators_", [model]):
        members.extend(entry if isinstance(entry, list | np.ndarray) else [entry])
    states = [member.tree_.__getstate__() for member in members if hasattr(member, "tree_")]
    states = [state for state in states if isinstance(state, dict) and "nodes" in state]
    if not states or len(states) != len(members):
        return None
    return [(state["nodes"], state["values"]) for state in states]


def plain(value: Any) -> Any:
    """Return classes as lists."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def compare(model: Any, data: bytes) -> dict[str, bool]:
    """Return what could be compared, and whether it was equal."""
    from modelward.artifacts import inspect, read_bytes

    found = inspect(read_bytes(data), rules=False)
    kind = type(model)
    out = {
        "class": found.kind == f"{kind.__module__}.{kind.__qualname__}",
        "params": {k: described(v) for k, v in model.get_params().items()} == found.params,
    }
    # LightGBM's wrappers do not write their version anywhere.
    if found.library != "lightgbm":
        out["version"] = found.library_version == own_version(model)
    for key, mine in (("n_features", found.n_features), ("classes", found.classes)):
        try:
            told = getattr(model, "n_features_in_" if key == "n_features" else "classes_")
        except AttributeError:
            continue
        out[key] = plain(mine) == plain(told)
    trees = library_trees(model)
    if trees is not None:
        mine = [tree for one in found.trees for tree in one.trees]
        out["trees"] = len(mine) == len(trees) and all(
            a.raw.tobytes() == nodes.tobytes()
            and (values is None or a.raw_values.tobytes() == values.tobytes())
            for a, (nodes, values) in zip(mine, trees, strict=True)
        )
    with contextlib.suppress(AttributeError, ValueError, NotImplementedError):
        told = np.asarray(model.feature_importances_, dtype=float)
        near = 1e-6 if found.library == "xgboost" else 1e-12  # XGBoost tells them in single precision
        got = np.array(list(found.importances.values()))
        close = got.shape == told.shape and np.allclose(got, told, rtol=near, atol=near, equal_nan=True)
        out["importances"] = bool(close)
    return out


def main() -> list[str]:
    """Print the table; return what was not equal."""
    total: Counter[tuple[str, str]] = Counter()
    equal: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    groups: dict[str, int] = {}
    for group, model in fitted():
        if not hasattr(model, "get_params"):
            continue
        groups[group] = groups.get(group, 0) + 1
        stream = io.BytesIO()
        try:
            joblib.dump(model, stream) if groups[group] % 2 else stream.write(pickle.dumps(model))
        except Exception:  # noqa: BLE001 - an object that its own library cannot write is no file
            groups[group] -= 1
            continue
        for key, same in compare(model, stream.getvalue()).items():
            total[group, key] += 1
            equal[group, key] += same
            if not same:
                wrong.append(f"{group}: {type(model).__name__}, {key}")
    print(
        f"`python benchmarks/inspection.py`, Python {platform.python_version()}, scikit-learn {sklearn.__version__}, "
        f"numpy {np.__version__}, seed {SEED}. Equal of those that can be compared; every second file is a joblib "
        "file, the others are pickles. Trees: all node arrays, bit by bit. Importances: to 1e-12 (XGBoost: 1e-6).\n"
    )
    print("| " + " | ".join(["", "files", *COLUMNS]) + " |")
    print("|---" + "|--:" * (len(COLUMNS) + 1) + "|")
    for group, count in groups.items():
        cells = [f"{equal[group, c]} of {total[group, c]}" if total[group, c] else "–" for c in COLUMNS]
        print(f"| {group} | {count} | " + " | ".join(cells) + " |")
    print("\nNot equal: " + ("; ".join(wrong) if wrong else "none") + ".")
    return wrong


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    main()
