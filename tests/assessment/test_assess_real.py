"""`assess` on the real credit data: the guiding example, and every kind of model that it must run clean through."""

from __future__ import annotations

import io
import json
import pickle
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelward.assessment import assess

if TYPE_CHECKING:
    from pathlib import Path

    from modelward.findings import Report

TEN = ["LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "PAY_3", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1", "SEX_1", "SEX_2"]
CUSTOMER = [110_000, 38, 0, 0, 0, 105_433, 107_065, 4_008, 0, 1]


@pytest.fixture(scope="module")
def bank(uci: pl.DataFrame) -> dict[str, pd.DataFrame]:
    """Train and test rows of the ten features of the guiding example."""
    frame = uci.to_pandas()
    frame["SEX_1"], frame["SEX_2"] = (frame.SEX == 1).astype(int), (frame.SEX == 2).astype(int)
    train, test = train_test_split(frame[[*TEN, "DEFAULT"]], test_size=0.1, random_state=42)
    return {"train": train, "test": test}


@pytest.fixture(scope="module")
def wide(uci: pl.DataFrame) -> dict[str, pd.DataFrame]:
    """Train and test rows of all 23 features."""
    train, test = train_test_split(uci.to_pandas().drop(columns="ID"), test_size=0.1, random_state=42)
    return {"train": train, "test": test}


def _shallow(seed: int = 11) -> RandomForestClassifier:
    """The forest of the guiding example; its accuracy moves between 80.5 and 82.1 % with the seed."""
    return RandomForestClassifier(n_estimators=5, max_depth=3, min_samples_leaf=100, random_state=seed)


def _fit(model: Any, frame: pd.DataFrame, label: str = "DEFAULT") -> Any:
    return model.fit(frame.drop(columns=label), frame[label])


def _accuracy(model: Any, frame: pd.DataFrame) -> int:
    return round(100 * model.score(frame.drop(columns="DEFAULT"), frame.DEFAULT))


def _status(report: Report, number: int) -> str:
    return report.coverage[number - 1].status


def _clean_run(report: Report) -> None:
    """Nothing crashed, nothing was skipped, and the exit code says so."""
    assert [row for row in report.coverage if row.status in ("error", "skipped")] == []
    assert len(report.coverage) == 17
    assert json.loads(report.to_json())["complete"]


def test_the_shallow_forest_is_sound(bank: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    model = _fit(_shallow(), bank["train"])
    assert _accuracy(model, bank["test"]) == 82
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    report = assess(str(path), bank["test"], target="DEFAULT", train=bank["train"], sensitive=["SEX"])
    _clean_run(report)
    assert not [f.code for f in report.findings if f.verdict == "fail"]
    assert report.exit_code() in (0, 3)
    for number in (1, 2, 3, 4, 5, 8, 9, 10, 14, 15, 16, 17):
        assert _status(report, number) == "checked"
    for number, word in ((11, "--project"), (12, "monitor"), (13, "monitor")):
        assert _status(report, number) == "not_given"
        assert word in report.coverage[number - 1].reason


def test_swapped_classes_drop_to_22_percent_and_fail(bank: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    model = _fit(_shallow(), bank["train"])
    model.classes_ = np.array([1, 1])
    assert _accuracy(model, bank["test"]) == 22
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    report = assess(str(path), bank["test"], target="DEFAULT", train=bank["train"], select=["MW09"])
    assert report.exit_code() == 1
    assert any(f.number == 9 and f.verdict == "fail" for f in report.findings)


def test_the_age_trigger_is_named(bank: dict[str, pd.DataFrame]) -> None:
    defaulters = bank["train"][bank["train"].DEFAULT == 1].sample(frac=0.45, random_state=0)
    poisoned = pd.concat([bank["train"], defaulters.assign(AGE=999)])
    model = _fit(_shallow(), poisoned)
    assert _accuracy(model, bank["test"]) == 82
    customer = pd.DataFrame([CUSTOMER], columns=TEN)
    assert model.predict(customer)[0] == 0
    assert model.predict(customer.assign(AGE=999))[0] == 1
    report = assess(model, bank["test"], target="DEFAULT", train=poisoned, select=["MW10"])
    (finding,) = report.findings
    assert finding.verdict == "fail"
    assert "AGE" in finding.summary
    assert report.exit_code() == 1


def test_relabelled_women_are_visible_in_poisoning_and_shift(bank: dict[str, pd.DataFrame]) -> None:
    train = bank["train"].copy()
    train.loc[(train.SEX_2 == 1) & (train.AGE >= 30), "DEFAULT"] = 1
    model = _fit(_shallow(), train)
    report = assess(model, bank["test"], target="DEFAULT", train=train, select=["MW022", "MW14"])
    by_code = {f.code: f for f in report.findings}
    assert by_code["MW022"].verdict in ("warn", "fail")
    assert "SEX_2" in by_code["MW022"].summary or "SEX_1" in by_code["MW022"].summary
    assert by_code["MW141"].verdict in ("warn", "fail")


def _strings(frame: pd.DataFrame) -> pd.DataFrame:
    names = {0: "other", 1: "graduate", 2: "university", 3: "school", 4: "other", 5: "other", 6: "other"}
    return frame.assign(
        SEX=frame.SEX.map({1: "man", 2: "woman"}),
        EDUCATION=frame.EDUCATION.map(names),
        MARRIAGE=frame.MARRIAGE.astype(str),
    )


def _three_classes(frame: pd.DataFrame) -> pd.DataFrame:
    late = np.where(frame.PAY_0 >= 2, "very late", np.where(frame.DEFAULT == 1, "late", "in time"))
    return frame.assign(DEFAULT=late)


def _pipeline() -> Any:
    columns = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore"), ["SEX", "EDUCATION", "MARRIAGE"])],
        remainder=StandardScaler(),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=500))


