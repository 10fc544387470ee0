"""The cheapest flip in L∞: bounds, walks and boxes, one after the other; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

from modelward.evasion._reach import reach
from modelward.evasion._rising import first_reach, walk_widest
from modelward.evasion._widest import best_first

_QUICK = 2_000_000
"""Work after which a row is no easy one."""
_FARTHER = 1.6


def cheapest_widest(
    leaves: Any, trees: Any, gain: Any, p: Any, rel: Any, sums: Any, wanted: Any, leaving: Any, margin: Any,
    most: Any, work: Any, point: Any, stop: Any, walks: Any,
) -> Any:  # fmt: skip
    """Search as `cheapest_flip` does, where prices do not add up.

    Boxes within a little more than the least reach come first: most rows need nothing else. For the others a walk
    finds a flip, so that what is dearer is left out.
    """
    sure, enough = 2 * sums.error - margin, -sums.error - margin
    near, floor, work = first_reach(leaves, trees, gain, p, most, enough, work)
    if floor >= most:
        return most, floor
    quick, limit = min(_QUICK, work), near
    # A reach of zero, where all that is legal is free, never grows.
    while quick > 0 and limit > 0 and not stop[0]:
        limit = min(_FARTHER * limit, most)
        within, looked = reach(leaves, trees, gain, p, limit)
        used = 1 + looked + len(within.unit)
        cost, bound, left = best_first(
            leaves, within, p, rel, sums, margin, wanted, leaving, limit, floor, quick - used, point, stop
        )
        work, quick = work - quick + left, left
        floor = max(floor, bound)
        if cost < limit:
            most = cost
        if floor >= most or bound < limit:
            break
    if floor >= most:
        return most, most
    if walks:
        most, work = walk_widest(trees, gain, p, rel, sure, most, max(near, floor), work, point, stop)
    within, looked = reach(leaves, trees, gain, p, most)
    work -= looked + len(within.unit)
    cost, bound, _ = best_first(
        leaves, within, p, rel, sums, margin, wanted, leaving, most, floor, work, point, stop
    )
    return cost, bound
