"""What people really save: several labels, searches, pipelines of mixed columns, imputers, stacked and tuned models.

`make_estimators.py` fits each estimator alone and on two labels, as the release's own tests do. Some objects are in a
file only when estimators are put together (splitters and scorers of a search, column selectors), or have more labels
(the link of the multinomial loss). Needs scikit-learn alone; what a release does not have is left out.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats
from sklearn.utils import all_estimators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N = 90


def take(module: str, name: str, *args: Any, **options: Any) -> Any:
    """Return an instance of scikit-learn's class (or the result of its function), imported when it is asked for."""
    return getattr(importlib.import_module(f"sklearn.{module}"), name)(*args, **options)


def tables() -> dict[str, Any]:
    """Return generated columns and labels of several kinds."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(N, 5))
    two = (X[:, 0] > 0).astype(int)
    three = np.digitize(X[:, 0], [-0.5, 0.5])
    holes = X.copy()
    holes[::7, 1] = np.nan
    return {
        "X": X, "two": two, "three": three, "words": np.array(["low", "mid", "high"])[three], "bool": two.astype(bool),
        "several": np.c_[two, 1 - two, two], "holes": holes, "texts": [f"good day {i % 7}" for i in range(N)],
    }  # fmt: skip


def mixed(t: dict[str, Any]) -> Any:
    """Return a frame with a column of categories, or None without pandas."""
    with contextlib.suppress(ImportError):
        import pandas as pd

        frame = pd.DataFrame(t["X"], columns=list("abcde"))
        frame["region"] = pd.Categorical(np.array(["north", "south", "west"])[np.arange(N) % 3])
        return frame
    return None


def more_labels(t: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Yield fits of each classifier on three labels, words, booleans and several outputs; of regressors on two."""
    for _, cls in all_estimators("classifier"):
        for kind in ("three", "words", "bool", "several"):
            yield lambda cls=cls, kind=kind: cls().fit(np.abs(t["X"]), t[kind])
    for _, cls in all_estimators("regressor"):
        yield lambda cls=cls: cls().fit(np.abs(t["X"]), np.abs(t["X"][:, :2]))


