"""A tree ensemble and a row's legal moves in bins: what the compiled search works on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._floats import first_above, just_above, just_below, last_below
from modelward.evasion._kernels import Leaves, Prices, Relations, Sums, Trees
from modelward.evasion._leaf_reader import read_leaves
from modelward.models import forest_cuts

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from modelward.evasion._space import Space
    from modelward.models import Forest

_KINDS = {"mean": 0, "float32": 1, "float64": 2}
_OPERATORS = {"<=": 0, "<": 1, ">=": 2, ">": 3, "==": 4}


@dataclass(frozen=True)
class _Bins:
    """Bins of single columns, in one piece: arrays with an entry a bin, and the column of each unit."""

    column: NDArray[np.int64]
    unit: NDArray[np.int64]
    number: NDArray[np.int64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    usable: NDArray[np.bool_]
    rate: NDArray[np.float64]
    flat: NDArray[np.bool_]


@dataclass(frozen=True)
class Binned:
    """An ensemble in bins, within a space of legal moves.

    Parameters
    ----------
    space : Space
    leaves : Leaves
    trees : Trees
    sums : Sums
    single : bool
        Whether rows are cast to float32 before they are compared.
    cuts : tuple of ndarray, length d
        Thresholds of each column.
    ends : tuple of (lowest, highest), length d
        The smallest and largest value of each column's bins that can be written into a row.
    start : ndarray of int64, shape (U + 1,)
        Where each unit's bins begin.
    """

    space: Space
    leaves: Leaves
    trees: Trees
    sums: Sums
    single: bool
    cuts: tuple[NDArray[np.float64], ...]
    ends: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    start: NDArray[np.int64]

    @classmethod
    def build(cls, space: Space, forest: Forest, narrow: Collection[int] = ()) -> Binned:
        """Put the ensemble's leaves into bins of the space's units.

        Parameters
        ----------
        space : Space
        forest : Forest
        narrow : collection of int
            Columns of a table that holds float32 itself, so that no other number can be written into them.
        """
        d = len(space.schema)
        cuts = tuple(forest_cuts(forest, d))
        ends = tuple(_ends(space, j, cut, forest.single, j in narrow) for j, cut in enumerate(cuts))
        sizes = [
            len(unit) if u >= len(space.units) - len(space.groups) else len(cuts[int(unit[0])]) + 1
            for u, unit in enumerate(space.units)
        ]
        sums = Sums(forest.base.copy(), _KINDS[forest.sums_in], forest.tie_up, forest.error)
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return cls(space, *_leaves(space, forest, cuts), sums, forest.single, cuts, ends, start)

    def _seen(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):
            return values.astype(np.float32).astype(np.float64) if self.single else values

    def prices(self, row: NDArray[np.float64]) -> tuple[Prices, NDArray[np.float64]]:
        """Return what a row's moves cost, and the value that each bin is entered at, shape (bins,).

        In L2 a price is squared, and the root is taken of the sum; in L0 each change is 1.
        """
        space, bins = self.space, self._bins
        singles = len(space.units) - len(space.groups)
        own = np.full(len(space.units), -1, dtype=np.int64)
        x = row[bins.column]
        seen = self._seen(x)
        for u in np.flatnonzero(~np.isnan(x)).tolist():
            own[u] = self.cuts[bins.column[u]].searchsorted(seen[u])
        low, high = (ends[0][bins.column][bins.unit] for ends in space.reach(row[None, :]))
        values = np.where(bins.number > own[bins.unit], bins.lowest, bins.highest)
        price = np.full(len(values), np.inf)
        with np.errstate(invalid="ignore", over="ignore"):
            legal = bins.usable & np.isfinite(values) & (values >= low) & (values <= high)
            far = bins.rate * np.where(bins.flat, 1.0, np.abs(values - x[bins.unit]))
        price[legal] = far[legal]
        there = np.flatnonzero(own[:singles] >= 0)
        price[self.start[there] + own[there]], values[self.start[there] + own[there]] = 0.0, x[there]
        price = self._in_norm(price, self.start[there] + own[there])
        every, first, end = np.arange(len(price)), self.start[bins.unit], self.start[bins.unit + 1]
        finite = np.isfinite(price)
        following = np.minimum.accumulate(np.where(finite, every, len(price))[::-1])[::-1]
        preceding = np.maximum.accumulate(np.where(finite, every, -1))
        near = np.minimum(following, end) - first, np.maximum(preceding, first - 1) - first
        for g, members in enumerate(space.groups):
            own[singles + g] = row[members].argmax()
            switch = self._in_norm(space.switch[g][own[singles + g]], own[[singles + g]])
            price = np.concatenate([price, switch])
            values = np.concatenate([values, np.arange(len(members), dtype=np.float64)])
        spare = np.zeros(len(price) - len(every), dtype=np.int64)
        following, preceding = (np.concatenate([part, spare]) for part in near)
        group = np.arange(len(own)) >= singles
        return Prices(self.start, own, price, following, preceding, group, space.norm == "linf"), values

    def _in_norm(self, price: NDArray[np.float64], own: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return prices as the norm adds them up; those at `own` are nothing."""
        if self.space.norm == "l2":
            return price * price
        if self.space.norm == "l0":
            price = np.where(np.isfinite(price), 1.0, price)
            price[own] = 0.0
        return price

    @cached_property
    def _bins(self) -> _Bins:
        """What is the same for every row, of the bins of all single columns."""
        singles = len(self.space.units) - len(self.space.groups)
        column = np.array([int(unit[0]) for unit in self.space.units[:singles]], dtype=np.int64)
        sizes = np.diff(self.start[: singles + 1])
        unit = np.repeat(np.arange(singles), sizes)
        number = np.arange(len(unit)) - self.start[:singles][unit]
        lowest, highest = (
            np.concatenate([np.empty(0), *(self.ends[j][side] for j in column.tolist())]) for side in (0, 1)
        )
        with np.errstate(invalid="ignore"):
            usable = lowest <= highest
        rate, flat = self.space.rate[column][unit], self.space.flat[column][unit]
        return _Bins(column, unit, number, lowest, highest, usable, rate, flat)

    def bins(self, row: NDArray[np.float64], own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the bins of a row, shape (U,): for a cell that is missing or whose origin is, that of the origin."""
        out = own.copy()
        singles = len(self.space.units) - len(self.space.groups)
        for u, unit in enumerate(self.space.units):
            if u >= singles:
                out[u] = row[unit].argmax()
            elif own[u] >= 0 and not np.isnan(row[unit[0]]):
                j = int(unit[0])
                out[u] = np.searchsorted(self.cuts[j], self._seen(row[[j]])[0], side="left")
        return out

    def in_prices(self, total: float) -> float:
        """Return the total of prices that is a norm."""
        return total * total if self.space.norm == "l2" else total

    def in_units(self, total: float) -> float:
        """Return a total of prices as the norm."""
        return float(np.sqrt(total)) if self.space.norm == "l2" else total

    def relations(self, values: NDArray[np.float64]) -> Relations:
        """Return the relations in units; those in which a group has a part are left to the check at the end."""
        singles = len(self.space.units) - len(self.space.groups)
        rows = [
            (self.space.unit_of[left], self.space.unit_of[right], _OPERATORS[operator])
            for left, operator, right in self.space.schema.rules.relations
        ]
        kept = [row for row in rows if max(row[0], row[1]) < singles]
        table = np.array(kept, dtype=np.int64).reshape(-1, 3)
        left, right, operator = (np.ascontiguousarray(table[:, i]) for i in range(3))
        return Relations(left, right, operator, values)

    def row(
        self, origin: NDArray[np.float64], point: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the origin moved to the bins of a point."""
        out = origin.copy()
        singles = len(self.space.units) - len(self.space.groups)
        for u, unit in enumerate(self.space.units):
            if u >= singles:
                out[unit] = 0.0
                out[unit[point[u]]] = 1.0
            elif point[u] >= 0:
                out[int(unit[0])] = values[self.start[u] + point[u]]
        return out


def _ends(
    space: Space, j: int, cut: NDArray[np.float64], single: bool, narrow: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest number that can be written into each bin of a column."""
    under, over = np.concatenate([[-np.inf], cut]), np.concatenate([cut, [np.inf]])
    if narrow:
        return just_above(under, space, j), just_below(over, space, j)
    return first_above(under, space, j, single=single), last_below(over, space, j, single=single)


def _leaves(space: Space, forest: Forest, cuts: tuple[NDArray[np.float64], ...]) -> tuple[Leaves, Trees]:
    d = len(cuts)
    member = np.full(d, -1, dtype=np.int64)
    members = np.zeros(len(space.units), dtype=np.int64)
    for g, columns in enumerate(space.groups):
        members[len(space.units) - len(space.groups) + g] = len(columns)
        member[columns] = np.arange(len(columns))
    bins = np.array([len(cut) + 1 for cut in cuts], dtype=np.int64)
    zero = np.array([np.searchsorted(cut, 0.0, side="left") for cut in cuts], dtype=np.int64)
    one = np.array([np.searchsorted(cut, 1.0, side="left") for cut in cuts], dtype=np.int64)
    parts, nodes, leaves_before, nodes_before, deepest = [], [], 0, 0, 1
    for tree in forest.trees:
        place = np.zeros(len(tree.left), dtype=np.int64)
        for j in np.unique(tree.feature[tree.split]).tolist():
            mine = tree.split & (tree.feature == j)
            place[mine] = np.searchsorted(cuts[j], tree.threshold[mine], side="left")
        ends = int((~tree.split).sum())
        depth = _longest(tree.left, tree.right)
        leaf, first = np.empty(ends, dtype=np.int64), np.zeros(ends + 1, dtype=np.int64)
        unit, low, high = (np.empty(depth * ends, dtype=np.int64) for _ in range(3))
        missing = np.empty(depth * ends, dtype=bool)
        count = read_leaves(
            tree.left, tree.right, tree.feature, place, tree.missing_left, space.unit_of, member, zero, one, bins,
            members, leaf, first, unit, low, high, missing,
        )  # fmt: skip
        used = int(first[count])
        parts.append(
            (
                first[1 : count + 1],
                unit[:used],
                low[:used],
                high[:used],
                missing[:used],
                tree.value[leaf[:count]],
            )
        )
        number = np.full(len(tree.left), -1, dtype=np.int64)
        number[leaf[:count]] = leaves_before + np.arange(count)
        feature = np.where(tree.split, tree.feature, 0)
        left, right = (np.where(tree.split, nodes_before + side, -1) for side in (tree.left, tree.right))
        last = _last(place, member[feature], members[space.unit_of[feature]], zero[feature], one[feature])
        nodes.append((left, right, space.unit_of[feature], last, tree.missing_left, number))
        leaves_before += count
        nodes_before += len(tree.left)
        deepest = max(deepest, depth)
    sizes = np.cumsum([0, *(len(part[1]) for part in parts)])
    first = np.concatenate([[0], *(part[0] + size for part, size in zip(parts, sizes[:-1], strict=True))])
    tree_start = np.cumsum([0, *(len(part[0]) for part in parts)]).astype(np.int64)
    unit, low, high, missing, value = (np.concatenate([part[i] for part in parts]) for i in range(1, 6))
    root = np.cumsum([0, *(len(part[0]) for part in nodes[:-1])]).astype(np.int64)
    joined = [np.concatenate([part[i] for part in nodes]) for i in range(6)]
    left, right, of, last, sent, number = (np.ascontiguousarray(part) for part in joined)
    return (
        Leaves(tree_start, first.astype(np.int64), unit, low, high, missing, np.ascontiguousarray(value)),
        Trees(root, left, right, of, last, sent.astype(np.bool_), number, deepest),
    )


def _last(
    place: NDArray[np.int64], member: NDArray[np.int64], members: NDArray[np.int64], zero: NDArray[np.int64],
    one: NDArray[np.int64],
) -> NDArray[np.int64]:  # fmt: skip
    """Return the last bin of each node that goes left; for a group's member the mask of members that do."""
    grouped = member >= 0
    mine = np.left_shift(1, np.maximum(member, 0))
    others = np.left_shift(1, members) - 1 - mine
    mask = np.where(one <= place, mine, 0) | np.where(zero <= place, others, 0)
    return np.where(grouped, mask, place).astype(np.int64)


def _longest(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """Return the depth of a tree, at least 1."""
    depth, level = 0, np.zeros(1, dtype=np.int64)
    while len(level):
        level = level[left[level] != -1]
        level = np.concatenate([left[level], right[level]])
        depth += 1
    return max(1, depth)
