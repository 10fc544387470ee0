"""The grid of conditions that a search starts from, and rows under all pairs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._coded import MISSING
from modelward.poisoning._kernels import count_pairs, count_under
from modelward.poisoning._ranges import Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded
    from modelward.poisoning._evidence import Score

MIN_ROWS = 10
MOST_CONDITIONS = 900
_FEW = 100
_SPIKES = 10
_CUTS = 8
_TAILS = (0.02, 0.05, 0.95, 0.98)
MOST_COARSE = 280
_GAPS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.12, 0.18, 0.27, 0.4)
_SHARES = (0.03, 0.97)
_WORD = 64


@dataclass(frozen=True)
class Grid:
    """Conditions and how many there could be.

    Parameters
    ----------
    conditions : tuple of Range
        Those whose pairs are counted.
    language : int
        How many conditions there are by the columns' values alone. The labels choose some of them, so this
        number, and not the one of those chosen, is what a bound over all of them pays for.
    values : int
        Conditions if a cut may be at every value, as after a climb.
    left_out : int
        Conditions whose pairs are not counted because there are too many.
    coarse : tuple of int
        Positions of the conditions whose triples are counted: cuts and values far enough from each other.
    """

    conditions: tuple[Range, ...]
    language: int
    values: int
    left_out: int
    coarse: tuple[int, ...] = ()


def make_grid(
    coded: Coded,
    group: NDArray[np.int64],
    groups: int,
    scores: Sequence[Score],
    need: tuple[int, float] = (0, 0.0),
) -> Grid:
    """Choose conditions: frequent values, quantile cuts, missing values, and values that look best alone.

    Parameters
    ----------
    coded : Coded
        Rows.
    group : ndarray of shape (n,)
        The group of each row.
    groups : int
        Groups.
    scores : sequence of callable
        What the search maximises: counts of shape (..., groups) to scores.
    need : tuple of int and float
        A group, and how many of its rows a condition must cover to be worth a look: a conjunction covers no more.
    """
    found: list[Range] = []
    alone: list[float] = []
    covered: list[int] = []
    language = 0
    for j, codes in enumerate(coded.codes):
        size = coded.sizes(j)
        table = np.bincount((codes.astype(np.int64) + 1) * groups + group, minlength=(size + 1) * groups)
        counts = table.reshape(size + 1, groups)
        ranges, possible = _column_ranges(j, counts, coded.ordered[j], scores)
        language += possible
        sums = np.vstack([np.zeros((1, groups), dtype=counts.dtype), np.cumsum(counts, axis=0)])
        inside = np.array([sums[r.high + 2] - sums[r.low + 1] for r in ranges]).reshape(-1, groups)
        rows = inside.sum(axis=1)
        use = (rows >= MIN_ROWS) & (rows < coded.rows) & (inside[:, need[0]] >= need[1])
        best = np.max([score(inside) for score in scores], axis=0)
        found += [r for r, keep in zip(ranges, use, strict=True) if keep]
        alone += best[use].tolist()
        covered += rows[use].tolist()
    rank = -np.array(alone)
    coarse = _coarse(found, np.array(covered), coded.rows)
    coarse = coarse[np.argsort(rank[coarse], kind="stable")[:MOST_COARSE]]
    # What shows nothing alone may be a part of a triple: such conditions are kept before others.
    first = np.isin(np.arange(len(found)), coarse)
    order = np.sort(np.lexsort((rank, ~first))[:MOST_CONDITIONS])
    chosen = tuple(found[k] for k in order)
    values = sum(
        3 * coded.sizes(j) + 1 if coded.ordered[j] else coded.sizes(j) + 1 for j in range(len(coded.names))
    )
    places = tuple(np.flatnonzero(first[order]).tolist())
    return Grid(chosen, language, values, len(found) - len(chosen), places)


def _coarse(found: list[Range], rows: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Return conditions that cover neither few nor nearly all rows, and of one side of a column not two alike."""
    kept: list[int] = []
    for gap in _GAPS:
        kept = []
        last: dict[tuple[int, int], float] = {}
        for k, (part, count) in enumerate(zip(found, (rows / max(total, 1)).tolist(), strict=True)):
            side = -1 if part.low == part.high else 0 if part.low == 0 else 1
            before = last.get((part.column, side))
            least, most = _SHARES
            if not least <= count <= most or (side < 0 and count < gap):
                continue
            if side < 0 or before is None or abs(count - before) >= gap:
                kept.append(k)
                last[part.column, side] = count
        if len(kept) <= MOST_COARSE:
            break
    return np.array(kept, dtype=np.int64)


