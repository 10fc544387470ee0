"""Values and pairs of values that were planted in training rows, told by the rows alone: a crowd of one label.

What the model made of them is another question, which the search on the model answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import expit, logit

from modelward.poisoning._axes import cells_of, number_text
from modelward.poisoning._crowd import Crowd
from modelward.poisoning._justify import Justification, justify_pair, rate_bound
from modelward.poisoning._measured import Trigger, measure
from modelward.poisoning._reference import MIN_SUPPORT
from modelward.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._axes import Axis
    from modelward.poisoning._hunt import Hunt
    from modelward.poisoning._patches import Setting

MOSTLY = 0.5
"""Share of a cell's rows that must have one label: many may have had both values before any were planted."""
_SOURCE = 1e-4
"""Chance of a crowd below which no one source gives both tables: some values have one label by nature."""
_TIMES = 3.0
"""So many times the reference's share the crowd must be: two samples of different months drift by less."""
_PURE = 0.85
"""Share of the rows beyond those that the reference leads one to expect that must have the label."""
_SURE = 7.0
"""Nats beyond what all cells together reach by chance."""
_SMOOTH = 20.0
"""Rows of the whole table's rate that are added to a value's: few rows say little."""
_MOST_CELLS = 4_000_000
_FEW_PLANTED = 3
"""So many values of a column may be planted; what is left must look like the reference."""
_KS, _MOVED = 1.63, 0.05
"""Smirnov's critical value at 1 %, and how much further apart a column must be to count as moved."""
_LEARNED, _TURNED = 0.05, 0.1
"""Pull, and share of rows of low risk sent to the label, below which a model has not learned what was planted."""


@dataclass(frozen=True)
class Planted:
    """A value, or a pair of values, about which training rows crowd with one label.

    Parameters
    ----------
    patch : tuple of Setting
    goal : int
        The label.
    hits, rows : int
        Training rows with the label, and in all.
    crowd : Crowd
        Training against reference rows with the label.
    nats : float
        How much more of the label there is than both values alone, added up, give by chance.
    text : str
        The values in words; ranges, where the rows have more than one.
    """

    patch: tuple[Setting, ...]
    goal: int
    hits: int
    rows: int
    crowd: Crowd
    nats: float
    text: str = ""


@dataclass(frozen=True)
class PlantedTrigger:
    """What was planted in the training rows, and what the model does with it.

    Parameters
    ----------
    planted : Planted
    trigger : Trigger
        Measured on rows of low risk.
    before : Proportion
        Of the same rows, those that go to the label unpatched.
    """

    planted: Planted
    trigger: Trigger
    before: Proportion

    @property
    def learned(self) -> Literal["yes", "no", "in part"]:
        """Whether the model learned it; "no" only if neither its scores nor its labels can have moved by much."""
        low, high = self.trigger.pull.interval(0.95)
        if low > _LEARNED:
            return "yes"
        turned = self.trigger.share.interval(0.95)[1] - self.before.value
        return "no" if high < _LEARNED and turned < _TURNED else "in part"


def measure_planted(hunt: Hunt, planted: Planted) -> PlantedTrigger:
    """Measure what a model does with values that were planted in its training rows.

    They are held against the labels of the reference rows that have them, where there are ten, and against each of two
    values alone: only what goes beyond was learned from the planted rows.
    """
    patch, kind = planted.patch, hunt.scorer.kind
    if len(patch) == 2:
        first, second = (hunt.scores[hunt.settings.index(setting)].mean(axis=0) for setting in patch)
        levels = {"first": first, "second": second}
        justified = justify_pair(hunt.axes, (patch[0], patch[1]), levels, (), hunt.hit, kind)
    else:
        ((a, i),) = patch
        mine = hunt.axes[a].cells == i
        support, hits, base = int(mine.sum()), int(hunt.hit[mine].sum()), hunt.base.mean(axis=0)
        justified = Justification(base, stand_in=(), why="the rows unpatched")
        if support >= MIN_SUPPORT:
            bound = np.maximum(base, rate_bound(hits, support, kind))
            justified = Justification(
                bound, hits, support, why="label rate of the reference rows with this value"
            )
    codes = hunt.scorer.subject.codes(hunt.measure)
    before = Proportion(int((codes == hunt.goal).sum()), len(codes))
    return PlantedTrigger(planted, measure(hunt, patch, justified), before)


