"""Fixtures that many rooms share: a generated credit table, the real one, and scopes about models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelward.checks import BUDGETS, Sample, Scope
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema

if TYPE_CHECKING:
    from collections.abc import Callable

UCI = Path(__file__).parents[2] / "shared" / "data" / "uci-credit-default.csv"
FEATURES = [
    "LIMIT_BAL",
    "AGE",
    "PAY_0",
    "PAY_2",
    "PAY_3",
    "BILL_AMT1",
    "BILL_AMT2",
    "PAY_AMT1",
    "SEX_1",
    "SEX_2",
]


def credit_table(n: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Draw a small credit-like table: ten columns with one one-hot pair, and labels with signal in PAY_0."""
    rng = np.random.default_rng(seed)
    limit = rng.integers(1, 51, n) * 10_000
    age = np.clip(rng.gamma(9, 4, n).round(), 21, 75)
    risk = rng.normal(size=n)
    pay = [np.clip(np.round(risk + rng.normal(scale=0.8, size=n)), -2, 8) for _ in range(3)]
    bill = np.round(limit * rng.beta(1, 2, n))
    bill2 = np.round(bill * rng.uniform(0.8, 1.1, n))
    paid = np.round(bill * rng.beta(1, 8, n))
    sex = rng.integers(1, 3, n)
    logit = -1.6 + 1.1 * pay[0] + 0.3 * pay[1] - limit / 400_000
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    columns = [limit, age, *pay, bill, bill2, paid, sex == 1, sex == 2]
    return pl.DataFrame({k: np.asarray(v, dtype=float) for k, v in zip(FEATURES, columns, strict=True)}), y


def plain_schema(frame: pl.DataFrame) -> FeatureSchema:
    """Describe a numeric credit table by hand: ranges as seen, cost one IQR, SEX one-hot."""
    columns = []
    for name in frame.columns:
        values = frame[name].to_numpy()
        iqr = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) or 1.0
        binary = name.startswith("SEX_")
        columns.append(
            Column(
                name, "integer", low=float(values.min()), high=float(values.max()), precision=1.0,
                cost=0.5 if binary else 1 / iqr,
            )
        )  # fmt: skip
    return FeatureSchema(tuple(columns), onehot=(("SEX_1", "SEX_2"),))


@pytest.fixture(scope="session")
def credit() -> tuple[pl.DataFrame, np.ndarray]:
    return credit_table(6_000, 0)


@pytest.fixture(scope="session")
def draw_credit() -> Callable[[int, int], tuple[Codec, np.ndarray, np.ndarray]]:
    """Return a function that draws a credit table of n rows from a seed: codec, encoded rows, labels."""

    def draw(n: int, seed: int) -> tuple[Codec, np.ndarray, np.ndarray]:
        frame, y = credit_table(n, seed)
        codec = Codec.fit(plain_schema(frame), frame)
        return codec, codec.encode(frame), y

    return draw


@pytest.fixture(scope="session")
def uci() -> pl.DataFrame:
    if not UCI.exists():
        pytest.skip(f"the real credit data is not at {UCI}")
    return pl.read_csv(UCI)


@pytest.fixture(scope="session")
def shallow_forest() -> RandomForestClassifier:
    """The forest of the guiding example, unfitted."""
    return RandomForestClassifier(n_estimators=5, max_depth=3, min_samples_leaf=100, random_state=0)


@pytest.fixture(scope="session")
def make_scope() -> Callable[..., Scope]:
    """Return a function that fits a model and builds the scope that checks take."""

    def build(
        model: Any,
        frame: pl.DataFrame,
        y: np.ndarray,
        *,
        schema: FeatureSchema | None = None,
        train_share: float = 0.7,
        fit: bool = True,
        **options: Any,
    ) -> Scope:
        schema = schema or plain_schema(frame)
        codec = Codec.fit(schema, frame)
        X = codec.encode(frame)
        cut = int(train_share * len(X))
        if fit:
            model.fit(X[:cut], y[:cut])
        subject = wrap(model, codec, y.tolist())
        codes = subject.encode_labels(y)
        return Scope(
            subject=subject,
            schema=schema,
            test=Sample(X[cut:], codes[cut:], total=len(X) - cut),
            train=Sample(X[:cut], codes[:cut], total=cut),
            **{"budget": BUDGETS["quick"], "seed": 0, **options},
        )

    return build
