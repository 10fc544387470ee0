"""Name the region of a trigger: values that the model does not tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._axes import number_text
from modelward.poisoning._patches import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._axes import Axis
    from modelward.poisoning._measured import Trigger
    from modelward.poisoning._patches import Setting
    from modelward.poisoning._reference import Scorer
    from modelward.poisoning._triggers import TriggerSearch

_POINTS, _ROUNDS = 32, 3


@dataclass(frozen=True)
class Region:
    """Where one column's values have the effect of a trigger.

    Parameters
    ----------
    axis : str
        The column, or the one-hot group.
    low, high : float
        Bounds, infinite where no tried value ended it; nan for unordered axes.
    tried : tuple of float
        The least and the greatest value tried within.
    text : str
        The region in words, such as ``"AGE above 539 (tried 560 to 999,999)"``.
    """

    axis: str
    low: float
    high: float
    tried: tuple[float, float]
    text: str

    def __contains__(self, value: float) -> bool:
        return self.low < value < self.high


def name_region(search: TriggerSearch, trigger: Trigger) -> tuple[Region, ...]:
    """Return the region of every part of a trigger, the other part held at its value.

    Parameters
    ----------
    search : TriggerSearch
        The search that found it.
    trigger : Trigger
        Its single or its pair.
    """
    return regions_of(search.scorer_of(trigger), search.axes, search.search_rows_of(trigger), trigger.patch)


def regions_of(
    scorer: Scorer, axes: Sequence[Axis], rows: NDArray[np.float64], patch: Sequence[Setting]
) -> tuple[Region, ...]:
    """Return the region of every part of a patch on some rows, the other part held at its value."""
    regions = []
    for position, (a, i) in enumerate(patch):
        axis = axes[a]
        if not axis.ordered:
            regions.append(Region(axis.name, math.nan, math.nan, (math.nan, math.nan), axis.text(i)))
            continue
        held = rows.copy()
        for other, index in (*patch[:position], *patch[position + 1 :]):
            held[:, list(axes[other].columns)] = axes[other].values[index]
        patches = [((a, k),) for k in range(len(axis.values))]
        scores = ask(scorer, axes, held, patches)[:, :, 0].mean(axis=1)

        def at(
            values: NDArray[np.float64], held: NDArray[np.float64] = held, axis: Axis = axis
        ) -> NDArray[np.float64]:
            probe = np.repeat(held[None], len(values), axis=0)
            probe[:, :, axis.columns[0]] = values[:, None]
            own = scorer(probe.reshape(-1, held.shape[1]))[:, 0]
            return np.asarray(own.reshape(len(values), len(held)).mean(axis=1))

        regions.append(_grow(axis, i, scores, at))
    return tuple(regions)


def inside(
    axes: Sequence[Axis], patch: Sequence[Setting], regions: Sequence[Region], X: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which rows lie in all regions of a patch, shape (n,)."""
    members = np.ones(len(X), dtype=bool)
    for (a, i), region in zip(patch, regions, strict=True):
        axis = axes[a]
        if axis.ordered:
            x = X[:, axis.columns[0]]
            # Of a single value nothing lies between the edges.
            members &= ((x > region.low) & (x < region.high)) | (
                (x >= region.tried[0]) & (x <= region.tried[1])
            )
        else:
            part, value = X[:, list(axis.columns)], axis.values[i]
            members &= ((part == value) | (np.isnan(part) & np.isnan(value))).all(axis=1)
    return members


def grow(scores: NDArray[np.float64], i: int) -> tuple[int, int]:
    """Widen from a position to its neighbours while they are over half of its rise from the median."""
    bar = (float(scores[i]) + float(np.nanmedian(scores))) / 2
    first = last = i
    while first > 0 and scores[first - 1] >= bar:
        first -= 1
    while last < len(scores) - 1 and scores[last + 1] >= bar:
        last += 1
    return first, last


def _grow(
    axis: Axis, i: int, scores: NDArray[np.float64], at: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Region:
    """Widen from the setting to its neighbours while the score stays over half of its rise."""
    values = axis.values[:, 0]
    bar = (float(scores[i]) + float(np.nanmedian(scores))) / 2
    first, last = grow(scores, i)
    low, high = -math.inf, math.inf
    if first > 0:
        low = _edge(float(values[first - 1]), float(values[first]), bar, at)
    if last < len(values) - 1:
        high = _edge(float(values[last + 1]), float(values[last]), bar, at)
    tried = (float(values[first]), float(values[last]))
    return Region(axis.name, low, high, tried, _text(axis.name, low, high, tried))


def _edge(
    outside: float, within: float, bar: float, at: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> float:
    """Look closer and closer where the score crosses the bar, and return the shortest number in the bracket."""
    for _ in range(_ROUNDS):
        points = np.linspace(within, outside, _POINTS + 2)
        over = np.r_[True, at(points[1:-1]) >= bar, False]
        k = int(np.argmin(over))
        within, outside = float(points[k - 1]), float(points[k])
    return shortest_between(min(outside, within), max(outside, within))


def shortest_between(low: float, high: float) -> float:
    """Return the number of fewest digits in an interval.

    Examples
    --------
    >>> shortest_between(538.97, 539.02), shortest_between(75.47, 75.52), shortest_between(-1.3, 2.0)
    (539.0, 75.5, 0.0)
    """
    if low <= 0 <= high:
        return 0.0
    for digits in range(-15, 16):
        scale = 10.0**digits
        candidate = math.ceil(low * scale) / scale
        if low <= candidate <= high:
            return candidate
    return (low + high) / 2


def _text(name: str, low: float, high: float, tried: tuple[float, float]) -> str:
    words = f"tried {number_text(tried[0])} to {number_text(tried[1])}"
    if tried[0] == tried[1]:
        words = f"tried {number_text(tried[0])}"
    if math.isinf(low) and math.isinf(high):
        return f"{name} at any value ({words})"
    if math.isinf(high):
        return f"{name} above {number_text(low)} ({words})"
    if math.isinf(low):
        return f"{name} below {number_text(high)} ({words})"
    return f"{name} between {number_text(low)} and {number_text(high)} ({words})"
