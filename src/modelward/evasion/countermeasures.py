"""Countermeasures against cheap legal changes: each makes another model of the deployed one, and says how.

Those that train do so with the same kind of model on the same rows, so that a difference is theirs alone.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.evasion import _countermeasure_code as words
from modelward.evasion._gates import gated, round_to, rounded_thresholds
from modelward.evasion._thresholds import split_points
from modelward.evasion.coordinate import CoordinateSearch
from modelward.schema import project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.schema import FeatureSchema

_LEAST_RHO = 0.05
_LEAF = ("min_samples_leaf", "min_child_samples", "min_data_in_leaf")
_CHEAP = 1.0
_EXTRA_SHARE = 0.2
_MEMBERS = 5


class NotForThisModel(Exception):  # noqa: N818 - it is an outcome, not an error
    """A countermeasure that this kind of model has no place for; the message says why."""


@dataclass(frozen=True)
class Workbench:
    """What the countermeasures are made from.

    Parameters
    ----------
    subject : Subject
        The deployed model.
    X, y : ndarray of shape (n, d), (n,)
        Training rows and labels as indices.
    schema : FeatureSchema
    seed : int
    attacked : int
        Training rows that adversarial training attacks.
    """

    subject: Subject
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    schema: FeatureSchema
    seed: int
    attacked: int = 400

    @cached_property
    def fit_seed(self) -> int:
        """The deployed model's own seed where it has one: trained on the same rows it is then the same model."""
        own = getattr(getattr(self.subject.trainer, "model", None), "random_state", None)
        return int(own) if isinstance(own, int | np.integer) else self.seed

    @cached_property
    def again(self) -> Subject:
        """The same kind of model trained again on these rows: what all that train are compared with."""
        return self.subject.refit(self.X, self.y, self.fit_seed)

    def trained(self, model: Any) -> Subject:
        """Return another model trained on the same rows."""
        trainer: Any = self.subject.trainer
        return dataclasses.replace(self.subject, trainer=dataclasses.replace(trainer, model=model)).refit(
            self.X, self.y, self.fit_seed
        )

    @property
    def estimator(self) -> Any:
        """The deployed estimator, to be cloned."""
        model = getattr(self.subject.trainer, "model", None)
        if model is None or not hasattr(model, "get_params"):
            raise NotForThisModel("it cannot be trained again: give a scikit-learn style estimator")
        return model


@dataclass(frozen=True)
class Hardened:
    """A model with a countermeasure.

    Parameters
    ----------
    subject : Subject
    code : str
        How to make it of `model`, `X_train` and `y_train` (polars tables).
    note : str
        What was chosen.
    thresholds : mapping of int to ndarray, optional
        Where its answers change, if that is known and cannot be read from it.
    outside : bool
        Whether it is about callers who do not keep to the schema, and measured with such.
    """

    subject: Subject
    code: str
    note: str
    thresholds: Mapping[int, NDArray[np.float64]] | None = None
    outside: bool = False


@dataclass(frozen=True)
class Lock:
    """A countermeasure: its name, its title, and how it is made."""

    name: str
    title: str
    make: Callable[[Workbench], Hardened]


def _control(bench: Workbench, step: int) -> Hardened:
    _ = bench.estimator
    seed = bench.fit_seed + step
    return Hardened(
        bench.subject.refit(bench.X, bench.y, seed),
        "",
        f"the same training with seed {seed}: what luck alone moves",
    )


def _monotonic(bench: Workbench) -> Hardened:
    from sklearn.base import clone

    model = bench.estimator
    if bench.subject.n_classes != 2:
        raise NotForThisModel("monotonic constraints need two labels")
    params = model.get_params(deep=False)
    name = next((n for n in ("monotonic_cst", "monotone_constraints") if n in params), None)
    if name is None and type(model).__module__.startswith("lightgbm"):
        name = "monotone_constraints"
    if name is None:
        raise NotForThisModel(f"a {type(model).__name__} takes no monotonic constraints")
    signs = _signs(bench)
    if not any(signs.values()):
        raise NotForThisModel("no column rises or falls with the label")
    vector = [signs.get(column, 0) for column in bench.schema.names]
    value: Any = tuple(vector) if type(model).__module__.startswith("xgboost") else vector
    said = ", ".join(f"{n} {'up' if s > 0 else 'down'}" for n, s in signs.items() if s)
    return Hardened(
        bench.trained(clone(model).set_params(**{name: value})),
        words.MONOTONIC.format(signs={n: s for n, s in signs.items() if s}, name=name), said,
    )  # fmt: skip


def _signs(bench: Workbench) -> dict[str, int]:
    """Return which way each plain column goes with the second label, by rank correlation on the training rows."""
    from scipy.stats import rankdata

    members = {n for group in bench.schema.onehot for n in group}
    found: dict[str, int] = {}
    target = bench.y - bench.y.mean()
    for j, column in enumerate(bench.schema.columns):
        values = bench.X[:, j]
        if column.name in members or column.kind in ("categorical", "text") or np.isnan(values).any():
            continue
        ranks = rankdata(values)
        ranks -= ranks.mean()
        size = float(np.sqrt((ranks**2).sum() * (target**2).sum()))
        rho = float(ranks @ target) / size if size else 0.0
        if abs(rho) > _LEAST_RHO:
            found[column.name] = 1 if rho > 0 else -1
    return found


def _larger_leaves(bench: Workbench) -> Hardened:
    from sklearn.base import clone

    model = bench.estimator
    changes = larger_leaves(model.get_params(deep=True), len(bench.X))
    if not changes:
        raise NotForThisModel("it has no size of leaves that could be raised")
    said = ", ".join(f"{name} = {value}" for name, value in changes.items())
    return Hardened(
        bench.trained(clone(model).set_params(**changes)), words.LEAVES.format(changes=changes), said
    )


