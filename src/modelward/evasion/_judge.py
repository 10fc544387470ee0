"""Trades with scores: more are drawn than are asked, and a linear fit to the row's own scores chooses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._trades import Trades
from modelward.evasion._trading import NUMBER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._trades import Batch

_RIDGE = 0.05
_BLIND = 4
"""Every fourth trade that is asked is the first that was drawn, whatever the fit says of it."""


@dataclass
class JudgedTrades(Trades):
    """Trades of all rows, chosen by scores; the desk has to ask for them."""

    drawn: int = 4
    gram: NDArray[np.float64] = field(init=False)
    moment: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        n, size = len(self.desk.X), 2 * len(self.ways.least) + 1
        self.gram, self.moment = np.zeros((n, size, size)), np.zeros((n, size))

    def _chosen(self, batch: Batch, ask: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those that are asked, at most `size` of each row, in the rows' order."""
        table, kept = self._table(batch, ask), []
        for i, part in _by_owner(batch.owner[ask]):
            gram = self.gram[i] + _RIDGE * np.eye(len(self.gram[i]))
            guess = table[part] @ np.linalg.solve(gram, self.moment[i])
            blind = np.arange(len(guess)) < self.size // _BLIND
            order = np.argsort(np.where(blind, -np.inf, guess), kind="stable")
            kept.append(np.sort(ask[part][order[: self.size]]))
        return np.concatenate(kept) if kept else ask

    def _learn(self, batch: Batch, ask: NDArray[np.int64], hit: NDArray[np.bool_]) -> None:
        super()._learn(batch, ask, hit)
        table, loss = self._table(batch, ask), self.desk.losses
        for i, part in _by_owner(batch.owner[ask]):
            told = np.flatnonzero(np.isfinite(loss[part]))
            if len(told):
                seen = table[part][told]
                self.gram[i] += seen.T @ seen
                self.moment[i] += seen.T @ loss[part][told]

    def _table(self, batch: Batch, ask: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each unit's change costs, upwards and downwards, and a one; shape (k, 2 * units + 1)."""
        units, column = batch.units[ask], self.ways.column
        X = self.desk.X[batch.owner[ask]][:, column]
        down = (batch.A[np.ix_(ask, column)] < X) & (self.ways.kind == NUMBER)
        # A root, since the first part of a way does most.
        root = np.sqrt(units)
        return np.concatenate([root * ~down, root * down, np.ones((len(ask), 1))], axis=1)


def _by_owner(owner: NDArray[np.int64]) -> list[tuple[int, slice]]:
    """Return each owner and its part, where owners stand in their order."""
    if not len(owner):
        return []
    first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    ends = [*first[1:].tolist(), len(owner)]
    return [(int(owner[a]), slice(a, b)) for a, b in zip(first.tolist(), ends, strict=True)]
