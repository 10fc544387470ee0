"""Does `diff` name every change, and no change where there is none? Prints a Markdown report.

    python benchmarks/tamper_diff.py > benchmarks/tamper_diff.md

Loaded models are changed in one field at random, written in a way chosen at random, and compared with the file that
they came from. A change counts as named if every line of the difference is at the path of the changed field, found by
walking the loaded object, which shares no code with the comparison.
"""

from __future__ import annotations

import io
import pickle
import platform
import random
import time
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from modelward.artifacts import diff, fingerprint, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED, MUTATIONS = 20_261, 1_000
Site = tuple[str, str, "Callable[[], None]"]
"""Kind of field, path, and what changes it."""


def models() -> dict[str, Any]:
    x, y = make_classification(300, 8, random_state=0)
    words = [f"word{i % 17} text{i % 5} more{i % 3}" for i in range(300)]
    import pandas

    frame = pandas.DataFrame(x, columns=[f"c{i}" for i in range(8)])
    frame["kind"] = [f"k{i % 4}" for i in range(300)]
    columns = ColumnTransformer(
        [("n", StandardScaler(), [f"c{i}" for i in range(8)]), ("k", OneHotEncoder(), ["kind"])]
    )
    return {
        "DecisionTree": DecisionTreeClassifier(class_weight={0: 1.5, 1: 2.0}).fit(x, y),
        "RandomForest": RandomForestClassifier(10, random_state=0).fit(x, y),
        "GradientBoosting": GradientBoostingClassifier(n_estimators=8).fit(x, y),
        "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=8).fit(x, y),
        "LogisticRegression": LogisticRegression(class_weight={0: 1.0, 1: 3.0}).fit(frame.drop(columns="kind"), y),
        "Ridge": Ridge().fit(x, y), "SGD": SGDClassifier(random_state=0).fit(x, y),
        "GaussianNB": GaussianNB().fit(x, y),
        "KNeighbors": KNeighborsClassifier().fit(x, y), "SVC": SVC().fit(x, y),
        "MLP": MLPClassifier((5,), max_iter=5, random_state=0).fit(x, y),
        "Pipeline, scaler and forest": make_pipeline(StandardScaler(), RandomForestClassifier(5)).fit(x, y),
        "Pipeline, columns": make_pipeline(columns, LogisticRegression()).fit(frame, y),
        "Pipeline, text": make_pipeline(CountVectorizer(), LogisticRegression()).fit(words, y),
        "GridSearchCV": GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=2).fit(x, y),
    }  # fmt: skip


def estimators(value: Any, path: str, seen: dict[int, list[str]]) -> Iterator[tuple[str, Any]]:
    """Yield every estimator in a loaded object once, and note all paths that lead to it."""
    if isinstance(value, BaseEstimator):
        seen.setdefault(id(value), []).append(path)
        if len(seen[id(value)]) > 1:
            return
        yield path, value
        for name, inner in vars(value).items():
            yield from estimators(inner, f"{path}.{name}" if path else name, seen)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from estimators(inner, f"{path}[{i}]", seen)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        for i, inner in enumerate(value.ravel()):
            yield from estimators(inner, f"{path}[{i}]", seen)


