"""Codec: encoding and decoding a fitted table gives it back."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelward.errors import SchemaError
from modelward.schema import Codec, Column, FeatureSchema, infer
from modelward.tables import read_table

CELLS = {
    "int": (pl.Int64, st.integers(-(2**53), 2**53)),
    "small": (pl.UInt8, st.integers(0, 255)),
    "float": (pl.Float64, st.floats(allow_nan=False, allow_infinity=False)),
    "float32": (pl.Float32, st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "bool": (pl.Boolean, st.booleans()),
    "text": (pl.String, st.text(max_size=5)),
    "date": (pl.Date, st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1))),
    "moment": (pl.Datetime("us"), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))),
    "time": (pl.Time, st.times().map(lambda t: t.replace(microsecond=0))),
}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_decoding_undoes_encoding(data):
    kinds = data.draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    rows = data.draw(st.integers(1, 12))
    columns = []
    for i, kind in enumerate(kinds):
        dtype, cells = CELLS[kind]
        values = data.draw(st.lists(st.none() | cells, min_size=rows, max_size=rows))
        columns.append(pl.Series(f"c{i}", values, dtype=dtype))
    frame = pl.DataFrame(columns)
    codec = Codec.fit(infer(frame), frame)
    X = codec.encode(frame)
    assert X.dtype == np.float64
    assert (np.isnan(X) == frame.select(pl.all().is_null()).to_numpy()).all()
    back = codec.decode(X)
    assert back.schema == frame.schema
    assert back.equals(frame)


def test_pandas_categoricals_and_nullable_types_come_back_by_value():
    pd = pytest.importorskip("pandas")
    frame = read_table(
        pd.DataFrame(
            {
                "c": pd.Categorical(["b", "a", None]),
                "i": pd.array([1, None, 3], dtype="Int64"),
                "m": [1, "x", None],
                "t": pd.to_datetime(["2024-01-01 00:00:00", None, "2024-01-02 03:04:05"]),
            }
        )
    )
    codec = Codec.fit(infer(frame), frame)
    back = codec.decode(codec.encode(frame))
    assert back.rows() == frame.rows()


def test_decimals_and_zones_come_back():
    frame = pl.DataFrame(
        {
            "d": pl.Series(["1.25", "3.10", None]).cast(pl.Decimal(10, 2)),
            "z": pl.Series([dt.datetime(2024, 7, 1, 12), None, dt.datetime(2024, 1, 1)]).dt.replace_time_zone(
                "Europe/Vienna"
            ),
            "e": pl.Series(["x", "y", None], dtype=pl.Enum(["y", "x"])),
        }
    )
    codec = Codec.fit(infer(frame), frame)
    back = codec.decode(codec.encode(frame))
    assert back.rows() == frame.rows()


def test_whole_numbers_and_fractions_of_one_column_share_a_type():
    schema = FeatureSchema((Column("a", "continuous"), Column("k", "categorical", categories=("1", "x"))))
    train = pl.DataFrame({"a": [1, 2], "k": ["1", "x"]})
    test = pl.DataFrame({"a": [1.5, None], "k": [1, 7]})
    codec = Codec.fit(schema, train, test)
    assert codec.encode(test)[:, 1].tolist() == [0.0, 2.0]
    assert codec.decode(codec.encode(test)).rows() == [(1.5, "1"), (None, "7")]


def test_beyond_the_known_codes_stands_an_unseen_value():
    schema = FeatureSchema(
        (Column("k", "categorical", categories=("a",)), Column("n", "ordinal", categories=(1, 2)))
    )
    frame = pl.DataFrame({"k": ["a"], "n": [2]})
    codec = Codec.fit(schema, frame)
    (text, number), gone = codec.decode(np.array([[1.0, 9.0], [np.nan, -1.0]])).rows()
    assert text not in ("a", None)
    assert number == 3
    assert gone == (None, None)


def test_numbers_that_do_not_fit_the_type_are_kept():
    frame = pl.DataFrame({"a": pl.Series([1, 2], dtype=pl.UInt8)})
    codec = Codec.fit(infer(frame), frame)
    assert codec.decode(np.array([[300.0], [-1.0]]))["a"].to_list() == [300, -1]
    assert codec.decode(np.array([[1.5]]))["a"].to_list() == [1.5]


def test_text_among_numbers_is_an_error_that_names_the_column():
    schema = FeatureSchema((Column("AGE", "integer"),))
    with pytest.raises(SchemaError, match="'AGE' should hold numbers, but row 1"):
        Codec.fit(schema, pl.DataFrame({"AGE": ["3", "x"]})).encode(pl.DataFrame({"AGE": ["3", "x"]}))
    with pytest.raises(SchemaError, match="lacks column 'AGE'"):
        Codec.fit(schema, pl.DataFrame({"B": [1]}))


def test_dates_in_text_are_read_as_the_schema_says():
    schema = FeatureSchema((Column("t", "datetime"),))
    frame = pl.DataFrame({"t": ["1970-01-02", None]})
    np.testing.assert_array_equal(Codec.fit(schema, frame).encode(frame).ravel(), [86_400.0, np.nan])