def larger_leaves(params: Mapping[str, Any], rows: int) -> dict[str, int]:
    """Return a model's sizes of leaves, raised fourfold and to a hundred rows at least.

    Examples
    --------
    >>> larger_leaves({"min_samples_leaf": 1, "max_depth": 3}, 10_000)
    {'min_samples_leaf': 100}
    >>> larger_leaves({"rf__min_samples_leaf": 100}, 10_000)
    {'rf__min_samples_leaf': 400}
    >>> larger_leaves({"C": 1.0}, 10_000)
    {}
    """
    out = {}
    for name, value in sorted(params.items()):
        if name.rsplit("__", 1)[-1] not in _LEAF or isinstance(value, bool | str):
            continue
        now = 1 if value is None else value * rows if isinstance(value, float) and value < 1 else value
        wanted = int(max(100, 4 * now))
        if wanted * 2 < rows:
            out[name] = wanted
    return out


def _clipping(bench: Workbench) -> Hardened:
    schema = bench.schema
    return Hardened(
        gated(bench.subject, lambda X: project(schema, X)), words.CLIPPING,
        "values beyond a range are put on its end, and on their step; measured with callers who go a range further",
        thresholds=split_points(bench.subject), outside=True,
    )  # fmt: skip


def _rounding(bench: Workbench) -> Hardened:
    steps = rounding_steps(bench.schema, bench.X)
    if not steps:
        raise NotForThisModel("no column of numbers is fine enough to be rounded")
    again = bench.subject.refit(round_to(bench.X, steps), bench.y, bench.fit_seed)
    named = {bench.schema.names[j]: step for j, step in steps.items()}
    cuts = split_points(again)
    return Hardened(
        gated(again, lambda X: round_to(X, steps)), words.ROUNDING.format(steps=named),
        ", ".join(f"{n} to {s:g}" for n, s in named.items()),
        thresholds=None if cuts is None else rounded_thresholds(cuts, steps),
    )  # fmt: skip


def rounding_steps(schema: FeatureSchema, X: NDArray[np.float64]) -> dict[int, float]:
    """Return a round step for each column of numbers: a fifth of an interquartile range, where that is coarser.

    Examples
    --------
    >>> from modelward.schema import Column
    >>> from modelward.schema import FeatureSchema as Schema
    >>> rounding_steps(Schema((Column("BILL", "integer"), Column("PAY", "integer"))),
    ...                np.array([[0.0, 0], [50_000, 1], [100_000, 2]]))
    {0: 10000.0}
    """
    steps = {}
    for j, column in enumerate(schema.columns):
        if column.kind not in ("continuous", "integer"):
            continue
        values = X[~np.isnan(X[:, j]), j]
        if not len(values):
            continue
        width = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) / 5
        if width <= 0:
            continue
        power = 10.0 ** np.floor(np.log10(width))
        step = float(max(m * power for m in (1, 2, 5) if m * power <= width * (1 + 1e-12)))
        if step > 2 * float(schema.rules.step[j]):
            steps[j] = step
    return steps


def _adversarial(bench: Workbench) -> Hardened:
    rng = np.random.default_rng([bench.seed, 7])
    rows = np.sort(rng.permutation(len(bench.X))[: bench.attacked])
    again, X = bench.again, bench.X[rows]
    search = CoordinateSearch(reference=bench.X[:500], thresholds=split_points(again))
    found = search.run(
        again, X, again.codes(X), schema=bench.schema, budget=500 * len(X), random_state=bench.seed
    )
    near = found.success & (found.cost <= _CHEAP)
    if not near.any():
        raise NotForThisModel("no training row flips at a cost of 1 or less: there is nothing to train on")
    copies = max(1, round(_EXTRA_SHARE * len(bench.X) / int(near.sum())))
    extra, labels = np.repeat(found.rows[near], copies, axis=0), np.repeat(bench.y[rows][near], copies)
    hardened = bench.subject.refit(
        np.concatenate([bench.X, extra]), np.concatenate([bench.y, labels]), bench.fit_seed
    )
    return Hardened(
        hardened, words.ADVERSARIAL.format(rows=bench.attacked, copies=copies),
        f"a fifth more rows: cheap flips of {bench.attacked} training rows with their true labels",
    )  # fmt: skip


def _ensemble(bench: Workbench) -> Hardened:
    from sklearn.base import clone
    from sklearn.ensemble import BaggingClassifier

    bag = BaggingClassifier(clone(bench.estimator), n_estimators=_MEMBERS, random_state=bench.seed)
    return Hardened(
        bench.trained(bag), words.ENSEMBLE.format(members=_MEMBERS), f"{_MEMBERS} models on bootstrap samples"
    )


CONTROL = "control"
LOCKS: tuple[Lock, ...] = (
    Lock(f"{CONTROL} 1", "Control with another seed", partial(_control, step=1)),
    Lock(f"{CONTROL} 2", "Control with a third seed", partial(_control, step=2)),
    Lock("monotonic", "Monotonic constraints", _monotonic),
    Lock("leaves", "Larger leaves", _larger_leaves),
    Lock("clipping", "Clipping to the schema", _clipping),
    Lock("rounding", "Rounding what callers can fine-tune", _rounding),
    Lock("adversarial", "Adversarial training by augmentation", _adversarial),
    Lock("ensemble", "An ensemble of several models", _ensemble),
)

__all__ = [
    "CONTROL", "LOCKS", "Hardened", "Lock", "NotForThisModel", "Workbench", "larger_leaves", "rounding_steps",
]  # fmt: skip
