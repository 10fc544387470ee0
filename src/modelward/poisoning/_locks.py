"""What suspect rows do to a model, and what becomes of it when they are dropped, outvoted, trimmed or reweighed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.poisoning._align import align
from modelward.poisoning._flip_rate import matrix_of, small_model
from modelward.poisoning._sieves import certified_flips
from modelward.stats import Mean, Proportion
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    _Labels = Callable[[NDArray[np.float64]], NDArray[np.int64]]

PARTS = 9
_HELD = 0.3
_MIN = 20
_LEAST_WEIGHT = 0.05


@dataclass(frozen=True)
class Lock:
    """A way to train in spite of the suspects, and what it does.

    Parameters
    ----------
    name : str
    pull : Proportion
        Suspect rows that did not train, to which the model gives the suspects' commonest label.
    accuracy : Proportion
        Held-out rows that are no suspects (or the reference's rows) with the right label.
    price : Mean
        Accuracy minus that of training on everything, on the same rows.
    certified : float or None
        Half of the held-out rows keep their answer whatever becomes of so many training labels; None without a bound.
    """

    name: str
    pull: Proportion
    accuracy: Proportion
    price: Mean
    certified: float | None = None


def measure_locks(
    data: Any, rows: Collection[int], *, target: str, reference: Any = None, model: Any = None,
    random_state: int = 0,
) -> tuple[Lock, ...]:  # fmt: skip
    """Train with suspect rows, without them and in four more ways, and measure what each does.

    Half of the suspects train, the other half are asked. Their pull with everything, against the pull where they are
    dropped, is the influence of the block; where as many other rows are dropped instead is what chance does.

    Parameters
    ----------
    data : path or data frame
        The table that came in.
    rows : collection of int
        Positions of the suspects, at least twenty; the others must be as many.
    target : str
        The label column.
    reference : path or data frame, optional
        Other rows with labels that are trusted, to measure accuracy on. Without it three tenths of the rows that are no
        suspects are held out, whose labels may be wrong as well.
    model : scikit-learn classifier, optional
        What is trained; it must take numbers with NaN. A small histogram gradient boosting without it.
    random_state : int
        Draws the halves and the parts.

    Returns
    -------
    tuple of Lock
        Training on everything first, then suspects dropped, a vote of models of disjoint parts (each training row is in
        one part and so moves one vote), training without the rows that the model itself finds least likely, with all
        rows weighed by how likely it finds them, and as many other rows dropped.

    Raises
    ------
    InputError
        If there are too few suspects or other rows, or rows that the table does not have.

    References
    ----------
    Levine & Feizi 2021, Deep Partition Aggregation; Shen & Sanghavi 2019, Learning with Bad Training Data via Iterative
    Trimmed Loss Minimization.

    Examples
    --------
    >>> import polars as pl
    >>> x = np.arange(600) % 30
    >>> table = pl.DataFrame({"x": x, "bad": np.where(x >= 27, 1, x > 10).astype(int) * (x != 20)})
    >>> locks = measure_locks(table, np.flatnonzero(x == 20), target="bad")
    >>> [(lock.name, lock.pull.value) for lock in locks][:2]
    [('everything', 1.0), ('suspects dropped', 0.0)]
    """
    t = align(
        read_table(data, what="data"), None if reference is None else read_table(reference, what="reference"),
        target, None,
    )  # fmt: skip
    n, y = t.new.height, np.asarray(t.y)
    suspects = np.unique(np.fromiter(rows, dtype=np.int64))
    if len(suspects) and not 0 <= suspects[0] <= suspects[-1] < n:
        raise InputError(f"suspect rows are counted from 0 to {n - 1:,}")
    rest = np.setdiff1d(np.arange(n), suspects)
    if min(len(suspects), len(rest)) < _MIN:
        raise InputError(f"locks are measured with {_MIN} suspects and {_MIN} other rows at least")
    rng = np.random.default_rng(random_state)
    X = matrix_of(t)
    suspects, rest = rng.permutation(suspects), rng.permutation(rest)
    asked, planted = suspects[: len(suspects) // 2], suspects[len(suspects) // 2 :]
    if t.old is None:
        held, rest = rest[: int(_HELD * len(rest))], rest[int(_HELD * len(rest)) :]
    else:
        held = np.arange(n, len(y))
    return _tried(_Bench(X, y, asked, held, model, random_state), rest, planted, rng)


@dataclass(frozen=True)
class _Bench:
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    asked: NDArray[np.int64]
    held: NDArray[np.int64]
    model: Any
    random_state: int

    def fit(self, rows: NDArray[np.int64]) -> Any:
        """Train on some rows."""
        from sklearn.base import clone

        fresh = small_model(self.random_state) if self.model is None else clone(self.model)
        return fresh.fit(self.X[rows], self.y[rows])

    def weighed(self, rows: NDArray[np.int64], weight: NDArray[np.float64]) -> _Labels:
        """Train on rows that count by a weight; drawn by it where the model takes no weights."""
        from sklearn.base import clone
        from sklearn.utils.validation import has_fit_parameter

        weight = np.maximum(weight, _LEAST_WEIGHT)
        fresh = small_model(self.random_state) if self.model is None else clone(self.model)
        if has_fit_parameter(fresh, "sample_weight"):
            fresh.fit(self.X[rows], self.y[rows], sample_weight=weight)
        else:
            rng = np.random.default_rng(self.random_state)
            drawn = rng.choice(rows, size=len(rows), p=weight / weight.sum())
            fresh.fit(self.X[drawn], self.y[drawn])
        labels: _Labels = fresh.predict
        return labels

    def right(self, labels: _Labels) -> NDArray[np.bool_]:
        """Say which held-out rows get their own label."""
        return np.asarray(labels(self.X[self.held]) == self.y[self.held])

    def lock(
        self, name: str, labels: _Labels, base: NDArray[np.bool_], certified: float | None = None
    ) -> Lock:
        """Measure what gives labels."""
        goal = int(np.bincount(self.y[self.asked]).argmax())
        pulled = int((labels(self.X[self.asked]) == goal).sum())
        right = self.right(labels)
        return Lock(
            name, Proportion(pulled, len(self.asked)), Proportion(int(right.sum()), len(right)),
            Mean.of(right.astype(float) - base), certified,
        )  # fmt: skip


def _tried(
    bench: _Bench, rest: NDArray[np.int64], planted: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Lock, ...]:
    everything = np.concatenate([rest, planted])
    model = bench.fit(everything)
    base = bench.right(model.predict)
    votes = _votes(bench, rng.permutation(everything))
    safe = certified_flips(votes(bench.X[bench.held]))
    own = model.predict_proba(bench.X[everything])
    place = np.searchsorted(model.classes_, bench.y[everything])
    likely = own[np.arange(len(everything)), place]
    weighed = bench.weighed(everything, own[np.arange(len(everything)), place])
    trimmed = everything[np.argsort(-likely, kind="stable")[: len(rest)]]
    fewer = np.concatenate([rng.permutation(rest)[len(planted) :], planted])
    return (
        bench.lock("everything", model.predict, base),
        bench.lock("suspects dropped", bench.fit(rest).predict, base),
        bench.lock(
            f"vote of {PARTS} models",
            lambda rows: votes(rows).argmax(axis=1), base, float(np.median(safe)),
        ),
        bench.lock("least likely dropped", _fitted(bench, trimmed), base),
        bench.lock("rows reweighed", weighed, base),
        bench.lock("other rows dropped", _fitted(bench, fewer), base),
    )  # fmt: skip


def _fitted(bench: _Bench, rows: NDArray[np.int64]) -> _Labels:
    fitted: _Labels = bench.fit(rows).predict
    return fitted


def _votes(bench: _Bench, rows: NDArray[np.int64]) -> Callable[[NDArray[np.float64]], NDArray[np.int64]]:
    """Return what counts the votes of models of disjoint parts, shape (n, labels)."""
    models = [bench.fit(part) for part in np.array_split(rows, PARTS)]
    labels = int(bench.y.max()) + 1

    def count(X: NDArray[np.float64]) -> NDArray[np.int64]:
        out = np.zeros((len(X), labels), dtype=np.int64)
        for one in models:
            out[np.arange(len(X)), one.predict(X)] += 1
        return out

    return count
