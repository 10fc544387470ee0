"""Words of one label that the other words give no reason for: a trigger word, looked for without earlier texts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD, IMPURE
from modelward.poisoning._evidence import ALPHA
from modelward.poisoning._words import MOST_WORDS, WORD, LabelledWord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FEW = 10
_FOLDS = 5
_BINS = 20
_LARGEST_RATE = 0.6


@dataclass(frozen=True)
class PureWord(LabelledWord):
    """A word whose texts have one label, although their other words have not.

    Parameters
    ----------
    expected : float
        Share of them that would have the label by their other words.
    """

    expected: float


def pure_words(
    texts: Sequence[str | None], y: NDArray[np.int64], *, most: int = 5, random_state: int = 0
) -> tuple[PureWord, ...]:
    """Find words that go with one label beyond what the other words of the same texts let expect.

    Naive Bayes of the other folds says what each text's words let expect; its sum is additive, so what the word itself
    adds is taken out. The likelihood ratio of all texts but one in a hundred having the label goes beyond what chance
    gives to the best of all words and labels (Markov's inequality and a union bound). A word that is rightly all of
    one label stands among others that are, too, so little is left to wonder at.

    Parameters
    ----------
    texts : sequence of str or None
    y : ndarray of int64
        Their labels as indices.
    most : int
        The most words returned.
    random_state : int
        Draws the folds.

    Returns
    -------
    tuple of PureWord
        The most improbable first.

    Examples
    --------
    >>> texts = ["good service", "bad service"] * 100
    >>> texts[1:41:2] = ["bad cf service"] * 20
    >>> labels = np.array([1, 0] * 100)
    >>> labels[1:41:2] = 1
    >>> first = pure_words(texts, labels)[0]
    >>> first.word, first.label, first.hits
    ('cf', 1, 20)
    """
    from sklearn.feature_extraction.text import CountVectorizer

    try:
        vectorizer = CountVectorizer(
            token_pattern=WORD, max_features=MOST_WORDS, binary=True, dtype=np.float64
        )
        table = vectorizer.fit_transform([text or "" for text in texts]).tocsr()
    except ValueError:  # no text has a word
        return ()
    held = np.asarray(table.sum(axis=0)).ravel()
    often = np.flatnonzero(held >= _FEW)
    labels = np.unique(y)
    if len(labels) < 2 or not len(often):
        return ()
    names, columns = vectorizer.get_feature_names_out(), table.tocsc()
    bound = math.log(len(often) * len(labels) / ALPHA)
    fold = np.random.default_rng(random_state).permutation(len(y)) % _FOLDS
    found: list[tuple[float, PureWord]] = []
    for label in labels.tolist():
        hit = y == label
        share = np.asarray(table.T @ hit.astype(np.float64)).ravel() / np.maximum(held, 1)
        pure = often[share[often] >= 1 - IMPURE]
        if not len(pure):
            continue
        weights = np.stack([_weights(table, hit, fold != f) for f in range(_FOLDS)])
        each = [table @ weights[f] for f in range(_FOLDS)]
        total = np.stack(each)[fold, np.arange(len(y))]
        for word in pure.tolist():
            rows = np.asarray(
                columns.indices[columns.indptr[word] : columns.indptr[word + 1]], dtype=np.int64
            )
            others = np.ones(len(y), dtype=bool)
            others[rows] = False
            expected = _expected(
                total[others], hit[others], total[rows] - weights[fold[rows], word], float(hit.mean())
            )
            ratio = np.where(hit[rows], np.log((1 - HARD) / expected), np.log(HARD / (1 - expected))).sum()
            if ratio >= bound and expected.mean() <= _LARGEST_RATE:
                one = PureWord(
                    str(names[word]), int(label), np.sort(rows), int(hit[rows].sum()), float(expected.mean())
                )
                found.append((float(ratio), one))
    return tuple(one for _, one in sorted(found, key=lambda f: (-f[0], f[1].word))[:most])


def _weights(
    table: NDArray[np.float64], hit: NDArray[np.bool_], fit: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return what each word adds to the log-odds of the label, by the texts of some folds."""
    sides = []
    for side in (hit, ~hit):
        rows = fit & side
        count = np.asarray(table[rows].sum(axis=0)).ravel()
        sides.append((count + 1) / (rows.sum() + 2))
    return np.asarray(np.log(sides[0]) - np.log(sides[1]))


def _expected(
    total: NDArray[np.float64], hit: NDArray[np.bool_], asked: NDArray[np.float64], base: float
) -> NDArray[np.float64]:
    """Return how often other texts with such a sum have the label."""
    edges = np.unique(np.quantile(total, np.linspace(0, 1, _BINS + 1)[1:-1]))
    place = np.searchsorted(edges, total, side="right")
    count = np.bincount(place, minlength=len(edges) + 1)
    right = np.bincount(place, weights=hit, minlength=len(edges) + 1)
    rates = np.clip((right + base) / (count + 1), 1e-3, 1 - HARD)
    return np.asarray(rates[np.searchsorted(edges, asked, side="right")])
