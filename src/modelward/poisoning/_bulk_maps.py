"""By what map did a whole column change, where no row is in both tables? Read off the two distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._bulk import distance
from modelward.poisoning._coded import MISSING
from modelward.poisoning._grid import MIN_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

_ALIKE = 0.01
_OFTEN = 8
_MOST_WORDS = 60
_SHIFT = "shift"
_RATIO = "ratio"


def name_bulk_map(coded: Coded, fresh: NDArray[np.bool_], j: int, others: Sequence[int] = ()) -> str:
    """Name a map under which a column of new rows has the distribution that it had; empty if none is found.

    Parameters
    ----------
    coded : Coded
        New and earlier rows.
    fresh : ndarray of shape (n,)
        Which are new.
    j : int
        A column that departs from the reference.
    others : sequence of int
        Columns that depart as well, with which it may have changed places.

    Examples
    --------
    >>> from modelward.poisoning._coded import code_tables
    >>> import polars as pl
    >>> old = pl.DataFrame({"age": [20 + (7 * i) % 40 for i in range(2_000)]})
    >>> new = pl.DataFrame({"age": [20 + (11 * i) % 40 for i in range(1_500)]}) * 12
    >>> coded, _ = code_tables([new, old], ["age"])
    >>> name_bulk_map(coded, np.arange(3_500) < 1_500, 0)
    '× 12'
    """
    sides = [coded.codes[j][rows] for rows in (fresh, ~fresh)]
    new, old = (np.bincount(side[side != MISSING], minlength=coded.sizes(j)) for side in sides)
    if not new.any() or not old.any():
        return ""
    values = coded.words[j]
    if isinstance(values, tuple) or not coded.ordered[j]:
        return "by a table of values" if _renamed(new, old) else ""
    for k in others:
        # Two columns that changed places: each has what the other had.
        if k != j and coded.ordered[k] and _same_as(coded, fresh, j, k) and _same_as(coded, fresh, k, j):
            return f"swapped with {coded.names[k]}"
    x, before = (np.asarray(values, dtype=np.float64)[side > 0] for side in (new, old))
    new, old = new[new > 0], old[old > 0]
    if _alike(x, new, before, old):
        return ""
    fits: dict[str, tuple[float, float]] = {}
    glance = _Glance(x, new, old)
    for how, amount, mapped in _candidates(x, new, before, old):
        other = how not in (_SHIFT, _RATIO)
        if (other and fits) or not glance.near(mapped):
            continue
        gap, alike = _compared(x, new, mapped, old)
        if alike and other:
            return how
        if alike:
            fits[how] = min(fits.get(how, (gap, amount)), (gap, amount), key=lambda fit: fit[0])
    if len(fits) > 1 and min(new.max(), old.max()) >= MIN_ROWS:
        # A value that many rows have fits a shift and a factor: a person's number is the shorter one.
        plainest = min(fits, key=lambda how: len(f"{fits[how][1]:.6g}"))
        fits = {plainest: fits[plainest]}
    if fits:
        # Where values hardly repeat, samples of this size may not tell one kind of map from the other.
        several = len(fits) > 1
        said = [_shown(how, _short(amount) if several else amount) for how, (_, amount) in fits.items()]
        return f"about {' or '.join(said)}" if several else said[0]
    return "by a table of values" if len(x) <= _MOST_WORDS and _renamed(new, old) else ""


def _candidates(
    x: NDArray[np.float64], new: NDArray[np.int64], before: NDArray[np.float64], old: NDArray[np.int64]
) -> Iterator[tuple[str, float, NDArray[np.float64]]]:
    """Give maps of the earlier values that are worth a look, the plainer first, with how much they do."""
    yield from ((how, 0.0, mapped) for how, mapped in _rounded(x, before))
    often, then = (
        values[np.argsort(-counts, kind="stable")[:_OFTEN]] for values, counts in ((x, new), (before, old))
    )
    middles = [np.repeat(v, np.minimum(c, 200)) for v, c in ((x, new), (before, old))]
    shifts: list[float] = [float(a - b) for a in often for b in then]
    ends = [(float(x.min()), float(before.min())), (float(x.max()), float(before.max()))]
    shifts += [a - b for a, b in ends]
    shifts.append(_short(float(np.median(middles[0]) - np.median(middles[1]))))
    for shift in dict.fromkeys(s for s in shifts if s):
        yield _SHIFT, shift, before + shift
    ratios: list[float] = [float(a / b) for a in often for b in then if b and a]
    ratios += [a / b for a, b in ends if a and b]
    spread = [float(np.subtract(*np.quantile(m, [0.9, 0.1]))) for m in middles]
    if spread[1] and spread[0]:
        ratios.append(float(10.0 ** np.round(np.log10(spread[0] / spread[1]))))
        ratios += [_short(spread[0] / spread[1]), 1 / _short(spread[1] / spread[0])]
    if all(np.median(m) for m in middles):
        ratios.append(_short(float(np.median(middles[0]) / np.median(middles[1]))))
    for ratio in dict.fromkeys(ratios):
        if ratio not in (0.0, 1.0):
            yield _RATIO, ratio, before * ratio
    low, high = float(x.min()), float(x.max())
    if low > before.min() or high < before.max():
        yield f"cut off at {low:.6g} and {high:.6g}", 0.0, np.clip(before, low, high)


def _shown(kind: str, amount: float) -> str:
    if kind == _SHIFT:
        return f"+ {amount:.6g}" if amount > 0 else f"− {-amount:.6g}"
    part = 1 / amount
    whole = abs(part) > 1 and abs(part - round(part)) < 1e-9 * abs(part)
    return f"÷ {part:.6g}" if whole else f"× {amount:.6g}"


def _rounded(
    x: NDArray[np.float64], before: NDArray[np.float64]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Give the earlier values in steps that all new ones keep and they did not."""
    for digits in range(3, -6, -1):
        step = 10.0**-digits
        if np.any(np.abs(x / step - np.round(x / step)) > 1e-6):
            continue
        # Half to even as Python has it, half up as databases do, and cut down to whole steps.
        for word, rounded in (
            ("rounded", np.round(before, digits)),
            ("rounded", np.sign(before) * np.floor(np.abs(before) / step + 0.5) * step),
            ("cut down", np.floor(before / step) * step),
        ):
            if not np.array_equal(rounded, before):
                yield f"{word} to {step:.6g}", rounded


