"""What of a window's profile is watched: its size, moments of every column, and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.monitoring._reading import LEAST_ROWS, arcs, moments, read_off, tally
from modelward.profiles._kernels import ILLEGAL, INFINITE, MISSING
from modelward.profiles._text import LENGTHS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.profiles import Layout, Profile, TextProfile

DENSE = 5.0
"""Counts of at least so many an hour are watched as shares; rarer ones as Poisson counts."""
_INNER = 16
_WORDS, _PAIRS = 100, 30
"""Words, and pairs of words, of a column of texts that are watched as shares, the most frequent of the reference."""
_TOLD = ("texts with unseen words", "invisible characters", "without words")
UNSEEN_WORD = "one unseen word"
"""The most frequent of the words that the reference has not."""
_STILL = 1e-3
"""Of the spread of what a column's bins stand for: under this it stands still."""
REPEATED = "one repeated value"
"""The most frequent value of a column with bins: a sensor that hangs, the same row sent again and again."""
PLAIN = (f": {REPEATED}", ": missing", ": infinite", ": outside the schema")
"""How counts end that are of no bin, value or word."""
_COUNTERS = ((MISSING, "missing"), (INFINITE, "infinite"), (ILLEGAL, "outside the schema"))


@dataclass(frozen=True, slots=True)
class Count:
    """Rows of a window that have something in common, such as a bin of one column."""

    column: str
    what: str

    @property
    def name(self) -> str:
        """The series' name."""
        return f"{self.column}: {self.what}"


