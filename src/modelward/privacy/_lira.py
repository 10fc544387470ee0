"""LiRA: how much likelier a score is from models that saw the row than from models that did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PSEUDO_OBSERVATIONS = 3.0
_FLOOR = 1e-9


def lira(
    target: NDArray[np.float64],
    shadows: NDArray[np.float64],
    seen: NDArray[np.bool_],
    *,
    pseudo: float = PSEUDO_OBSERVATIONS,
) -> NDArray[np.float64]:
    """Return the log-likelihood ratio of "the target saw the row" (Carlini et al. 2022, online attack).

    A row's variance over few shadow models is hardly known, and used raw it ruins the attack; it is shrunk
    towards the mean variance of all rows as if `pseudo` more observations had shown that.

    Parameters
    ----------
    target : ndarray of shape (n,)
        The target's logit scores of the true labels.
    shadows : ndarray of shape (s, n)
        The same of s shadow models.
    seen : ndarray of bool, shape (s, n)
        Whether the shadow model was trained on the row; each row must have both kinds.
    pseudo : float
        Pseudo-observations of the variance.

    Returns
    -------
    ndarray of shape (n,)
        Higher is likelier a member.

    Raises
    ------
    ValueError
        If a row was seen by all shadow models, or by none.
    """
    counts = seen.sum(axis=0)
    if np.any(counts == 0) or np.any(counts == len(seen)):
        raise ValueError("every row needs shadow models that saw it and shadow models that did not")
    fallback = _spread_of_pairs(shadows, seen)
    inside = _log_density(target, shadows, seen, pseudo, fallback)
    outside = _log_density(target, shadows, ~seen, pseudo, fallback)
    return inside - outside


def _log_density(
    target: NDArray[np.float64],
    shadows: NDArray[np.float64],
    used: NDArray[np.bool_],
    pseudo: float,
    fallback: float,
) -> NDArray[np.float64]:
    """Return the normal log-density of the target's scores under one kind of shadow models."""
    counts = used.sum(axis=0)
    mean = np.where(used, shadows, 0.0).sum(axis=0) / counts
    squares = np.where(used, (shadows - mean) ** 2, 0.0).sum(axis=0)
    freedom = counts - 1
    pooled = float(squares.sum() / freedom.sum()) if freedom.sum() else fallback
    variance = (squares + pseudo * pooled) / (freedom + pseudo) + _FLOOR
    return np.asarray(-0.5 * np.log(variance) - (target - mean) ** 2 / (2 * variance), dtype=np.float64)


def _spread_of_pairs(shadows: NDArray[np.float64], seen: NDArray[np.bool_]) -> float:
    """Return a variance for the case of one shadow model of each kind: from how in and out differ by row."""
    inside = np.where(seen, shadows, 0.0).sum(axis=0) / seen.sum(axis=0)
    outside = np.where(~seen, shadows, 0.0).sum(axis=0) / (~seen).sum(axis=0)
    return float(np.var(inside - outside) / 2)
