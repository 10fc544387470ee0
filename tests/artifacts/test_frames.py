"""Frames with everyday indexes and columns are clean; what is made in their ways of anything else is not."""

from __future__ import annotations

import pickle
from typing import Any

import pandas as pd
import pytest

from modelward.artifacts import read_bytes

DAYS = pd.date_range("2024-01-01", periods=4)
INDEXES = {
    "dates": DAYS, "dates without a step": pd.DatetimeIndex(["2024-01-01", "2024-03-01", "2025-01-01", "2026-01-01"]),
    "dates in UTC": DAYS.tz_localize("UTC"), "dates in Paris": DAYS.tz_localize("Europe/Paris"), "times": pd.timedelta_range("1h", periods=4),
    "months": pd.period_range("2024-01", periods=4, freq="M"), "intervals": pd.interval_range(0, 4),
    "categories": pd.CategoricalIndex(list("abca")), "two levels": pd.MultiIndex.from_product([[1, 2], ["x", "y"]]),
    "numbers": pd.Index([0.5, 1.5, 2.5, 3.5]),
}  # fmt: skip
FREQUENCIES = [
    "h",
    "D",
    "B",
    "W",
    "ME",
    "MS",
    "QE",
    "QS",
    "YE",
    "YS",
    "min",
    "s",
    "ms",
    "us",
    "ns",
    "BME",
    "BMS",
]
KINDS = [
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float32",
    "Float64",
    "boolean",
    "string",
]


def columns() -> pd.DataFrame:
    made = {
        kind: pd.array([1, None] if kind != "string" else ["a", None], dtype=kind)
        for kind in KINDS
        if kind != "boolean"
    }
    return pd.DataFrame(
        made
        | {
            "boolean": pd.array([True, None], dtype="boolean"), "category": pd.Categorical(["a", "b"], ordered=True),
            "cut": pd.cut(pd.Series([1.0, 2.0]), 2), "month": pd.period_range("2024-01", periods=2, freq="M"),
            "time": pd.timedelta_range("1h", periods=2), "day": DAYS[:2], "utc": DAYS[:2].tz_localize("UTC"),
            "object": [1, pd.NaT], "a month": [pd.Period("2024-01", "M"), None], "span": pd.interval_range(0, 2),
            "zone": DAYS[:2].tz_localize("America/Argentina/Buenos_Aires"),
        }
    )  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_everyday_frames_are_clean(protocol: int) -> None:
    made: dict[str, Any] = {
        name: pd.DataFrame({"a": range(4)}, index=index) for name, index in INDEXES.items()
    }
    made |= {one: pd.Series([1, 2], index=pd.date_range("2024", periods=2, freq=one)) for one in FREQUENCIES}
    made["columns"] = columns()
    for name, value in made.items():
        found = read_bytes(pickle.dumps(value, protocol))
        assert found.verdict == "clean", (name, found.reasons)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            b"cpandas.core.indexes.datetimes\n_new_DatetimeIndex\n(cpandas\nDataFrame\n}tR.",
            "arguments that no honest",
        ),
        (b"cpandas.core.indexes.interval\n_new_IntervalIndex\n(cos\nsystem\n}tR.", "os.system"),
        (b"cpandas._libs.tslibs.offsets\nDay\n(cpandas\nDataFrame\ntR.", "arguments that no honest"),
        (b"cpandas\nInterval\n(NNNtR.", "arguments that no honest"),
        (b"csklearn.utils.validation\ncheck_array\n(]tR.", "while it is loaded"),
        (b"cpandas\nSparseDtype\n.", "not known"),
        (b"cpandas\nPeriod\n(Nccopy\ncopy\nI1\ntR.", "arguments that no honest"),
        (
            b"cpandas._libs.interval\n__pyx_unpickle_IntervalMixin\n(cpandas.arrays\nIntervalArray\nI1\n(dtR.",
            "arguments",
        ),
        (b"czoneinfo\nZoneInfo\n(V../../etc/passwd\ntR.", "arguments that no honest"),
        (b"cpytz\n_p\n(V../x\ntR.", "arguments that no honest"),
        (
            b"cbuiltins\ngetattr\n(czoneinfo\nZoneInfo\nV_unpickle\ntR(V../x\nI1\ntR.",
            "calls what builtins.getattr",
        ),
        (b"cbuiltins\ngetattr\n(czoneinfo\nZoneInfo\nV_unpickle\ntR(VUTC\nI1\ntR)R.", "calls what"),
        (b"cbuiltins\ngetattr\n(czoneinfo\nZoneInfo\nVfrom_file\ntR.", "builtins.getattr"),
        (b"cbuiltins\ngetattr\n(czoneinfo\nreset_tzpath\nV_unpickle\ntR.", "builtins.getattr"),
        (b"cpandas\nread_pickle\n(Vx\ntR.", "read_pickle"),
    ],
)
def test_what_is_made_of_anything_else_is_not(data: bytes, reason: str) -> None:
    found = read_bytes(data)
    assert found.verdict in ("suspicious", "malicious")
    assert reason in " ".join(found.reasons)


@pytest.mark.parametrize(
    "data",
    [
        b"cpytz\n_p\n(VEurope/Paris\nI540\nI0\nVLMT\ntR.", b"cpytz\n_UTC\n(tR.", b"cpytz\nFixedOffset\n(I60\ntR.",
        b"czoneinfo\nZoneInfo\n(VEtc/GMT+1\ntR.",
    ],
)  # fmt: skip
def test_time_zones_are_clean(data: bytes) -> None:
    assert read_bytes(data).verdict == "clean"
