"""A pool of other people's rows, and which of them a row could become at what price.

Every row of X is compared with the whole pool, so nothing here loops over rows: prices are sums over columns
of (n, m) matrices, and only the few rows that are chosen are built.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._space import HOLDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._space import Space

BLOCK_CELLS = 1_000_000
"""Entries of an (n, m) matrix at most."""


@dataclass(frozen=True)
class Pool:
    """Rows that others may become.

    A cell that cannot be taken over (immutable, missing, against its direction) stays as it is; a one-hot
    group is taken over as a whole or not at all.

    Parameters
    ----------
    space : Space
        What is legal, and what it costs.
    rows : ndarray of shape (m, d)
        The pool.
    """

    space: Space
    rows: NDArray[np.float64]

    def nearest(
        self, owner: NDArray[np.int64], X: NDArray[np.float64], size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return at most `size` rows of the pool for each row of X, as it could become them, cheapest first.

        Half of the choice is geometric in rank: the nearest rows have mostly the same label, the farthest
        cost most.

        Parameters
        ----------
        owner : ndarray of int, shape (n,)
            What each row of X is called.
        X : ndarray of shape (n, d)
            Origins.
        size : int
            The most rows for each.

        Returns
        -------
        owner : ndarray of int, shape (k,)
        rows : ndarray of shape (k, d)
        costs : ndarray of shape (k,)
        """
        block = max(1, BLOCK_CELLS // max(1, len(self.rows)))
        who, which = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for start in range(0, len(X), block):
            a, b = _choose(self.prices(X[start : start + block]), size)
            who.append(a + start)
            which.append(b)
        chosen = np.concatenate(who)
        A = self._become(X[chosen], self.rows[np.concatenate(which)])
        return owner[chosen], A, self.space.measure(A, X[chosen])

    def prices(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each row of X pays to become each row of the pool, shape (n, m); inf if it is illegal.

        0 where it can take nothing over. Each row's prices are the same to the last bit in any company.
        """
        lacking = np.isnan(X[:, self._plain]).any(axis=1)
        if not lacking.any():
            return self._prices(X, self._plain)
        out = np.empty((len(X), len(self.rows)))
        out[~lacking] = self._prices(X[~lacking], self._plain)
        out[lacking] = self._prices(X[lacking], np.zeros_like(self._plain))
        return out

    def _prices(self, X: NDArray[np.float64], plain: NDArray[np.bool_]) -> NDArray[np.float64]:
        from scipy.spatial.distance import cdist

        space, rate = self.space, self.space.rate[plain]
        if plain.any():
            out = np.asarray(cdist(X[:, plain] * rate, self.rows[:, plain] * rate, "cityblock"))
        else:
            out = np.zeros((len(X), len(self.rows)))
        singles = len(space.units) - len(space.groups)
        for u, unit in enumerate(space.units[:singles]):
            j = int(unit[0])
            if space.mutable[u] and not plain[j]:
                gap = np.abs(self._taken(X, j) - X[:, [j]])
                price = (gap > 0) * space.rate[j] if space.flat[j] else gap * space.rate[j]
                out += np.where(np.isnan(gap), 0.0, price)
        for g, group in enumerate(space.groups):
            if space.mutable[singles + g]:
                # One more member stands for rows of the pool that are no member at all: nobody becomes those.
                price = np.pad(space.switch[g], ((0, 0), (0, 1)), constant_values=np.inf)
                price[np.isinf(price)] = 0.0
                member = np.where(self._whole(group), self.rows[:, group].argmax(axis=1), len(group))
                out += np.take(price[X[:, group].argmax(axis=1)], member, axis=1)
        for left, operator, right in space.schema.rules.relations:
            a, b = self._taken(X, left), self._taken(X, right)
            out[~(HOLDS[operator](a, b) | np.isnan(a) | np.isnan(b))] = np.inf
        return out

    @cached_property
    def _plain(self) -> NDArray[np.bool_]:
        """Columns that any row may take over from any of the pool, at a price for the distance, shape (d,)."""
        space, rules = self.space, self.space.schema.rules
        single = np.array([len(space.units[u]) == 1 for u in space.unit_of])
        inside = ((self.rows >= space.low) & (self.rows <= space.high)).all(axis=0)
        free = space.mutable[space.unit_of] & ~rules.up & ~rules.down & ~space.flat
        return np.asarray(single & inside & free)

    def _whole(self, group: NDArray[np.int64]) -> NDArray[np.bool_]:
        cells = self.rows[:, group]
        return np.asarray(((cells == 0) | (cells == 1)).all(axis=1) & (cells.sum(axis=1) == 1))

    def _taken(self, X: NDArray[np.float64], j: int) -> NDArray[np.float64]:
        """Return column j of each row of X after it became each row of the pool, shape (n, m)."""
        low, high = self.space.reach(X)
        theirs = self.rows[None, :, j]
        return np.where((theirs >= low[:, [j]]) & (theirs <= high[:, [j]]), theirs, X[:, [j]])

    def _become(self, X: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rows X with all cells of other rows that they can take over, shape (k, d)."""
        low, high = self.space.reach(X)
        fits = (rows >= low) & (rows <= high)
        for group in self.space.groups:
            fits[:, group] = (fits[:, group].all(axis=1) & (rows[:, group].sum(axis=1) == 1))[:, None]
        return np.where(fits, rows, X)


def _choose(prices: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return places (row, column) of the chosen entries; those that cost nothing or inf are never chosen."""
    m = prices.shape[1]
    bits = max(1, (m - 1).bit_length())
    # Positive floats are ordered as their bits are. The lowest bits give way to the position, so that one sort
    # of integers, which is several times faster than a stable argsort, orders prices and breaks ties.
    prices = np.where(prices > 0, prices, np.inf)
    counts = np.isfinite(prices).sum(axis=1)
    keys = prices.view(np.int64)
    keys &= ~np.int64((1 << bits) - 1)
    keys |= np.arange(m)
    keys.sort(axis=1)
    half = -(-size // 2)
    who, which = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for count in np.unique(counts[counts > 0]).tolist():
        near = np.geomspace(1, count, half).astype(int) - 1
        even = np.linspace(0, count - 1, size - half).astype(int)
        ranks = np.unique(np.concatenate([near, even]))
        mine = np.flatnonzero(counts == count)
        who.append(np.repeat(mine, len(ranks)))
        which.append((keys[np.ix_(mine, ranks)] & ((1 << bits) - 1)).ravel())
    order = np.argsort(np.concatenate(who), kind="stable")
    return np.concatenate(who)[order], np.concatenate(which)[order]
