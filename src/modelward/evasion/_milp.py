"""The cheapest legal move into an intersection of half-spaces, as a mixed-integer program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._milp_norms import solve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.evasion._milp_norms import Row
    from modelward.evasion._space import Space

_MANY_STEPS = 1_000
"""From how many steps on a number is tried as a float; a step is then a thousandth of a cost at most."""


@dataclass(frozen=True)
class Halfspaces:
    """Where ``weight @ x + constant > 0`` in every row, with what columns with tables add.

    Parameters
    ----------
    weight : ndarray of shape (k, d)
        Normals.
    constant : ndarray of shape (k,)
        Offsets.
    tables : mapping of int to ndarray of shape (k, values)
        What each value of a column adds; such a column has no weight.
    lowest : mapping of int to int
        The first value of each table.
    """

    weight: NDArray[np.float64]
    constant: NDArray[np.float64]
    tables: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    lowest: Mapping[int, int] = field(default_factory=dict)

    def added(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the columns with tables add for a row, shape (k,)."""
        out = np.zeros(len(self.constant))
        for j, table in self.tables.items():
            out += table[:, int(row[j]) - self.lowest[j]]
        return out


@dataclass(frozen=True)
class Move:
    """What a program answered.

    Parameters
    ----------
    row : ndarray of shape (d,), or None
        The cheapest legal row beyond all half-spaces that was found.
    bound : float
        What any such row costs at least: inf if there is none, 0 if the program was not solved to its end.
    """

    row: NDArray[np.float64] | None
    bound: float


@dataclass
class _Program:
    """Variables are collected first: each is a multiple of a change of the row, with a price and an end."""

    d: int
    changes: list[NDArray[np.float64]] = field(default_factory=list)
    price: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    choices: list[list[int]] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)

    def add(self, change: NDArray[np.float64], price: float, upper: float, whole: int, unit: int) -> int:
        """Add a variable and return its number."""
        self.changes.append(change)
        self.price.append(price)
        self.upper.append(upper)
        self.whole.append(whole)
        self.unit.append(unit)
        return len(self.price) - 1


def cheapest_integer_move(
    space: Space, x: NDArray[np.float64], spaces: Halfspaces, margin: float, nodes: int
) -> Move:
    """Find the cheapest legal row beyond all half-spaces.

    Parameters
    ----------
    space : Space
        What is legal.
    x : ndarray of shape (d,)
        The origin, without missing cells.
    spaces : Halfspaces
        Where to go.
    margin : float
        How far beyond, relative to the size of the scores.
    nodes : int
        The most nodes of branch and bound.
    """
    program = _variables(space, x, spaces)
    if not program.price:
        return Move(None, np.inf)
    y, bound = _solve(space, x, spaces, margin, nodes, program)
    if y is None:
        return Move(None, bound)
    row = x + np.round(y, 12) @ np.array(program.changes)
    touched = (row != x) & (space.step > 0)
    for j in np.flatnonzero(touched):
        row[j] = space.snap(row[[j]], int(j))[0]
    low, high = space.reach(x[None, :])
    return Move(np.clip(row, low[0], high[0]), bound)


def _variables(space: Space, x: NDArray[np.float64], spaces: Halfspaces) -> _Program:
    program = _Program(len(x))
    low, high = space.reach(x[None, :])
    singles = len(space.units) - len(space.groups)
    for u, unit in enumerate(space.units):
        if not space.mutable[u]:
            continue
        j = int(unit[0])
        if u >= singles:
            _add_group(program, space, u, x)
        elif space.flat[j] or j in spaces.tables:
            codes = [c for c in range(int(np.ceil(low[0, j])), int(high[0, j]) + 1) if c != x[j]]
            far = [1.0 if space.flat[j] else abs(c - x[j]) for c in codes]
            program.choices.append(
                [
                    program.add(_unit(len(x), j, c - x[j]), float(space.rate[j]) * by, 1.0, 1, u)
                    for c, by in zip(codes, far, strict=True)
                ]
            )
        else:
            step = float(space.step[j])
            for way, room in ((1.0, high[0, j] - x[j]), (-1.0, x[j] - low[0, j])):
                if room > 0:
                    size = step or 1.0
                    end = np.floor(room / size + 1e-9) if step else room
                    program.add(
                        _unit(len(x), j, way * size), space.rate[j] * size, float(end), int(step > 0), u
                    )
    return program


def _add_group(program: _Program, space: Space, u: int, x: NDArray[np.float64]) -> None:
    g = u - (len(space.units) - len(space.groups))
    group = space.groups[g]
    now = int(x[group].argmax())
    mine = []
    for member in range(len(group)):
        if member != now and np.isfinite(space.switch[g][now, member]):
            change = _unit(program.d, int(group[member]), 1.0) + _unit(program.d, int(group[now]), -1.0)
            mine.append(program.add(change, float(space.switch[g][now, member]), 1.0, 1, u))
    program.choices.append(mine)


def _unit(d: int, j: int, size: float) -> NDArray[np.float64]:
    out = np.zeros(d)
    out[j] = size
    return out