def searches(t: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Yield searches with every kind of splitter and scorer."""
    linear = ("linear_model", "LogisticRegression")
    splitters: list[tuple[str, dict[str, Any]]] = [
        ("RepeatedStratifiedKFold", {"n_splits": 3, "n_repeats": 2}),
        ("RepeatedKFold", {"n_splits": 3, "n_repeats": 2}), ("ShuffleSplit", {"n_splits": 3}),
        ("StratifiedShuffleSplit", {"n_splits": 3}), ("TimeSeriesSplit", {"n_splits": 3}),
        ("PredefinedSplit", {"test_fold": np.arange(N) % 3}), ("StratifiedGroupKFold", {"n_splits": 3}),
    ]  # fmt: skip
    grid = {"C": [1, 2]}
    for name, options in splitters:
        yield lambda name=name, options=options: take(
            "model_selection",
            "GridSearchCV",
            take(*linear),
            grid,
            cv=take("model_selection", name, **options),
        ).fit(t["X"], t["two"], groups=np.arange(N) % 9)
    scores: list[Any] = [
        ["accuracy", "roc_auc"], {"a": "accuracy", "b": "f1"},
        take("metrics", "make_scorer", importlib.import_module("sklearn.metrics").f1_score),
    ]  # fmt: skip
    for scoring in scores:
        refit: Any = {list: "accuracy", dict: "a"}.get(type(scoring), True)
        yield lambda scoring=scoring, refit=refit: take(
            "model_selection", "GridSearchCV", take(*linear), grid, scoring=scoring, refit=refit
        ).fit(t["X"], t["two"])
    laws = {"max_depth": scipy.stats.randint(1, 4), "max_features": scipy.stats.uniform(0.1, 0.9)}
    yield lambda: take(
        "model_selection", "RandomizedSearchCV", take("ensemble", "RandomForestClassifier", 3), laws, n_iter=2
    ).fit(t["X"], t["three"])

    def halving() -> Any:
        importlib.import_module("sklearn.experimental.enable_halving_search_cv")
        return take("model_selection", "HalvingGridSearchCV", take(*linear), grid).fit(t["X"], t["two"])

    yield halving


def pipelines(t: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Yield what prepares columns, texts and targets, with a model behind."""
    frame = mixed(t)
    linear = take("linear_model", "LogisticRegression")

    def piped(*steps: Any) -> Any:
        return take("pipeline", "make_pipeline", *steps, linear)

    def selected() -> Any:
        numbers = take("compose", "make_column_selector", dtype_include="number")
        words = take("compose", "make_column_selector", pattern="region")
        columns = take(
            "compose", "make_column_transformer", (take("preprocessing", "StandardScaler"), numbers),
            (take("preprocessing", "OneHotEncoder", handle_unknown="ignore"), words),
        )  # fmt: skip
        return piped(columns).fit(frame, t["two"])

    def iterative() -> Any:
        importlib.import_module("sklearn.experimental.enable_iterative_imputer")
        return piped(take("impute", "IterativeImputer")).fit(t["holes"], t["two"])

    yield selected
    yield iterative
    yield lambda: piped(take("preprocessing", "StandardScaler").set_output(transform="pandas")).fit(
        frame[["a"]], t["two"]
    )
    yield lambda: take(
        "ensemble", "HistGradientBoostingClassifier", categorical_features="from_dtype", max_iter=3
    ).fit(frame, t["three"])
    for function in (np.log1p, np.sqrt):
        yield lambda function=function: piped(take("preprocessing", "FunctionTransformer", function)).fit(
            np.abs(t["X"]), t["two"]
        )
    yield lambda: take(
        "compose",
        "TransformedTargetRegressor",
        take("linear_model", "Ridge"),
        func=np.log1p,
        inverse_func=np.expm1,
    ).fit(t["X"], np.abs(t["X"][:, 0]))
    for name in ("TfidfVectorizer", "HashingVectorizer", "CountVectorizer"):
        yield lambda name=name: piped(take("feature_extraction.text", name, ngram_range=(1, 2))).fit(
            t["texts"], t["two"]
        )


def tuned(t: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Yield models whose parameters bring other objects along, and models of models."""
    X, two, three = t["X"], t["two"], t["three"]
    for solver in ("sgd", "adam", "lbfgs"):
        yield lambda solver=solver: take("neural_network", "MLPClassifier", solver=solver, max_iter=5).fit(
            X, three
        )
    for loss in ("poisson", "gamma", "absolute_error"):
        yield lambda loss=loss: take("ensemble", "HistGradientBoostingRegressor", loss=loss, max_iter=3).fit(
            X, np.abs(X[:, 0]) + 0.1
        )
    for loss in ("huber", "quantile", "absolute_error"):
        yield lambda loss=loss: take("ensemble", "GradientBoostingRegressor", loss=loss, n_estimators=3).fit(
            X, X[:, 0]
        )
    yield lambda: take("ensemble", "GradientBoostingClassifier", loss="exponential", n_estimators=3).fit(
        X, two
    )
    forest, linear = take("ensemble", "RandomForestClassifier", 3), take("linear_model", "LogisticRegression")
    yield lambda: take(
        "calibration", "CalibratedClassifierCV", take("svm", "LinearSVC"), method="isotonic"
    ).fit(X, three)
    yield lambda: take(
        "calibration", "CalibratedClassifierCV", take("frozen", "FrozenEstimator", linear.fit(X, two))
    ).fit(X, two)
    yield lambda: take("model_selection", "TunedThresholdClassifierCV", linear).fit(X, two)
    yield lambda: take("model_selection", "FixedThresholdClassifier", linear, threshold=0.3).fit(X, two)
    yield lambda: take("ensemble", "StackingClassifier", [("a", linear), ("b", forest)]).fit(X, three)
    yield lambda: take("ensemble", "VotingClassifier", [("a", linear), ("b", forest)]).fit(X, t["words"])
    yield lambda: take(
        "neighbors", "KNeighborsClassifier", weights="distance", algorithm="ball_tree", p=3
    ).fit(X, three)
    yield lambda: {"model": forest.fit(X, three), "features": list("abcde"), "auc": np.float64(0.9)}


def composed() -> list[Any]:
    """Return all of them that fit."""
    t = tables()
    found = []
    for makers in (more_labels, searches, pipelines, tuned):
        for make in makers(t):
            with contextlib.suppress(Exception):
                found.append(make())
    return found