class _Glance:
    """Are distributions alike at some quantiles? Most candidates go by this look: it costs no sort.

    Parameters
    ----------
    x : ndarray
        Values of new rows, in order.
    new, old : ndarray
        New rows with each of these, and earlier rows with each of theirs, which are in order as well.
    """

    def __init__(
        self,
        x: NDArray[np.float64],
        new: NDArray[np.int64],
        old: NDArray[np.int64],
    ) -> None:
        ends = np.cumsum(new) / new.sum()
        some = np.searchsorted(ends, np.linspace(0.05, 0.95, 19))
        self.at, self.ends = x[some] + 1e-9 * np.abs(x[some]), ends[some]
        self.then = np.append(0.0, np.cumsum(old) / old.sum())
        self.backwards = np.append(0.0, np.cumsum(old[::-1]) / old.sum())
        # Beyond the gap at which Massart's bound gives one in a hundred.
        self.most = 2 * np.sqrt(1 / new.sum() + 1 / old.sum())

    def near(self, mapped: NDArray[np.float64]) -> bool:
        """Say whether earlier values under a map, which keeps their order or turns it round, may be the new ones."""
        turned = mapped[0] > mapped[-1]
        place = np.searchsorted(mapped[::-1] if turned else mapped, self.at, "right")
        gap = np.abs(self.ends - (self.backwards if turned else self.then)[place]).max()
        return bool(gap <= self.most)


def _nine_digits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    size = np.where(values == 0, 1.0, np.abs(values))
    unit = 10.0 ** (np.floor(np.log10(size)) - 8)
    # Divided and multiplied by whole powers, so that equal numbers stay equal.
    return np.asarray(np.round(values / unit) * unit)


def _short(value: float) -> float:
    """Return three digits: a person's factor has few."""
    return float(f"{value:.3g}")


def _alike(
    x: NDArray[np.float64], new: NDArray[np.int64], mapped: NDArray[np.float64], old: NDArray[np.int64]
) -> bool:
    return _compared(x, new, mapped, old)[1]


def _compared(
    x: NDArray[np.float64], new: NDArray[np.int64], mapped: NDArray[np.float64], old: NDArray[np.int64]
) -> tuple[float, bool]:
    """Return the largest gap of two distribution functions, and whether samples of one distribution have such."""
    # Products and quotients of one number differ in their last bits.
    both, place = np.unique(_nine_digits(np.concatenate([x, mapped])), return_inverse=True)
    table = [np.bincount(place[: len(x)], weights=new, minlength=len(both)).astype(np.int64)]
    table.append(np.bincount(place[len(x) :], weights=old, minlength=len(both)).astype(np.int64))
    (gap, chance), (_, other) = (distance(*table, ordered=ordered) for ordered in (True, False))
    return gap, min(chance, other) > _ALIKE


def _same_as(coded: Coded, fresh: NDArray[np.bool_], j: int, k: int) -> bool:
    """Say whether new rows have in one column what earlier rows have in another."""
    sides = []
    for column, rows in ((j, fresh), (k, ~fresh)):
        values = coded.words[column]
        if isinstance(values, tuple):
            return False
        codes = coded.codes[column][rows]
        counts = np.bincount(codes[codes != MISSING], minlength=coded.sizes(column))
        sides.append((values[counts > 0], counts[counts > 0]))
    (x, new), (before, old) = sides
    if not len(x) or not len(before) or len(np.intersect1d(x[:50], before)) == 0:
        return False
    return _Glance(x, new, old).near(before) and _alike(x, new, before, old)


def _renamed(new: NDArray[np.int64], old: NDArray[np.int64]) -> bool:
    """Say whether both have the same shares of rows, whatever value has them."""
    new, old = (np.sort(side[side > 0])[::-1] for side in (new, old))
    size = max(len(new), len(old))
    table = [np.pad(side, (0, size - len(side))) for side in (new, old)]
    return size > 1 and distance(*table, ordered=False)[1] > _ALIKE