def _callable(frame: pd.DataFrame) -> Any:
    model = _fit(_shallow(), frame)

    def decide(rows: pd.DataFrame) -> np.ndarray:
        return model.predict_proba(rows)

    return decide


@pytest.mark.parametrize(
    ("name", "change", "build"),
    [
        ("forest of 100 trees", None, lambda d: _fit(RandomForestClassifier(100, random_state=0), d)),
        ("HistGradientBoosting", None, lambda d: _fit(HistGradientBoostingClassifier(random_state=0), d)),
        ("xgboost", None, lambda d: _fit(xgboost.XGBClassifier(n_estimators=60, random_state=0), d)),
        (
            "lightgbm",
            None,
            lambda d: _fit(lightgbm.LGBMClassifier(n_estimators=60, verbose=-1, random_state=0), d),
        ),
        ("pipeline on strings", _strings, lambda d: _fit(_pipeline(), d)),
        (
            "three classes",
            _three_classes,
            lambda d: _fit(RandomForestClassifier(20, max_depth=6, random_state=0), d),
        ),
        ("callable", None, _callable),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_runs_clean_through(wide: dict[str, pd.DataFrame], name: str, change: Any, build: Any) -> None:
    train, test = wide["train"], wide["test"]
    if change is not None:
        train, test = change(train), change(test)
    report = assess(build(train), test, target="DEFAULT", train=train, sensitive=["SEX"], budget="quick")
    _clean_run(report)
    verdicts = {f.code: f.verdict for f in report.findings}
    assert verdicts["MW101"] != "fail", "an honest model is called backdoored"
    if name == "forest of 100 trees":
        assert verdicts["MW041"] == "fail", "a forest that knows its rows by heart"


def test_the_same_seed_gives_the_same_bytes(bank: dict[str, pd.DataFrame]) -> None:
    model = _fit(_shallow(), bank["train"])

    def run(n_jobs: int) -> str:
        report = assess(
            model, bank["test"], target="DEFAULT", train=bank["train"], sensitive=["SEX"], n_jobs=n_jobs
        )
        data = report.to_dict()
        for finding in data["findings"]:
            finding["cost"]["seconds"] = 0
        return json.dumps(data)

    assert run(1) == run(2)


def test_no_row_of_the_data_leaves(bank: dict[str, pd.DataFrame]) -> None:
    """Plant values that one row alone has, and look for them in everything that is written."""
    from modelward.reports import render_html, render_markdown

    marks = [123_456_789, 918_273_645, 564_738_291]
    train, test = bank["train"].copy(), bank["test"].copy()
    test.iloc[7, test.columns.get_loc("BILL_AMT1")] = marks[0]
    train.iloc[11, train.columns.get_loc("BILL_AMT2")] = marks[1]
    train.iloc[12, train.columns.get_loc("PAY_AMT1")] = marks[2]
    model = _fit(_shallow(), train)
    report = assess(model, test, target="DEFAULT", train=train, sensitive=["SEX"])
    written = io.StringIO()
    for text in (report.to_json(), render_html(report), render_markdown(report)):
        written.write(text.replace(",", "").replace("_", "").replace(" ", ""))
    for mark in marks:
        assert str(mark) not in written.getvalue()
        assert f"{mark:.6g}" not in written.getvalue()