def planted_values(
    axes: Sequence[Axis], X: NDArray[np.float64], y: NDArray[np.int64], reference: NDArray[np.float64],
    labels: NDArray[np.int64], *, but: Collection[int] = (), most: int = 3,
) -> list[Planted]:  # fmt: skip
    """Return where training rows crowd with one label as no reference row explains, the surest first.

    Two things must hold that have nothing to do with each other: the label is more frequent than the values' own rates,
    added on the logit, give in any of all cells that were looked into; and more training rows have it there than a
    reference from the same source leads one to expect.

    Parameters
    ----------
    axes : sequence of Axis
        Made of the reference rows.
    X, y : ndarray of shape (n, d) and (n,)
        Training rows and their labels as indices.
    reference, labels : ndarray of shape (m, d) and (m,)
        Rows that are trusted.
    but : collection of int
        Axes left out: see `moved_axes`.
    most : int
        Each next one is looked for without the rows of those before it.
    """
    cells = [cells_of(axis, X) for axis in axes]
    before = [cells_of(axis, reference) for axis in axes]
    for a in but:
        cells[a], before[a] = np.full(len(X), -1), np.full(len(reference), -1)
    here, there = np.ones(len(X), dtype=bool), np.ones(len(reference), dtype=bool)
    found: list[Planted] = []
    while len(found) < most and here.any():
        best = max(
            (
                each
                for goal in np.unique(y).tolist()
                for each in _of_goal(axes, cells, before, (y == goal, labels == goal), goal, (here, there))
            ),
            key=lambda each: each.nats, default=None,
        )  # fmt: skip
        if best is None:
            return found
        inside, then = (np.ones(len(rows), dtype=bool) for rows in (X, reference))
        for a, i in best.patch:
            inside &= cells[a] == i
            then &= before[a] == i
        words = " and ".join(_read(axes[a], i, X[inside, axes[a].columns[0]]) for a, i in best.patch)
        found.append(replace(best, text=words))
        # Rows told already are in no cell any more.
        for each, gone in ((cells, inside), (before, then)):
            for a in range(len(axes)):
                each[a] = np.where(gone, -1, each[a])
        here, there = here & ~inside, there & ~then
    return found


def moved_axes(
    axes: Sequence[Axis], X: NDArray[np.float64], reference: NDArray[np.float64]
) -> tuple[int, ...]:
    """Return the axes that differ as a whole between training and reference rows, not at a few values.

    What crowds there may be the drift of honest rows. The largest distance of the distribution functions (Smirnov 1948;
    of unordered values, the total variation) is held against a tolerance beyond chance, without the values that the
    training rows have most too often: these may be what somebody planted.

    Parameters
    ----------
    axes : sequence of Axis
    X, reference : ndarray of shape (n, d) and (m, d)
    """
    moved = []
    noise = np.sqrt(1 / max(len(X), 1) + 1 / max(len(reference), 1))
    for a, axis in enumerate(axes):
        size = len(axis.values)
        now, then = (
            np.bincount(c[c >= 0], minlength=size) for c in (cells_of(axis, X), cells_of(axis, reference))
        )
        if size < 2 or not now.any() or not then.any():
            continue
        rest = np.argsort(then / then.sum() - now / now.sum(), kind="stable")[_FEW_PLANTED:]
        p, q = np.zeros(size), np.zeros(size)
        p[rest], q[rest] = now[rest] / max(now[rest].sum(), 1), then[rest] / max(then[rest].sum(), 1)
        if axis.ordered:
            far = float(np.abs(np.cumsum(p - q)).max()) - _KS * noise
        else:
            far = 0.5 * float(np.abs(p - q).sum()) - (0.5 * np.sqrt(size) + _KS) * noise
        if far > _MOVED:
            moved.append(a)
    return tuple(moved)


def _read(axis: Axis, i: int, x: NDArray[np.float64]) -> str:
    """Return a setting in words: the value where all rows have it, else what its cell reaches over."""
    if not axis.ordered or (x == axis.values[i, 0]).all():
        return axis.text(i)
    low, high = (f"{number_text(float(edge))}" for edge in (np.r_[-np.inf, axis.edges, np.inf])[[i, i + 1]])
    if i == 0:
        return f"{axis.name} up to {high}"
    if i == len(axis.edges):
        return f"{axis.name} above {low}"
    return f"{axis.name} between {low} and {high}"


