"""Pairs of values stamped on rows of one label, where many rows have both values by nature.

Such a cell is not pure, so a search for pure rules passes over it. What tells it is its surplus: more rows with the
label than the values next to it (and an earlier sample, where there is one) give, and no more rows without it. A crowd
that nature makes brings rows of all labels, at a rate that the neighbourhood knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import PEELS, Cell
from modelward.poisoning._evidence import ALPHA
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._kernels import count_joint
from modelward.poisoning._pure import edge_rates
from modelward.poisoning._ranges import Range, Rule, rule_mask
from modelward.poisoning._surplus import Told, nats_of_surplus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

MOST_COLUMNS = 40
"""Columns whose pairs of values are counted: those with the values that have most rows of one label in excess."""
_MOST_VALUES = 300
_WINDOW = 0.1
"""Share of the rows that the values next to one hold."""
_FINE = 12
"""Frequent values that a column needs: of two coarse ones any pair is a part of the world with reasons of its own."""
RARE, _PART = 0.03, 0.5
"""The most of all rows, and of those with either value, that may have both: a customer's name names their label."""
_PURE = 0.85
"""Share of the surplus that must have the label."""
_CROWD = 2.0
"""So many times the nats of the pair's largest crowd of other labels the surplus must have."""
_MOST = 0.9
_JUDGED = 60