def sites(model: Any, rng: random.Random) -> Iterator[Site]:
    """Yield what can be changed in a model."""
    seen: dict[int, list[str]] = {}
    for path, holder in list(estimators(model, "", seen)):
        for name, value in vars(holder).items():
            where = f"{path}.{name}" if path else name
            if isinstance(value, bool | int | float | str | None.__class__):
                yield (
                    "hyper-parameter or scalar",
                    where,
                    lambda h=holder, n=name, v=value: setattr(h, n, other(v, rng)),
                )
            elif (
                isinstance(value, np.ndarray)
                and value.size
                and value.dtype != object
                and not value.dtype.names
            ):
                yield array_kind(name), where, lambda h=holder, n=name, v=value: setattr(h, n, poked(v, rng))
                if value.dtype.kind == "f":
                    yield "dtype", where, lambda h=holder, n=name, v=value: setattr(h, n, v.astype("f4"))
            elif isinstance(value, np.ndarray) and name == "feature_names_in_":
                yield "feature names", where, lambda v=value: v.__setitem__(rng.randrange(v.size), "renamed")
            elif (
                isinstance(value, list)
                and value
                and all(isinstance(v, np.ndarray) and v.dtype.kind == "f" for v in value)
            ):
                yield "coefficients", where, lambda v=value: v.__setitem__(0, poked(v[0], rng))
            elif (
                isinstance(value, dict) and value and all(isinstance(v, int | float) for v in value.values())
            ):
                key = rng.choice(sorted(value, key=str))
                yield (
                    "dict entry",
                    f"{where}[{key!r}]",
                    lambda v=value, k=key: v.__setitem__(k, other(v[k], rng)),
                )
                yield "dict entry", where, lambda v=value: v.__setitem__("a new key", 1)
            elif type(value).__module__ == "sklearn.tree._tree":
                shown = where[: -len(".tree_")].removesuffix(".") if where.endswith(".tree_") else ""
                head, inside, tail = shown.rpartition("estimators_")
                tree = f"{head}trees{tail}" if inside else where
                yield "threshold", f"{tree}.threshold", lambda v=value: tree_field(v, "threshold", rng)
                yield "leaf value", f"{tree}.value", lambda v=value: tree_field(v, "value", rng)
            elif name == "_predictors":
                i = rng.randrange(len(value))
                nodes = value[i][0].nodes
                yield (
                    "threshold",
                    f"trees[{i}][0].num_threshold",
                    lambda n=nodes: poke(n["num_threshold"], rng),
                )
                yield "leaf value", f"trees[{i}][0].value", lambda n=nodes: poke(n["value"], rng)


def array_kind(name: str) -> str:
    return (
        "classes_"
        if name == "classes_"
        else "coefficients"
        if "coef" in name or "intercept" in name
        else "array cell"
    )


