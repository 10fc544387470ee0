"""Mixed-integer programs whose objective is a norm of prices, for HiGHS.

L0 counts units by one indicator each, L∞ is the least number that no unit exceeds. L2 is no linear objective: it is cut
out by planes (Kelley 1960). Each program gives a point, and a bound that holds for the ball too; the plane that touches
the ball at the point is added until the two meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._space import ExactNorm

    Row = tuple[NDArray[np.float64], float, float]

_OPTIMAL, _INFEASIBLE = 0, 2
"""Of the answers that `scipy.optimize.milp` gives; the others are limits and failures."""
_PLANES = 60
_MEET = 2e-7
_SIZE = 1e4
_ENDLESS = 1e9


@dataclass(frozen=True)
class Answer:
    """How much of each variable, None if nothing was found, and what any solution costs at least."""

    amounts: NDArray[np.float64] | None
    bound: float


def solve(
    norm: ExactNorm,
    price: NDArray[np.float64],
    unit: NDArray[np.int64],
    upper: NDArray[np.float64],
    whole: NDArray[np.bool_],
    rows: list[Row],
    nodes: int,
) -> Answer:
    """Find the amounts of least norm.

    Parameters
    ----------
    norm : {"cost", "l0", "l1", "l2", "linf"}
    price, upper : ndarray of shape (v,)
        Of one of each variable, and the most of it.
    unit : ndarray of int64, shape (v,)
        Whose variables add up before the norm is taken.
    whole : ndarray of bool, shape (v,)
        Which are integers.
    rows : list of (coefficients, low, high)
    nodes : int
        The most nodes of branch and bound of one program.
    """
    each = (unit[None, :] == np.unique(unit)[:, None]).astype(
        np.float64
    )  # which unit's a variable is, (u, v)
    if norm == "l0":
        return _counted(each, upper, whole, rows, nodes)
    # HiGHS tells prices apart by an absolute tolerance of 1e-7, so the dearest variable costs _SIZE.
    ends = np.where(np.isfinite(upper), upper, 1.0)
    scale = float((price * ends).max(initial=0.0)) / _SIZE or 1.0
    if norm in ("cost", "l1"):
        found = _program(price / scale, upper, whole, rows, nodes)
        return Answer(found.amounts, found.bound * scale)
    parts = each * (price / scale)
    planes = list(parts)
    if norm == "l2":
        planes.append(parts.sum(axis=0) / np.sqrt(len(parts)))
    found = _under(planes, upper, whole, rows, nodes)
    if norm == "linf" or found.amounts is None:
        return Answer(found.amounts, found.bound * scale)
    best, least = found.amounts, found.bound
    for _ in range(_PLANES):
        touched = parts @ (found.amounts if found.amounts is not None else best)
        if np.linalg.norm(parts @ best) <= least * (1 + _MEET) or not touched.any():
            break
        planes.append(touched / np.linalg.norm(touched) @ parts)
        found = _under(planes, upper, whole, rows, nodes)
        if found.amounts is None:
            break
        least = max(least, found.bound)
        if np.linalg.norm(parts @ found.amounts) < np.linalg.norm(parts @ best):
            best = found.amounts
    return Answer(best, least * scale)


def _counted(
    each: NDArray[np.float64],
    upper: NDArray[np.float64],
    whole: NDArray[np.bool_],
    rows: list[Row],
    nodes: int,
) -> Answer:
    """Count units: one indicator each, without which none of its variables may move."""
    units, v = each.shape
    end = np.minimum(upper, _ENDLESS)
    wide: list[Row] = [(np.concatenate([row, np.zeros(units)]), low, high) for row, low, high in rows]
    for k in range(v):
        row = np.zeros(v + units)
        row[k], row[v:] = 1.0, -end[k] * each[:, k]
        wide.append((row, -np.inf, 0.0))
    objective = np.concatenate([np.zeros(v), np.ones(units)])
    found = _program(
        objective,
        np.concatenate([end, np.ones(units)]),
        np.concatenate([whole, np.ones(units, dtype=bool)]),
        wide,
        nodes,
    )
    amounts = None if found.amounts is None else found.amounts[:v]
    # An end that is none would be a guess, so nothing is proven beyond it; nor is a count a fraction.
    return Answer(amounts, 0.0 if np.isinf(upper).any() else float(np.ceil(found.bound - 1e-6)))


def _under(
    planes: list[NDArray[np.float64]],
    upper: NDArray[np.float64],
    whole: NDArray[np.bool_],
    rows: list[Row],
    nodes: int,
) -> Answer:
    """Find the least number under which all planes are, as one more variable."""
    wide: list[Row] = [(np.append(row, 0.0), low, high) for row, low, high in rows]
    wide += [(np.append(plane, -1.0), -np.inf, 0.0) for plane in planes]
    objective = np.zeros(len(upper) + 1)
    objective[-1] = 1.0
    found = _program(objective, np.append(upper, np.inf), np.append(whole, False), wide, nodes)
    return Answer(None if found.amounts is None else found.amounts[:-1], found.bound)


def _program(
    objective: NDArray[np.float64],
    upper: NDArray[np.float64],
    whole: NDArray[np.bool_],
    rows: list[Row],
    nodes: int,
) -> Answer:
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix = np.array([row for row, _, _ in rows])
    low, high = np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
    answer = milp(
        objective, integrality=whole.astype(np.int64), bounds=Bounds(0.0, upper),
        constraints=[LinearConstraint(matrix, low, high)], options={"node_limit": nodes, "mip_rel_gap": 0.0},
    )  # fmt: skip
    if answer.x is None:
        return Answer(None, np.inf if answer.status == _INFEASIBLE else 0.0)
    return Answer(np.asarray(answer.x), float(answer.fun) if answer.status == _OPTIMAL else 0.0)
