"""Exact search on a single decision tree: the cheapest legal point of each leaf that has the wanted label.

A tree's leaves are boxes, and the cost of a legal move is a sum over columns and one-hot groups, so the
cheapest point of a box is found column by column and group by group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import UsageError
from modelward.evasion._desk import open_desk
from modelward.evasion._floats import just_above, just_below
from modelward.evasion._space import Space
from modelward.models import subject_boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._result import Result
    from modelward.models import Boxes, Subject
    from modelward.schema import FeatureSchema

_CHUNK = 2_000_000
_TIE = 1e-12


@dataclass(frozen=True)
class TreeSearch:
    """Exact search over the leaf boxes of one decision tree.

    Cheapest up to one rounding step of float32, the type in which scikit-learn's trees compare. Missing cells
    stay missing, and no cell goes missing. A box whose cheapest point breaks a relation is passed over; a row
    that moves further than to such a box is not proven.

    Parameters
    ----------
    tries : int
        Boxes whose point is asked about for each row, the cheapest first, before giving up: more than one is
        needed only where two labels share a leaf, or a relation spoils a point.
    """

    tries: int = 200

    @staticmethod
    def fits(subject: Subject) -> bool:
        """Say whether the subject is a single tree."""
        if len(getattr(subject.model, "estimators_", ())) > 1:  # the boxes of a whole forest take long
            return False
        boxes = subject_boxes(subject)
        return boxes is not None and len(boxes) == 1

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
    ) -> Result:
        """Find the cheapest legal move of each row; see `Attack.run`.

        Raises
        ------
        UsageError
            If the subject is not a single decision tree.
        """
        trees = subject_boxes(subject) if self.fits(subject) else None
        if trees is None:
            raise UsageError(f"{subject.name} is no single decision tree: use CoordinateSearch")
        boxes = trees[0]
        desk = open_desk(subject, Space(schema), X, codes, goal, budget)
        return desk.run(lambda desk: self._search(desk, boxes))

    def _search(self, desk: Desk, boxes: Boxes) -> None:
        rows = desk.open()
        size = max(1, _CHUNK // max(1, boxes.low.size))
        for start in range(0, len(rows), size):
            self._chunk(desk, boxes, rows[start : start + size])

    def _chunk(self, desk: Desk, boxes: Boxes, rows: NDArray[np.int64]) -> None:
        X = desk.X[rows]
        points, costs = cheapest_points(desk.space, boxes, X)
        top = boxes.value >= boxes.value.max(axis=1, keepdims=True) - _TIE
        # A leaf that two labels share may have either: its point is asked about, and the answer decides.
        other = (
            top.sum(axis=1)[None, :] > top[:, desk.codes[rows]].T if desk.goal is None else top[:, desk.goal]
        )
        costs[~np.broadcast_to(other, costs.shape)] = np.inf
        shared = top.sum(axis=1) > 1
        order = np.argsort(costs, axis=1, kind="stable")
        waiting, least = np.arange(len(rows)), np.full(len(rows), np.inf)
        for k in range(min(self.tries, costs.shape[1])):
            price = costs[waiting, order[waiting, k]]
            ended = np.isinf(price)
            waiting, price = waiting[~ended], price[~ended]
            if not len(waiting):
                break
            leaf = order[waiting, k]
            A = points[waiting, leaf]
            holds = desk.space.relations_hold(A)
            hit = np.zeros(len(waiting), dtype=bool)
            hit[holds] = desk.ask(rows[waiting[holds]], A[holds], price[holds])
            # Nothing in the boxes so far is cheaper than this; a box that was passed over may still hold a flip.
            passed = ~hit & ~(shared[leaf] & holds & ~desk.starved[rows[waiting]])
            sure = hit | passed
            least[waiting[sure]] = np.minimum(least[waiting[sure]], price[sure])
            waiting = waiting[~hit]
        else:
            done = min(self.tries, costs.shape[1])
            if done < costs.shape[1]:
                least[waiting] = np.minimum(least[waiting], costs[waiting, order[waiting, done]])
        desk.bound[rows] = least


def cheapest_points(
    space: Space, boxes: Boxes, X: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cheapest legal point of each box for each row.

    Parameters
    ----------
    space : Space
        What is legal.
    boxes : Boxes
        Of one tree.
    X : ndarray of shape (n, d)
        Origins.

    Returns
    -------
    points : ndarray of shape (n, boxes, d)
        The origin where there is none.
    costs : ndarray of shape (n, boxes)
        inf where there is none.
    """
    n, m = len(X), len(boxes)
    points = np.repeat(X[:, None, :], m, axis=1)
    costs = np.zeros((n, m))
    low, high = space.reach(X)
    for u, unit in enumerate(space.units):
        if len(unit) > 1:
            _place_group(space, boxes, u, points, costs)
            continue
        j = int(unit[0])
        lowest = just_above(boxes.low[:, j], space, j)[None, :]
        highest = just_below(boxes.high[:, j], space, j)[None, :]
        x = X[:, j][:, None]
        with np.errstate(over="ignore"):
            seen = x.astype(np.float32).astype(np.float64)
        stays = (seen > boxes.low[None, :, j]) & (seen <= boxes.high[None, :, j])
        stays |= np.isnan(x) & boxes.missing[None, :, j]
        goes = np.where(seen <= boxes.low[None, :, j], lowest, highest)
        ok = (goes >= lowest) & (goes <= highest) & (goes >= low[:, [j]]) & (goes <= high[:, [j]])
        if space.step[j]:  # an origin off its column's steps is no legal row, so steps need no second look
            ok &= np.isfinite(goes)
        points[:, :, j] = np.where(stays, x, np.where(ok, goes, x))
        price = space.rate[j] * (1.0 if space.flat[j] else np.abs(goes - x))
        costs += np.where(stays, 0.0, np.where(ok, price, np.inf))
    return points, costs


def _place_group(
    space: Space, boxes: Boxes, u: int, points: NDArray[np.float64], costs: NDArray[np.float64]
) -> None:
    """Choose each box's cheapest member of a one-hot group."""
    group = space.units[u]
    switch = space.switch[u - (len(space.units) - len(space.groups))]
    low, high = boxes.low[:, group], boxes.high[:, group]
    zero, one = (low < 0) & (high >= 0), (low < 1) & (high >= 1)
    # Member a fits a box if the box lets column a be 1 and all others of the group be 0.
    fits = one & ((zero.sum(axis=1, keepdims=True) - zero) == len(group) - 1)
    now = points[:, 0, group].argmax(axis=1)
    price = np.where(fits[None, :, :], switch[now][:, None, :], np.inf)
    chosen = price.argmin(axis=2)
    costs += np.take_along_axis(price, chosen[:, :, None], 2)[:, :, 0]
    points[:, :, group] = np.eye(len(group))[chosen]
