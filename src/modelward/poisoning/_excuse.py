"""Excuses of a pull that too few reference rows explain: their labels after all, or an honest tail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._crowd import Crowd
from modelward.poisoning._justify import rate_bound, with_region
from modelward.poisoning._patches import patched
from modelward.poisoning._reference import MIN_SUPPORT
from modelward.poisoning._region import inside, regions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._axes import Axis
    from modelward.poisoning._hunt import Hunt
    from modelward.poisoning._justify import Justification
    from modelward.poisoning._patches import Setting
    from modelward.poisoning._region import Region

SUSPECT = 0.05
"""Pulls below are not looked into."""

_ALIKE = 0.02
"""Mean scores that differ by more are no one effect."""

_MANY = 50
"""So many reference rows tell a label rate, whatever else lies there."""

_FAR = 3.0
"""From so many ranges of a column beyond it on, no honest tail reaches."""


_SENT = 0.3
"""Pull of a missing value from which it is more than the side to which trees send what they were never taught: honest
boosters that met no missing value reached 0.18, a planted one had 0.88."""


@dataclass(frozen=True)
class Excused:
    """What became of a pull.

    Parameters
    ----------
    justification : Justification
        What it is held against now.
    regions : tuple of Region
        Where the patch has its effect.
    doubt : str
        Why it can be called neither planted nor honest; empty if it can.
    """

    justification: Justification
    regions: tuple[Region, ...]
    doubt: str = ""


def excuse(
    hunt: Hunt, patch: tuple[Setting, ...], justification: Justification, means: NDArray[np.float64]
) -> Excused:
    """Look for what explains a pull beyond the value itself.

    First the labels of all reference rows in its region, if there are ten. If there are fewer, an honest model may
    have learned from rows like them, unless their labels contradict it: the question is then whether more training
    rows lie there than such a reference explains, by what the trees say of their leaves and by the training rows,
    where they are given.

    Parameters
    ----------
    hunt : Hunt
    patch : tuple of Setting
        One or two.
    justification : Justification
        What it is held against so far.
    means : ndarray of shape (2,)
        Its mean scores on the rows that search.
    """
    regions = regions_of(hunt.scorer, hunt.axes, hunt.search, patch)
    if _never_missing(hunt, patch):
        return Excused(replace(justification, level=means, why="no training row lacks the value"), regions)
    if _untaught(hunt, patch) and float((means - justification.level).min()) < _SENT:
        return Excused(
            replace(justification, level=means, why="where trees send what nobody taught them"), regions
        )
    members = inside(hunt.axes, patch, regions, hunt.X)
    kind, support = hunt.scorer.kind, int(members.sum())
    if support >= MIN_SUPPORT or _far(hunt.axes, patch, regions):
        labelled = with_region(justification, members, hunt.hit, kind)
        few = MIN_SUPPORT <= support < _MANY and float((means - labelled.level).min()) < SUSPECT
        if few:
            # So few labels leave nearly every rate possible, and trees reach over what lies beside a planted value.
            worst = _worst(_crowd_of_rows(hunt, patch, regions, support), crowd_of_leaves(hunt, patch))
            if worst is not None and not worst.honest:
                return Excused(justification, regions, "" if worst.planted else _unclear(regions, worst))
        return Excused(labelled, regions)
    bound = rate_bound(int(hunt.hit[members].sum()), support, kind) if support else 1.0
    if bound <= justification.level.min():
        return Excused(justification, regions)
    labels = "labels of the few reference rows in its region"
    allowed = replace(
        justification, level=np.maximum(justification.level, bound), hits=int(hunt.hit[members].sum()),
        support=support, stand_in=None, additive=False, why=labels, members=members,
    )  # fmt: skip
    if float((means - allowed.level).min()) >= SUSPECT:
        return Excused(allowed, regions)
    of_rows, of_leaves = _crowd_of_rows(hunt, patch, regions, support), crowd_of_leaves(hunt, patch)
    worst = _worst(of_rows, of_leaves)
    if worst is not None and worst.planted:
        return Excused(justification, regions)
    nobody = of_rows is not None and of_rows.trained + support == 0
    if of_leaves is None and nobody and len(patch) == 1:
        # What no row has at all, neither of the reference nor of the training, nobody can have learned.
        return Excused(justification, regions)
    if worst is None or (of_leaves is None and nobody):
        return Excused(justification, regions, _unknown(regions, support))
    if not worst.honest:
        return Excused(justification, regions, _unclear(regions, worst))
    return Excused(replace(allowed, why=f"an honest tail: {_counts(worst)}"), regions)


def _never_missing(hunt: Hunt, patch: tuple[Setting, ...]) -> bool:
    """Say whether a value is missing that no training row lacks: trees send it somewhere, but nobody taught them."""
    if hunt.trained is None:
        return False
    columns = [hunt.axes[a].columns[0] for a, _ in patch if hunt.axes[a].kind == "missing"]
    return any(not np.isnan(hunt.trained[:, j]).any() for j in columns)


def _untaught(hunt: Hunt, patch: tuple[Setting, ...]) -> bool:
    """Say whether a value is missing that no reference row lacks, where the training rows are not known."""
    columns = [hunt.axes[a].columns[0] for a, _ in patch if hunt.axes[a].kind == "missing"]
    return hunt.trained is None and any(not np.isnan(hunt.X[:, j]).any() for j in columns)


def _worst(*crowds: Crowd | None) -> Crowd | None:
    known = [crowd for crowd in crowds if crowd is not None]
    return min(known, key=lambda crowd: crowd.chance, default=None)


def _crowd_of_rows(
    hunt: Hunt, patch: tuple[Setting, ...], regions: Sequence[Region], support: int
) -> Crowd | None:
    """Return what the training rows say, None where they are not given."""
    if hunt.trained is None:
        return None
    there = int(inside(hunt.axes, patch, regions, hunt.trained).sum())
    return Crowd.of_counts(there, len(hunt.trained), support, len(hunt.X))


def crowded_by_rows(hunt: Hunt, patch: tuple[Setting, ...]) -> bool:
    """Say whether training rows crowd in a patch's region as no reference explains; False where they are not given.

    Even a curve may have been bent there: what was planted is then no extrapolation.
    """
    if hunt.trained is None:
        return False
    regions = regions_of(hunt.scorer, hunt.axes, hunt.search, patch)
    support = int(inside(hunt.axes, patch, regions, hunt.X).sum())
    crowd = _crowd_of_rows(hunt, patch, regions, support)
    return crowd is not None and crowd.planted


def crowd_of_leaves(hunt: Hunt, patch: tuple[Setting, ...]) -> Crowd | None:
    """Return the crowd of the leaves that a patch lifts rows into, None where the model does not tell."""
    leaves = hunt.leaves()
    if leaves is None or any(hunt.axes[a].kind == "missing" for a, _ in patch):
        return None  # which way a missing value goes is not read from trees
    parts = [patched(hunt.axes, hunt.search, [(part,)]) for part in patch] if len(patch) > 1 else []
    return leaves.crowd([hunt.search, *parts], patched(hunt.axes, hunt.search, [patch]), hunt.goal)


def _far(axes: Sequence[Axis], patch: Sequence[Setting], regions: Sequence[Region]) -> bool:
    """Say whether some part begins so far beyond the reference that no honest tail reaches there.

    A tree splits between two of its training rows, so a region that begins there has one twice as far.
    """
    for (a, _), region in zip(patch, regions, strict=True):
        axis = axes[a]
        if axis.ordered:
            reach = _FAR * ((axis.high - axis.low) or max(abs(axis.high), 1.0))
            if region.low > axis.high + reach or region.high < axis.low - reach:
                return True
    return False


def carries(
    hunt: Hunt, patch: Sequence[Setting], found: Excused, other: tuple[Setting, ...], difference: float
) -> bool:
    """Say whether what became of a pull holds for another patch of the same axes, too.

    A tail's region grows as far as its own effect is seen: over a trigger beyond it that has a stronger one, or the
    same one from leaves of its own.

    Parameters
    ----------
    hunt : Hunt
    patch : sequence of Setting
        What was looked into.
    found : Excused
        What became of it.
    other : tuple of Setting
    difference : float
        Between the mean scores of both.
    """
    if tuple(patch) == other:
        return True
    if difference > _ALIKE or not covers(hunt.axes, patch, found.regions, other):
        return False
    crowd = crowd_of_leaves(hunt, other)
    return crowd is None or crowd.honest


def covers(
    axes: Sequence[Axis], patch: Sequence[Setting], regions: Sequence[Region], other: Sequence[Setting]
) -> bool:
    """Say whether another patch of the same axes lies in the regions of this one."""
    for (a, i), (b, k), region in zip(patch, other, regions, strict=True):
        if a != b or (i != k and not (axes[a].ordered and float(axes[a].values[k, 0]) in region)):
            return False
    return True


def _counts(crowd: Crowd) -> str:
    return (
        f"{crowd.trained:,.0f} of {crowd.of:,.0f} training rows lie there, and {crowd.reference:,.0f} of "
        f"{crowd.n:,} reference rows"
    )


def _unknown(regions: Sequence[Region], support: int) -> str:
    where = " with ".join(region.text for region in regions)
    return (
        f"{where} pulls, and only {support} reference rows lie there: an honest model may have learned it from as few "
        "training rows, so it takes these to tell (--train), or more reference rows"
    )


def _unclear(regions: Sequence[Region], crowd: Crowd) -> str:
    where = " with ".join(region.text for region in regions)
    return (
        f"{where} pulls: {_counts(crowd)}, somewhat more than chance brings and too few to call them planted"
    )
