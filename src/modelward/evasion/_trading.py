"""Candidates of trades for many rows, compiled; see `_trades` for what they are and `_moves` for the units' ways.

One candidate after the other is made in place, with random numbers of its own row (SplitMix64, Steele, Lea & Flood
2014), so what a row draws does not depend on the rows beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelward.evasion._kernels import compiled, copy_into, folded

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBER, VALUE, MEMBER = 0, 1, 2
"""Kinds of units: moved by as much as is paid for, set to one of some values, one-hot group."""
SUM, ROOT, LARGEST = 0, 1, 2

_SAVED = (0.05, 0.15, 0.3, 0.5, 0.7)
"""Shares of the best cost that a point saves which is made afresh or shared out anew."""
_SPREAD = (0.25, 0.5, 1.0, 2.0, 4.0)
"""How the saving of a trade is spread around the row's own."""
_KEPT = (0.0, 0.0, 0.3, 0.6, 0.85, 0.95)
"""What the unit that gives keeps of its change."""
LEAST_SAVED, MOST_SAVED = 0.01, 0.5
_FRESH, _REDRAWN, _SECOND = 0.15, 0.2, 0.2
_OTHERS = 0.4
"""How often a trade begins at any of a row's points, and not at its cheapest."""
_WIDTH = 1.7
"""Log-width of the factors by which shares are drawn anew."""
_TOLERANCE = 1e-9
"""As in the schema: how far from a multiple of its step a value may lie, relative to its size."""


class Ways(NamedTuple):
    """What the units of a space can do.

    Parameters
    ----------
    kind, column : ndarray of int64, shape (U,)
        `NUMBER`, `VALUE` or `MEMBER`; the unit's column, or a group's first.
    least, rate, low, high : ndarray of float64, shape (U,)
        The least that a change costs, inf if there is none; price of a unit of the column; its range.
    up, down : ndarray of bool, shape (U,)
        Whether it only goes one way.
    step, scale : ndarray of float64, shape (U,)
        Its step, 0 for any float, and the power of ten that makes multiples of it whole; 0 where none does.
    value_first, values : ndarray, shape (U + 1,) and (v,)
        Values that units of that kind are set to.
    member_first, members : ndarray of int64, shape (U + 1,) and (m,)
        Columns of the members of groups.
    switch_first, switch : ndarray, shape (U + 1,) and (s,)
        What it costs to go from one member to another, row by row.
    norm : int
        `SUM`, `ROOT` or `LARGEST`.
    """

    kind: NDArray[np.int64]
    column: NDArray[np.int64]
    least: NDArray[np.float64]
    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    up: NDArray[np.bool_]
    down: NDArray[np.bool_]
    step: NDArray[np.float64]
    scale: NDArray[np.float64]
    value_first: NDArray[np.int64]
    values: NDArray[np.float64]
    member_first: NDArray[np.int64]
    members: NDArray[np.int64]
    switch_first: NDArray[np.int64]
    switch: NDArray[np.float64]
    norm: int


@compiled
def uniform(state: Any, i: Any) -> Any:
    """Return the next number of a row, in [0, 1)."""
    state[i] += np.uint64(0x9E3779B97F4A7C15)
    z = state[i]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@compiled
def _one_of(values: Any, draw: Any) -> Any:
    return values[int(draw * len(values))]


@compiled
def _pick(weights: Any, draw: Any) -> Any:
    """Return a place drawn by its weight; −1 if nothing has any."""
    total = 0.0
    for w in weights:
        total += w
    bar, so_far, last = draw * total, 0.0, -1
    for i in range(len(weights)):
        if weights[i] > 0:
            so_far += weights[i]
            last = i
            if so_far > bar:
                break
    return last


@folded
def together(ways: Any, units: Any, without: Any) -> Any:
    """Return what units cost together by the norm; one of them may be left out."""
    total = 0.0
    for u in range(len(units)):
        if u == without:
            continue
        if ways.norm == LARGEST:
            total = max(total, units[u])
        elif ways.norm == ROOT:
            total += units[u] * units[u]
        else:
            total += units[u]
    return np.sqrt(total) if ways.norm == ROOT else total


@folded
def room(ways: Any, units: Any, unit: Any, target: Any) -> Any:
    """Return what one unit may cost, so that all cost `target` by the norm."""
    rest = together(ways, units, unit)
    if ways.norm == LARGEST:
        return target if rest <= target else 0.0
    if ways.norm == ROOT:
        return np.sqrt(max(target * target - rest * rest, 0.0))
    return max(target - rest, 0.0)


