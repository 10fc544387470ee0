"""Linear classifiers as one matrix, also behind scalers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelward.models._kinds import is_kind

Form = tuple[NDArray[np.float64], NDArray[np.float64]]


def model_linear_form(model: Any) -> tuple[Form, NDArray[Any]] | None:
    """Return the weights of a linear classifier of scikit-learn on the matrix that it takes.

    Parameters
    ----------
    model : estimator
        Logistic regression, linear SVM, SGD, ridge, perceptron, passive-aggressive or linear discriminant,
        alone or in a Pipeline behind scalers.

    Returns
    -------
    form : tuple of ndarray of shape (k, d) and ndarray of shape (k,)
        Weights and intercepts: the row with the largest ``coef @ x + intercept`` is the label's; on a tie
        the first. Two classes have opposite rows.
    classes : ndarray of shape (k,)
        The model's classes, one for each row.

        None if the model is something else.
    """
    scalers: list[Any] = []
    if hasattr(model, "steps"):
        scalers = [step for _, step in model.steps[:-1] if step is not None and step != "passthrough"]
        model = model.steps[-1][1]
    if not is_linear(model):
        return None
    coef = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
    intercept = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64), (len(coef),)).copy()
    classes = np.asarray(model.classes_)
    if coef.shape[0] == 1 and len(classes) == 2:
        coef, intercept = np.vstack([-coef, coef]), np.concatenate([-intercept, intercept])
    if len(coef) != len(classes) or len(np.unique(classes)) != len(classes):
        return None
    for scaler in reversed(scalers):
        affine = _affine(scaler, coef.shape[1])
        if affine is None:
            return None
        scale, shift = affine
        intercept = intercept + coef @ shift
        coef = coef * scale
    return (coef, intercept), classes


def is_linear(model: Any) -> bool:
    """Say whether an estimator is a linear classifier of scikit-learn."""
    return is_kind(
        model, "LogisticRegression", "LogisticRegressionCV", "LinearSVC", "SGDClassifier", "Perceptron",
        "RidgeClassifier", "RidgeClassifierCV", "LinearDiscriminantAnalysis",
    )  # fmt: skip


def _affine(scaler: Any, d: int) -> Form | None:
    """Return scale and shift, so that the scaler's output is ``scale * x + shift``."""
    one, zero = np.ones(d), np.zeros(d)
    if is_kind(scaler, "StandardScaler"):
        scale = one / scaler.scale_ if scaler.with_std else one
        return scale, -scaler.mean_ * scale if scaler.with_mean else zero
    if is_kind(scaler, "MinMaxScaler"):
        return None if scaler.clip else (scaler.scale_, scaler.min_)
    if is_kind(scaler, "MaxAbsScaler"):
        return (one / scaler.scale_, zero) if not getattr(scaler, "clip", False) else None
    if is_kind(scaler, "RobustScaler"):
        scale = one / scaler.scale_ if scaler.with_scaling else one
        return scale, -scaler.center_ * scale if scaler.with_centering else zero
    return None
