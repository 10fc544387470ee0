"""Patch rows and ask the model, many patches in a few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import BudgetExhausted, SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._axes import Axis
    from modelward.poisoning._reference import Scorer

Setting = tuple[int, int]
"""Index of an axis, and of one of its settings."""

_BATCH = 100_000


def patched(
    axes: Sequence[Axis], rows: NDArray[np.float64], patches: Sequence[Sequence[Setting]]
) -> NDArray[np.float64]:
    """Return rows with patches applied, shape (len(patches) * len(rows), d), patch by patch."""
    out = np.repeat(rows[None], len(patches), axis=0)
    for k, patch in enumerate(patches):
        for axis, index in patch:
            out[k][:, list(axes[axis].columns)] = axes[axis].values[index]
    return out.reshape(-1, rows.shape[1])


def ask(
    scorer: Scorer, axes: Sequence[Axis], rows: NDArray[np.float64], patches: Sequence[Sequence[Setting]]
) -> NDArray[np.float64]:
    """Return the scores of every patch on every row, shape (patches, rows, 2).

    A patch that the model refuses (an unseen category, say) has nan: what is refused pulls nothing.
    """
    size = max(1, _BATCH // max(1, len(rows)))
    parts = [
        _ask_batch(scorer, axes, rows, patches[start : start + size])
        for start in range(0, len(patches), size)
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(rows), 2))


def _ask_batch(
    scorer: Scorer, axes: Sequence[Axis], rows: NDArray[np.float64], patches: Sequence[Sequence[Setting]]
) -> NDArray[np.float64]:
    try:
        return scorer(patched(axes, rows, patches)).reshape(len(patches), len(rows), 2)
    except BudgetExhausted:
        raise
    except (SubjectError, ValueError, TypeError, OverflowError):
        if len(patches) == 1:
            return np.full((1, len(rows), 2), np.nan)
        half = len(patches) // 2
        return np.concatenate(
            [_ask_batch(scorer, axes, rows, patches[:half]), _ask_batch(scorer, axes, rows, patches[half:])]
        )
