"""TextProfile: what texts look like, counted in one pass and in bounded memory."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.findings import MIN_ROWS
from modelward.profiles._words import LONGEST, MOST_CHARACTERS, bits, invisible, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from modelward.profiles._text_layout import TextLayout

FRESH = 512
"""Words that the reference has not which are counted one by one."""
BUCKETS = 256
"""Where all such words are counted, many of them together."""
LENGTHS = 17
"""Bins of texts by their number of words: 0, 1, 2 to 3, 4 to 7, and so on."""
COUNTED = (
    "rows", "missing", "no text", "without words", "too long", "invisible characters", "characters", "words",
    "unseen words", "texts with unseen words",
)  # fmt: skip
_ROWS, _MISSING, _NO_TEXT, _WORDLESS, _LONG, _INVISIBLE, _CHARACTERS, _WORDS, _UNSEEN, _TEXTS = range(10)
_CACHE = 50_000
_BITS = 48


@dataclass(frozen=True, slots=True)
class Rise:
    """A word, or two, and the shares of texts that it was in.

    Parameters
    ----------
    word : str
    before, now : float
        Shares of texts: in the reference, and here.
    score : float
        The difference in standard errors.
    """

    word: str
    before: float
    now: float
    score: float


class TextProfile:
    """Words and pairs with their document frequencies, unseen words, lengths.

    Words of the layout are counted by name. Words that the reference has not are counted in 256 buckets, and one by
    one those 512 of them whose hash is smallest: which words those are depends on nothing but the words, so a profile
    of parts merged in any order equals, bit for bit, the profile of all texts in one pass.

    Words are users' data: whatever is written or shown names a word only if ten texts of the reference had it, or ten
    of those counted here; others are hashes of 48 bits.

    Parameters
    ----------
    layout : TextLayout
        What is counted.

    Examples
    --------
    >>> from modelward.profiles import TextLayout
    >>> layout = TextLayout.fit(["where is my parcel"] * 50)
    >>> profile = TextProfile(layout)
    >>> profile.update(["where is my parcel"] * 30 + ["free bitcoin"] * 10 + [None])
    >>> profile.share("parcel"), profile.unseen_share, profile.fresh()[0]
    (0.75, 0.14285714285714285, ('bitcoin', 10))
    """

    def __init__(self, layout: TextLayout) -> None:
        self.layout = layout
        self.counters = np.zeros(len(COUNTED), dtype=np.int64)
        self.docs = np.zeros(len(layout.words), dtype=np.int64)
        self.times = np.zeros(len(layout.words), dtype=np.int64)
        self.pairs = np.zeros(len(layout.pairs), dtype=np.int64)
        self.lengths = np.zeros(LENGTHS, dtype=np.int64)
        self.buckets = np.zeros(BUCKETS, dtype=np.int64)
        self._fresh: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._bound = 1 << _BITS
        self._known: dict[str, tuple[int, int] | None] = {}

    def update(self, texts: Iterable[Any]) -> None:
        """Add texts; None is missing, anything else that is no string is counted as no text."""
        tally = [0] * len(COUNTED)
        docs: Counter[str] = Counter()
        times: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        named, places = self.layout.places.keys(), self.layout.pair_places.keys()
        for text in texts:
            tally[_ROWS] += 1
            if not isinstance(text, str):
                tally[_MISSING if text is None else _NO_TEXT] += 1
                continue
            found = words(text)
            unique = set(found)
            tally[_CHARACTERS] += len(text)
            tally[_WORDS] += len(found)
            tally[_LONG] += len(text) > MOST_CHARACTERS
            tally[_WORDLESS] += not found
            tally[_INVISIBLE] += invisible(text)
            self.lengths[min(len(found).bit_length(), LENGTHS - 1)] += 1
            times.update(found)
            docs.update(unique)
            pairs.update(places & set(itertools.pairwise(found)))
            tally[_TEXTS] += any(self._unseen(w) is not None for w in unique - named)
        self._add(docs, times, pairs)
        self.counters += np.array(tally, dtype=np.int64)

    def _unseen(self, word: str) -> tuple[int, int] | None:
        """Return the bits of a word that the reference has not, None of one that it has."""
        try:
            return self._known[word]
        except KeyError:
            pass
        if len(self._known) >= _CACHE:
            self._known.clear()
        key = bits(word)
        out = None if self.layout.rest.holds(key[1]) else key
        self._known[word] = out
        return out

    def _add(self, docs: Counter[str], times: Counter[str], pairs: Counter[tuple[str, str]]) -> None:
        places = self.layout.places
        for word, n in docs.items():
            place = places.get(word)
            if place is not None:
                self.docs[place] += n
                self.times[place] += times[word]
            elif (key := self._unseen(word)) is not None:
                self.counters[_UNSEEN] += times[word]
                self.buckets[key[1] % BUCKETS] += n
                self._take({key[0]: n}, {key[0]: word})
        for pair, n in pairs.items():
            self.pairs[self.layout.pair_places[pair]] += n
        if len(self._fresh) > 2 * FRESH:
            self._settle()

    def _settle(self) -> None:
        """Keep the smallest hashes: what a smaller part would have kept of them, it has counted whole."""
        if len(self._fresh) > FRESH:
            kept = sorted(self._fresh)[:FRESH]
            self._bound = min(self._bound, kept[-1])
            self._fresh = {key: self._fresh[key] for key in kept}
            self._names = {key: self._names[key] for key in kept if key in self._names}

    def merge(self, other: TextProfile) -> TextProfile:
        """Return the profile of the texts of both.

        Raises
        ------
        InputError
            If their layouts differ.
        """
        if other.layout.digest != self.layout.digest:
            raise InputError(
                "the profiles of texts have different layouts: make one with the layout of the other"
            )
        out = TextProfile(self.layout)
        for name in _ARRAYS:
            getattr(out, name)[:] = getattr(self, name) + getattr(other, name)
        out._bound = min(self._bound, other._bound)
        out._take(self._fresh, self._names)
        out._take(other._fresh, other._names)
        out._settle()
        return out

    def _take(self, fresh: Mapping[int, int], names: Mapping[int, str]) -> None:
        for key, n in fresh.items():
            if key <= self._bound:
                self._fresh[key] = self._fresh.get(key, 0) + n
                if key in names:
                    self._names[key] = min(names[key], self._names.get(key, names[key]))

    @property
    def rows(self) -> int:
        """Rows, with or without a text."""
        return int(self.counters[_ROWS])

    @property
    def texts(self) -> int:
        """Rows with a text."""
        return int(self.counters[_ROWS] - self.counters[_MISSING] - self.counters[_NO_TEXT])

    @property
    def unseen_share(self) -> float:
        """The share of all words that the reference has not; NaN without words."""
        return _ratio(int(self.counters[_UNSEEN]), int(self.counters[_WORDS]))

    @property
    def mean_words(self) -> float:
        """Words of a text, on average; NaN without texts."""
        return _ratio(int(self.counters[_WORDS]), self.texts)

    def counted(self) -> dict[str, int]:
        """Return the plain counts by name."""
        return dict(zip(COUNTED, self.counters.tolist(), strict=True))

    def share(self, word: str) -> float:
        """Return the share of texts that have a word of the layout; NaN without texts.

        Raises
        ------
        InputError
            If the layout does not name the word.
        """
        place = self.layout.places.get(word)
        if place is None:
            raise InputError(f"the layout does not count the word {word!r} by name")
        return _ratio(int(self.docs[place]), self.texts)

    def tf_idf(self) -> dict[str, float]:
        """Return of each named word its share of all words here times its inverse document frequency before.

        The largest first; words that are not here are left out.
        """
        total = max(1, int(self.counters[_WORDS]))
        pairs = zip(self.layout.words, self.times.tolist(), strict=True)
        scores = {w: n / total * self.layout.idf(w) for w, n in pairs if n}
        return dict(sorted(scores.items(), key=lambda kv: (-kv[1], kv[0])))

    def fresh(self) -> list[tuple[str, int]]:
        """Return words that the reference has not and ten texts here have, with how many, the most frequent first.

        Of more than 512 such words a sample is known.
        """
        self._settle()
        known = [(self._names.get(key, f"#{key:012x}"), n) for key, n in self._fresh.items() if n >= MIN_ROWS]
        return sorted(known, key=lambda wn: (-wn[1], wn[0]))

    def rises(self, k: int = 10) -> list[Rise]:
        """Return the words and pairs whose share of texts moved most beside the reference, unseen words among them."""
        n, before = self.texts, self.layout.documents
        if not n:
            return []
        named = zip(self.layout.words.items(), self.docs.tolist(), strict=True)
        found = [_rise(w, m, before, now, n) for (w, m), now in named]
        paired = zip(self.layout.pairs.items(), self.pairs.tolist(), strict=True)
        found += [_rise(" ".join(p), m, before, now, n) for (p, m), now in paired]
        found += [_rise(w, 0, before, now, n) for w, now in self.fresh()]
        return sorted(found, key=lambda r: (-abs(r.score), r.word))[:k]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that was counted, for `from_arrays`; words of under ten texts as hashes."""
        self._settle()
        keys = sorted(self._fresh)
        held: dict[str, NDArray[Any]] = {name: getattr(self, name).copy() for name in _ARRAYS}
        held["fresh"] = np.array([[k, self._fresh[k]] for k in keys], dtype=np.int64).reshape(-1, 2)
        names = [self._names.get(k, "") if self._fresh[k] >= MIN_ROWS else "" for k in keys]
        held["names"] = np.array(names, dtype=f"<U{LONGEST}")
        held["bound"] = np.array(self._bound)
        return held

    @classmethod
    def from_arrays(cls, layout: TextLayout, held: Mapping[str, NDArray[Any]]) -> TextProfile:
        """Return the profile that `arrays` was taken of.

        Raises
        ------
        InputError
            If it is none of this layout, or contradicts itself.
        """
        out = cls(layout)
        try:
            for name in _ARRAYS:
                part = np.asarray(held[name])
                if (
                    part.shape != getattr(out, name).shape
                    or part.dtype.kind not in "iu"
                    or part.min(initial=0) < 0
                ):
                    raise ValueError
                getattr(out, name)[:] = part
            out._bound = int(held["bound"])
            for (key, n), name in zip(held["fresh"].tolist(), held["names"].tolist(), strict=True):
                if not 0 <= key <= out._bound or n < 1 or key in out._fresh:
                    raise ValueError
                out._fresh[key] = n
                if name:
                    out._names[key] = str(name)[:LONGEST]
            if len(out._fresh) > FRESH or not 0 <= out._bound <= 1 << _BITS:
                raise ValueError
            known = out.docs.max(initial=0), out.pairs.max(initial=0)
            if out.texts != out.lengths.sum() or max(known) > out.texts or (out.times < out.docs).any():
                raise ValueError
            if out.times.sum() + out.counters[_UNSEEN] > out.counters[_WORDS]:
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InputError("its figures of texts are damaged: make it anew") from None
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return the profile for JSON, without its layout: words of under ten texts as hashes."""
        held = self.arrays()
        out: dict[str, Any] = {name: held[name].tolist() for name in _ARRAYS}
        pairs = zip(held["fresh"].tolist(), held["names"].tolist(), strict=True)
        out["fresh"] = [[f"{k:012x}", n, name] for (k, n), name in pairs]
        return out | {"bound": f"{self._bound:012x}"}

    @classmethod
    def from_dict(cls, layout: TextLayout, raw: Any) -> TextProfile:
        """Return the profile that `to_dict` wrote.

        Raises
        ------
        InputError
            If it is none of this layout, or contradicts itself.
        """
        try:
            held = {name: np.array(raw[name], dtype=np.int64) for name in _ARRAYS}
            rows = [[int(k, 16), int(n)] for k, n, _ in raw["fresh"]]
            held["fresh"] = np.array(rows, dtype=np.int64).reshape(-1, 2)
            held["names"] = np.array([str(name) for *_, name in raw["fresh"]], dtype=f"<U{LONGEST}")
            held["bound"] = np.array(int(raw["bound"], 16))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            raise InputError("its figures of texts are damaged: make it anew") from None
        return cls.from_arrays(layout, held)


_ARRAYS = ("counters", "docs", "times", "pairs", "lengths", "buckets")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _rise(word: str, seen: int, before: int, now: int, rows: int) -> Rise:
    pooled = (seen + now + 1) / (before + rows + 2)
    error = math.sqrt(pooled * (1 - pooled) * (1 / before + 1 / rows))
    return Rise(word, seen / before, now / rows, (now / rows - seen / before) / error)
