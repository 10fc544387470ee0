"""TextLayout: which words and pairs of words are counted by name, fixed once on reference texts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from modelward.errors import InputError
from modelward.findings import MIN_ROWS
from modelward.profiles._words import LONGEST, Filter, bits, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_WORDS = 1000
MOST_PAIRS = 300
_MOST_KEPT = 400_000
"""Different words, and pairs, that are held while a layout is learned; rare ones make room, and are then new later."""
T = TypeVar("T", str, tuple[str, str])


@dataclass(frozen=True, eq=False)
class TextLayout:
    """What is counted in texts.

    Parameters
    ----------
    documents : int
        Texts of the reference.
    words : mapping of str to int
        Words that are counted by name, and in how many reference texts they were: in ten at least, the most
        frequent first.
    pairs : mapping of (str, str) to int
        The same of two words that follow each other.
    rest : Filter
        All other words of the reference, as bits that name nobody.

    Examples
    --------
    >>> layout = TextLayout.fit(["where is my parcel"] * 10 + ["call Mr Xerxes"])
    >>> list(layout.words), layout.seen("xerxes"), layout.seen("bitcoin")
    (['is', 'my', 'parcel', 'where'], True, False)
    """

    documents: int
    words: Mapping[str, int]
    pairs: Mapping[tuple[str, str], int]
    rest: Filter

    @classmethod
    def fit(
        cls, texts: Iterable[str | None], *, most_words: int = MOST_WORDS, most_pairs: int = MOST_PAIRS
    ) -> TextLayout:
        """Learn the words of reference texts.

        Parameters
        ----------
        texts : iterable of str or None
            Texts that are believed to be honest.
        most_words, most_pairs : int
            How many are counted by name.

        Raises
        ------
        InputError
            If there is no text with a word.
        """
        held: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        documents = 0
        for text in texts:
            if isinstance(text, str):
                documents += 1
                found = words(text)
                held.update(set(found))
                pairs.update(set(pairwise(found)))
                if len(held) > _MOST_KEPT:
                    held = _without_rare(held)
                if len(pairs) > _MOST_KEPT:
                    pairs = _without_rare(pairs)
        if not held:
            raise InputError("a layout of texts needs reference texts with words: there are none")
        named = _frequent(held, most_words)
        rest = sorted(set(held) - set(named))
        return cls(documents, named, _frequent(pairs, most_pairs), Filter.of(rest))

    def seen(self, word: str) -> bool:
        """Say whether the reference has a word; of those that it has not, few are taken for seen."""
        return word in self.words or self.rest.holds(bits(word)[1])

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each named word is counted."""
        return {word: k for k, word in enumerate(self.words)}

    @cached_property
    def pair_places(self) -> dict[tuple[str, str], int]:
        """Where each named pair is counted."""
        return {pair: k for k, pair in enumerate(self.pairs)}

    def idf(self, word: str) -> float:
        """Return the inverse document frequency of a word in the reference, smoothed as scikit-learn does."""
        return math.log((1 + self.documents) / (1 + self.words.get(word, 0))) + 1.0

    @cached_property
    def digest(self) -> str:
        """Identifies the layout: profiles of the same digest can be merged."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return the layout for JSON."""
        return {
            "documents": self.documents,
            "words": list(self.words.items()),
            "pairs": [[*pair, n] for pair, n in self.pairs.items()],
            "rest": base64.b64encode(bytes(self.rest.data)).decode(),
            "hashes": self.rest.hashes,
        }

    @classmethod
    def from_dict(cls, raw: Any) -> TextLayout:
        """Return the layout that `to_dict` wrote.

        Raises
        ------
        InputError
            If it is none.
        """
        try:
            named = {_word(w): int(n) for w, n in raw["words"]}
            pairs = {(_word(a), _word(b)): int(n) for a, b, n in raw["pairs"]}
            data, hashes = bytearray(base64.b64decode(raw["rest"], validate=True)), int(raw["hashes"])
            documents = int(raw["documents"])
            counts = [*named.values(), *pairs.values()]
            power = len(data) & (len(data) - 1) == 0
            if not 8 <= len(data) <= 1 << 20 or not power or not 1 <= hashes <= 16:
                raise ValueError
            if len(named) != len(raw["words"]) or len(pairs) != len(raw["pairs"]):
                raise ValueError
            if min(counts, default=0) < 0 or max(counts, default=0) > documents or len(counts) > 200_000:
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError, binascii.Error):
            raise InputError("it holds no layout of texts") from None
        return cls(documents, named, pairs, Filter(data, hashes))


def is_prose(texts: Iterable[Any]) -> bool:
    """Say whether half of the texts (of the first thousand) have three words or more: names and keys have fewer."""
    first = list(islice((t for t in texts if isinstance(t, str) and t.strip()), 1000))
    return bool(first) and 2 * sum(len(words(t)) >= 3 for t in first) >= len(first)


def _word(raw: Any) -> str:
    if not isinstance(raw, str) or not 1 <= len(raw) <= LONGEST:
        raise ValueError("no word")
    return raw


def _frequent(counts: Counter[T], most: int) -> dict[T, int]:
    kept = [(k, n) for k, n in counts.items() if n >= MIN_ROWS]
    return dict(sorted(kept, key=lambda kn: (-kn[1], kn[0]))[:most])


def _without_rare(counts: Counter[T]) -> Counter[T]:
    """Return the more frequent half, so that memory stays bounded."""
    return Counter(dict(counts.most_common(_MOST_KEPT // 2)))
