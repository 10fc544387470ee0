"""Exact search on tree ensembles: branch and bound over boxes of bins, with a proven lower bound at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import UsageError
from modelward.evasion._clock import Clock
from modelward.evasion._desk import open_desk
from modelward.evasion._space import Space
from modelward.models import subject_forest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._bins import Binned
    from modelward.evasion._desk import Desk
    from modelward.evasion._result import Result
    from modelward.evasion._space import ExactNorm
    from modelward.models import Forest, Subject
    from modelward.schema import FeatureSchema

_MAX_NODES = 2_000_000
_MAX_MEMBERS = 62  # of a one-hot group: they are bits of a mask
_DEEPER = 1e-9


@dataclass(frozen=True)
class EnsembleSearch:
    """Cheapest flips of decision trees, random forests, ExtraTrees, gradient boosting, xgboost and lightgbm.

    For each row it finds the cheapest legal point with another label, and what any such point costs at least;
    the row is proven when the two meet. Where library and search might round differently the library's own
    arithmetic decides, and each found row is asked of the subject. Missing cells stay missing, and no cell goes
    missing. A point that breaks a relation is passed over; a row that moves further than to such a point is not
    proven.

    After Kantchelian, Tygar & Joseph 2016 (the problem), and Chen et al. 2019, Robustness Verification of
    Tree-based Models (bounds from what single trees can give).

    Parameters
    ----------
    work : int
        Constraints of leaves looked at for each row and rival label, before the search stops with what it has.
    norm : {"cost", "l0", "l1", "l2", "linf"}
        What is least: the sum of the prices of a row's changes (the schema's cost, which is L1), their number,
        the root of the sum of their squares, or the largest. A one-hot group is one change.
    seconds : float, optional
        Of processor time for each row, after which its search stops too. What is not proven by then depends on
        the machine; without it the same rows give the same result everywhere.

    Examples
    --------
    >>> EnsembleSearch(norm="linf").work
    60000000
    """

    work: int = 60_000_000
    norm: ExactNorm = "cost"
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds >= 0:
            raise UsageError(f"seconds={self.seconds}: give a number from 0, or None for no limit")

    @staticmethod
    def fits(subject: Subject, schema: FeatureSchema | None = None) -> bool:
        """Say whether the subject is an additive ensemble of trees that is not too large."""
        if schema is not None and _too_wide(schema):
            return False
        forest = subject_forest(subject)
        return forest is not None and _small(forest)

    def run(
        self,
        subject: Subject,
        X: NDArray[np.float64],
        codes: NDArray[np.int64],
        *,
        schema: FeatureSchema,
        goal: int | None = None,
        budget: int | None = None,
        random_state: int = 0,  # noqa: ARG002 - nothing here is random
        known: Result | None = None,
        binned: Binned | None = None,
    ) -> Result:
        """Find the cheapest legal move of each row; see `Attack.run`.

        Parameters
        ----------
        subject, X, codes, schema, goal, budget, random_state
            As there.
        known : Result, optional
            What another search found for these rows, in this norm: only what is cheaper is looked for, and rows for
            which there is nothing come back as not moved, with their bound.
        binned : Binned, optional
            What `prepared` returned for this subject and schema, where several runs share it.

        Raises
        ------
        UsageError
            If the subject is no such ensemble.
        """
        binned = self.prepared(subject, schema) if binned is None else binned
        if binned is None:
            raise UsageError(f"{subject.name} is no additive ensemble of trees: use CoordinateSearch")
        desk = open_desk(subject, binned.space, X, codes, goal, budget)
        return desk.run(lambda desk: self._search(desk, binned, known))

    def prepared(self, subject: Subject, schema: FeatureSchema) -> Binned | None:
        """Read the subject's trees into the bins of this norm, or return None if `fits` says no."""
        from modelward.evasion._bins import Binned  # compiled code is loaded when it is needed

        if _too_wide(schema):
            return None
        forest = subject_forest(subject)
        if forest is None or not _small(forest):
            return None
        kinds = subject.codec.dtypes
        narrow = [j for j, name in enumerate(schema.names) if str(kinds.get(name)) == "Float32"]
        return Binned.build(Space(schema, self.norm), forest, narrow)

    def _search(self, desk: Desk, binned: Binned, known: Result | None) -> None:
        rows = desk.open()
        found, costs = desk.X[rows].copy(), np.full(len(rows), np.inf)
        with Clock(self.seconds) as clock:
            for place, i in enumerate(rows.tolist()):
                clock.start()
                found[place], costs[place], desk.bound[i] = self._row(desk, binned, i, known, clock.stop)
        hit = np.isfinite(costs)
        hit[hit] = desk.space.relations_hold(found[hit])
        desk.ask(rows[hit], found[hit], costs[hit])

    def _row(
        self, desk: Desk, binned: Binned, i: int, known: Result | None, stop: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], float, float]:
        """Return the flip, its cost, inf if there is none, and the bound of one row."""
        from modelward.evasion._branching import cheapest_flip

        prices, values = binned.prices(desk.X[i])
        relations = binned.relations(values)
        leaving = int(desk.codes[i])
        wanted = -1 if desk.goal is None else desk.goal
        rivals = [desk.goal] if desk.goal is not None else range(desk.subject.n_classes)
        best, cheaper = prices.own.copy(), False
        most, bound = np.inf, np.inf
        if known is not None and known.success[i]:
            most = binned.in_prices(float(known.cost[i]))
            best = binned.bins(known.rows[i], prices.own)
        for rival in rivals:
            if rival == leaving:
                continue
            point = best.copy()
            cost, least = cheapest_flip(
                binned.leaves,
                binned.trees,
                prices,
                relations,
                binned.sums,
                wanted,
                leaving,
                rival,
                most,
                self.work,
                point,
                stop,
            )
            if cost < most - _DEEPER * max(1.0, cost):
                most, best, cheaper = cost, point, True
            bound = min(bound, least)
        return (
            binned.row(desk.X[i], best, values),
            binned.in_units(most) if cheaper else np.inf,
            binned.in_units(bound) * (1 - _DEEPER),
        )


def _too_wide(schema: FeatureSchema) -> bool:
    return any(len(group) > _MAX_MEMBERS for group in schema.onehot)


def _small(forest: Forest) -> bool:
    return sum(len(tree.left) for tree in forest.trees) <= _MAX_NODES
