"""Can train and test be told apart without the model?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.privacy._tpr import TprAtFpr
from modelward.stats import Auc, learn_and_score, tell_apart

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONFIDENCE = 0.99
_DIFFICULTY_CONFIDENCE = 0.90
_FOLDS = 2


@dataclass(frozen=True)
class Exchangeability:
    """Two-sample test of members against non-members that never asks the model.

    Two samples can have the same columns and yet one be harder: noisier labels, or a relation that has changed.
    A sound model is then surer on one side, which looks like membership, or hides it. So models that have not
    seen a row are asked for its label too: between exchangeable sides that tells nothing (AUC 0.5). This test
    errs towards "not exchangeable", as an attack is measured on the same rows.

    Parameters
    ----------
    auc : Auc
        Of a cross-fitted classifier; 0.5 is what exchangeable rows give.
    tail : TprAtFpr
        Its true-positive rate at 1 % false positives: a few members that stick out fool an attack there.
    difficulty : Auc
        Members against others by how well a cross-fitted model, which has not seen the row, knows its label.
    unseen : Auc or None
        The same of the shadow models that have not seen the row, where there are any.
    auc_limit, tail_limit, difficulty_limit : float
        From which lower bound on the sides count as different; for the difficulty, in both directions.
    """

    auc: Auc
    tail: TprAtFpr
    difficulty: Auc
    unseen: Auc | None = None
    auc_limit: float = 0.55
    tail_limit: float = 0.02
    difficulty_limit: float = 0.53

    @property
    def reason(self) -> str:
        """Why the sides are not exchangeable; empty if nothing speaks against it."""
        low, high = self.auc.interval(_CONFIDENCE)
        if low > self.auc_limit:
            return (
                "train and test rows are not exchangeable (they can be told apart without the model, AUC "
                f"{self.auc.value:.3f}, {_CONFIDENCE:.0%} interval {low:.3f} to {high:.3f})"
            )
        low, high = self.tail.interval(_CONFIDENCE)
        if low > self.tail_limit:
            return (
                f"train and test rows are not exchangeable ({self.tail.value:.1%} of the train rows can be told "
                f"apart without the model at 1 % false positives, {_CONFIDENCE:.0%} interval {low:.1%} to {high:.1%})"
            )
        for control in (self.difficulty, self.unseen):
            if control is None:
                continue
            low, high = control.interval(_DIFFICULTY_CONFIDENCE)
            if low > self.difficulty_limit or high < 1 - self.difficulty_limit:
                harder = "test" if control.value > 0.5 else "train"
                return (
                    f"train and test rows are not exchangeable (labels of the {harder} rows are harder for models "
                    f"that have not seen them, AUC {control.value:.3f}, {_DIFFICULTY_CONFIDENCE:.0%} interval "
                    f"{low:.3f} to {high:.3f})"
                )
        return ""


def exchangeability(
    members: NDArray[np.float64],
    member_labels: NDArray[np.int64],
    others: NDArray[np.float64],
    other_labels: NDArray[np.int64],
    *,
    most: int = 3_000,
    random_state: int | np.random.Generator = 0,
) -> Exchangeability:
    """Try to tell members from non-members by their columns and label alone.

    Parameters
    ----------
    members, others : ndarray of shape (n, d), (m, d)
        Encoded rows that belong to one side only.
    member_labels, other_labels : ndarray of shape (n,), (m,)
        Their labels.
    most : int
        Rows of each side that are used at most.
    random_state : int or Generator
        Draws them and the folds.

    Returns
    -------
    Exchangeability
    """
    rng = np.random.default_rng(random_state)
    sides = [np.column_stack([X, y]) for X, y in ((members, member_labels), (others, other_labels))]
    apart = tell_apart(*sides, most=most, random_state=rng)
    tail = TprAtFpr.of(apart.first, apart.second, random_state=rng)
    difficulty = _difficulty((members, others), (member_labels, other_labels), most, rng)
    return Exchangeability(apart.auc, tail, difficulty)


def _difficulty(
    X: tuple[NDArray[np.float64], NDArray[np.float64]],
    y: tuple[NDArray[np.int64], NDArray[np.int64]],
    most: int,
    rng: np.random.Generator,
) -> Auc:
    """Compare how well cross-fitted models know the labels of both sides."""
    chosen = [rng.permutation(len(side))[:most] for side in X]
    rows = np.vstack([side[take] for side, take in zip(X, chosen, strict=True)])
    labels, codes = np.unique(
        np.concatenate([side[take] for side, take in zip(y, chosen, strict=True)]), return_inverse=True
    )
    # Chosen rows are in random order, so every n-th row makes folds with as many of each side.
    fold = np.concatenate([np.arange(len(take)) % _FOLDS for take in chosen])
    known = np.empty(len(rows))
    for k in range(_FOLDS):
        held = np.flatnonzero(fold == k)
        seed = int(rng.integers(2**31 - 1))
        shares = learn_and_score(rows[fold != k], codes[fold != k], rows[held], len(labels), seed=seed)
        known[held] = shares[np.arange(len(held)), codes[held]]
    cut = len(chosen[0])
    return Auc.of(known[:cut], known[cut:])
