"""Which rows can be told apart as seen and unseen: no duplicates, no customer on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modelward.stats import row_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Labelled(Protocol):
    """Rows, labels and (perhaps) whose they are."""

    @property
    def X(self) -> NDArray[np.float64]:  # noqa: N802 - the name of the field in Sample
        """Encoded rows, shape (n, d)."""

    @property
    def y(self) -> NDArray[np.int64]:
        """Labels as indices into the subject's classes, shape (n,)."""

    @property
    def groups(self) -> NDArray[Any] | None:
        """Whose row it is, shape (n,), or None."""


@dataclass(frozen=True)
class Sides:
    """Rows of train (members) and test (others) that belong to one side only.

    Parameters
    ----------
    members, others : ndarray of int64
        Positions of the rows that stay.
    repeated_members, repeated_others : int
        Rows left out because the same row occurs again in train or test.
    shared_members, shared_others : int
        Rows left out because their group is on both sides.
    """

    members: NDArray[np.int64]
    others: NDArray[np.int64]
    repeated_members: int
    repeated_others: int
    shared_members: int
    shared_others: int


def separate(members: Labelled, others: Labelled) -> Sides:
    """Return the rows that are on one side only.

    A test row that is also in train is no non-member. Leaving out only such test rows would leave the common
    rows to the members and make the sides differ, so the rule is the same for both: a row stays if it occurs
    once in train and test together. With groups, a group that is on both sides is left out on both.

    Returns
    -------
    Sides
    """
    ids = row_ids(np.vstack([members.X, others.X]))
    once = np.bincount(ids)[ids] == 1
    single, single_other = once[: len(members.X)], once[len(members.X) :]
    alone, alone_other = np.ones(len(members.X), dtype=bool), np.ones(len(others.X), dtype=bool)
    if members.groups is not None and others.groups is not None:
        alone = ~np.isin(members.groups, others.groups)
        alone_other = ~np.isin(others.groups, members.groups)
    return Sides(
        np.flatnonzero(single & alone), np.flatnonzero(single_other & alone_other),
        int((~single).sum()), int((~single_other).sum()), int((~alone).sum()), int((~alone_other).sum()),
    )  # fmt: skip


def one_per_group(
    rows: NDArray[np.int64], groups: NDArray[Any] | None, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the rows in random order, one of each group, so that they can be counted as independent."""
    shuffled = rng.permutation(rows)
    if groups is None:
        return shuffled
    _, first = np.unique(groups[shuffled], return_index=True)
    return shuffled[np.sort(first)]
