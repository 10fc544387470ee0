"""Trades: a row's best point gives up a part of one change, and others take over less than what was given up.

Labels alone say which trades work, so they are drawn; how much is given up follows the row's own luck, and units
that were part of what worked are drawn more often. Some candidates are no trades: they begin at the origin, or share
out less than the best cost anew among the numbers of a known point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._moves import Batch, Moves
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._halving import Halving

_SAVED = np.array([0.05, 0.15, 0.3, 0.5, 0.7])
"""Shares of the best cost that a point saves which is made afresh or shared out anew."""
_SPREAD = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
"""How the saving of a trade is spread around the row's own."""
_KEPT = np.array([0.0, 0.0, 0.3, 0.6, 0.85, 0.95])
"""What the unit that gives keeps of its change."""
_LEAST_SAVED, _MOST_SAVED, _FIRST_SAVED = 0.01, 0.5, 0.1
_GROW, _FADE = 1.3, 0.93
_FRESH, _REDRAWN, _SECOND = 0.15, 0.2, 0.2
_WIDTH = 1.7
"""Log-width of the factors by which shares are drawn anew."""
_UNIFORMS = 12


@dataclass
class Trades:
    """Trades of all rows of a desk, in lock step.

    Parameters
    ----------
    desk : Desk
    moves : Moves
    halving : Halving
        What shrinks a point that was found.
    rngs : list of Generator, length n
        Of each row.
    size : int
        Trades that a row asks about at a time.
    """

    desk: Desk
    moves: Moves
    halving: Halving
    rngs: list[np.random.Generator]
    size: int
    drawn: int = 1
    """Trades drawn for each that is asked."""
    saving: NDArray[np.float64] = field(init=False)
    hits: NDArray[np.float64] = field(init=False)
    tries: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        n, units = len(self.desk.X), len(self.moves.least)
        self.saving = np.full(n, _FIRST_SAVED)
        self.hits, self.tries = np.zeros((n, 2 * units)), np.zeros((n, 2 * units))

    def round(self, elite: Walkers, rows: NDArray[np.int64], keep: int) -> Walkers:
        """Draw and ask about some trades of rows that have a point; return the cheapest few points of each row."""
        width = _UNIFORMS + len(self.moves.least)
        many = self.size * self.drawn
        draws = np.concatenate([self.rngs[i].random((many, width)) for i in rows.tolist()])
        owner = np.repeat(rows, many)
        best = self.desk.best_cost[owner]
        batch = self._made(elite, owner, best, draws)
        costs = self.desk.space.combine(batch.units)
        ask = np.flatnonzero(
            (costs < best * (1 - 1e-9)) & (costs > 0) & self.desk.space.relations_hold(batch.A)
        )
        ask = self._chosen(owner, batch, ask)
        hit = self.desk.ask(owner[ask], batch.A[ask], costs[ask])
        self._learn(rows, owner[ask], batch, ask, hit)
        won = ask[hit]
        found = Walkers.gather(self.desk, [Walkers(owner[won], batch.A[won], costs[won])], 1)
        found.restore(self.desk)
        self.halving.halve(self.desk, found)
        return Walkers.gather(self.desk, [elite, found], keep)

    def _chosen(
        self,
        owner: NDArray[np.int64],  # noqa: ARG002 - for those who choose
        batch: Batch,  # noqa: ARG002
        ask: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return which trades are asked; here all."""
        return ask

    def _made(
        self, elite: Walkers, owner: NDArray[np.int64], best: NDArray[np.float64], draws: NDArray[np.float64]
    ) -> Batch:
        """Return candidates that cost less than the best: trades, points shared out anew, and points made afresh."""
        first = np.searchsorted(elite.owner, owner)
        many = np.searchsorted(elite.owner, owner, "right") - first
        # Mostly the cheapest point of the row, now and then another.
        place = first + (np.maximum(draws[:, 11] - 0.6, 0.0) / 0.4 * many).astype(np.int64)
        X, fresh = self.desk.X[owner], draws[:, 0] < _FRESH
        anew = ~fresh & (draws[:, 0] < _FRESH + _REDRAWN)
        batch = Batch.at(self.desk.space, X, np.where(fresh[:, None], X, elite.A[place]))
        saved = np.clip(self.saving[owner] * _of(_SPREAD, draws[:, 1]), _LEAST_SAVED / 2, 1.4 * _MOST_SAVED)
        target = (1 - np.where(fresh | anew, _of(_SAVED, draws[:, 1]), saved)) * best
        again = np.flatnonzero(anew)
        self.moves.redraw(batch, again, np.exp(_WIDTH * (draws[again, _UNIFORMS:] - 0.5)), target[again])
        giver, gives = _pick(batch.units, draws[:, 3])
        trade = np.flatnonzero(~fresh & ~anew & gives)
        self.moves.weaken(batch, trade, giver[trade], _of(_KEPT, draws[trade, 2]))
        takers = np.where(fresh, 1 + (draws[:, 4] * 3).astype(np.int64), 1 + (draws[:, 4] < _SECOND))
        takers[again] = 0
        odds = self._odds(owner, best)
        units = len(self.moves.least)
        odds[trade, giver[trade]] = odds[trade, units + giver[trade]] = 0.0
        for k in range(3):
            some = np.flatnonzero(takers > k)
            picked, there = _pick(odds[some], draws[some, 5 + k])
            some, picked = some[there], picked[there]
            unit, sign = picked % units, np.where(picked < units, 1.0, -1.0)
            room = self.moves.room(batch.units[some], unit, target[some])
            price = room * np.where(k == takers[some] - 1, 1.0, draws[some, 8 + k])
            self.moves.take(batch, some, unit, sign, price, draws[some, 10])
        return batch

    def _odds(self, owner: NDArray[np.int64], best: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how often each unit is drawn upwards, then downwards, shape (m, 2 * units)."""
        number = self.moves.number
        # Units whose least step is dearer than all that there is to save are no use.
        cheap = self.moves.least < best[:, None]
        mask = np.concatenate([cheap, cheap & number], axis=1)
        return np.asarray(mask * (self.hits[owner] + 0.5) / (self.tries[owner] + 5.0))

    def _learn(
        self,
        rows: NDArray[np.int64],
        owner: NDArray[np.int64],
        batch: Batch,
        ask: NDArray[np.int64],
        hit: NDArray[np.bool_],
    ) -> None:
        column = self.moves.column
        down = (batch.A[np.ix_(ask, column)] < batch.X[np.ix_(ask, column)]) & self.moves.number
        part = batch.units[ask] > 0
        used = np.concatenate([part & ~down, part & down], axis=1).astype(np.float64)
        _add(self.tries, owner, used)
        _add(self.hits, owner[hit], used[hit])
        won = np.isin(rows, owner[hit])
        self.saving[rows] = np.clip(
            self.saving[rows] * np.where(won, _GROW, _FADE), _LEAST_SAVED, _MOST_SAVED
        )


def _add(table: NDArray[np.float64], owner: NDArray[np.int64], parts: NDArray[np.float64]) -> None:
    """Add up the parts of each owner, which stand in the owners' order."""
    if len(owner):
        first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        table[owner[first]] += np.add.reduceat(parts, first, axis=0)


def _of(values: NDArray[np.float64], draw: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[(draw * len(values)).astype(np.int64)]


def _pick(
    weights: NDArray[np.float64], draw: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a column of each row, drawn by its weights, and whether it has any weight."""
    sums = np.cumsum(weights, axis=1)
    place = (sums <= (draw * sums[:, -1])[:, None]).sum(axis=1)
    return np.minimum(place, weights.shape[1] - 1), sums[:, -1] > 0