def _column_ranges(
    j: int, counts: NDArray[np.int64], ordered: bool, scores: Sequence[Score]
) -> tuple[list[Range], int]:
    """Return a column's ranges and how many its values allow; `counts` has a row for missing, then one a value."""
    found: set[tuple[int, int]] = {(MISSING, MISSING)}
    values = counts[1:]
    rows = values.sum(axis=1)
    often = np.flatnonzero(rows >= MIN_ROWS)
    spikes = often
    if len(often) > _FEW:
        picks = [often[np.argsort(-rows[often], kind="stable")[:_SPIKES]]]
        picks += [often[np.argsort(-score(values[often]), kind="stable")[: _SPIKES // 2]] for score in scores]
        spikes = np.unique(np.concatenate(picks))
    found |= {(int(v), int(v)) for v in spikes}
    last = len(rows) - 1
    if ordered and last >= 1:
        total = np.cumsum(rows)
        if last <= 2 * _CUTS:
            cuts = np.arange(1, last + 1)
        else:
            marks = np.append(np.linspace(0, 1, _CUTS + 2)[1:-1], _TAILS) * total[-1]
            cuts = np.unique(np.append(np.searchsorted(total, marks) + 1, [1, last]))
            cuts = cuts[cuts <= last]
        for cut in cuts.tolist():
            found |= {(cut, last), (0, cut - 1)}
        return [Range(j, *pair) for pair in sorted(found)], len(often) + 2 * len(cuts) + 1
    return [Range(j, *pair) for pair in sorted(found)], len(often) + 1


class Packed:
    """The grid's conditions as bits over rows that are sorted by group.

    Parameters
    ----------
    coded : Coded
    grid : Grid
    group : ndarray of shape (n,)
    groups : int
    """

    def __init__(self, coded: Coded, grid: Grid, group: NDArray[np.int64], groups: int) -> None:
        self.groups, self.grid = groups, grid
        sizes = np.bincount(group, minlength=groups)
        words = -(-sizes // _WORD)
        self.edges = np.concatenate([[0], np.cumsum(words)]).astype(np.int64)
        order = np.argsort(group, kind="stable")
        starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        place = (self.edges[:-1] * _WORD - starts)[group[order]] + np.arange(len(order))
        total = int(self.edges[-1]) * _WORD
        self.place = np.empty(len(order), dtype=np.int64)
        self.place[order] = place
        self.bits = np.zeros((len(grid.conditions), int(self.edges[-1])), dtype=np.uint64)
        column = -1
        held = np.empty(0, dtype=np.int32)
        for k, part in enumerate(grid.conditions):
            if part.column != column:
                column = part.column
                held = np.full(total, -2, dtype=np.int32)
                held[place] = coded.codes[column][order]
            mask = held == part.low if part.low == part.high else (held >= part.low) & (held <= part.high)
            self.bits[k] = np.packbits(mask, bitorder="little").view(np.uint64)
        self.columns = np.array([part.column for part in grid.conditions], dtype=np.int64)

    def pack(self, mask: NDArray[np.bool_]) -> NDArray[np.uint64]:
        """Return rows as bits in the order of the conditions'."""
        held = np.zeros(int(self.edges[-1]) * _WORD, dtype=bool)
        held[self.place] = mask
        return np.asarray(np.packbits(held, bitorder="little").view(np.uint64))

    def singles(self) -> NDArray[np.int32]:
        """Return rows under every condition, shape (c, groups)."""
        return self.under(np.full(int(self.edges[-1]), ~np.uint64(0)))

    def under(self, cover: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return rows under every condition and a cover, shape (c, groups)."""
        out = np.zeros((len(self.bits), self.groups), dtype=np.int32)
        count_under(self.bits, self.edges, cover, out)
        return out

    def pairs(self) -> NDArray[np.int32]:
        """Return rows under every pair, shape (c * (c - 1) / 2, groups)."""
        c = len(self.bits)
        out = np.zeros((c * (c - 1) // 2, self.groups), dtype=np.int32)
        count_pairs(self.bits, self.edges, self.columns, out)
        return out

    def pair(self, position: int) -> tuple[int, int]:
        """Return the two conditions of a pair by its position among all."""
        c = len(self.bits)
        starts = np.cumsum(np.arange(c - 1, 0, -1))
        i = int(np.searchsorted(starts, position, side="right"))
        return i, position - (int(starts[i - 1]) if i else 0) + i + 1