class Plan:
    """Turns the profile of a window into series.

    Parameters
    ----------
    layout : Layout
        Of the profiles.
    ratio : ndarray of float64, shape (d,), optional
        Of each column the standard deviation over the one that is read off its bins, as `shape` measures it.
    """

    def __init__(self, layout: Layout, ratio: NDArray[np.float64] | None = None) -> None:
        self._ratio = np.ones(len(layout.points)) if ratio is None else ratio
        self.measured = tuple(j for j, c in enumerate(layout.schema) if not c.coded)
        self.names = (
            "rows",
            *(f"{layout.names[j]}: {what}" for what in ("mean", "spread") for j in self.measured),
        )
        self.counts: list[Count] = []
        width = max((len(p) for p in layout.points), default=0)
        self._group = np.full((len(layout.points), max(width, 1) + 2), -1, dtype=np.int64)
        for j, column in enumerate(layout.names):
            # Sentences are no categories: their words are watched instead.
            if column not in layout.texts:
                self._slots(layout, j, column)
        self._slot_counts = len(self.counts)
        self.counts += [Count(column, what) for _, what in _COUNTERS for column in layout.names]
        self._binned = np.flatnonzero(~np.asarray(layout.by_value))
        self._steady = slice(len(self.counts), len(self.counts) + len(self._binned))
        self.counts += [Count(layout.names[j], REPEATED) for j in self._binned.tolist()]
        self.texts = tuple(layout.texts)
        self._rare: list[int] = []
        for column, text in layout.texts.items():
            self._rare += range(len(self.counts) + _WORDS, len(self.counts) + len(text.words))
            self.counts += [Count(column, f"word '{word}'") for word in text.words]
            self.counts += [Count(column, f"words '{a} {b}'") for a, b in list(text.pairs)[:_PAIRS]]
            self.counts += [Count(column, what) for what in (*_TOLD, UNSEEN_WORD, *_lengths())]
        self._stands, self._spreads = _representatives(layout, self._group.shape[1])
        apart = [
            float(np.std(s[u])) if s[u].size else np.nan
            for s, u in zip(self._stands, self._spreads, strict=True)
        ]
        self._least = _STILL * np.array(apart)
        self._measured = np.array(self.measured, dtype=np.int64)
        self._shown = np.array([k for k, _ in _COUNTERS], dtype=np.int64)
        self._centre = layout.arrays[3]

    def _slots(self, layout: Layout, j: int, column: str) -> None:
        size, names = len(layout.points[j]), layout.slot_names(j)
        inner = size if layout.by_value[j] else size - 1
        each = max(1, -(-inner // _INNER))
        for start in range(0, inner, each):
            stop = min(inner, start + each)
            self._group[j, start:stop] = len(self.counts)
            if stop - start == 1:
                what = names[start]
            elif layout.by_value[j]:
                what = f"{names[start]} and {stop - start - 1} more"
            else:
                what = f"{names[start].split(' to ')[0]} to {names[stop - 1].split(' to ')[-1]}"
            self.counts.append(Count(column, what))
        outer = (
            ((size, "never seen"),)
            if layout.by_value[j]
            else ((size, names[size]), (size + 1, names[size + 1]))
        )
        for slot, what in outer:
            self._group[j, slot] = len(self.counts)
            self.counts.append(Count(column, what))

    def count(self, profile: Profile) -> NDArray[np.float64]:
        """Return the numbers of rows of `counts`."""
        out = np.empty(len(self.counts))
        tally(
            profile.counts, profile.counters, profile.repeats, self._group, self._shown, self._binned,
            self._slot_counts, out,
        )  # fmt: skip
        place = self._steady.stop
        for column in self.texts:
            words = _text_counts(profile.texts[column], profile.rows)
            out[place : place + len(words)] = words
            place += len(words)
        return out

    def dense(self, mean: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which counts are watched as shares, given their mean in an hour, shape (C,).

        The largest of many buckets is no Poisson count however small it is. Words beyond the hundred most frequent are
        always taken for rare: that they become frequent is all that is looked for.
        """
        out = np.asarray(mean >= DENSE)
        out[self._rare] = False
        out[self._steady] = True
        return out

    def measure(self, profile: Profile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the series of `names`, and the numbers of rows of `counts`."""
        m = len(self.measured)
        out = np.empty(1 + 2 * m)
        out[0] = np.log1p(profile.rows)
        moments(
            profile.counters, profile.sums(), self._centre, self._read_off(profile.counts), self._least,
            self._ratio, self._measured, out[1:],
        )  # fmt: skip
        return out, self.count(profile)

    def shape(self, profile: Profile) -> NDArray[np.float64]:
        """Return of each column its standard deviation over the one read off its bins, shape (d,)."""
        exact, read = np.sqrt(profile.moments()[1]), self._read_off(profile.counts)
        known = (read > 0) & (exact > 0)
        return np.asarray(np.where(known, exact, 1.0) / np.where(known, read, 1.0))

    def _read_off(self, held: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return standard deviations read off the bins, shape (d,).

        What lies in an outer bin or beyond counts as the edge of it that is further in, so a few far values, such as
        heavy tails have in any hour, do not make a spread jump; they are counted in bins of their own.
        """
        out = np.empty(len(held))
        read_off(held, self._stands, self._spreads, out)
        return out


def unseen_word(series: str, column: str, profile: Profile) -> str:
    """Return the word behind a series of unseen words, if ten texts of the window had it; else an empty one."""
    text = profile.texts.get(column)
    if text is None or series not in (f"{column}: {UNSEEN_WORD}", f"{column}: {_TOLD[0]}"):
        return ""
    return next((word for word, _ in text.fresh()), "")


def _lengths() -> list[str]:
    named = [("no word" if not k else f"{1 << k - 1} to {(1 << k) - 1} words") for k in range(LENGTHS)]
    named[1], named[-1] = "1 word", f"{1 << LENGTHS - 2} words or more"
    return named


def _text_counts(text: TextProfile, rows: int) -> NDArray[np.float64]:
    told = text.counted()
    counts = np.concatenate(
        [
            text.docs, text.pairs[:_PAIRS], [told[what] for what in _TOLD], [text.buckets.max()], text.lengths,
        ]
    ).astype(np.float64)  # fmt: skip
    if text.rows == rows:
        return counts
    # Encoded rows come without texts: of the others the shares are known.
    return counts * (rows / text.rows) if text.rows >= LEAST_ROWS else np.full(len(counts), np.nan)


def _representatives(layout: Layout, width: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return of each slot the value that it stands for in a spread, and whether it does, shapes (d, width)."""
    stands, used = np.zeros((len(layout.points), width)), np.zeros((len(layout.points), width), dtype=bool)
    for j, points in enumerate(layout.points):
        size = len(points)
        if layout.by_value[j]:
            stands[j, :size], used[j, :size] = points, True
            continue
        middles = (points[:-1] + points[1:]) / 2
        if size > 3:
            middles[0], middles[-1] = points[1], points[-2]
        stands[j, : size - 1], used[j, : size + 2] = middles, True
        used[j, size - 1] = False
        stands[j, size], stands[j, size + 1] = middles[0], middles[-1]
    return stands, used


def shares(counts: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
    """Return counts as arcsines of root shares, whose noise does not depend on the share; NaN for few rows."""
    out = np.empty(len(counts))
    arcs(counts, rows, out)
    return out