@folded
def _put(ways: Any, x: Any, a: Any, units: Any, u: Any, value: Any) -> None:
    """Put a number on its step, towards the origin and never past it; what is missing goes back."""
    origin = x[ways.column[u]]
    if np.isnan(value) or np.isnan(origin):
        a[ways.column[u]], units[u] = origin, 0.0
        return
    if value > origin:
        value = min(value, origin if ways.down[u] else ways.high[u])
    else:
        value = max(value, origin if ways.up[u] else ways.low[u])
    step = ways.step[u]
    stepped = value
    if step > 0:
        ratio = value / step
        if abs(ratio) < 2.0**53:
            near = np.rint(ratio)
            if abs(ratio - near) > _TOLERANCE * max(1.0, abs(ratio)):
                near = np.floor(ratio) if value > origin else np.ceil(ratio)
            stepped = near * step
            if ways.scale[u] > 0:
                rounded = np.rint(stepped * ways.scale[u]) / ways.scale[u]
                if np.isfinite(rounded):
                    stepped = rounded
    if (stepped - origin) * (value - origin) <= 0:
        stepped = origin
    a[ways.column[u]] = stepped
    units[u] = abs(stepped - origin) * ways.rate[u]


@folded
def weaken(ways: Any, x: Any, a: Any, units: Any, u: Any, keep: Any) -> None:
    """Take one unit back to a share of its change; what is no number goes back whole."""
    j = ways.column[u]
    if ways.kind[u] == NUMBER:
        _put(ways, x, a, units, u, x[j] + (a[j] - x[j]) * keep)
        return
    if ways.kind[u] == MEMBER:
        for m in range(ways.member_first[u], ways.member_first[u + 1]):
            a[ways.members[m]] = x[ways.members[m]]
    else:
        a[j] = x[j]
    units[u] = 0.0


@folded
def redraw(ways: Any, x: Any, a: Any, units: Any, target: Any, state: Any, i: Any) -> None:
    """Share out anew what the numbers may cost, in the proportion of their changes times drawn factors.

    Steps can make it less than `target`. Where what stays costs more, the numbers go back.
    """
    shares, fixed = np.zeros(len(units)), np.zeros(len(units))
    for u in range(len(units)):
        gap = a[ways.column[u]] - x[ways.column[u]]
        if ways.kind[u] == NUMBER and units[u] > 0 and not np.isnan(gap):
            shares[u] = units[u] * np.exp(_WIDTH * (uniform(state, i) - 0.5))
        else:
            fixed[u] = units[u]
    scale = room(ways, fixed, -1, target) / max(together(ways, shares, -1), 1e-300)
    for u in range(len(units)):
        if shares[u] > 0:
            j = ways.column[u]
            way = shares[u] * scale / ways.rate[u]
            _put(ways, x, a, units, u, x[j] + (way if a[j] > x[j] else -way))


@folded
def take(ways: Any, x: Any, a: Any, units: Any, u: Any, sign: Any, price: Any, draw: Any) -> None:
    """Move one unit by what a price pays for: numbers up or down, others to a drawn value."""
    j = ways.column[u]
    if ways.kind[u] == NUMBER:
        _put(ways, x, a, units, u, x[j] + sign * price / ways.rate[u])
    elif ways.kind[u] == VALUE:
        many = ways.value_first[u + 1] - ways.value_first[u]
        if many == 0 or ways.rate[u] > price:
            return
        value = ways.values[ways.value_first[u] + int(draw * many)]
        low = x[j] if ways.up[u] else ways.low[u]
        high = x[j] if ways.down[u] else ways.high[u]
        if low <= value <= high:
            a[j], units[u] = value, (ways.rate[u] if value != x[j] else 0.0)
    else:
        begin = ways.member_first[u]
        many = ways.member_first[u + 1] - begin
        home = 0
        for m in range(many):
            if x[ways.members[begin + m]] > x[ways.members[begin + home]]:
                home = m
        member = int(draw * many)
        paid = ways.switch[ways.switch_first[u] + home * many + member]
        if paid <= price:
            for m in range(many):
                a[ways.members[begin + m]] = 1.0 if m == member else 0.0
            units[u] = paid


