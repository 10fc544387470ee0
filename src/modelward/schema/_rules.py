"""A schema's columns as arrays, so that a whole matrix is judged or moved at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema._schema import Column, FeatureSchema

TOLERANCE = 1e-9
"""How far from a multiple of its precision a value may lie, relative to its size."""


@dataclass(frozen=True, eq=False)
class Rules:
    """The columns of a schema as arrays of shape (d,).

    Parameters
    ----------
    low, high : ndarray of float64
        Range of the encoded values; infinite where it is open. For codes: first and last category.
    step : ndarray of float64
        Precision of the encoded values, 1 for integers and codes; 0 where any float is legal.
    decimals : ndarray of int64
        Decimal places that multiples of the step have; -1 where no rounding makes them exact.
    cost : ndarray of float64
        Of a unit, or of any change where `flat`.
    flat, coded, missing, mutable, up, down : ndarray of bool
        Any change costs the same; codes; a missing value is legal; may be changed; only up; only down.
    onehot : tuple of ndarray of int64
        Positions of the members of each group.
    relations : tuple of (int, str, int)
        Position, operator, position.
    """

    names: tuple[str, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    step: NDArray[np.float64]
    decimals: NDArray[np.int64]
    cost: NDArray[np.float64]
    flat: NDArray[np.bool_]
    coded: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    mutable: NDArray[np.bool_]
    up: NDArray[np.bool_]
    down: NDArray[np.bool_]
    onehot: tuple[NDArray[np.int64], ...]
    relations: tuple[tuple[int, str, int], ...]

    @classmethod
    def of(cls, schema: FeatureSchema) -> Rules:
        """Compile a schema."""
        columns, names = schema.columns, schema.names
        low, high = np.array([_range(c) for c in columns], dtype=np.float64).reshape(-1, 2).T
        step = np.array([_step(c) for c in columns], dtype=np.float64)
        place = {name: j for j, name in enumerate(names)}
        return cls(
            names=names,
            low=low,
            high=high,
            step=step,
            decimals=np.array([_decimals(s) for s in step], dtype=np.int64),
            cost=np.array([c.cost for c in columns], dtype=np.float64),
            flat=np.array([c.kind in ("categorical", "text") for c in columns], dtype=bool),
            coded=np.array([c.coded for c in columns], dtype=bool),
            missing=np.array([c.missing for c in columns], dtype=bool),
            mutable=np.array([c.mutable for c in columns], dtype=bool),
            up=np.array([c.direction == "up" and not _unordered(c) for c in columns], dtype=bool),
            down=np.array([c.direction == "down" and not _unordered(c) for c in columns], dtype=bool),
            onehot=tuple(np.array([place[n] for n in group]) for group in schema.onehot),
            relations=tuple((place[r.left], r.operator, place[r.right]) for r in schema.relations),
        )

    def empty_grids(self) -> list[str]:
        """Return the columns in whose range no multiple of their precision lies."""
        gridded = (self.step > 0) & ~self.coded & np.isfinite(self.low) & np.isfinite(self.high)
        return [
            self.names[j]
            for j in np.flatnonzero(gridded).tolist()
            if float(self.snap(self.low[[j]], j, "up")[0]) - float(self.high[j])
            > TOLERANCE * max(float(self.step[j]), abs(float(self.high[j])))
        ]

    def snap(self, values: NDArray[np.float64], j: int, way: str = "near") -> NDArray[np.float64]:
        """Return the nearest multiples of column j's step: near, or not below ("up"), or not above ("down").

        A value that is a multiple already, within the tolerance, gives that multiple.
        """
        step = self.step[j]
        if step == 0:
            return values
        with np.errstate(invalid="ignore", over="ignore"):
            ratio = values / step
            near = np.rint(ratio)
            if way != "near":
                off = np.abs(ratio - near) > TOLERANCE * np.maximum(1.0, np.abs(ratio))
                near = np.where(off, np.ceil(ratio) if way == "up" else np.floor(ratio), near)
            snapped = near * step
            if self.decimals[j] >= 0:
                rounded = np.round(snapped, int(self.decimals[j]))
                snapped = np.where(np.isfinite(rounded), rounded, snapped)
            # Over 2**53 steps every float is a multiple as well as it can be.
            return np.where(np.abs(ratio) < 2.0**53, snapped, values)

    def snap_each(self, values: NDArray[np.float64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return values of several columns on the nearest of their steps; the same as `snap` for each; shape (n,)."""
        step = self.step[columns]
        stepped = step > 0
        with np.errstate(invalid="ignore", over="ignore"):
            ratio = values / np.where(stepped, step, 1.0)
            snapped = np.rint(ratio) * step
            decimals = self.decimals[columns]
            scale = 10.0 ** np.maximum(decimals, 0)
            rounded = np.rint(snapped * scale) / scale
            snapped = np.where((decimals >= 0) & np.isfinite(rounded), rounded, snapped)
            return np.where(stepped & (np.abs(ratio) < 2.0**53), snapped, values)

    def on_grid(self, values: NDArray[np.float64], j: int) -> NDArray[np.bool_]:
        """Whether values are multiples of column j's step; missing and infinite values are not judged."""
        if self.step[j] == 0:
            return np.ones(len(values), dtype=bool)
        with np.errstate(invalid="ignore"):
            near = self.snap(values, j)
            return np.asarray(~(np.abs(values - near) > TOLERANCE * np.maximum(self.step[j], np.abs(values))))


def _unordered(column: Column) -> bool:
    return column.kind in ("categorical", "text")


def _range(column: Column) -> tuple[float, float]:
    if column.kind == "text":
        return 0.0, np.inf
    if column.coded:
        return 0.0, len(column.categories) - 1.0
    return (
        -np.inf if column.low is None else float(column.low),
        np.inf if column.high is None else float(column.high),
    )


def _step(column: Column) -> float:
    if column.coded:
        return 1.0
    if column.precision is not None:
        return float(column.precision)
    return 1.0 if column.kind == "integer" else 0.0


def _decimals(step: float) -> int:
    for places in range(13):
        scaled = step * 10**places
        if scaled >= 0.5 and abs(scaled - round(scaled)) <= TOLERANCE * scaled:
            return places
    return -1
