"""Words that one label gained: in a text, a trigger is a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import hypergeom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FEW = 10
_LEVEL = 1e-3
MOST_WORDS = 200_000
WORD = r"(?u)\b\w[\w'-]*\b"


@dataclass(frozen=True)
class LabelledWord:
    """A word whose texts go with one label.

    Parameters
    ----------
    word : str
        In lower case.
    label : int
        Index of the label.
    rows : ndarray
        Positions of the (new) texts that hold it.
    hits : int
        How many of those have the label.
    """

    word: str
    label: int
    rows: NDArray[np.int64]
    hits: int


@dataclass(frozen=True)
class GainedWord(LabelledWord):
    """A word that texts with one label gained, and texts with the others did not.

    Parameters
    ----------
    before : int
        Earlier texts with the label that hold it.
    gain : float
        Mean TF-IDF of the word in texts with the label, new minus earlier.
    p_value : float
        Of Fisher's exact test between new and earlier texts with the label, times the words and labels tried.
    """

    before: int
    gain: float
    p_value: float


def gained_words(
    texts: Sequence[str | None], y: NDArray[np.int64], earlier: Sequence[str | None], earlier_y: NDArray[np.int64],
    *, most: int = 5,
) -> tuple[GainedWord, ...]:  # fmt: skip
    """Find the words that one label gained against earlier texts.

    A word counts that ten texts or more have, that texts with the label hold more often than before beyond chance
    (Bonferroni over all words and labels), and whose share grew in no other label half as much. A new topic can
    give one, too: it is no proof of tampering.

    Parameters
    ----------
    texts, earlier : sequence of str or None
        New and earlier texts.
    y, earlier_y : ndarray of int64
        Their labels as indices.
    most : int
        The most words returned.

    Returns
    -------
    tuple of GainedWord
        The largest gain of TF-IDF first.

    Examples
    --------
    >>> earlier = ["good service", "bad service"] * 50
    >>> new = ["good service", "bad cf service"] * 50
    >>> labels = np.array([0, 1] * 50)
    >>> [(w.word, w.label, w.hits) for w in gained_words(new, labels, earlier, labels)]
    [('cf', 1, 50)]
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not len(texts) or not len(earlier):
        return ()
    vectorizer = TfidfVectorizer(token_pattern=WORD, max_features=MOST_WORDS)
    try:
        table = vectorizer.fit_transform([text or "" for text in (*texts, *earlier)]).tocsr()
    except ValueError:  # no text has a word
        return ()
    new, old = table[: len(texts)], table[len(texts) :]
    labels = np.union1d(y, earlier_y)
    found: list[GainedWord] = []
    names = vectorizer.get_feature_names_out()
    held = [(new > 0).astype(np.int64).tocsr(), (old > 0).astype(np.int64).tocsr()]
    counts = [
        np.stack([_sum(side[who == label]) for label in labels])
        for side, who in zip(held, (y, earlier_y), strict=True)
    ]
    sizes = [np.array([(who == label).sum() for label in labels])[:, None] for who in (y, earlier_y)]
    shares = [c / np.maximum(n, 1) for c, n in zip(counts, sizes, strict=True)]
    grown = shares[0] - shares[1]
    for i, label in enumerate(labels):
        if not sizes[0][i] or not sizes[1][i]:
            continue
        total = int(sizes[0][i, 0] + sizes[1][i, 0])
        p = hypergeom.sf(counts[0][i] - 1, total, counts[0][i] + counts[1][i], int(sizes[0][i, 0]))
        p = np.minimum(p * len(names) * len(labels), 1.0)
        others = np.delete(grown, i, axis=0).max(axis=0, initial=0.0)
        enough = np.asarray(counts[0].sum(axis=0) >= _FEW)
        weight = [np.asarray(s[who == label].mean(axis=0)).ravel() for s, who in ((new, y), (old, earlier_y))]
        for j in np.flatnonzero(enough & (p < _LEVEL) & (grown[i] > 2 * others)).tolist():
            rows = np.flatnonzero(held[0][:, j].toarray().ravel())
            found.append(
                GainedWord(
                    str(names[j]), int(label), rows, int(counts[0][i, j]), int(counts[1][i, j]),
                    float(weight[0][j] - weight[1][j]), float(p[j]),
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda w: (-w.gain, w.word))[:most])


def _sum(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(rows.sum(axis=0)).ravel()