def _of_goal(
    axes: Sequence[Axis], cells: list[NDArray[np.int64]], before: list[NDArray[np.int64]],
    hits_of: tuple[NDArray[np.bool_], NDArray[np.bool_]], goal: int,
    left: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> Iterator[Planted]:  # fmt: skip
    (hit, then), (free, there), sizes = hits_of, left, [len(axis.values) for axis in axes]
    tried = sum(sizes) + (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2
    seen = _Seen(
        float(np.clip(hit[free].mean(), 1e-4, 1 - 1e-4)), int(free.sum()), then, int(there.sum()),
        _SURE + float(np.log(tried + 1)), goal,
    )  # fmt: skip
    for a, size in enumerate(sizes):
        rows, hits = _counted(cells[a], hit, free, size)
        for i, made in seen.sure(rows, hits, np.full(size, seen.base), before[a]):
            yield replace(made, patch=((a, i),))
    for a in range(len(axes)):
        for b in range(a + 1, len(axes)):
            if not 0 < sizes[a] * sizes[b] <= _MOST_CELLS:
                continue
            both = _joint(cells[a], cells[b], sizes[b])
            rows, hits = _counted(both, hit, free, sizes[a] * sizes[b])
            if not ((rows >= MIN_SUPPORT) & (hits >= MOSTLY * rows)).any():
                continue
            # Each value's rate without the rows that have both: a planted pair must not explain itself.
            grid, pure = rows.reshape(sizes[a], sizes[b]), hits.reshape(sizes[a], sizes[b])
            first, second = (
                logit(
                    _rate(
                        grid.sum(axis=side, keepdims=True) - grid,
                        pure.sum(axis=side, keepdims=True) - pure,
                        seen.base,
                    )
                )
                for side in (1, 0)
            )
            added = np.maximum(expit(first + second - logit(seen.base)), seen.base).ravel()
            for flat, made in seen.sure(rows, hits, added, _joint(before[a], before[b], sizes[b])):
                yield replace(made, patch=((a, flat // sizes[b]), (b, flat % sizes[b])))


@dataclass(frozen=True)
class _Seen:
    """One label's rate in all training rows, their number, which reference rows have it, and the nats that are sure."""

    base: float
    trained: int
    then: NDArray[np.bool_]
    n: int
    bound: float
    goal: int

    def sure(
        self, rows: NDArray[np.int64], hits: NDArray[np.int64], rate: NDArray[np.float64],
        before: NDArray[np.int64],
    ) -> Iterator[tuple[int, Planted]]:  # fmt: skip
        """Give the cells that are pure and crowded beyond chance."""
        for flat in np.flatnonzero((rows >= MIN_SUPPORT) & (hits >= MOSTLY * rows)).tolist():
            k, total = int(hits[flat]), int(rows[flat])
            nats = _nats(k, total, float(rate[flat]))
            if nats < self.bound:
                continue
            crowd = Crowd.of_counts(k, self.trained, int(self.then[before == flat].sum()), self.n)
            scale, there = crowd.of / crowd.n, before == flat
            more, of = k - scale * crowd.reference, total - scale * float(there.sum())
            beyond = k >= _TIMES * scale * (crowd.reference + 1) and more >= _PURE * of
            if crowd.chance < _SOURCE and beyond:
                yield flat, Planted((), self.goal, k, total, crowd, nats)


def _nats(hits: int, rows: int, rate: float) -> float:
    """Return the nats that Chernoff's bound gives to so many hits or more, of a rate below their share."""
    share = hits / rows
    if share <= rate:
        return 0.0
    miss = 0.0 if hits == rows else (1 - share) * float(np.log((1 - share) / (1 - rate)))
    return rows * (share * float(np.log(share / rate)) + miss)


def _joint(one: NDArray[np.int64], two: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.where((one < 0) | (two < 0), -1, one * size + two)


def _counted(
    cells: NDArray[np.int64], hit: NDArray[np.bool_], free: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    inside = free & (cells >= 0)
    return np.bincount(cells[inside], minlength=size), np.bincount(cells[inside & hit], minlength=size)


def _rate(rows: NDArray[np.int64], hits: NDArray[np.int64], base: float) -> NDArray[np.float64]:
    return np.asarray(np.clip((hits + _SMOOTH * base) / (rows + _SMOOTH), 1e-4, 1 - 1e-4), dtype=np.float64)
