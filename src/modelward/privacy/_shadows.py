"""Shadow models: the same kind of model, trained on halves of rows of which one knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import NotRefittable
from modelward.privacy._signals import Signals, ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.privacy._rows import Labelled

_FEWEST_OF_A_LABEL = 4


@dataclass(frozen=True)
class ShadowModels:
    """Answers of shadow models about the evaluated rows.

    Parameters
    ----------
    signals : tuple of Signals
        One for each model, over evaluated members and then non-members.
    seen : ndarray of bool, shape (s, n)
        Which of these rows each model was trained on.
    fit_rows : int
        Rows that each was trained on.
    first : tuple of ndarray
        X, y and seed of the first model's training, to compare a countermeasure with.
    """

    signals: tuple[Signals, ...]
    seen: NDArray[np.bool_]
    fit_rows: int
    first: tuple[NDArray[np.float64], NDArray[np.int64], int]


def halves(
    y: NDArray[np.int64], groups: NDArray[Any] | None, pairs: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return masks of random halves and their complements, shape (2 × pairs, n).

    Every label is halved by itself, so that no model lacks one; with groups, whole groups are halved.
    """
    masks = np.zeros((2 * pairs, len(y)), dtype=bool)
    for pair in range(pairs):
        if groups is None:
            coin = rng.random(len(y))
            order = np.lexsort((coin, y))
            masks[2 * pair, order[::2]] = True
        else:
            _, whose = np.unique(groups, return_inverse=True)
            chosen = rng.permutation(int(whose.max()) + 1) % 2 == 0
            masks[2 * pair] = chosen[whose]
        masks[2 * pair + 1] = ~masks[2 * pair]
    return masks


def train_shadows(
    subject: Subject,
    members: Labelled,
    others: Labelled,
    member_rows: NDArray[np.int64],
    other_rows: NDArray[np.int64],
    *,
    shadows: int,
    fit_rows: int,
    random_state: np.random.Generator,
) -> ShadowModels | str:
    """Train shadow models on halves of the evaluated rows and as many others as `fit_rows` allows.

    Returns
    -------
    ShadowModels or str
        Or why there are none.
    """
    if subject.trainer is None:
        return "the model cannot be trained again"
    if shadows < 2:
        return "the budget has no two shadow models"
    if len(member_rows) + len(other_rows) > 2 * fit_rows:
        return f"{fit_rows} rows a fit are too few for {len(member_rows) + len(other_rows)} evaluated rows"
    X, y, groups = _pool(members, others, member_rows, other_rows, 2 * fit_rows, random_state)
    if np.bincount(y)[np.unique(y)].min() < _FEWEST_OF_A_LABEL:
        return f"a label has fewer than {_FEWEST_OF_A_LABEL} rows"
    evaluated = len(member_rows) + len(other_rows)
    masks = halves(y, groups, shadows // 2, random_state)
    if any(len(np.unique(y[mask])) < len(np.unique(y)) for mask in masks):
        return "a half of the groups lacks a label"
    signals = []
    seeds = [int(s) for s in random_state.integers(2**31 - 1, size=len(masks))]
    for mask, seed in zip(masks, seeds, strict=True):
        try:
            model = subject.refit(X[mask], y[mask], seed)
        except NotRefittable as error:
            return error.public
        signals.append(ask(model, X[:evaluated], y[:evaluated]))
    first = (X[masks[0]], y[masks[0]], seeds[0])
    return ShadowModels(tuple(signals), masks[:, :evaluated], int(masks[0].sum()), first)


def _pool(
    members: Labelled,
    others: Labelled,
    member_rows: NDArray[np.int64],
    other_rows: NDArray[np.int64],
    most: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[Any] | None]:
    """Return the evaluated rows, members first, and further rows of both sides up to `most`."""
    chosen = np.concatenate([member_rows, len(members.X) + other_rows])
    rest = rng.permutation(np.setdiff1d(np.arange(len(members.X) + len(others.X)), chosen))
    rows = np.concatenate([chosen, rest[: max(0, most - len(chosen))]])
    X = np.vstack([members.X, others.X])[rows]
    y = np.concatenate([members.y, others.y])[rows]
    if members.groups is None or others.groups is None:
        return X, y, None
    return X, y, np.concatenate([members.groups, others.groups])[rows]
