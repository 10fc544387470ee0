"""`assess` meets many models and tables: what must hold of every report, whatever was assessed."""

from __future__ import annotations

import json
import re
import time
import warnings
from abc import ABCMeta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import modelward.assessment._assess as module
from modelward.assessment import assess
from modelward.checks import Check, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

SEVERITIES = ("low", "medium", "high", "critical")
CANARIES = ("canary@", "Zquaxil", "482717", "90210077")
"""Values that single rows hold: no report may show them."""
NUMBERS, WORDS = ["age", "hours", "gain"], ["job", "town"]


def people(rows: int, seed: int, labels: tuple[Any, ...] = (0, 1)) -> pd.DataFrame:
    """Return rows of mixed kinds, with missing values, unique texts and a few values that one row holds."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, rows),
            "hours": rng.normal(40, 10, rows).round(1),
            "gain": np.where(rng.random(rows) < 0.1, rng.integers(1_000, 99_000, rows), 0),
            "job": rng.choice(["clerk", "tech", "sales", "chef"], rows),
            "town": rng.choice(["north", "south"], rows),
            "married": rng.random(rows) < 0.5,
            "mail": [f"canary@{seed}.{i}.example" for i in range(rows)],
        }
    )
    score = 0.05 * frame["age"] + 0.03 * frame["hours"] + frame["married"] + (frame["job"] == "tech")
    score += rng.normal(0, 0.7, rows)
    edges = np.quantile(score, np.linspace(0, 1, len(labels) + 1)[1:-1])
    frame["label"] = pd.Series(np.array(labels, dtype=object)[np.searchsorted(edges, score)].tolist())
    frame.loc[rng.random(rows) < 0.05, "hours"] = np.nan
    frame.loc[3, "gain"], frame.loc[5, "gain"], frame.loc[7, "job"] = 482_717, 90_210_077, "Zquaxil"
    return frame


def _invariants(report: Any) -> dict[str, Any]:
    """Check what the contract says of every report, and return its JSON."""
    text = report.to_json()
    data: dict[str, Any] = json.loads(text)
    assert data["schema_version"] == 1
    assert [row["number"] for row in data["coverage"]] == list(range(1, 18))
    assert not [row for row in data["coverage"] if row["status"] == "error"]
    assert data["complete"] == all(row["status"] not in ("skipped", "error") for row in data["coverage"])
    for finding in data["findings"]:
        for m in finding["measures"]:
            assert m["value"] is not None, (finding["code"], m["name"])
            assert m["low"] is None or m["low"] <= m["value"], (finding["code"], m)
            assert m["high"] is None or m["value"] <= m["high"], (finding["code"], m)
        assert not re.search(r"\b(nan|None|inf)\b", finding["summary"]), finding["summary"]
    gating = [f["verdict"] for f in data["findings"] if SEVERITIES.index(f["severity"]) >= 2]
    open_question = "inconclusive" in gating or not data["complete"]
    assert report.exit_code() == (1 if "fail" in gating else 3 if open_question else 0)
    for canary in CANARIES:
        assert canary not in text, text[max(0, text.index(canary) - 100) :][:200]
    assert not re.search(r'"/\w+/', text), "paths are relative"
    return data


def _without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_seconds(v) for k, v in value.items() if k != "seconds"}
    return [_without_seconds(v) for v in value] if isinstance(value, list) else value


def _words() -> Any:
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
            (OneHotEncoder(handle_unknown="ignore"), WORDS),
            ("passthrough", ["married"]),
        ),
        LogisticRegression(max_iter=500),
    )


def _every_column() -> Any:
    return make_pipeline(
        make_column_transformer(
            (SimpleImputer(), NUMBERS),
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), [*WORDS, "mail"]),
        ),
        RandomForestClassifier(10, min_samples_leaf=5, random_state=0),
    )


def _plain(model: Any) -> Any:
    return make_pipeline(SimpleImputer(), StandardScaler(), model)


MODELS: dict[str, Callable[[], Any]] = {
    "words": _words,
    "every column": _every_column,
    "svc": lambda: _plain(SVC()),
    "svc with probability": lambda: _plain(CalibratedClassifierCV(SVC(), ensemble=False)),
    "neighbours": lambda: _plain(KNeighborsClassifier()),
    "bayes": lambda: _plain(GaussianNB()),
    "tree": lambda: DecisionTreeClassifier(max_depth=4, random_state=0),
    "forest": lambda: RandomForestClassifier(10, max_depth=5, random_state=0),
    "extra trees": lambda: ExtraTreesClassifier(10, max_depth=5, random_state=0),
    "boosting": lambda: _plain(GradientBoostingClassifier(n_estimators=10, random_state=0)),
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=10, random_state=0),
    "calibrated": lambda: _plain(CalibratedClassifierCV(LogisticRegression(), cv=2)),
    "voting": lambda: _plain(VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())])),
    "stacking": lambda: _plain(StackingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], cv=2)),
    "grid": lambda: GridSearchCV(_plain(LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}, cv=2),
    "constant": lambda: DummyClassifier(),
}
TEXTS = ("words", "every column")
CHEAP = ("MW03", "MW04", "MW05", "MW08", "MW09", "MW14", "MW15", "MW16", "MW17")


def _columns(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    return frame if name in TEXTS else frame[[*NUMBERS, "married", "label"]]


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_gets_a_sound_report(name: str) -> None:
    train, test = (_columns(name, people(rows, seed)) for rows, seed in ((300, 1), (220, 2)))
    model = MODELS[name]().fit(train.drop(columns="label"), train["label"])
    report = assess(
        model, test, target="label", train=train, sensitive=["married"], select=CHEAP, max_queries=20_000
    )
    _invariants(report)


@pytest.mark.parametrize(
    "labels",
    [(-1, 1), (1, 2, 3), (False, True), ("no", "yes"), (0.0, 1.0), tuple("abcdefghij")],
    ids=["signs", "from one", "bools", "words", "floats", "ten"],
)
def test_every_kind_of_label_gets_a_sound_report_from_files(labels: tuple[Any, ...], tmp_path: Any) -> None:
    train, test = people(400, 1, labels), people(250, 2, labels)
    model = _words().fit(train.drop(columns="label"), train["label"])
    for frame, name in ((train, "train.csv"), (test, "test.csv")):
        frame.to_csv(tmp_path / name, index=False)
    report = assess(
        model, tmp_path / "test.csv", target="label", train=tmp_path / "train.csv",
        select=["MW05", "MW10", "MW14", "MW16"], max_queries=20_000,
    )  # fmt: skip
    data = _invariants(report)
    assert len(data["subject"]["classes"]) == len(labels)


def _numbers(rows: int, seed: int) -> pd.DataFrame:
    return people(rows, seed)[[*NUMBERS, "label"]].fillna(40.0)


def _shifted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(age=frame["age"] + 30)


def _rare(rows: int, seed: int) -> pd.DataFrame:
    frame = _numbers(rows, seed)
    return frame.assign(label=(frame["age"].rank(method="first") > rows - max(4, rows // 200)).astype(int))


TABLES: dict[str, Callable[[], tuple[pd.DataFrame, pd.DataFrame]]] = {
    "25 test rows": lambda: (_numbers(500, 1), _numbers(25, 2)),
    "60 test rows": lambda: (_numbers(500, 1), _numbers(60, 2)),
    "25 training rows": lambda: (_numbers(25, 1), _numbers(400, 2)),
    "train is test": lambda: (_numbers(400, 1), _numbers(400, 1)),
    "every row three times": lambda: (pd.concat([_numbers(300, 1)] * 3), pd.concat([_numbers(300, 2)] * 3)),
    "shifted": lambda: (_numbers(500, 1), _shifted(_numbers(400, 2))),
    "constant column": lambda: (_numbers(500, 1).assign(gain=7), _numbers(400, 2).assign(gain=7)),
    "empty in test": lambda: (_numbers(500, 1), _numbers(400, 2).assign(gain=np.nan)),
    "one in two hundred": lambda: (_rare(1_000, 1), _rare(800, 2)),
    "one column": lambda: (_numbers(500, 1)[["age", "label"]], _numbers(400, 2)[["age", "label"]]),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_kind_of_table_gets_a_sound_report(name: str) -> None:
    train, test = TABLES[name]()
    model = HistGradientBoostingClassifier(max_iter=10, random_state=0)
    model.fit(train.drop(columns="label"), train["label"])
    report = assess(model, test, target="label", train=train, select=CHEAP, max_queries=20_000)
    data = _invariants(report)
    if name == "train is test":
        assert next(row for row in data["coverage"] if row["number"] == 4)["status"] != "checked"


def test_the_same_seed_gives_the_same_report_but_for_seconds() -> None:
    train, test = people(400, 1), people(300, 2)
    model = _words().fit(train.drop(columns="label"), train["label"])
    runs = [
        assess(
            model, test, target="label", train=train, sensitive=["town"], seed=5, max_queries=20_000, n_jobs=n,
            ignore=["MW02"],
        )
        for n in (1, 2)
    ]  # fmt: skip
    first, second = (_without_seconds(_invariants(run)) for run in runs)
    assert first == second


@pytest.mark.parametrize("kind", ["numpy", "polars", "labels only", "strings"])
def test_models_without_names_or_scores(kind: str) -> None:
    train, test = _numbers(500, 1), _numbers(300, 2)
    X, y = train.drop(columns="label"), train["label"]
    given: Any = LogisticRegression(max_iter=2_000)
    if kind == "numpy":
        given.fit(X.to_numpy(), y)
    elif kind == "polars":
        given.fit(pl.from_pandas(X), y)
    elif kind == "labels only":
        given = lambda rows: (np.asarray(rows, dtype=float)[:, 0] > 50).astype(int)  # noqa: E731
    else:
        train, test = (f.assign(label=f["label"].map({0: "no", 1: "yes"})) for f in (train, test))
        given = lambda rows: np.where(np.asarray(rows, dtype=float)[:, 0] > 50, "yes", "no")  # noqa: E731
    _invariants(assess(given, test, target="label", train=train, select=CHEAP, max_queries=10_000))


class Talkative:
    """Quotes the rows that it is asked, once it has answered for the test rows."""

    classes_ = np.array([0, 1])

    def __init__(self) -> None:
        self.calls = 0

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}

    def set_params(self, **params: Any) -> Talkative:
        return self

    def fit(self, X: Any, y: Any) -> Talkative:
        raise ValueError("could not convert 'Alice'")

    def predict(self, X: Any) -> Any:
        self.calls += 1
        if self.calls > 1:
            raise ValueError("found unknown category 'Alice'")
        return (np.asarray(X, dtype=float)[:, 0] > 50).astype(int)


def test_what_a_failing_model_says_is_in_no_report() -> None:
    train, test = _numbers(400, 1), _numbers(300, 2)
    report = assess(Talkative(), test, target="label", train=train, select=["MW02", "MW04", "MW05"])
    text = report.to_json()
    assert "Alice" not in text
    assert "the model failed: ValueError" in text, "the kind of error is no secret"


def test_no_warning_of_a_library_gets_through_while_checks_run_side_by_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shout(self: Check, scope: Any) -> Evidence:
        # Libraries set filters for themselves, which all threads share.
        with warnings.catch_warnings():
            warnings.resetwarnings()
            for i in range(20):
                warnings.warn(f"{self.code} {i}", UserWarning, stacklevel=1)
                time.sleep(0.001)
        return Evidence("fine")

    body = {"title": "t", "severity": "low", "run": shout}
    checks = tuple(
        ABCMeta(code, (Check,), {**body, "code": code, "number": int(code[2:4])})
        for code in ("MW011", "MW021")
    )
    monkeypatch.setattr(module, "all_checks", lambda: checks)
    test = _numbers(200, 2)
    model = DecisionTreeClassifier(max_depth=2).fit(test.drop(columns="label"), test["label"])
    with warnings.catch_warnings(record=True) as seen:
        assess(model, test, target="label")
    assert not seen
