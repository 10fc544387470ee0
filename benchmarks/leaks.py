"""Which estimators carry training rows, and does `training_rows` say so? Against a brute-force oracle.

Every estimator of scikit-learn that fits plainly (defaults, 60 rows of 5 random columns) is fitted and pickled. The
oracle loads the pickle, walks the loaded object's own attributes, private ones and the state of compiled objects
too, and looks for whole training rows in every array. `training_rows` reads the inert graph of the same bytes.

An estimator carries rows if one of its arrays holds at least five training rows whole (by design), not if one or
two centres happen to be a single row. Meta-estimators are measured around a carrier.

    python benchmarks/leaks.py > benchmarks/leaks.md
"""

from __future__ import annotations

import functools
import pickle
import platform
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from modelward.artifacts import read_bytes, training_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 0
BY_DESIGN = 5
RNG = np.random.default_rng(SEED)
X = RNG.normal(size=(60, 5))
Y = (X[:, 0] + 0.5 * RNG.normal(size=60) > 0).astype(int)


def arrays_of(root: object) -> Iterator[np.ndarray]:
    """Yield every numeric array that hangs on a loaded object, however it is held."""
    seen: dict[int, object] = {}
    pending = [root]
    while pending:
        value = pending.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | type | None):
            continue
        seen[id(value)] = value
        if isinstance(value, np.ndarray):
            if value.dtype == object:
                pending.extend(value.ravel().tolist())
            else:
                yield value
        elif scipy.sparse.issparse(value):
            yield value.toarray()
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list | tuple | set | frozenset):
            pending.extend(value)
        else:
            pending.append(getattr(value, "__dict__", None))
            if type(value).__module__.startswith(("sklearn", "scipy", "functools")):
                try:
                    pending.append(value.__reduce_ex__(2)[1:])
                except Exception:  # noqa: BLE001, S112 - some hold nothing that can be saved
                    continue


def rows_carried(model: object, rows: np.ndarray) -> int:
    """Return how many training rows the fullest array of a loaded object holds whole, either way round."""
    most = 0
    for array in arrays_of(model):
        if array.ndim != 2 or array.dtype.kind not in "fiu":
            continue
        for table in (array, array.T):
            if table.shape[1] == rows.shape[1] and len(table):
                near = np.abs(table[:, None, :] - rows[None]).max(axis=2) <= 1e-6
                most = max(most, int(near.any(axis=0).sum()))
    return most


@dataclass
class Outcome:
    """One estimator: what the oracle and the reader say."""

    name: str
    oracle: int
    said: int
    paths: tuple[str, ...]
    proven: int


def outcome(name: str, model: object, data: np.ndarray, rows: np.ndarray) -> Outcome:
    """Save a model and ask both."""
    saved = pickle.dumps(model)
    artifact = read_bytes(saved)
    found = training_rows(artifact)
    proven = max((item.matched or 0 for item in training_rows(artifact, data)), default=0)
    oracle = rows_carried(pickle.loads(saved), rows)  # noqa: S301 - our own bytes
    return Outcome(
        name, oracle, max((f.rows for f in found), default=0), tuple(f.path for f in found), proven
    )


def plain_outcomes() -> list[Outcome]:
    """Fit every published estimator that takes plain data."""
    found = []
    for name, cls in all_estimators():
        for data in (X, np.abs(X)):
            try:
                model = cls().fit(data, Y)
            except Exception:  # noqa: BLE001, S112 - needs arguments or other data
                continue
            found.append(outcome(name, model, data, data))
            break
    return found


def wrapped_outcomes() -> list[Outcome]:
    """Fit wrappers around estimators that carry rows."""
    knn = KNeighborsClassifier()
    scaled = StandardScaler().fit_transform(X)
    cases: list[tuple[str, Any, np.ndarray]] = [
        ("Pipeline(StandardScaler, KNeighborsClassifier)", make_pipeline(StandardScaler(), knn), scaled),
        ("GridSearchCV(SVC)", GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), X),
        ("BaggingClassifier(KNeighborsClassifier)", BaggingClassifier(knn, 3, random_state=0), X),
        ("VotingClassifier(…, KNeighborsClassifier)", VotingClassifier([("l", LogisticRegression()), ("k", knn)]), X),
        ("StackingClassifier(KNeighborsClassifier)", StackingClassifier([("k", knn)], cv=2), X),
        ("CalibratedClassifierCV(SVC)", CalibratedClassifierCV(SVC(), cv=2), X),
        ("OneVsRestClassifier(KNeighborsClassifier)", OneVsRestClassifier(knn), X),
        ("SelfTrainingClassifier(KNeighborsClassifier)", SelfTrainingClassifier(knn), X),
        ("TransformedTargetRegressor(KNeighborsRegressor)", TransformedTargetRegressor(KNeighborsRegressor()), X),
        ("ColumnTransformer → KNeighborsClassifier", make_pipeline(
            ColumnTransformer([("s", StandardScaler(), [0, 1, 2, 3, 4])]), knn), scaled),
        ("FunctionTransformer(partial(…, X))", FunctionTransformer(functools.partial(np.add, X)), X),
    ]  # fmt: skip
    return [outcome(name, model.fit(X, Y), X, rows) for name, model, rows in cases]


def summary(found: list[Outcome]) -> dict[str, tuple[int, int]]:
    """Return recall, precision and correct silence as hits of cases."""
    carriers = [o for o in found if o.oracle >= BY_DESIGN]
    named = [o for o in found if o.said]
    silent = [o for o in found if o.oracle < BY_DESIGN]
    return {
        "recall": (sum(bool(o.said) for o in carriers), len(carriers)),
        "precision": (sum(o.oracle > 0 for o in named), len(named)),
        "others left alone": (sum(not o.said for o in silent), len(silent)),
        "recall with the training table": (sum(o.proven >= 1 for o in carriers), len(carriers)),
    }


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    plain, wrapped = plain_outcomes(), wrapped_outcomes()
    print("# Training rows carried by model files\n")
    print(
        f"`python benchmarks/leaks.py`, Python {platform.python_version()}, scikit-learn {sklearn.__version__}, "
        f"numpy {np.__version__}, seed {SEED}, 60 rows of 5 columns. An estimator carries rows if an array of "
        f"the loaded object holds at least {BY_DESIGN} training rows whole.\n"
    )
    print("| | estimators as they are | wrappers around a carrier |\n|---|---|---|")
    left, right = summary(plain), summary(wrapped)
    for key, (hits, cases) in left.items():
        print(f"| {key} | {hits} of {cases} | {right[key][0]} of {right[key][1]} |")
    print(
        "\n| estimator | rows by the oracle | rows named | occur in the training table | where |\n|---|---|---|---|---|"
    )
    for o in [*plain, *wrapped]:
        if o.oracle or o.said or o.proven:
            where = ", ".join(f"`{path}`" for path in o.paths[:3]) + (" …" if len(o.paths) > 3 else "")
            print(f"| {o.name} | {o.oracle} | {o.said or '–'} | {o.proven or '–'} | {where or '–'} |")
    print(
        "\nRows named below the oracle's minimum, or rows that only the oracle has, are listed too. Rows of a "
        "carrier behind a transformation other than scaling (an ensemble of projections, say) are counted, not matched."
    )


if __name__ == "__main__":
    main()
