"""How much a share of flipped labels moves a model that is trained again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from modelward.poisoning._flips import flip_random, flip_subgroup
from modelward.stats import Bootstrap
from modelward.subgroups import Condition, Rule, conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from modelward.models import Subject

    _Figure = Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.float64]]

SHARES = (0.01, 0.03, 0.05, 0.10)
METRICS = ("balanced_accuracy", "accuracy", "f1_macro")
_SUPPORT = 0.05
_SELECTION_SHARE = 0.03
_CANDIDATES = 150
_SURROGATE_ROWS = 4_000
_REPLICATES = 400
_PARTS = 9


@dataclass(frozen=True)
class Point:
    """What one share of flipped labels did, against the clean refit on the same rows with the same seed.

    Parameters
    ----------
    kind : {"random", "subgroup"}
        Which labels were flipped.
    share : float
        Of all training rows.
    metric, rate : Bootstrap
        The metric, and the subgroup's share of the goal class, of the poisoned models.
    lost, moved : Bootstrap
        Clean metric minus poisoned; poisoned rate minus clean.
    """

    kind: str
    share: float
    metric: Bootstrap
    rate: Bootstrap
    lost: Bootstrap
    moved: Bootstrap


@dataclass(frozen=True)
class Voting:
    """A vote of models trained on disjoint parts, as a lock (Levine & Feizi 2021).

    Parameters
    ----------
    parts : int
        Models that vote.
    share : float
        Labels flipped in the subgroup.
    moved, price : Bootstrap
        How far the subgroup's rate moves all the same; the clean metric that the vote gives up.
    """

    parts: int
    share: float
    moved: Bootstrap
    price: Bootstrap


@dataclass(frozen=True)
class Exposure:
    """The curves.

    Parameters
    ----------
    subgroup : Rule
        The subgroup whose rate is followed and whose labels are flipped.
    goal : int
        The class that its rows are relabelled to.
    clean_metric, clean_rate : Bootstrap
        Of the clean refits.
    points : tuple of Point
        For each kind and share.
    voting : Voting
        The lock's effect.
    fits, fit_rows : int
        Models trained, and rows that each was trained on.
    """

    subgroup: Rule
    goal: int
    clean_metric: Bootstrap
    clean_rate: Bootstrap
    points: tuple[Point, ...]
    voting: Voting
    fits: int
    fit_rows: int


def measure_exposure(
    subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], test_X: NDArray[np.float64],
    test_y: NDArray[np.int64], *, goal: int | None = None, sensitive: Sequence[str] = (),
    metric: str = "balanced_accuracy", fit_rows: int = 4_000, repeats: int = 2, random_state: int = 0,
) -> Exposure:  # fmt: skip
    """Train with 1, 3, 5 and 10 % of the labels flipped, at random and in the worst subgroup.

    The subgroup is chosen on training rows that no measured model sees, with a small tree; the effect is
    measured on test rows, against refits on clean labels of the same rows (so that training on fewer rows than
    the deployed model's does not count as damage). Intervals resample test rows and repetitions.

    Parameters
    ----------
    subject : Subject
        The model; it must be possible to train it again.
    X, y : ndarray of shape (n, d) and (n,)
        Training rows, encoded, and labels as indices.
    test_X, test_y : ndarray of shape (m, d) and (m,)
        Rows that measure.
    goal : int, optional
        Class that an attacker wants; the rarest of the training labels without it.
    sensitive : sequence of str
        Columns whose values are subgroups to be tried first.
    metric : {"balanced_accuracy", "accuracy", "f1_macro"}
        What random flips spoil.
    fit_rows, repeats : int
        Rows of each fit, and fits for each point.
    random_state : int
        Draws rows, flips and the models' seeds.

    Returns
    -------
    Exposure

    Raises
    ------
    NotRefittable
        If the model cannot be trained again.
    ValueError
        If there are too few rows, or no subgroup with 5 % of them.
    """
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r} is not among {', '.join(METRICS)}")
    if len(X) < 200 or len(test_X) < 100:
        raise ValueError("flipping labels needs 200 training and 100 test rows")
    rng = np.random.default_rng(random_state)
    order = rng.permutation(len(X))
    held = order[: min(len(X) // 3, _SURROGATE_ROWS)]
    rest = order[len(held) :]
    if goal is None:
        goal = rarest(y, subject.n_classes)
    rule = worst_subgroup(subject, X[held], y[held], test_X, goal, sensitive, rng)
    bench = _Bench(
        subject, X, y, test_X, test_y, rule, goal, metric, rng.integers(2**31 - 1, size=repeats),
        [rng.permutation(rest)[:fit_rows] for _ in range(repeats)],
    )  # fmt: skip
    clean = bench.answers(_untouched)
    points, answers = [], {}
    for kind in ("random", "subgroup"):
        for share in SHARES:
            answers[kind, share] = bench.answers(bench.flip(kind, share))
            points.append(bench.point(kind, share, clean, answers[kind, share]))
    voting = bench.voting(clean)
    fits = repeats * (1 + 2 * len(SHARES)) + 2 * _PARTS
    return Exposure(
        rule, goal, bench.bootstrap(clean, None, bench.metric_of), bench.bootstrap(clean, None, bench.rate_of),
        tuple(points), voting, fits, len(bench.rows[0]),
    )  # fmt: skip


def _untouched(
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],  # noqa: ARG001
    draw: np.random.Generator,  # noqa: ARG001
) -> NDArray[np.int64]:
    return labels


def rarest(y: NDArray[np.int64], n_classes: int) -> int:
    counts = np.bincount(y, minlength=n_classes)
    return int(np.argmin(np.where(counts > 0, counts, len(y) + 1)))


def worst_subgroup(
    subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], test_X: NDArray[np.float64], goal: int,
    sensitive: Sequence[str], rng: np.random.Generator,
) -> Rule:  # fmt: skip
    """Return the subgroup whose share of the goal moves most when its labels are flipped, on a small tree.

    Each candidate costs a fit: of a wide table's thousands a sample is tried.
    """
    schema = subject.codec.schema
    least = int(np.ceil(_SUPPORT * len(X)))
    found = conditions(X, schema, min_rows=least)
    wanted = {schema.index(name) for name in sensitive if name in schema.names}
    first = [c for c in found if c.column in wanted]
    candidates = [c for c in (first or found) if c.mask(test_X).mean() >= _SUPPORT]
    if not candidates:
        raise ValueError("no subgroup has 5 % of the rows")
    if len(candidates) > _CANDIDATES:
        candidates = [candidates[i] for i in np.sort(rng.permutation(len(candidates))[:_CANDIDATES])]
    half = len(X) // 2
    X_fit, y_fit, X_see = X[:half], y[:half], X[half:]
    seed = int(rng.integers(2**31 - 1))

    def tree(labels: NDArray[np.int64]) -> DecisionTreeClassifier:
        return DecisionTreeClassifier(max_depth=6, min_samples_leaf=10, random_state=seed).fit(X_fit, labels)

    before = tree(y_fit).predict(X_see) == goal

    def damage(condition: Condition) -> float:
        flipped = flip_subgroup(
            y_fit, condition.mask(X_fit), _SELECTION_SHARE, goal, np.random.default_rng(seed)
        )
        seen = condition.mask(X_see)
        if not seen.any():
            return -1.0
        return float((tree(flipped).predict(X_see)[seen] == goal).mean() - before[seen].mean())

    return Rule((max(candidates, key=damage),))


@dataclass(frozen=True)
class _Bench:
    """Fits, answers and intervals of one experiment."""

    subject: Subject
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    seen: NDArray[np.float64]
    truth: NDArray[np.int64]
    rule: Rule
    goal: int
    metric: str
    seeds: NDArray[np.int64]
    rows: list[NDArray[np.int64]]

    def flip(self, kind: str, share: float) -> Callable[..., NDArray[np.int64]]:
        """Return what spoils the labels of a repetition."""

        def spoil(
            labels: NDArray[np.int64], rows: NDArray[np.int64], draw: np.random.Generator
        ) -> NDArray[np.int64]:
            if kind == "random":
                return flip_random(labels, share, self.subject.n_classes, draw)
            return flip_subgroup(labels, self.rule.mask(self.X[rows]), share, self.goal, draw)

        return spoil

    def answers(self, spoil: Callable[..., NDArray[np.int64]]) -> NDArray[np.int64]:
        """Return the refits' labels of the test rows, shape (repeats, m)."""
        out = []
        for seed, rows in zip(self.seeds, self.rows, strict=True):
            labels = spoil(self.y[rows], rows, np.random.default_rng(int(seed)))
            out.append(self.subject.refit(self.X[rows], labels, int(seed)).codes(self.seen))
        return np.stack(out)

    def voting(self, clean: NDArray[np.int64]) -> Voting:
        """Measure a vote over disjoint parts of the first repetition's rows."""
        share = SHARES[2]
        rows, seed = self.rows[0], int(self.seeds[0])
        voted = []
        for spoil in (_untouched, self.flip("subgroup", share)):
            labels = spoil(self.y[rows], rows, np.random.default_rng(seed))
            votes = np.zeros((len(self.seen), self.subject.n_classes), dtype=np.int64)
            for part in range(_PARTS):
                mine = slice(part, None, _PARTS)
                model = self.subject.refit(self.X[rows[mine]], labels[mine], seed + part)
                votes[np.arange(len(votes)), model.codes(self.seen)] += 1
            voted.append(votes.argmax(axis=1)[None])
        moved = self.bootstrap(voted[1], voted[0], self.rate_of)
        return Voting(_PARTS, share, moved, self.bootstrap(clean[:1], voted[0], self.metric_of))

    def point(self, kind: str, share: float, clean: NDArray[np.int64], spoiled: NDArray[np.int64]) -> Point:
        """Summarise one point of a curve."""
        return Point(
            kind, share, self.bootstrap(spoiled, None, self.metric_of),
            self.bootstrap(spoiled, None, self.rate_of), self.bootstrap(clean, spoiled, self.metric_of),
            self.bootstrap(spoiled, clean, self.rate_of),
        )  # fmt: skip

    def metric_of(self, codes: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the metric of one model's labels under each row of weights, shape (b,)."""
        classes = np.arange(self.subject.n_classes)
        truth, said = self.truth[:, None] == classes, codes[:, None] == classes
        right, actual = weights @ (truth & said), weights @ truth
        if self.metric == "accuracy":
            return np.asarray(right.sum(axis=1) / weights.sum(axis=1))
        if self.metric == "f1_macro":
            size = actual + weights @ said
            each = np.where(size > 0, 2 * right / np.maximum(size, 1), np.nan)
        else:
            each = np.where(actual > 0, right / np.maximum(actual, 1), np.nan)
        return np.asarray(np.nanmean(each, axis=1))

    def rate_of(self, codes: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the subgroup's share of the goal class under each row of weights, shape (b,)."""
        inside = self.rule.mask(self.seen)
        return np.asarray(weights @ (inside & (codes == self.goal)) / np.maximum(weights @ inside, 1))

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """How often every resample holds each test row, shape (1 + replicates, m); the first holds each once."""
        rng, m = np.random.default_rng(len(self.seen)), len(self.seen)
        drawn = [np.bincount(rng.integers(0, m, m), minlength=m) for _ in range(_REPLICATES)]
        return np.vstack([np.ones(m), *drawn])

    def bootstrap(
        self, first: NDArray[np.int64], second: NDArray[np.int64] | None, figure: _Figure
    ) -> Bootstrap:
        """Return the figure (or a difference of two) over repetitions, rows and repetitions resampled."""
        values = np.stack([figure(codes, self.weights) for codes in first], axis=1)
        if second is not None:
            values = values - np.stack([figure(codes, self.weights) for codes in second], axis=1)
        repeats = len(first)
        chosen = np.random.default_rng(repeats).integers(0, repeats, (_REPLICATES, repeats))
        whole = values[0].mean()
        if repeats > 1:  # a bootstrap of few repetitions is too narrow by this factor
            middle = values.mean(axis=1, keepdims=True)
            values = middle + (values - middle) * np.sqrt(repeats / (repeats - 1))
        drawn = np.take_along_axis(values[1:], chosen, axis=1).mean(axis=1)
        # The factor must not carry a share, or the difference of two, beyond what it can be.
        drawn = np.clip(drawn, -1.0 if second is not None else 0.0, 1.0)
        return Bootstrap(
            float(whole), len(self.seen), tuple(float(v) for v in np.sort(drawn)),
            method="bootstrap over rows and refits",
        )  # fmt: skip
