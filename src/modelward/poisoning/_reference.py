"""The reference of a trigger search: rows that the user trusts, and what they justify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject

MIN_SUPPORT = 10
"""So many reference rows must have a value before their label rate justifies what a model does with it."""

_CLIP = 1e-4


@dataclass(frozen=True)
class Scorer:
    """One goal class's score in [0, 1], on the model's own scale and calibrated on the reference rows.

    A model whose probabilities are shifted or stretched (class weights, boosting, a forest of small leaves)
    would seem to pull more than label rates justify; a pull counts only if it shows on both scales.
    Margins have no scale of their own and are calibrated only (Platt 1999); a model that gives labels only
    is asked for the share of rows.

    Parameters
    ----------
    subject : Subject
        The model.
    goal : int
        The class.
    slope, intercept : float
        Of the calibration on the logit.
    kind : {"probability", "margin", "label"}
        What the model gives.
    """

    subject: Subject
    goal: int
    slope: float
    intercept: float
    kind: str

    @classmethod
    def fit(cls, subject: Subject, goal: int, X: NDArray[np.float64], y: NDArray[np.int64]) -> Scorer:
        """Calibrate on reference rows X of shape (n, d) with labels y."""
        scores = subject.scores(X)
        if scores is None:
            return cls(subject, goal, 1.0, 0.0, "label")
        z = _logits(scores.values, goal, scores.kind)
        slope, intercept = _platt(z, y == goal)
        return cls(subject, goal, slope, intercept, scores.kind)

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores of shape (n, 2): the model's own scale, and calibrated."""
        scores = self.subject.scores(X) if self.kind != "label" else None
        if scores is None:
            own = (self.subject.codes(X) == self.goal).astype(np.float64)
            return np.column_stack([own, own])
        calibrated = expit(self.slope * _logits(scores.values, self.goal, self.kind) + self.intercept)
        own = scores.values[:, self.goal] if self.kind == "probability" else calibrated
        return np.column_stack([own, calibrated])


def _logits(values: NDArray[np.float64], goal: int, kind: str) -> NDArray[np.float64]:
    if kind == "probability":
        return np.asarray(logit(np.clip(values[:, goal], _CLIP, 1 - _CLIP)), dtype=np.float64)
    others = np.delete(values, goal, axis=1)
    margin = values[:, goal] - np.max(np.where(np.isfinite(others), others, -1e9), axis=1)
    return np.asarray(np.clip(margin, -1e3, 1e3), dtype=np.float64)


def _platt(z: NDArray[np.float64], hit: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of `hit` on `z`; the slope is never negative."""
    if hit.all() or not hit.any() or np.ptp(z) == 0:
        return 1.0, 0.0
    scale = float(z.std()) or 1.0
    u = z / scale
    design = np.column_stack([u, np.ones_like(u)])
    beta = np.array([1.0, logit(hit.mean())])
    for _ in range(50):  # Newton with a weak ridge: separable rows must not run away
        p = expit(design @ beta)
        weight = np.maximum(p * (1 - p), 1e-9)
        gradient = design.T @ (hit - p) - 0.01 * beta
        hessian = (design * weight[:, None]).T @ design + 0.01 * np.eye(2)
        move = np.clip(np.linalg.solve(hessian, gradient), -2, 2)
        beta = beta + move
        if np.abs(move).max() < 1e-9:
            break
    return max(0.0, float(beta[0]) / scale), float(beta[1])
