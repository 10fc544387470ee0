"""Profile: what the rows of a table look like, counted in one pass and in constant memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.findings import MIN_ROWS
from modelward.profiles import _sums
from modelward.profiles._distinct import estimate
from modelward.profiles._kernels import (
    COUNTERS,
    HUGE,
    ILLEGAL,
    INFINITE,
    LIMBS,
    MISSING,
    PRESENT,
    REGISTERS,
    REPEATS,
    carry,
    rounded,
    scan,
)
from modelward.profiles._text import TextProfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from modelward.profiles._layout import Layout

_MOST_REGISTER = 55
_ROWS_AT_ONCE = 1 << 26


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile read off a histogram: interpolated, and the bin that it certainly lies in."""

    value: float
    low: float
    high: float


class Profile:
    """Counts, missing, illegal, moments, histogram and distinct values of every column.

    Everything is an exact count, an exact sum or a maximum, so a profile of parts merged in any order equals, bit
    for bit, the profile of all rows in one pass.

    Parameters
    ----------
    layout : Layout
        What is counted.

    Examples
    --------
    >>> import polars as pl
    >>> from modelward.profiles import Layout
    >>> frame = pl.DataFrame({"age": [float(20 + i % 50) for i in range(1000)]})
    >>> layout = Layout.fit(frame)
    >>> one, two = Profile(layout), Profile(layout)
    >>> one.update(layout.encode(frame[:300])[0])
    >>> two.update(layout.encode(frame[300:])[0])
    >>> both = one.merge(two)
    >>> both.rows, both.mean(0), both.missing.tolist()
    (1000, 44.5, [0])
    """

    def __init__(self, layout: Layout) -> None:
        d = len(layout.points)
        self.layout = layout
        self.rows = 0
        self.counts = np.zeros((d, layout.arrays[0].shape[1] + 2), dtype=np.int64)
        self.counters = np.zeros((d, COUNTERS), dtype=np.int64)
        self.registers = np.zeros((d, REGISTERS), dtype=np.uint8)
        self.repeats = np.zeros((d, REPEATS), dtype=np.int64)
        self._limbs = np.zeros((d, 2, LIMBS), dtype=np.int64)
        self._loose = 0
        self.texts = {name: TextProfile(held) for name, held in layout.texts.items()}

    def update(self, X: NDArray[np.float64], texts: Mapping[str, Iterable[Any]] | None = None) -> None:
        """Add rows.

        Parameters
        ----------
        X : ndarray of float64, shape (n, d)
            Encoded rows (`Layout.encode`); none is allowed.
        texts : mapping of str to texts, optional
            Of the rows (`Layout.texts_of`), by column; without them words are not counted.

        Raises
        ------
        InputError
            If they have another number of columns, or texts another number of rows.
        """
        X = np.ascontiguousarray(X, dtype=np.float64)
        held_texts = {name: list(held) for name, held in (texts or {}).items() if name in self.texts}
        if any(len(held) != len(X) for held in held_texts.values()):
            raise InputError(
                f"a column of texts has another number of rows than the table: {len(X)} are needed"
            )
        if X.ndim != 2 or X.shape[1] != len(self.counts):
            raise InputError(
                f"rows of shape {X.shape} do not fit a profile of {len(self.counts)} columns: "
                "encode them with its layout"
            )
        for start in range(0, len(X), _ROWS_AT_ONCE):
            part = X[start : start + _ROWS_AT_ONCE]
            held: tuple[Any, ...] = (self.counts, self.counters, self._limbs, self.registers, self.repeats)
            scan(*(part, part.view(np.int64), *self.layout.arrays, *held))
            self._loose += len(part)
            # A limb takes 2**33 at most from one row; it must stay below 2**63.
            if self._loose > _ROWS_AT_ONCE:
                self._settle()
        self.rows += len(X)
        for name, held_text in held_texts.items():
            self.texts[name].update(held_text)

    def merge(self, other: Profile) -> Profile:
        """Return the profile of the rows of both.

        Raises
        ------
        InputError
            If their layouts differ.
        """
        if other.layout.digest != self.layout.digest:
            raise InputError(
                "the profiles have different layouts (schema, bins or values): make one with the layout of the other"
            )
        self._settle()
        other._settle()
        out = Profile(self.layout)
        out.rows = self.rows + other.rows
        out.counts = self.counts + other.counts
        out.counters = self.counters + other.counters
        out.registers = np.maximum(self.registers, other.registers)
        out.repeats = self.repeats + other.repeats
        out._limbs = self._limbs + other._limbs
        out._settle()
        out.texts = {name: held.merge(other.texts[name]) for name, held in self.texts.items()}
        return out

    @property
    def missing(self) -> NDArray[np.int64]:
        """Missing values, shape (d,)."""
        return np.asarray(self.counters[:, MISSING])

    @property
    def illegal(self) -> NDArray[np.int64]:
        """Values outside the schema, shape (d,); infinite ones and missing ones that must not be among them."""
        return np.asarray(self.counters[:, ILLEGAL])

    @property
    def present(self) -> NDArray[np.int64]:
        """Finite values, shape (d,)."""
        return np.asarray(self.counters[:, PRESENT])

    @property
    def infinite(self) -> NDArray[np.int64]:
        """Infinite values, shape (d,); they are in no bin and no moment."""
        return np.asarray(self.counters[:, INFINITE])

    @property
    def repeated(self) -> NDArray[np.int64]:
        """Finite values in the fullest of 256 buckets of equal values, shape (d,); 0 of columns counted by value.

        One value that is repeated cannot have fewer; where all differ it is little more than a 256th of them.
        """
        return np.asarray(self.repeats.max(axis=1))

    def mean(self, j: int) -> float:
        """Return the mean of column j's finite values, rounded once; NaN where there are none."""
        n = int(self.counters[j, PRESENT] - self.counters[j, HUGE])
        if not n:
            return math.nan
        return float(Fraction(self.layout.centre[j]) + _sums.to_fraction(self._limbs[j, 0]) / n)

    def variance(self, j: int) -> float:
        """Return the variance (divisor n) of column j's finite values; NaN where there are none.

        Squares of distances from the layout's centre are rounded one by one, their sum is exact.
        """
        n = int(self.counters[j, PRESENT] - self.counters[j, HUGE])
        if not n:
            return math.nan
        first, second = (_sums.to_fraction(self._limbs[j, k]) for k in (0, 1))
        return max(0.0, float(second / n - (first / n) ** 2))

    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return means and variances (divisor n) of all columns' finite values, shapes (d,), fast.

        As `mean` and `variance`, but in float64: of the last few bits nothing is promised. NaN where there are
        no values.
        """
        sums = self.sums()
        n = (self.counters[:, PRESENT] - self.counters[:, HUGE]).astype(np.float64)
        n[n == 0] = np.nan
        first = sums[:, 0] / n
        with np.errstate(over="ignore", invalid="ignore"):
            variance = np.maximum(0.0, sums[:, 1] / n - first * first)
        return np.asarray(self.layout.arrays[3] + first), variance

    def sums(self) -> NDArray[np.float64]:
        """Return the sums of distances from the layout's centre and of their squares, shape (d, 2), rounded.

        Of the values that are not too far away to be squared.
        """
        out = np.empty((len(self.counts), 2))
        rounded(self._limbs, out)
        return out

    def distinct(self, j: int) -> float:
        """Estimate how many different finite values column j has, with a standard error of 3.25 %."""
        return estimate(self.registers[j])

    def quantile(self, j: int, q: float) -> Quantile:
        """Return a quantile of column j's finite values, from its histogram.

        It is exact where values are counted one by one and none is "other". Where it lies below or above all
        bins, that end is infinite and the value is the nearest edge.
        """
        points, total = self.layout.points[j], int(self.present[j])
        if not total or not 0 <= q <= 1:
            return Quantile(math.nan, math.nan, math.nan)
        size, held = len(points), self.counts[j]
        if self.layout.by_value[j]:
            known = np.cumsum(held[:size])
            other = int(held[size])
            rank = max(1, math.ceil(q * total))
            if other or not size:
                return Quantile(math.nan, -math.inf, math.inf)
            value = float(points[int(np.searchsorted(known, rank))])
            return Quantile(value, value, value)
        ordered = np.concatenate([[held[size]], held[: size - 1], [held[size + 1]]])
        edges = np.concatenate([[-np.inf], points, [np.inf]])
        reached = np.cumsum(ordered)
        rank = max(1, math.ceil(q * total))
        k = int(np.searchsorted(reached, rank))
        low, high = float(edges[k]), float(edges[k + 1])
        if not (math.isfinite(low) and math.isfinite(high)):
            return Quantile(high if math.isinf(low) else low, low, high)
        before = int(reached[k - 1]) if k else 0
        share = (rank - 0.5 - before) / int(ordered[k])
        return Quantile(low + share * (high - low), low, high)

    def top(self, j: int, k: int = 5) -> tuple[tuple[str, int], ...]:
        """Return column j's most frequent bins or values; those of fewer than ten rows are left out."""
        names = self.layout.slot_names(j)
        order = sorted(range(len(names)), key=lambda s: (-int(self.counts[j, s]), s))
        return tuple((names[s], int(self.counts[j, s])) for s in order[:k] if self.counts[j, s] >= MIN_ROWS)

    def to_json(self) -> str:
        """Return the profile as JSON; equal profiles give equal texts."""
        from modelward.profiles._serial import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Profile:
        """Return the profile that `to_json` wrote.

        Raises
        ------
        InputError
            If it is no profile, of another version, or contradicts itself.
        """
        from modelward.profiles._serial import from_json

        return from_json(text)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that was counted, for `from_arrays`."""
        self._settle()
        held: dict[str, NDArray[Any]] = {
            "counts": self.counts, "counters": self.counters, "registers": self.registers,
            "repeats": self.repeats,
        }  # fmt: skip
        out = {k: v.copy() for k, v in held.items()} | {
            "sums": self._limbs.copy(), "rows": np.array(self.rows)
        }  # fmt: skip
        for k, text in enumerate(self.texts.values()):
            out |= {f"text{k}/{name}": array for name, array in text.arrays().items()}
        return out

    @classmethod
    def from_arrays(cls, layout: Layout, held: Mapping[str, NDArray[Any]]) -> Profile:
        """Return the profile that `arrays` was taken of.

        Raises
        ------
        InputError
            If it is none of this layout, or contradicts itself.
        """
        out = cls(layout)
        try:
            out.rows = int(held["rows"])
            out.counts[:] = held["counts"]
            out.counters[:] = held["counters"]
            out.registers[:] = held["registers"]
            out.repeats[:] = held["repeats"]
            out._limbs[:] = held["sums"]
        except (KeyError, ValueError, TypeError, OverflowError):
            raise InputError("its figures are damaged: make it anew") from None
        seen = out.present + out.missing + out.infinite
        whole = (out.counts.sum(axis=1) == out.present).all() and (seen == out.rows).all()
        whole &= (out.repeats.sum(axis=1) == np.where(layout.by_value, 0, out.present)).all()
        least = min(out.counts.min(initial=0), out.counters.min(initial=0), out.repeats.min(initial=0))
        if not whole or least < 0 or out.registers.max(initial=0) > _MOST_REGISTER:
            raise InputError("its figures are damaged: make it anew")
        for k, (name, text) in enumerate(layout.texts.items()):
            start = f"text{k}/"
            own = {key.removeprefix(start): part for key, part in held.items() if key.startswith(start)}
            out.texts[name] = TextProfile.from_arrays(text, own)
        return out

    def _settle(self) -> None:
        carry(self._limbs)
        self._loose = 0
