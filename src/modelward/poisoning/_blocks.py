"""Blocks of rows that follow each other in the file and have one label though their columns give no reason for it.

Such a block makes no rule over the columns. Files that are sorted, or put together from parts, have blocks of one label
as well, but of rows that look like that label's; a block that was relabelled looks like the rest of the file.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD, PEELS, Cell
from modelward.poisoning._evidence import ALPHA
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._pure import risk_strata
from modelward.poisoning._row_names import numbers_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

_ALIKE = 0.05
"""Correlation of a row's label with the next one's from which on the order of the file goes with the label."""
_LEFT = 0.5
"""Share of a label's rate that the rows beside all blocks must keep: a sorted file has none there."""
_LATE = "they are at an end of the file, as rows whose label is not known yet"
_NARROW = 0.5
"""Share of a column's range of rows that a block may fill; then its values, and not its place, describe it."""


def label_blocks(coded: Coded, y: NDArray[np.int64], labels: list[str]) -> list[Cell]:
    """Find blocks of consecutive rows with one label whose columns look like those of the whole table.

    Parameters
    ----------
    coded : Coded
        Rows in the order of the file.
    y : ndarray of shape (n,)
        Positions in `labels`.
    labels : list of str

    Returns
    -------
    list of Cell
        Their rule is empty; where they stand is their `rows`.
    """
    found: list[Cell] = []
    n = len(y)
    bound = math.log(n * n * len(labels) * PEELS / ALPHA)
    for label in range(len(labels)):
        hit = y == label
        base = float(hit.mean())
        if not MIN_ROWS <= hit.sum() <= n - MIN_ROWS or base >= 1 - HARD:
            continue
        gain = np.where(hit, math.log((1 - HARD) / base), math.log(HARD / (1 - base)))
        blocks = segments(gain, bound, PEELS + 1)
        rest = np.ones(n, dtype=bool)
        for first, end, _ in blocks:
            rest[first:end] = False
        if not blocks or len(blocks) > PEELS or not rest.any() or float(hit[rest].mean()) < _LEFT * base:
            continue
        if next_alike(hit, rest) > _ALIKE:
            continue
        for first, end, score in blocks:
            cell = _judged(coded, hit, rest, first, end, labels[label])
            if cell is not None and not _by_values(coded, first, end):
                usual = base >= max(float((y == other).mean()) for other in range(len(labels)))
                late = usual and (first == 0 or end == n)
                found.append(Cell((), *cell, score=score, bound=bound, natural=_LATE if late else ""))
    return sorted(found, key=lambda cell: -cell.score)


def segments(gain: NDArray[np.float64], bound: float, most: int) -> list[tuple[int, int, float]]:
    """Return the disjoint runs of positions with the highest sums beyond a bound, best first.

    Examples
    --------
    >>> segments(np.array([-1.0, 2.0, 3.0, -9.0, 4.0]), 3.5, 5)
    [(1, 3, 5.0), (4, 5, 4.0)]
    """
    left = gain.astype(np.float64).copy()
    out: list[tuple[int, int, float]] = []
    while len(out) < most:
        sums = np.concatenate([[0.0], np.cumsum(left)])
        lowest = np.minimum.accumulate(sums)
        end = int(np.argmax(sums - lowest))
        first = int(np.flatnonzero(sums[: end + 1] == lowest[end])[-1])
        score = float(sums[end] - lowest[end])
        if score <= bound:
            break
        out.append((first, end, score))
        # So much below all others that no later run reaches across it.
        left[first:end] = -float(np.abs(gain).sum()) - 1
    return out


def next_alike(hit: NDArray[np.bool_], rest: NDArray[np.bool_]) -> float:
    """Return the correlation of a row's label with the next row's, beside the blocks."""
    both = rest[1:] & rest[:-1]
    x, then = hit[:-1][both].astype(float), hit[1:][both].astype(float)
    if len(x) < 2 or not x.std() or not then.std():
        return 0.0
    return float(np.corrcoef(x, then)[0, 1])


def _by_values(coded: Coded, first: int, end: int) -> bool:
    """Say whether a block is all the rows with some values of a column, which a rule then describes."""
    for j, codes in enumerate(coded.codes):
        here = codes[first:end]
        if coded.ordered[j]:
            # A row with a value far away does not widen the range.
            low, high = np.quantile(here, [0.02, 0.98], method="nearest")
            like = int(((codes >= low) & (codes <= high)).sum())
        else:
            values, counts = np.unique(here, return_counts=True)
            like = (
                int((codes == values[counts.argmax()]).sum())
                if counts.max() > 0.9 * len(here)
                else len(codes)
            )
        if end - first > _NARROW * like and not numbers_rows(coded, j):
            return True
    return False


def _judged(
    coded: Coded, hit: NDArray[np.bool_], rest: NDArray[np.bool_], first: int, end: int, label: str
) -> tuple[str, bool, NDArray[np.int64], int, int] | None:
    """Say whether the rows of a block look like the table's and not like those with its label elsewhere."""
    strata = risk_strata(coded, hit, rest)
    size = int(strata.max()) + 1
    shares = [
        (np.bincount(strata[rows], minlength=size) + 1) / (rows.sum() + size) for rows in (rest, rest & hit)
    ]
    inside = np.arange(first, end)
    # A likelihood ratio of two distributions that other rows give.
    like_all = float(np.log(shares[0] / shares[1])[strata[inside]].sum())
    hits = int(hit[inside].sum())
    expected = float(hit[rest].mean())
    if like_all < math.log(2 * len(shares) / ALPHA):
        return None
    why = (
        f"{hits:,} of {end - first:,} rows that follow each other in the file have label {label}, elsewhere "
        f"{expected:.0%}; their columns look like those of all rows and not of rows with that label"
    )
    return why, True, inside, hits, end - first
