"""Cells as bytes: one form for a value, whatever file format or type it came in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from modelward.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHOLE, _FLOAT, _MOMENT, _LARGE, _TEXT, _UNSIGNED = 1, 2, 3, 4, 5, 6
_IN_ROWS = 17
_EXACT = 2.0**53
_SIXTY_FOUR = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
_SPANS = {pl.Date: "date", pl.Time: "time", pl.Duration: "duration"}
_OTHERS = {pl.Binary: "bytes", pl.Null: "empty"}


def kind_of(dtype: pl.DataType) -> str:
    """Return how a manifest calls a column's type."""
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "number"
    if dtype.is_temporal():
        return next((word for kind, word in _SPANS.items() if dtype == kind), "datetime")
    if dtype.is_nested():
        return "nested"
    return next((word for kind, word in _OTHERS.items() if dtype == kind), "text")


def encode(values: pl.Series, secret: bytes) -> NDArray[np.uint8]:
    """Return a column's cells as rows of bytes, all of one width: a tag (0 where it is missing), then the value.

    Equal numbers are equal bytes: 1, 1.0 and true; a missing value and NaN. Text, bytes and nested values stand as
    their (keyed) hashes.

    Raises
    ------
    InputError
        If there is no such form for the type.
    """
    kind = kind_of(values.dtype)
    if kind in ("boolean", "integer", "number", "empty"):
        return _numbers(values, secret)
    if kind in ("date", "datetime", "time", "duration"):
        return _moments(values)
    if kind == "nested":
        try:
            values = values.to_frame("v").select(pl.struct("v").struct.json_encode()).to_series()
        except pl.exceptions.PolarsError:
            raise InputError(
                f"column {values.name!r} holds {values.dtype}, which has no fingerprint: leave it out"
            ) from None
    elif kind == "text" and values.dtype != pl.String:
        try:
            values = values.cast(pl.String)
        except pl.exceptions.PolarsError:
            raise InputError(
                f"column {values.name!r} holds {values.dtype}, which has no fingerprint: leave it out"
            ) from None
    return _texts(values, secret)


def _tagged(tags: NDArray[np.uint8], payload: NDArray[np.int64]) -> NDArray[np.uint8]:
    out = np.empty((len(tags), 9), dtype=np.uint8)
    out[:, 0] = tags
    out[:, 1:] = payload.astype("<i8").view(np.uint8).reshape(-1, 8)
    return out


def _numbers(values: pl.Series, secret: bytes) -> NDArray[np.uint8]:
    beyond = np.zeros(len(values), dtype=bool)
    if values.dtype == pl.UInt64:
        beyond = (values > 2**63 - 1).fill_null(value=False).to_numpy()
        values = values.reinterpret(signed=True)
    elif values.dtype.is_integer() and values.dtype not in _SIXTY_FOUR:
        return _texts(values.cast(pl.String), secret)
    there = values.is_not_null().to_numpy()
    if values.dtype.is_float():
        floats = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        there = ~np.isnan(floats)
        whole = there & (np.abs(floats) <= _EXACT) & (floats == np.floor(floats))
        payload = np.where(there, floats, 0.0).view(np.int64).copy()
        payload[whole] = floats[whole].astype(np.int64)
        tags = np.where(whole, _WHOLE, np.where(there, _FLOAT, 0))
    else:
        payload = values.cast(pl.Int64).fill_null(0).to_numpy()
        near = np.abs(payload.astype(np.float64)) <= _EXACT
        tags = np.where(there, np.where(beyond, _UNSIGNED, np.where(near, _WHOLE, _LARGE)), 0)
    return _tagged(tags.astype(np.uint8), payload)


def _moments(values: pl.Series) -> NDArray[np.uint8]:
    """Return moments as microseconds (UTC where a zone is known) and the nanoseconds beyond them."""
    there = values.is_not_null().to_numpy()
    beyond = np.zeros(len(values), dtype=np.int64)
    if values.dtype == pl.Date:
        payload = values.cast(pl.Datetime("us")).to_physical()
    elif values.dtype == pl.Time or getattr(values.dtype, "time_unit", "") == "ns":
        physical = values.to_physical()
        beyond = (physical % 1_000).fill_null(0).to_numpy()
        payload = physical // 1_000
    elif getattr(values.dtype, "time_unit", "") == "ms":
        payload = values.to_physical() * 1_000
    else:
        payload = values.to_physical()
    out = np.empty((len(values), 11), dtype=np.uint8)
    out[:, :9] = _tagged(
        np.where(there, _MOMENT, 0).astype(np.uint8), payload.cast(pl.Int64).fill_null(0).to_numpy()
    )
    out[:, 9:] = beyond.astype("<i2").view(np.uint8).reshape(-1, 2)
    return out


def _texts(values: pl.Series, secret: bytes) -> NDArray[np.uint8]:
    different = values.unique(maintain_order=True)
    digests = np.zeros((len(different), 33), dtype=np.uint8)
    for i, value in enumerate(different):
        if value is not None:
            raw = value.encode() if isinstance(value, str) else value
            digests[i, 0] = _TEXT
            digests[i, 1:] = np.frombuffer(keyed(raw, secret, b"mw text"), dtype=np.uint8)
    codes = (
        values.to_frame("v")
        .join(
            different.to_frame("v").with_row_index("code"),
            on="v",
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )["code"]
        .to_numpy()
    )
    out: NDArray[np.uint8] = digests[codes]
    return out


def side_by_side(cells: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return rows of the cells of all columns, in one width whatever the type; of a text's hash 16 bytes."""
    out = np.zeros((len(cells[0]), _IN_ROWS * len(cells)), dtype=np.uint8)
    for j, coded in enumerate(cells):
        width = min(coded.shape[1], _IN_ROWS)
        out[:, j * _IN_ROWS : j * _IN_ROWS + width] = coded[:, :width]
    return out


def keyed(data: bytes, secret: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes of BLAKE2b, keyed with the secret if there is one."""
    return hashlib.blake2b(data, digest_size=32, key=secret, person=purpose).digest()