@dataclass(frozen=True)
class _Axis:
    """A column's frequent values, which one each row has (-1: none), and where those next to each begin and end."""

    column: int
    codes: NDArray[np.int64]
    place: NDArray[np.int32]
    first: NDArray[np.int64]
    end: NDArray[np.int64]

    def without_each(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for every value the sum over the values next to it, along the first axis of a table."""
        sums = np.concatenate([np.zeros((1, *table.shape[1:])), np.cumsum(table, axis=0)])
        return np.asarray(sums[self.end] - sums[self.first] - table)


@dataclass(frozen=True)
class _Stamp:
    """A cell that may be stamped: its rule, what the values next to it give, and nats so far."""

    rule: Rule
    told: tuple[Told, Told]
    rate: float
    nats: float


def stamped_pairs(
    coded: Coded, y: NDArray[np.int64], labels: list[str], n_new: int
) -> tuple[list[Cell], int]:
    """Return pairs of values with a surplus of one label that nothing near them gives, the surest first.

    Parameters
    ----------
    coded : Coded
        New rows, then earlier ones if there are any.
    y : ndarray of shape (n,)
        Positions in `labels`.
    labels : list of str
    n_new : int
        New rows.

    Returns
    -------
    list of Cell
    int
        Columns that were left out because there are too many.
    """
    found: list[Cell] = []
    left_out = 0
    fresh = np.arange(coded.rows) < n_new
    for label in range(len(labels)):
        hit = y == label
        if not MIN_ROWS <= hit[:n_new].sum() <= n_new - MIN_ROWS:
            continue
        axes, left = _axes(coded, hit[:n_new], n_new)
        left_out = max(left_out, left)
        stamps, tried = _stamps(axes, hit[:n_new])
        bound = math.log(max(tried, 1)) + math.log(2 * len(labels) / ALPHA)
        free = np.ones(coded.rows, dtype=bool)
        cells = [
            cell for stamp in stamps[:_JUDGED]
            if stamp.nats >= bound / 2
            and (cell := _judged(coded, hit, fresh, stamp, bound, labels[label])) is not None
        ]  # fmt: skip
        for cell in sorted(cells, key=lambda cell: -cell.score):
            if free[cell.rows].mean() > 0.5 and len(found) < PEELS:
                found.append(cell)
                free[cell.rows] = False
    return sorted(found, key=lambda cell: -cell.score), left_out


def _axes(coded: Coded, new: NDArray[np.bool_], n_new: int) -> tuple[list[_Axis], int]:
    """Return the columns with values that many rows of a label have, the most telling ones."""
    base = float(new.mean())
    axes, strengths = [], []
    for j, every in enumerate(coded.codes):
        codes = every[:n_new] + 1
        rows = np.bincount(codes, minlength=coded.sizes(j) + 1)
        hits = np.bincount(codes[new], minlength=coded.sizes(j) + 1)
        often = np.flatnonzero(hits >= MIN_ROWS)
        often = np.sort(often[np.argsort(-hits[often], kind="stable")[:_MOST_VALUES]])
        if len(often) < _FINE:
            continue
        place = np.full(coded.sizes(j) + 1, -1, dtype=np.int32)
        place[often] = np.arange(len(often))
        edges = (
            _next(rows[often])
            if coded.ordered[j]
            else (np.zeros_like(often), np.full_like(often, len(often)))
        )
        axes.append(_Axis(j, often - 1, place[codes], *edges))
        strengths.append(float((hits[often] - base * rows[often]).max()))
    keep = np.sort(np.argsort(-np.array(strengths), kind="stable")[:MOST_COLUMNS])
    return [axes[k] for k in keep.tolist()], len(axes) - len(keep)


def _next(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each value where the values next to it, which hold enough rows without it, begin and end."""
    sums = np.concatenate([[0], np.cumsum(rows)])
    need = _WINDOW * sums[-1]
    first, end = np.arange(len(rows)), np.arange(1, len(rows) + 1)
    for _ in range(len(rows)):
        short = (sums[end] - sums[first] - rows < need) & ((first > 0) | (end < len(rows)))
        if not short.any():
            break
        first, end = (
            np.where(short, np.maximum(first - 1, 0), first),
            np.where(short, np.minimum(end + 1, len(rows)), end),
        )
    return first, end


def _stamps(axes: list[_Axis], new: NDArray[np.bool_]) -> tuple[list[_Stamp], int]:
    """Return cells with a surplus of rows of a label and hardly others, and how many cells were looked at."""
    base = float(new.mean())
    out: list[_Stamp] = []
    tried = 0
    for p, one in enumerate(axes):
        for two in axes[p + 1 :]:
            counts = np.zeros((len(one.codes), len(two.codes), 2), dtype=np.int64)
            count_joint(one.place, two.place, new, counts)
            m, h = counts[..., 0].astype(float), counts[..., 1].astype(float)
            tried += int((h >= MIN_ROWS).sum())
            with_label, without = _next_to(h, one, two), _next_to(m, one, two)
            more, other = h - with_label.mean, m - without.mean
            score = np.where(more > 0, _over(h, with_label.mean), 0.0)
            noise = 2 * np.sqrt(m + without.mean * without.times + 1)
            may = (h >= MIN_ROWS) & (more >= MIN_ROWS) & (other - noise <= (1 - _PURE) * more)
            both = m + h
            may &= (both <= RARE * len(new)) & (both <= _PART * both.sum(axis=1, keepdims=True))
            may &= both <= _PART * both.sum(axis=0, keepdims=True)
            if may.any():
                # Where values of two columns go together anyway, crowds of one label come with those of all.
                crowds = np.where((other >= MIN_ROWS) & ~may, _over(m, without.mean), 0.0)
                may &= score >= _CROWD * crowds.max()
            for i, k in np.argwhere(may).tolist():
                told = with_label.at(i, k), without.at(i, k)
                sides = [
                    (h[i].sum() - h[i, k], m[i].sum() - m[i, k]),
                    (h[:, k].sum() - h[i, k], m[:, k].sum() - m[i, k]),
                ]
                rate = max(base, *((a + 20 * base) / (a + b + 20) for a, b in sides))
                nats = nats_of_surplus(int(h[i, k]), int(m[i, k]), told, rate)
                rule = (Range(one.column, int(one.codes[i]), int(one.codes[i])),
                        Range(two.column, int(two.codes[k]), int(two.codes[k])))  # fmt: skip
                out.append(_Stamp(rule, told, rate, nats))
    return sorted(out, key=lambda each: -each.nats), tried


def _next_to(table: NDArray[np.float64], one: _Axis, two: _Axis) -> Told:
    """Return what the values next to both lead one to expect in every cell.

    In a neighbourhood so small that one value's share hardly depends on the other, a cell has the share of its row
    times the share of its column. That product is known as well as a Poisson count of the harmonic sum of its parts.
    """
    row = two.without_each(table.T).T + 0.5
    column = one.without_each(table) + 0.5
    rest = two.without_each(one.without_each(table).T).T + 0.5
    count = 1 / (1 / row + 1 / column + 1 / rest)
    return Told(count, row * column / rest / count)


def _over(count: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.maximum(count, 1e-9)
    return np.asarray(held * np.log(held / expected) - (held - expected))


def _judged(
    coded: Coded, hit: NDArray[np.bool_], fresh: NDArray[np.bool_], stamp: _Stamp, bound: float, label: str
) -> Cell | None:
    """Return the cell if its surplus has the label as no honest surplus near it would."""
    inside = rule_mask(stamp.rule, coded)
    here = inside & fresh
    h, m = int((here & hit).sum()), int((here & ~hit).sum())
    rate = max(stamp.rate, *edge_rates(coded, hit, fresh, stamp.rule))
    sources, before = [stamp.told], ""
    if not fresh.all():
        old = inside & ~fresh
        times = np.float64(fresh.sum() / (~fresh).sum())
        b, o = np.float64((old & hit).sum()), np.float64((old & ~hit).sum())
        rate = max(rate, float((b + 20 * rate) / (b + o + 20)))
        earlier = Told(np.asarray(b), np.asarray(times)), Told(np.asarray(o), np.asarray(times))
        sources += [earlier, (stamp.told[0].and_(earlier[0]), stamp.told[1].and_(earlier[1]))]
        before = f"; in the reference {int(b):,} of {int(b + o):,}"
    # Each source by itself must speak for it, and all together beyond chance.
    nats = [nats_of_surplus(h, m, told, min(rate, _MOST)) for told in sources]
    more = min(h - float(told[0].mean) for told in sources)
    if min(nats) < bound / 2 or nats[-1] < bound or more < MIN_ROWS:
        return None
    why = (
        f"about {more:.0f} more rows with label {label} than the values next to these give and hardly more of another; "
        f"{h:,} of {h + m:,} rows have it{before}, next to it at most {rate:.0%}"
    )
    return Cell(stamp.rule, why, True, np.flatnonzero(here), h, h + m, nats[-1])
