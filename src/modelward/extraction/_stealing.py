"""Model stealing: how well a copy agrees with the model after so many queries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.errors import BudgetExhausted
from modelward.extraction._queries import draw_from_schema
from modelward.extraction._surrogates import FAMILIES, Copy, fit_copy
from modelward.stats import Mean, Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.schema import FeatureSchema

Source = Literal["real rows", "drawn rows"]
Answers = Literal["scores", "labels", "rounded scores"]
_FEWEST_POINTS = 3
_EVALUATED = 2_000


@dataclass(frozen=True)
class StolenCopy:
    """The best copy that a number of queries bought.

    Parameters
    ----------
    queries : int
        Rows asked.
    source : {"real rows", "drawn rows"}
        In distribution (rows like the training data) or out of it (drawn from the schema's ranges).
    answers : {"scores", "labels", "rounded scores"}
        What the thief saw. Who sees scores sees labels too, and may copy either.
    family : str
        Family of the copy, chosen on other rows than those it is measured on.
    fidelity, fidelity_drawn : Proportion
        Agreement with the subject on held-out real rows, and on drawn rows.
    balanced : Mean
        Agreement on real rows, every label of the subject counting alike.
    """

    queries: int
    source: Source
    answers: Answers
    family: str
    fidelity: Proportion
    fidelity_drawn: Proportion
    balanced: Mean


@dataclass(frozen=True)
class StealingResult:
    """Fidelity against queries.

    Parameters
    ----------
    copies : tuple of StolenCopy
        By source, answers and queries.
    baseline, baseline_drawn : Proportion
        Agreement of always answering the most common label, on real and on drawn rows.
    drawn : ndarray of shape (q, d)
        The drawn queries, as the thief sent them.
    complete : bool
        False if the meter stopped it early.
    """

    copies: tuple[StolenCopy, ...]
    baseline: Proportion
    baseline_drawn: Proportion
    drawn: NDArray[np.float64]
    complete: bool

    def curve(self, source: Source, answers: Answers) -> tuple[StolenCopy, ...]:
        """Return the copies of one kind, by number of queries."""
        return tuple(c for c in self.copies if c.source == source and c.answers == answers)


@dataclass(frozen=True)
class ModelStealing:
    """Train copies on the model's answers (Tramèr et al. 2016) and measure how often they agree with it.

    Test rows are halved: one half chooses the family of the copy, the other measures the copy chosen. Queries are
    nested: a larger number contains the smaller.

    Parameters
    ----------
    queries : int
        The most rows asked of each source.
    points : int
        Points of each curve, at equal steps of the logarithm from 50 queries on.
    families : tuple of str
        Of `extraction.FAMILIES`.
    """

    queries: int = 2_000
    points: int = 6
    families: tuple[str, ...] = FAMILIES

    def run(
        self,
        subject: Subject,
        pool: NDArray[np.float64],
        test: NDArray[np.float64],
        *,
        schema: FeatureSchema,
        random_state: int | np.random.Generator,
    ) -> StealingResult:
        """Steal.

        Parameters
        ----------
        subject : Subject
            The model under test.
        pool : ndarray of shape (m, d)
            Rows like the training data that the thief asks, each at most once.
        test : ndarray of shape (n, d)
            Rows that choose and measure; none of them is in the pool.
        schema : FeatureSchema
            Of both; drawn queries come from it.
        random_state : int or Generator
            Random numbers.

        Returns
        -------
        StealingResult
            Partial, but with at least three points, if the meter stopped it.

        Raises
        ------
        BudgetExhausted
            If the meter covers fewer than three points.
        ValueError
            If there are fewer than 50 rows in pool or test.
        """
        if min(len(pool), len(test)) < 50:
            raise ValueError(f"{len(pool)} rows to ask and {len(test)} to measure on: 50 of each are needed")
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng(random_state)
        held = _HeldOut.ask(subject, test, schema, pool, rng)
        sources: dict[Source, NDArray[np.float64]] = {
            "real rows": pool[rng.permutation(len(pool))[: self.queries]],
            "drawn rows": draw_from_schema(schema, self.queries, reference=pool, random_state=rng),
        }
        grid = self._grid(min(len(rows) for rows in sources.values()))
        asked, complete = _ask_in_steps(subject, sources, grid)
        seed = int(rng.integers(2**31 - 1))
        with threadpool_limits(1):  # sums over several threads depend on who comes first
            copies = [
                copy for source in asked for copy in self._copy(source, *asked[source], grid, held, seed)
            ]
        return StealingResult(
            tuple(copies), held.baseline(), held.baseline_drawn(), asked["drawn rows"][0], complete
        )

    def _copy(
        self,
        source: Source,
        X: NDArray[np.float64],
        codes: NDArray[np.int64],
        scores: NDArray[np.float64] | None,
        grid: list[int],
        held: _HeldOut,
        seed: int,
    ) -> list[StolenCopy]:
        """Return the best copies of one source's answers, at every step that was answered."""
        copies: list[StolenCopy] = []
        by_labels: list[tuple[str, Copy]] = []
        for k in [k for k in grid if k <= len(codes)]:
            by_labels = self._fit(X[:k], codes[:k], None, seed)
            copies.append(held.best(k, source, "labels", by_labels))
            if scores is not None:
                by_scores = self._fit(X[:k], codes[:k], scores[:k], seed)
                copies.append(held.best(k, source, "scores", by_scores + by_labels))
        if scores is not None:
            rounded = self._fit(X, codes, scores.round(1), seed)
            copies.append(held.best(len(X), source, "rounded scores", rounded + by_labels))
        return copies

    def _grid(self, most: int) -> list[int]:
        fewest = min(50, most)
        return sorted({int(k) for k in np.geomspace(fewest, most, self.points).round()})

    def _fit(
        self, X: NDArray[np.float64], codes: NDArray[np.int64], scores: NDArray[np.float64] | None, seed: int
    ) -> list[tuple[str, Copy]]:
        fitted = [(family, fit_copy(family, X, codes, scores, seed=seed)) for family in self.families]
        return [(family, copy) for family, copy in fitted if copy is not None]


def _ask_in_steps(
    subject: Subject, sources: dict[Source, NDArray[np.float64]], grid: list[int]
) -> tuple[dict[Source, tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64] | None]], bool]:
    """Ask step by step, so that an exhausted meter leaves the smaller numbers of queries answered."""
    codes: dict[Source, list[NDArray[np.int64]]] = {source: [] for source in sources}
    scores: dict[Source, list[NDArray[np.float64]]] = {source: [] for source in sources}
    done, complete = 0, True
    for step, k in enumerate(grid):
        try:
            fresh = {source: _ask(subject, rows[done:k]) for source, rows in sources.items()}
        except BudgetExhausted:
            if step < _FEWEST_POINTS:
                raise
            complete = False
            break
        for source, (labels, values) in fresh.items():
            codes[source].append(labels)
            if values is not None:
                scores[source].append(values)
        done = k
    return {
        source: (
            rows[:done],
            np.concatenate(codes[source]),
            np.vstack(scores[source]) if scores[source] else None,
        )
        for source, rows in sources.items()
    }, complete


