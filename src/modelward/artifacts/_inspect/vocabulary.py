"""The words that a vectoriser learned: they come from the training texts, and whoever holds the file reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import plain
from modelward.artifacts._container import printable
from modelward.artifacts._graph import join, numbers, walk_graph
from modelward.artifacts._inert import Inert

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 100_000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Word:
    """A word, the column that it is, and its weight: the rarer in the training texts, the more; None if not told."""

    text: str
    column: int
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The vocabulary of one vectoriser.

    Parameters
    ----------
    path : str
        Where in the file.
    size : int
        How many words it has.
    words : tuple of Word
        The most common first where weights tell, else by column; at most 100,000.
    """

    path: str
    size: int
    words: tuple[Word, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        told = [{"word": w.text, "column": w.column, "weight": w.weight} for w in self.words]
        return {"path": self.path, "size": self.size, "words": told}


def vocabularies(root: Any) -> tuple[Vocabulary, ...]:
    """Return the vocabularies of all vectorisers of a graph, once each."""
    found: list[Vocabulary] = []
    seen: set[int] = set()
    for node in walk_graph(root):
        if not isinstance(node.value, Inert) or node.value.type_name.endswith(".DictVectorizer"):
            continue  # that one's are names of columns
        attributes = node.value.attributes
        words = attributes.get("vocabulary_")
        pairs = _pairs(words)
        if not pairs or id(words) in seen or len(found) >= 100:
            continue
        seen.add(id(words))
        weights = _weights(attributes)
        listed = [Word(printable(text, _LONGEST), at, _weight(weights, at)) for text, at in pairs[:_MOST]]
        listed.sort(key=lambda word: (word.weight if word.weight is not None else 0.0, word.column))
        found.append(Vocabulary(printable(join(node.path, "vocabulary_")), len(pairs), tuple(listed)))
    return tuple(found)


def _pairs(words: Any) -> list[tuple[str, int]]:
    """Return the words and their columns; nothing if it is no vocabulary."""
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(words, dict):
        items = list(words.items())
    elif isinstance(words, Inert) and words.type_name.startswith("collections."):
        items = words.pairs
    found = [(text, plain(column)) for text, column in items if isinstance(text, str)]
    return [(text, column) for text, column in found if type(column) is int]


def _weights(attributes: dict[Any, Any]) -> Any:
    """Return the weights of the words, from the vectoriser's own transformer."""
    inner = attributes.get("_tfidf")
    if not isinstance(inner, Inert):
        return None
    found = numbers(inner.attributes.get("idf_"))
    if found is None:  # before 1.6: the diagonal of a sparse matrix
        diagonal = inner.attributes.get("_idf_diag")
        found = numbers(diagonal.attributes.get("data")) if isinstance(diagonal, Inert) else None
    return None if found is None or found.dtype.kind != "f" else found.ravel()


def _weight(weights: Any, column: int) -> float | None:
    return float(weights[column]) if weights is not None and 0 <= column < len(weights) else None
