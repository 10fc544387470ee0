"""Countermeasures before and in training: which rows to leave out, and how to train on what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from modelward.poisoning._standardised import standardised
from modelward.schema import legal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.models import Subject

    Answer = Callable[[NDArray[np.float64]], NDArray[np.int64]]


@dataclass(frozen=True)
class Trained:
    """What a countermeasure made of a training set.

    Parameters
    ----------
    answer : callable
        From encoded rows to labels as indices.
    kept : ndarray of bool, shape (n,)
        Rows that were trained on.
    """

    answer: Answer
    kept: NDArray[np.bool_]


class Sieve(Protocol):
    """A countermeasure against poisoned rows.

    Attributes
    ----------
    name : str
    """

    @property
    def name(self) -> str:
        """In a few words."""

    def train(self, subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Trained:
        """Train on rows that may be poisoned."""


@dataclass(frozen=True)
class LegalRows:
    """Rows that the schema of trusted rows calls illegal are left out."""

    name: str = "drop rows outside the schema of trusted rows"

    def train(self, subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Trained:
        """Check, and train."""
        return _without(subject, X, y, legal(subject.codec.schema, X), seed)


@dataclass(frozen=True)
class Neighbours:
    """Rows are left out whose label most of their nearest rows contradict (Paudice et al. 2018).

    Parameters
    ----------
    k : int
        Neighbours, in standardised columns.
    against : float
        Share of them with another label from which a row is left out.
    """

    k: int = 10
    against: float = 0.9
    name: str = "drop rows that their neighbours contradict"

    def train(self, subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Trained:
        """Look around, and train."""
        from sklearn.neighbors import NearestNeighbors

        scaled = standardised(X)
        k = min(self.k, len(X) - 1)
        near = NearestNeighbors(n_neighbors=k + 1).fit(scaled).kneighbors(scaled, return_distance=False)
        others = near != np.arange(len(X))[:, None]
        against = ((y[near] != y[:, None]) & others).sum(axis=1) / others.sum(axis=1)
        return _without(subject, X, y, against < self.against, seed)


@dataclass(frozen=True)
class Trimmed:
    """The rows that models trained on the other rows believe least are left out (trimmed training).

    Parameters
    ----------
    share : float
        Of all rows: how many.
    folds : int
    """

    share: float = 0.05
    folds: int = 3
    name: str = "trim the 5 % of rows that out-of-fold models believe least"

    def train(self, subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Trained:
        """Train in folds, trim, and train again."""
        rng = np.random.default_rng(seed)
        belief = _belief(subject, X, y, self.folds, rng, seed)
        order = np.argsort(belief + 1e-9 * rng.uniform(size=len(X)), kind="stable")
        kept = np.ones(len(X), dtype=bool)
        kept[order[: round(self.share * len(X))]] = False
        return _without(subject, X, y, kept, seed)


@dataclass(frozen=True)
class Reweighed:
    """Rows count by what models trained on the other rows believe of their label.

    Rows are drawn anew with that probability, as many as there were, so that models without weights can be trained
    as well. No row is left out for certain.

    Parameters
    ----------
    folds : int
    least : float
        A row's weight where nothing speaks for its label.
    """

    folds: int = 3
    least: float = 0.05
    name: str = "reweigh rows by what out-of-fold models believe"

    def train(self, subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Trained:
        """Train in folds, weigh, and train on rows drawn by weight."""
        rng = np.random.default_rng(seed)
        weight = np.maximum(_belief(subject, X, y, self.folds, rng, seed), self.least)
        drawn = rng.choice(len(X), size=len(X), p=weight / weight.sum())
        every = np.ones(len(X), dtype=bool)
        if len(np.unique(y[drawn])) < 2:
            return _without(subject, X, y, every, seed)
        return Trained(subject.refit(X[drawn], y[drawn], seed).codes, every)


@dataclass(frozen=True)
class Vote:
    """Models vote that were each trained on rows of its own (Levine & Feizi 2021).

    Which model gets a row is decided by its values alone, so a changed label changes one vote, and a row that is
    put in, taken out or rewritten two at most.

    Parameters
    ----------
    parts : int
    """

    parts: int = 15
    name: str = "let 15 models vote, each trained on rows of its own"

    def train(self, subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Trained:
        """Train the parts."""
        votes = self.votes(subject, X, y, seed)
        return Trained(lambda rows: votes(rows).argmax(axis=1), np.ones(len(X), dtype=bool))

    def votes(self, subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Answer:
        """Train the parts; return what counts their votes, shape (m, classes)."""
        part = _parts(X, self.parts)
        models: list[Answer] = []
        for p in range(self.parts):
            mine = np.flatnonzero(part == p)
            if not len(mine) or len(np.unique(y[mine])) == 1:
                # A part without rows votes in one way whatever the labels are, or the proof would not hold.
                only = int(y[mine[0]]) if len(mine) else 0
                models.append(lambda rows, only=only: np.full(len(rows), only))  # type: ignore[misc]
                continue
            models.append(subject.refit(X[mine], y[mine], seed + p).codes)

        def count(rows: NDArray[np.float64]) -> NDArray[np.int64]:
            out = np.zeros((len(rows), subject.n_classes), dtype=np.int64)
            for model in models:
                out[np.arange(len(rows)), model(rows)] += 1
            return out

        return count


def certified_flips(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many training labels may be changed without changing the winner of each vote.

    Parameters
    ----------
    votes : ndarray of int64, shape (m, classes)
        Of models trained on disjoint rows, which change one vote each; ties go to the first class.

    Returns
    -------
    ndarray of int64, shape (m,)
        A proof, not an estimate (Levine & Feizi 2021, theorem 1). For rows written anew, half of it.

    Examples
    --------
    >>> certified_flips(np.array([[8, 7], [7, 8], [15, 0], [5, 10]]))
    array([0, 0, 7, 2])
    """
    m, classes = votes.shape
    winner = votes.argmax(axis=1)
    margin = votes[np.arange(m), winner][:, None] - votes - (np.arange(classes) < winner[:, None])
    margin[np.arange(m), winner] = np.iinfo(np.int64).max
    return np.asarray(margin.min(axis=1) // 2)


def _belief(
    subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], folds: int, rng: np.random.Generator, seed: int
) -> NDArray[np.float64]:  # fmt: skip
    """Return the score of each row's own label by models that did not train on it (1 or 0 where there are none)."""
    fold = rng.permutation(np.arange(len(X)) % folds)
    out = np.empty(len(X))
    for f in range(folds):
        held = fold == f
        model = subject.refit(X[~held], y[~held], seed + f)
        scores = model.scores(X[held])
        out[held] = (
            scores.values[np.arange(int(held.sum())), y[held]]
            if scores is not None
            else model.codes(X[held]) == y[held]
        )
    return out


def _without(
    subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], kept: NDArray[np.bool_], seed: int
) -> Trained:
    if len(np.unique(y[kept])) < 2:  # nothing could be learned from what is left
        kept = np.ones(len(y), dtype=bool)
    return Trained(subject.refit(X[kept], y[kept], seed).codes, kept)


def _parts(X: NDArray[np.float64], parts: int) -> NDArray[np.int64]:
    """Return the part of each row: a hash of its values, the same wherever the row stands."""
    bits = np.ascontiguousarray(X + 0.0).view(np.uint64)
    out = np.full(len(X), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for j in range(X.shape[1]):
        out ^= bits[:, j]
        out *= np.uint64(0xBF58476D1CE4E5B9)
        out ^= out >> np.uint64(31)
    return (out % np.uint64(parts)).astype(np.int64)


def all_sieves() -> tuple[Sieve, ...]:
    """Return every countermeasure with its default settings."""
    return (LegalRows(), Neighbours(), Trimmed(), Reweighed(), Vote())
