"""Larger leaves against memory: train the model again, coarser, and measure what that costs and brings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.privacy._signals import Signals, ask
from modelward.stats import Auc, Proportion

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.privacy._shadows import ShadowModels

_LEAF = {"min_samples_leaf": 50, "min_child_samples": 50}
_DEPTH = {"max_depth": 4}


@dataclass(frozen=True)
class Hardened:
    """A coarser model of the same kind against the original, both trained on the same half.

    Parameters
    ----------
    params : mapping of str to int
        What was changed.
    auc_before, auc_after : Auc
        The confidence attack on each.
    accuracy_before, accuracy_after : Proportion
        On rows that neither was trained on.
    """

    params: Mapping[str, int]
    auc_before: Auc
    auc_after: Auc
    accuracy_before: Proportion
    accuracy_after: Proportion


def coarser_params(params: Mapping[str, Any]) -> dict[str, int]:
    """Return changes that make a tree-based model coarser; empty where there is nothing to change.

    Leaves are made larger where the model has a parameter for that; the depth is bounded where it has not.

    Examples
    --------
    >>> coarser_params({"min_samples_leaf": 1, "max_depth": None, "random_state": None})
    {'min_samples_leaf': 50}
    >>> coarser_params({"max_depth": 6})
    {'max_depth': 4}
    """
    stems = {name: name.rsplit("__", 1)[-1] for name in sorted(params)}
    leaves = {name: _LEAF[stem] for name, stem in stems.items() if stem in _LEAF}
    if leaves:
        return {
            name: goal
            for name, goal in leaves.items()
            if not isinstance(params[name], float) and (params[name] is None or params[name] < goal)
        }
    depths = {name: _DEPTH[stem] for name, stem in stems.items() if stem in _DEPTH}
    return {name: goal for name, goal in depths.items() if not 0 < (params[name] or 0) <= goal}


def harden(
    subject: Subject, shadows: ShadowModels, X: NDArray[np.float64], y: NDArray[np.int64]
) -> Hardened | None:
    """Train the first shadow model once more with larger leaves.

    Parameters
    ----------
    subject : Subject
        The model under test; it is not asked.
    shadows : ShadowModels
        Over the rows `X`, `y`.
    X, y : ndarray of shape (n, d), (n,)
        The evaluated rows, members first.

    Returns
    -------
    Hardened or None
        None if the model has no such parameters.
    """
    trainer: Any = subject.trainer
    if not hasattr(trainer, "model") or not hasattr(trainer, "__dataclass_fields__"):
        return None
    model = trainer.model
    changes = coarser_params(model.get_params(deep=True)) if hasattr(model, "get_params") else {}
    if not changes:
        return None
    from sklearn.base import clone

    changed: Any = dataclasses.replace(trainer, model=clone(model).set_params(**changes))
    rows, labels, seed = shadows.first
    after = ask(dataclasses.replace(subject, trainer=changed).refit(rows, labels, seed), X, y)
    seen = shadows.seen[0]
    before = shadows.signals[0]
    return Hardened(
        changes, _auc(before, seen), _auc(after, seen), _accuracy(before, seen), _accuracy(after, seen)
    )


def _auc(signals: Signals, seen: NDArray[np.bool_]) -> Auc:
    return Auc.of(signals.confidence[seen], signals.confidence[~seen])


def _accuracy(signals: Signals, seen: NDArray[np.bool_]) -> Proportion:
    return Proportion(int(signals.correct[~seen].sum()), int((~seen).sum()))