@folded
def _candidate(
    ways: Any, x: Any, a: Any, units: Any, odds: Any, best: Any, saving: Any, fresh: Any, anew: Any, state: Any, i: Any
) -> None:  # fmt: skip
    """Make one candidate of a row out of the point that it stands at."""
    many = len(units)
    spread = uniform(state, i)
    if fresh or anew:
        target = (1 - _one_of(_SAVED, spread)) * best
    else:
        target = (1 - min(max(saving * _one_of(_SPREAD, spread), LEAST_SAVED / 2), 1.4 * MOST_SAVED)) * best
    if anew:
        redraw(ways, x, a, units, target, state, i)
        return
    giver = -1
    if not fresh:
        giver = _pick(units, uniform(state, i))
        if giver >= 0:
            weaken(ways, x, a, units, giver, _one_of(_KEPT, uniform(state, i)))
    takers = 1 + int(3 * uniform(state, i)) if fresh else (2 if uniform(state, i) < _SECOND else 1)
    weights = odds.copy()
    if giver >= 0:
        weights[giver] = weights[many + giver] = 0.0
    for k in range(takers):
        picked = _pick(weights, uniform(state, i))
        if picked < 0:
            break
        u = picked % many
        price = room(ways, units, u, target)
        if k < takers - 1:
            price *= uniform(state, i)
        take(ways, x, a, units, u, 1.0 if picked < many else -1.0, price, uniform(state, i))


@compiled
def make_trades(
    ways: Any, rows: Any, many: Any, X: Any, best: Any, saving: Any, hits: Any, tries: Any, first: Any, end: Any,
    A: Any, price: Any, state: Any, made: Any, units: Any, costs: Any,
) -> None:  # fmt: skip
    """Make `many` candidates of each row that cost less than its best.

    Parameters
    ----------
    ways : Ways
    rows : ndarray of int64, shape (r,)
        Numbers of the rows; each has a point.
    X, best, saving, hits, tries, state : ndarray, the first dimension n
        By the row's number: origin, best cost, share that trades save, how often each unit was part of a hit and of a
        question (upwards, then downwards), and the state of its random numbers, which goes on.
    first, end : ndarray of int64, shape (r,)
        Where each row's points stand.
    A, price : ndarray of shape (points, d) and (points, U)
        Points, the cheapest of each row first, and what their units cost.
    made, units, costs : ndarray of shape (r * many, d), (r * many, U) and (r * many,)
        Written: where candidates stand, what their units cost, and what they cost by the norm.
    """
    width = len(ways.least)
    odds = np.empty(2 * width)
    for r in range(len(rows)):
        i = rows[r]
        for u in range(width):
            # Units whose least step is dearer than all that there is to save are no use.
            cheap = ways.least[u] < best[i]
            odds[u] = (hits[i, u] + 0.5) / (tries[i, u] + 5.0) if cheap else 0.0
            down = cheap and ways.kind[u] == NUMBER
            odds[width + u] = (hits[i, width + u] + 0.5) / (tries[i, width + u] + 5.0) if down else 0.0
        for c in range(r * many, (r + 1) * many):
            draw = uniform(state, i)
            fresh, anew = draw < _FRESH, _FRESH <= draw < _FRESH + _REDRAWN
            # Mostly the cheapest point of the row, now and then another.
            other = max(uniform(state, i) - (1 - _OTHERS), 0.0) / _OTHERS
            place = first[r] + int(other * (end[r] - first[r]))
            copy_into(made[c], X[i] if fresh else A[place])
            copy_into(units[c], price[place])
            if fresh:
                units[c] = 0.0
            _candidate(ways, X[i], made[c], units[c], odds, best[i], saving[i], fresh, anew, state, i)
            costs[c] = together(ways, units[c], -1)


@compiled
def learn(
    ways: Any, X: Any, owner: Any, made: Any, units: Any, ask: Any, hit: Any, hits: Any, tries: Any
) -> None:
    """Count which units were part of questions and of hits, upwards and downwards apart."""
    width = len(ways.least)
    for e in range(len(ask)):
        c, i = ask[e], owner[ask[e]]
        for u in range(width):
            if units[c, u] > 0:
                j = ways.column[u]
                at = u + width if ways.kind[u] == NUMBER and made[c, j] < X[i, j] else u
                tries[i, at] += 1.0
                if hit[e]:
                    hits[i, at] += 1.0
