"""Trades: a row's best point gives up a part of one change, and others take over less than what was given up.

Labels alone say which trades work, so they are drawn; how much is given up follows the row's own luck, and units
that were part of what worked are drawn more often. Some candidates are no trades: they begin at the origin, or share
out less than the best cost anew among the numbers of a known point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._trading import LEAST_SAVED, MOST_SAVED, Ways, learn, make_trades
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._halving import Halving

_FIRST_SAVED = 0.1
_GROW, _FADE = 1.3, 0.93


@dataclass(frozen=True)
class Batch:
    """Candidates, `many` of each row one after the other.

    Parameters
    ----------
    owner : ndarray of int64, shape (m,)
    A : ndarray of shape (m, d)
        Where each stands.
    units : ndarray of shape (m, U)
        What each unit's change costs.
    costs : ndarray of shape (m,)
        By the norm.
    """

    owner: NDArray[np.int64]
    A: NDArray[np.float64]
    units: NDArray[np.float64]
    costs: NDArray[np.float64]


@dataclass
class Trades:
    """Trades of all rows of a desk, in lock step.

    Parameters
    ----------
    desk : Desk
    ways : Ways
    halving : Halving
        What shrinks a point that was found.
    seed : int
        Random numbers depend on it and on the row alone, not on the batch that it is in.
    size : int
        Trades that a row asks about at a time.
    """

    desk: Desk
    ways: Ways
    halving: Halving
    seed: int
    size: int
    drawn: int = 1
    """Trades drawn for each that is asked."""
    saving: NDArray[np.float64] = field(init=False)
    hits: NDArray[np.float64] = field(init=False)
    tries: NDArray[np.float64] = field(init=False)
    state: NDArray[np.uint64] = field(init=False)

    def __post_init__(self) -> None:
        n, units = len(self.desk.X), len(self.ways.least)
        self.saving = np.full(n, _FIRST_SAVED)
        self.hits, self.tries = np.zeros((n, 2 * units)), np.zeros((n, 2 * units))
        key = str(self.seed).encode()
        digests = (blake2b(x.tobytes(), digest_size=8, key=key).digest() for x in self.desk.X)
        self.state = np.frombuffer(b"".join(digests), dtype=np.uint64).copy()

    def round(self, elite: Walkers, rows: NDArray[np.int64], keep: int) -> Walkers:
        """Draw and ask about some trades of rows that have a point; return the cheapest few points of each row."""
        batch = self._made(elite, rows)
        best = self.desk.best_cost[batch.owner]
        wanted = (batch.costs < best * (1 - 1e-9)) & (batch.costs > 0)
        if self.desk.space.schema.relations:
            wanted &= self.desk.space.relations_hold(batch.A)
        ask = self._chosen(batch, np.flatnonzero(wanted))
        owner, A, costs = batch.owner[ask], batch.A[ask], batch.costs[ask]
        hit = self.desk.ask(owner, A, costs)
        self._learn(batch, ask, hit)
        won = np.isin(rows, owner[hit])
        self.saving[rows] = np.clip(self.saving[rows] * np.where(won, _GROW, _FADE), LEAST_SAVED, MOST_SAVED)
        found = Walkers.gather(self.desk, [Walkers(owner[hit], A[hit], costs[hit])], 1)
        found.restore(self.desk)
        self.halving.halve(self.desk, found)
        return Walkers.gather(self.desk, [elite, found], keep)

    def _chosen(self, batch: Batch, ask: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ARG002 - for those who choose
        """Return which trades are asked; here all."""
        return ask

    def _made(self, elite: Walkers, rows: NDArray[np.int64]) -> Batch:
        """Return candidates that cost less than the best: trades, points shared out anew, and points made afresh."""
        desk, many = self.desk, self.size * self.drawn
        first = np.searchsorted(elite.owner, rows)
        end = np.searchsorted(elite.owner, rows, "right")
        price = desk.space.unit_costs(elite.A, desk.X[elite.owner])
        m = len(rows) * many
        A, units, costs = np.empty((m, desk.X.shape[1])), np.empty((m, len(self.ways.least))), np.empty(m)
        make_trades(
            self.ways, rows, many, desk.X, desk.best_cost, self.saving, self.hits, self.tries, first, end, elite.A,
            price, self.state, A, units, costs,
        )  # fmt: skip
        return Batch(np.repeat(rows, many), A, units, costs)

    def _learn(self, batch: Batch, ask: NDArray[np.int64], hit: NDArray[np.bool_]) -> None:
        learn(self.ways, self.desk.X, batch.owner, batch.A, batch.units, ask, hit, self.hits, self.tries)