def _ask(subject: Subject, X: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    scores = subject.scores(X)
    values = None if scores is None else np.nan_to_num(scores.values, neginf=-1e6, posinf=1e6)
    return subject.codes(X), values


@dataclass(frozen=True)
class _HeldOut:
    """Rows with the subject's labels: a half to choose with, a half to measure on, and drawn rows."""

    choose: NDArray[np.float64]
    choose_codes: NDArray[np.int64]
    real: NDArray[np.float64]
    real_codes: NDArray[np.int64]
    drawn: NDArray[np.float64]
    drawn_codes: NDArray[np.int64]

    @classmethod
    def ask(
        cls,
        subject: Subject,
        test: NDArray[np.float64],
        schema: FeatureSchema,
        reference: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> _HeldOut:
        rows = test[rng.permutation(len(test))[: 2 * _EVALUATED]]
        choose, real = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        drawn = draw_from_schema(schema, len(real), reference=reference, random_state=rng)
        codes = subject.codes(np.vstack([choose, real, drawn]))
        first, second = len(choose), len(choose) + len(real)
        return cls(choose, codes[:first], real, codes[first:second], drawn, codes[second:])

    def best(
        self, queries: int, source: Source, answers: Answers, copies: list[tuple[str, Copy]]
    ) -> StolenCopy:
        """Choose on one half (plain and balanced agreement counting alike), and measure on the other."""
        family, copy = max(copies, key=lambda pair: self._choosing_score(pair[1]))
        same = copy.codes(self.real) == self.real_codes
        drawn = copy.codes(self.drawn) == self.drawn_codes
        return StolenCopy(
            queries, source, answers, family, _share(same), _share(drawn), balanced(same, self.real_codes)
        )

    def _choosing_score(self, copy: Copy) -> float:
        same = copy.codes(self.choose) == self.choose_codes
        return float((same * (1 + _weights(self.choose_codes))).mean())

    def _common(self) -> int:
        return int(np.bincount(self.choose_codes).argmax())

    def baseline(self) -> Proportion:
        return _share(self.real_codes == self._common())

    def baseline_drawn(self) -> Proportion:
        return _share(self.drawn_codes == self._common())


def _share(hits: NDArray[np.bool_]) -> Proportion:
    return Proportion(int(hits.sum()), len(hits))


def _weights(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return np.asarray(len(codes) / (len(counts) * counts[inverse]), dtype=np.float64)


def balanced(same: NDArray[np.bool_], codes: NDArray[np.int64]) -> Mean:
    """Return the agreement with every label of the subject counting alike.

    Each label's share gets one hit and one miss more when its spread is estimated (Agresti & Coull 1998), so that
    a label of few rows that were all copied right still leaves doubt.

    Parameters
    ----------
    same : ndarray of bool, shape (n,)
        Whether copy and subject agree.
    codes : ndarray of shape (n,)
        The subject's labels.
    """
    labels = np.unique(codes)
    shares, variance = [], 0.0
    for label in labels:
        hits, n = int(same[codes == label].sum()), int((codes == label).sum())
        smooth = (hits + 1) / (n + 2)
        shares.append(hits / n)
        variance += smooth * (1 - smooth) / n
    deviation = math.sqrt(variance / len(labels) ** 2 * len(codes))
    return Mean(
        float(np.mean(shares)), deviation, len(codes), "Student t over labels (Agresti & Coull)", 0.0, 1.0
    )
