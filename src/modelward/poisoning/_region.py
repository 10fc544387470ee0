"""Name the region of a trigger: values that the model does not tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._axes import number_text
from modelward.poisoning._hunt import grow
from modelward.poisoning._patches import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.poisoning._axes import Axis
    from modelward.poisoning._triggers import Trigger, TriggerSearch

_BISECTIONS = 16


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
    scorer = search.scorer_of(trigger)
    regions = []
    for position, (a, i) in enumerate(trigger.patch):
        axis = search.axes[a]
        if not axis.ordered:
            regions.append(Region(axis.name, math.nan, math.nan, (math.nan, math.nan), axis.text(i)))
            continue
        rest = trigger.patch[:position] + trigger.patch[position + 1 :]
        rows = search.search_rows_of(trigger).copy()
        for other, index in rest:
            rows[:, list(search.axes[other].columns)] = search.axes[other].values[index]
        patches = [((a, k),) for k in range(len(axis.values))]
        scores = ask(scorer, search.axes, rows, patches)[:, :, 0].mean(axis=1)

        def at(value: float, rows: NDArray[np.float64] = rows, axis: Axis = axis) -> float:
            probe = rows.copy()
            probe[:, axis.columns[0]] = value
            return float(scorer(probe)[:, 0].mean())

        regions.append(_grow(axis, i, scores, at))
    return tuple(regions)


def _grow(axis: Axis, i: int, scores: NDArray[np.float64], at: Callable[[float], float]) -> Region:
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


def _edge(outside: float, inside: float, bar: float, at: Callable[[float], float]) -> float:
    """Bisect to where the score crosses the bar, and return the shortest number in the bracket."""
    for _ in range(_BISECTIONS):
        middle = (outside + inside) / 2
        if at(middle) >= bar:
            inside = middle
        else:
            outside = middle
    return shortest_between(min(outside, inside), max(outside, inside))


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