def _solve(
    space: Space,
    x: NDArray[np.float64],
    spaces: Halfspaces,
    margin: float,
    nodes: int,
    program: _Program,
) -> tuple[NDArray[np.float64] | None, float]:
    """Return how much of each variable, and what any solution costs at least."""
    changes = np.array(program.changes)
    now = spaces.added(x)
    size = np.abs(spaces.weight) @ np.abs(x) + np.abs(spaces.constant) + np.abs(now)
    gain = spaces.weight @ changes.T
    for v in np.flatnonzero((changes[:, list(spaces.tables)] != 0).any(axis=1)):
        gain[:, v] += spaces.added(x + changes[v]) - now
    need = margin * np.maximum(size, 1e-300) - (spaces.weight @ x + spaces.constant + now)
    # HiGHS works with absolute tolerances, so each row is brought to the size of what it needs.
    scale = np.maximum(np.abs(need), 1e-300)
    constraints: list[Row] = [(gain[r] / scale[r], need[r] / scale[r], np.inf) for r in range(len(need))]
    constraints += [
        (_indicator(len(program.price), mine), -np.inf, 1.0) for mine in program.choices if len(mine) > 1
    ]
    for left, operator, right in space.schema.rules.relations:
        gap = x[left] - x[right]
        low, high = {
            "<": (-np.inf, -1e-9),
            "<=": (-np.inf, 0.0),
            ">": (1e-9, np.inf),
            ">=": (0.0, np.inf),
        }.get(operator, (0.0, 0.0))
        constraints.append((changes[:, left] - changes[:, right], low - gap, high - gap))
    price, upper = np.array(program.price), np.array(program.upper)
    whole = np.array(program.whole, dtype=bool)
    if not space.schema.relations:
        # What helps against no half-space is never paid for; and one change that suffices alone bounds all.
        upper[(gain <= 0).all(axis=0)] = 0.0
        times, enough = _alone(gain, need, price, upper, whole)
        with np.errstate(divide="ignore", invalid="ignore"):
            most = enough / price * (1 + 1e-9) + 1e-9
        if space.norm == "l0":
            most = times * (1 + 1e-9) + 1e-9 if len(need) == 1 else np.full(len(price), np.inf)
        upper = np.fmin(upper, np.where(whole, np.floor(most), most))
    # A number of many small steps is a float to the solver: that bounds the least cost from below, and what was found
    # is brought to whole steps. As integers of tiny prices HiGHS takes them for free and calls the answer optimal.
    fine = whole & (upper > _MANY_STEPS) & np.isfinite(upper)
    known = np.array(program.unit, dtype=np.int64)

    def solved(floats: NDArray[np.bool_]) -> tuple[NDArray[np.float64] | None, float]:
        size = np.where(floats & np.isfinite(upper) & (upper > 0), upper, 1.0)
        scaled: list[Row] = [(row * size, low, high) for row, low, high in constraints]
        answer = solve(space.norm, price * size, known, upper / size, ~floats, scaled, nodes)
        return None if answer.amounts is None else np.clip(answer.amounts, 0.0, None) * size, answer.bound

    y, bound = solved(fine | ~whole)
    if y is None:
        return None, bound
    if space.schema.relations and fine.any():
        # Whole steps filled in could break a relation, so the move is the whole program's, and only the bound is not.
        y = solved(~whole)[0]
        return (None if y is None else np.where(whole, np.round(y), y)), bound
    y = np.where(whole & ~fine, np.round(y), np.where(fine, np.floor(y + 1e-6), y))
    return _filled(y, fine, gain, need, price, upper, few=space.norm == "l0"), bound


def _filled(
    y: NDArray[np.float64],
    fine: NDArray[np.bool_],
    gain: NDArray[np.float64],
    need: NDArray[np.float64],
    price: NDArray[np.float64],
    upper: NDArray[np.float64],
    *,
    few: bool,
) -> NDArray[np.float64]:
    """Make up for parts of steps that were cut off, by the whole steps that cost least."""
    if not fine.any():
        return y
    y = y.copy()
    for _ in range(2 * int(fine.sum())):
        short = need - gain @ y
        worst = int(np.argmax(short / np.maximum(np.abs(need), 1e-300)))
        if short[worst] <= 0:
            break
        room = np.floor(upper - y)
        usable = fine & (gain[worst] > 0) & (room > 0) & (y > 0 if few else True)
        if not usable.any():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(usable, np.ceil(short[worst] / gain[worst]), np.inf)
        fits = steps <= room
        if fits.any():
            best = int(np.argmin(np.where(fits, steps * price, np.inf)))
            y[best] += steps[best]
        else:
            best = int(np.argmax(np.where(usable, gain[worst] * room, -np.inf)))
            y[best] += room[best]
    return y


def _alone(
    gain: NDArray[np.float64],
    need: NDArray[np.float64],
    price: NDArray[np.float64],
    upper: NDArray[np.float64],
    whole: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], float]:
    """Return how much of each variable is enough alone, and the least price at which one is; inf if none is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(gain > 0, need[:, None] / gain, np.inf)
    times = np.where(need[:, None] <= 0, 0.0, times).max(axis=0)
    times = np.where(whole, np.ceil(times), times)
    fits = (times <= upper) & (gain >= 0).all(axis=0)
    return times, float(np.min(np.where(fits & np.isfinite(times), times * price, np.inf), initial=np.inf))


def _indicator(size: int, places: list[int]) -> NDArray[np.float64]:
    out = np.zeros(size)
    out[places] = 1.0
    return out
