"""Inference: what was seen is legal, and what was assumed is said."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from modelward.errors import SchemaError
from modelward.schema import Codec, infer, legal, violations


def planted(n=400, seed=0):
    rng = np.random.default_rng(seed)
    job = rng.choice(3, n)
    return pl.DataFrame(
        {
            "limit": rng.integers(1, 60, n) * 10_000,
            "paid": rng.uniform(0, 100, n).round(2),
            "x": rng.normal(size=n),
            "job_a": (job == 0).astype(int),
            "job_b_c": (job == 1).astype(int),
            "job_d": (job == 2).astype(int),
            "flag": rng.integers(0, 2, n),
            "town": rng.choice(["Graz", "Linz"], n),
            "note": [f"note {i}" for i in range(n)],
            "yes": rng.random(n) < 0.5,
            "day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(i)) for i in rng.integers(0, 90, n)],
            "id": np.arange(n),
            "gap": [None if i % 7 == 0 else float(i % 5) for i in range(n)],
            "y": rng.integers(0, 2, n),
        }
    )


def test_planted_properties_are_found():
    frame = planted()
    schema = infer(frame, target="y", sensitive=("job",), time="day")
    assert "y" not in schema.names
    assert schema["limit"].precision == 10_000
    assert (schema["paid"].kind, schema["paid"].precision) == ("continuous", 0.01)
    assert schema["x"].precision is None
    assert schema.onehot == (("job_a", "job_b_c", "job_d"),)
    assert all(schema[n].cost == 0.5 and schema[n].role == "sensitive" for n in schema.onehot[0])
    assert (schema["flag"].kind, schema["flag"].cost) == ("integer", 1.0)
    assert schema["town"].categories == ("Graz", "Linz")
    assert (schema["note"].kind, schema["note"].mutable) == ("text", False)
    assert schema["yes"].categories == (False, True)
    assert (schema["day"].kind, schema["day"].role, schema["day"].precision) == ("datetime", "time", 86_400)
    assert not schema["id"].mutable
    assert schema["gap"].missing and not schema["x"].missing
    quarter, three = np.quantile(frame["paid"].to_numpy(), [0.25, 0.75])
    assert schema["paid"].cost == pytest.approx(1 / (three - quarter), rel=1e-3)
    assert any("id numbers the rows" in said for said in schema.assumed)


@pytest.mark.parametrize("seed", range(10))
def test_the_table_that_a_schema_came_from_is_legal(seed):
    frame = planted(seed=seed)
    schema = infer(frame, target="y")
    assert legal(schema, Codec.fit(schema, frame).encode(frame)).all()


def test_few_values_share_no_step_by_chance():
    assert infer(pl.DataFrame({"a": [20, 40, 60] * 10}))["a"].precision is None


def test_what_cannot_be_inferred_says_so():
    frame = pl.DataFrame({"a": [1], "l": [[1]]})
    with pytest.raises(SchemaError, match="'l' holds"):
        infer(frame)
    with pytest.raises(SchemaError, match="no column 'z'"):
        infer(frame, target="z")
    with pytest.raises(SchemaError, match="no sensitive column 'z'"):
        infer(frame, sensitive=("z",))
    with pytest.raises(SchemaError, match="at least one row"):
        infer(pl.DataFrame({"a": []}))


def test_violations_name_the_cell_and_hide_small_counts():
    frame = planted()
    schema = infer(frame.select("limit", "x", "job_a", "job_b_c", "job_d", "town"))
    X = Codec.fit(schema, frame).encode(frame)
    X[:12, 0] += 5
    X[20, 0] = 1e7
    X[21, 1] = np.nan
    X[22, 2:5] = 1
    X[23, 5] = 2
    found = violations(schema, X)
    assert np.flatnonzero(found.precision[:, 0]).tolist() == list(range(12))
    assert np.flatnonzero(found.range[:, 0]).tolist() == [20]
    assert np.argwhere(found.missing).tolist() == [[21, 1]]
    assert np.flatnonzero(found.onehot[:, 0]).tolist() == [22]
    assert np.argwhere(found.category).tolist() == [[23, 5]]
    assert np.flatnonzero(found.rows).tolist() == [*range(12), 20, 21, 22, 23]
    told = {(b.where, b.rule): b.rows for b in found.summary()}
    assert told["limit", "precision"] == "12"
    assert told["limit", "range"] == told["town", "category"] == "<10"


def test_the_real_credit_data_give_a_sensible_schema(uci):
    schema = infer(uci, target="DEFAULT", ignore=("ID",), sensitive=("SEX",))
    assert (schema["LIMIT_BAL"].low, schema["LIMIT_BAL"].high, schema["LIMIT_BAL"].precision) == (
        1e4,
        1e6,
        1e4,
    )
    assert (schema["AGE"].kind, schema["AGE"].low, schema["AGE"].high) == ("integer", 21, 79)
    assert (schema["PAY_0"].kind, schema["PAY_0"].low, schema["PAY_0"].high) == ("integer", -2, 8)
    X = Codec.fit(schema, uci).encode(uci)
    assert (~legal(schema, X)).sum() == violations(schema, X).precision.sum() < 10


def test_a_pandas_table_gives_the_same_schema(tmp_path):
    frame = pl.DataFrame({"a": [1, 2, 3, 9], "b": ["x", "y", "x", "y"], "label": [0, 1, 0, 1]})
    frame.write_csv(tmp_path / "table.csv")
    for given in (frame.to_pandas(), tmp_path / "table.csv"):
        assert infer(given, target="label") == infer(frame, target="label")