def other(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + rng.choice([1, 2, 7])
    return "changed" if value is None else value + "x"


def poke(values: np.ndarray, rng: random.Random) -> None:
    flat = rng.randrange(values.size)
    index = np.unravel_index(flat, values.shape)
    old = values[index]
    values[index] = (
        "zz" if values.dtype.kind in "US" else not old if values.dtype.kind == "b" else old * 3 + 1
    )
    if values[index] == old:
        values[index] = old + 1


def poked(values: np.ndarray, rng: random.Random) -> np.ndarray:
    copy = values.copy()
    poke(copy, rng)
    return copy


def tree_field(tree: Any, name: str, rng: random.Random) -> None:
    state = tree.__getstate__()
    poke(state["nodes"]["threshold"] if name == "threshold" else state["values"], rng)
    tree.__setstate__(state)


def written(model: Any, rng: random.Random) -> bytes:
    way = rng.randrange(7)
    if way < 4:
        return pickle.dumps(model, way + 2)
    out = io.BytesIO()
    joblib.dump(model, out, compress=(0, 3, ("bz2", 1))[way - 4])
    return out.getvalue()


def mutations() -> tuple[Counter[str], Counter[str], list[str], int]:
    rng = random.Random(SEED)  # noqa: S311 - not for secrets
    whole = {name: pickle.dumps(model) for name, model in models().items()}
    tried: Counter[str] = Counter()
    named: Counter[str] = Counter()
    missed: list[str] = []
    while sum(tried.values()) < MUTATIONS:
        name = rng.choice(list(whole))
        model = pickle.loads(whole[name])  # noqa: S301 - we wrote it
        by_kind: dict[str, list[Site]] = {}
        for site in sites(model, rng):
            by_kind.setdefault(site[0], []).append(site)
        kind, path, change = rng.choice(by_kind[rng.choice(list(by_kind))])
        change()
        found = diff(read_bytes(whole[name]), read_bytes(written(model, rng)))
        tried[kind] += 1
        lines = [line.path for line in found.changes]
        if lines and all(line.startswith(path) for line in lines):
            named[kind] += 1
        else:
            missed.append(f"{name}: {kind} {path}: {lines[:3]}")
    return tried, named, missed, len(whole)


def rewritten() -> tuple[int, int, int]:
    """Load and dump every estimator that fits; return how many, in how many ways, and how many lines that gave."""
    x, y = make_classification(60, 5, random_state=0)
    positive = np.abs(x)
    count = ways = lines = 0
    for _, kind in all_estimators():
        model = fitted(kind, ((x, y), (positive, y), (positive,), (x[:, 0], y)))
        if model is None:
            continue
        before = read_bytes(pickle.dumps(model))
        again = pickle.loads(before.data)  # noqa: S301 - we wrote it
        count += 1
        for way in [*range(6), "joblib", "joblib, zlib", "joblib, twice"]:
            out = io.BytesIO()
            if isinstance(way, int):
                out.write(pickle.dumps(again, way))
            else:
                joblib.dump(again, out, compress=3 if "zlib" in way else 0)
                if "twice" in way:
                    out.seek(0)
                    twice = joblib.load(out)
                    out = io.BytesIO()
                    joblib.dump(twice, out)
            after = read_bytes(out.getvalue())
            ways += 1
            found = diff(before, after)
            same = fingerprint(before).content == fingerprint(after).content
            lines += len(found.changes) + (not found.complete) + (not same)
    return count, ways, lines


def fitted(kind: Any, tables: tuple[Any, ...]) -> Any:
    """Return a fitted estimator that can be pickled, around a plain one where it needs one; None if there is no way."""
    base = LogisticRegression() if issubclass(kind, ClassifierMixin) else Ridge()
    named = [("a", LogisticRegression()), ("b", DecisionTreeClassifier())]
    grid = (LogisticRegression(), {"C": [1, 2]})
    ways = (
        tuple[Any, ...](), (base,), (named,), grid, ([("a", StandardScaler()), ("b", "passthrough")],),
        ([("a", StandardScaler(), [0, 1])],),
    )  # fmt: skip
    for args in ways:
        for table in tables:
            try:
                model = kind(*args).fit(*table)
                pickle.dumps(model)
            except Exception:  # noqa: BLE001, S112 - some estimators want other tables or arguments
                continue
            return model
    return None


def main() -> None:
    warnings.filterwarnings("ignore")
    tried, named, missed, kinds = mutations()
    print("# Tampering named, and nothing else\n")
    print(
        f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}, numpy {np.__version__}, "
        f"seed {SEED}.\n"
    )
    print(
        f"## One field of a loaded model changed at random ({kinds} kinds of model, pickle 2 to 5 and joblib)\n"
    )
    print("| field | changed | named by path, and no other line |\n|---|---|---|")
    for kind in sorted(tried):
        print(f"| {kind} | {tried[kind]} | {named[kind]} |")
    total, right = sum(tried.values()), sum(named.values())
    print(f"| all | {total} | {right} ({100 * right / total:.1f} %) |")
    for line in missed[:20]:
        print(f"\n- missed: {line}")
    count, ways, lines = rewritten()
    print("\n## Loaded and dumped again\n")
    print(
        "| estimators of all_estimators() | files compared | lines, or fingerprints that differ |\n|---|---|---|"
    )
    print(f"| {count} | {ways} | {lines} |")
    x, y = make_classification(5_000, 20, random_state=0)
    forest = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(x, y)
    before = pickle.dumps(forest)
    tree_field(forest.estimators_[57].tree_, "threshold", random.Random(1))  # noqa: S311
    after = pickle.dumps(forest)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        a, b = read_bytes(before), read_bytes(after)
        middle = time.process_time()
        found = diff(a, b)
        seconds.append((middle - start, time.process_time() - middle))
    reading, comparing = (sorted(column)[2] for column in zip(*seconds, strict=True))
    print("\n## A forest of 100 trees, one threshold changed (processor time, median of 5)\n")
    print("| size of each file | both read | compared | lines |\n|---|---|---|---|")
    print(f"| {len(before) / 1e6:.1f} MB | {reading:.2f} s | {comparing:.2f} s | {len(found.changes)} |")


if __name__ == "__main__":
    main()
