"""From a text to its words, and from a word to bits that are the same on every machine."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 40
"""Characters of a word that are looked at."""
MOST_CHARACTERS = 20_000
"""Characters of a text that are looked at; longer texts are counted."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_DIGITS = re.compile(r"\d+")
# Zero-width and direction marks, tags, and control characters that no keyboard sends.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)


def words(text: str) -> list[str]:
    """Return the words of a text in order: folded case and width, every run of digits as ``0``.

    Invisible characters are taken out first: they would cut a word in two.

    Examples
    --------
    >>> words("Don't pay 1,250 € to Ｐａｙ_Pal")
    ["don't", 'pay', '0', '0', 'to', 'pay', 'pal']
    """
    text = text[:MOST_CHARACTERS]
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold().replace("’", "'")
    else:
        text = text.lower()
    return [w[:LONGEST] for w in _WORD.findall(_DIGITS.sub("0", text))]


def invisible(text: str) -> bool:
    """Say whether a text has characters that nobody sees."""
    return _INVISIBLE.search(text[:MOST_CHARACTERS]) is not None


def bits(word: str) -> tuple[int, int]:
    """Return 48 bits that order and name a word, and 64 others for filters and buckets."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=14).digest()
    return int.from_bytes(digest[:6], "big"), int.from_bytes(digest[6:], "big")


class Filter:
    """A set of words as bits: every word that was put in is found, and few others are (Bloom 1970).

    Parameters
    ----------
    data : bytearray
        A power of two of bits.
    hashes : int
        Bits a word.
    """

    def __init__(self, data: bytearray, hashes: int) -> None:
        self.data, self.hashes, self._mask = data, hashes, 8 * len(data) - 1

    @classmethod
    def of(cls, rest: list[str], *, most_bits: int = 1 << 17) -> Filter:
        """Return a filter of these words, with about ten bits a word as long as there are so many."""
        size = 64
        while size < min(10 * len(rest), most_bits):
            size *= 2
        out = cls(bytearray(size // 8), max(1, min(7, round(0.69 * size / max(1, len(rest))))))
        for word in rest:
            for place in out._places(bits(word)[1]):
                out.data[place >> 3] |= 1 << (place & 7)
        return out

    def holds(self, more: int) -> bool:
        """Say whether a word, given as the second part of its `bits`, was put in."""
        return all(self.data[p >> 3] >> (p & 7) & 1 for p in self._places(more))

    def _places(self, more: int) -> list[int]:
        first, step = more & 0xFFFFFFFF, more >> 32 | 1
        return [(first + k * step) & self._mask for k in range(self.hashes)]
