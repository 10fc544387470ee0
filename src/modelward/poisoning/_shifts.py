"""How two tables differ, column by column and group by group: what drift and tampering have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._at_once import at_once
from modelward.poisoning._bulk import distance
from modelward.poisoning._bulk_maps import name_bulk_map
from modelward.poisoning._cells import MOST_LABELS
from modelward.poisoning._coded import MISSING
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._row_names import row_names
from modelward.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelward.poisoning._align import Tables

_ALPHA = 0.005
_FEW_VALUES = 12
_PARTS = 4
_MOST_ROWS = 40
_MOST_GROUPS = 4_000
_DRAWN = 100
_MOST_BARS = 16
_MOST_MAPS = 40


@dataclass(frozen=True)
class ColumnShift:
    """One column in the new table, and in the reference if there is one.

    Parameters
    ----------
    name : str
    kind : {"numbers", "words"}
    missing, missing_before : float
        Share of the rows without a value; before is NaN without a reference.
    step, step_before : float
        The largest power of ten of which at least 99 % of the numbers are multiples; NaN where there is none.
    distance : float
        Largest difference of the distribution functions of numbers (Kolmogorov–Smirnov), half the summed difference
        of the shares of words (total variation), missing values being a value; NaN without a reference.
    histogram : tuple of (str, float, float)
        Values or rounded ranges with the share of new and of earlier rows (NaN without a reference); those with fewer
        than ten rows in all are left out.
    departs : bool
        Whether samples of one distribution differ as much in fewer than 0.5 % of tables (union bound over columns);
        False for a column that numbers the rows, of which every table has its own.
    how : str
        The map of the whole column that explains it: ``"× 1000"``; empty if none does.
    """

    name: str
    kind: str
    missing: float
    missing_before: float
    step: float
    step_before: float
    distance: float
    departs: bool
    histogram: tuple[tuple[str, float, float], ...] = ()
    how: str = ""


@dataclass(frozen=True)
class GroupRate:
    """How often a label is found in a group of rows of both tables.

    Parameters
    ----------
    group : str
        A value, or a range with rounded ends, of one column.
    label : str
    rate : Proportion
        In the new table.
    before : Proportion or None
        In the reference; None without one.
    """

    group: str
    label: str
    rate: Proportion
    before: Proportion | None

    @property
    def gap(self) -> float:
        """New rate minus earlier rate, in standard errors of the gap; 0 without a reference."""
        if self.before is None:
            return 0.0
        hits, rows = self.rate.successes + self.before.successes, self.rate.n + self.before.n
        share = hits / rows
        error = math.sqrt(max(share * (1 - share), 1e-12) * (1 / self.rate.n + 1 / self.before.n))
        return (self.rate.value - self.before.value) / error


def column_shifts(t: Tables) -> tuple[ColumnShift, ...]:
    """Compare every column that both tables have; free text is left out."""
    n, out = t.new.height, []
    d, moved = len(t.coded.names), []
    numbered = [] if t.old is None else row_names(t.coded, n)
    for j, name in enumerate(t.coded.names):
        size = t.coded.sizes(j) + 1
        new = np.bincount(t.coded.codes[j][:n] + 1, minlength=size)
        old = np.bincount(t.coded.codes[j][n:] + 1, minlength=size)
        values = t.coded.words[j]
        numbers = None if isinstance(values, tuple) else values
        gap, departs = math.nan, False
        if t.old is not None:
            gap, chance = distance(new, old, ordered=numbers is not None)
            if numbers is not None:
                # A small shift moves no distribution function far, but every value that many rows have.
                chance = 2 * min(chance, distance(new, old, ordered=False)[1])
            departs = chance * d < _ALPHA and j not in numbered
            moved += [j] if departs else []
        out.append(
            ColumnShift(
                name, "words" if numbers is None else "numbers", float(new[0] / n),
                float(old[0] / old.sum()) if t.old is not None else math.nan,
                _step(numbers, new[1:]), _step(numbers, old[1:]), gap, departs,
                _histogram(t, j) if d <= _DRAWN or departs else (),
            )
        )  # fmt: skip
    fresh = np.arange(t.coded.rows) < n
    some = moved[:_MOST_MAPS]
    maps = at_once([partial(name_bulk_map, t.coded, fresh, j, some) for j in some])
    for j, how in zip(some, maps, strict=True):
        out[j] = replace(out[j], how=how)
    return tuple(out)


def _step(values: NDArray[np.float64] | None, counts: NDArray[np.int64]) -> float:
    if values is None or not counts.any():
        return math.nan
    here = counts > 0
    held, weight = values[here], counts[here] / counts.sum()
    if not np.any(held):
        return math.nan
    for step in 10.0 ** np.arange(6, -7, -1):
        scaled = held / step
        if weight[np.abs(scaled - np.round(scaled)) <= 1e-6].sum() >= 0.99:
            return float(step)
    return math.nan


def _histogram(t: Tables, j: int) -> tuple[tuple[str, float, float], ...]:
    n = t.new.height
    m = t.coded.rows - n
    out = []
    for text, rows in groups_of(t, j, 8):
        new, old = int(rows[:n].sum()), int(rows[n:].sum())
        if new + old >= MIN_ROWS:
            out.append((text, new / n, old / m if m else math.nan))
    return tuple(out[:_MOST_BARS])


def group_rates(t: Tables) -> tuple[GroupRate, ...]:
    """Compare label rates group by group, those that differ most first; without a reference, the rarest and commonest.

    Groups of fewer than ten rows in either table are left out.
    """
    if t.y is None or len(t.labels) < 2:
        return ()
    n = t.new.height
    labels = [len(t.labels) - 1] if len(t.labels) == 2 else list(range(min(len(t.labels), 10)))
    out: list[GroupRate] = []
    for text, rows in _groups(t):
        if len(out) >= _MOST_GROUPS:
            break
        fresh, old = t.y[:n][rows[:n]], t.y[n:][rows[n:]]
        if len(fresh) < MIN_ROWS or (t.old is not None and len(old) < MIN_ROWS):
            continue
        for label in labels:
            before = None if t.old is None else Proportion(int((old == label).sum()), len(old))
            now = Proportion(int((fresh == label).sum()), len(fresh))
            out.append(GroupRate(text, t.labels[label], now, before))
    if t.old is not None:
        return tuple(sorted(out, key=lambda r: -abs(r.gap))[:_MOST_ROWS])
    return tuple(sorted(out, key=lambda r: -r.rate.value)[:_MOST_ROWS])


def label_shift(t: Tables) -> GroupRate | None:
    """Return the label whose share of all rows moved most against the reference, if chance alone hardly moves it so."""
    if t.y is None or t.old is None or len(t.labels) < 2 or len(t.labels) > MOST_LABELS:
        return None
    n = t.new.height
    rates = [
        GroupRate(
            "all rows", word, Proportion(int((t.y[:n] == k).sum()), n),
            Proportion(int((t.y[n:] == k).sum()), len(t.y) - n),
        )
        for k, word in enumerate(t.labels)
    ]  # fmt: skip
    # Of two labels that mirror each other the later one is named, as everywhere.
    most = max(reversed(rates), key=lambda rate: abs(rate.gap))
    chance = math.erfc(abs(most.gap) / math.sqrt(2)) * len(rates)
    return most if chance < _ALPHA else None


def _groups(t: Tables) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for j, name in enumerate(t.coded.names):
        for text, rows in groups_of(t, j, _PARTS):
            yield f"{name} {text}", rows


def groups_of(t: Tables, j: int, parts: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Give a column's values if they are few, else parts of it with rounded ends."""
    codes, values = t.coded.codes[j], t.coded.words[j]
    if (codes == MISSING).any():
        yield "is missing", codes == MISSING
    if len(values) <= _FEW_VALUES or isinstance(values, tuple):
        counts = np.bincount(codes[codes >= 0], minlength=len(values))
        for k in np.flatnonzero(counts >= MIN_ROWS).tolist():
            value = values[k]
            yield f"= {value if isinstance(value, str) else f'{value:.10g}'}", codes == k
        return
    held = np.bincount(codes[codes >= 0], minlength=len(values))
    cuts = _round_cuts(values[held > 0], held[held > 0], parts)
    place = np.searchsorted(cuts, np.append(values, np.nan)[codes], side="right")
    place[codes == MISSING] = -1
    for k in range(len(cuts) + 1):
        if k == 0:
            words = f"< {cuts[0]:.6g}"
        elif k == len(cuts):
            words = f">= {cuts[-1]:.6g}"
        else:
            words = f"{cuts[k - 1]:.6g} to < {cuts[k]:.6g}"
        yield words, place == k


def _round_cuts(values: NDArray[np.float64], counts: NDArray[np.int64], parts: int) -> NDArray[np.float64]:
    """Return quantiles, rounded so that none is a single row's value to the last digit."""
    raw = _quantiles(values, counts, np.linspace(0, 1, parts + 1)[1:-1])
    low, high = _quantiles(values, counts, np.array([0.05, 0.95]))
    spread = float(high - low) or float(np.ptp(values)) or 1.0
    step = 10.0 ** math.floor(math.log10(spread / 10))
    return np.unique(np.round(raw / step) * step)


def _quantiles(
    values: NDArray[np.float64], counts: NDArray[np.int64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the quantiles of values in order that stand in so many rows each, as `numpy.quantile` has them."""
    ends = np.cumsum(counts)
    place = shares * (ends[-1] - 1)
    low, high = (
        values[np.searchsorted(ends, np.floor(place + up), "right").clip(0, len(values) - 1)] for up in (0, 1)
    )
    return np.asarray(low + (high - low) * (place - np.floor(place)))
