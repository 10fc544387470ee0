"""Copies: small models of several families, trained on a model's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAMILIES = ("tree", "forest", "linear", "boosting")
"""What a thief tries; the one that agrees best on rows set aside for choosing is kept."""

_TREES = 30


class Copy:
    """A fitted surrogate.

    Parameters
    ----------
    predict : callable
        From rows to labels (regression: to scores).
    scores : bool
        Whether it predicts scores.
    """

    def __init__(self, model: Any, scores: bool) -> None:
        self._model = model
        self._scores = scores

    def codes(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return labels as indices into the subject's classes, shape (n,)."""
        answer = np.asarray(self._model.predict(X))
        if not self._scores:
            return answer.astype(np.int64)
        if answer.ndim == 1:
            return (answer > 0).astype(np.int64)
        return np.asarray(answer.argmax(axis=1), dtype=np.int64)


class _Constant:
    """Answers one label: what a thief knows who has seen only that."""

    def __init__(self, code: int) -> None:
        self._code = code

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.full(len(X), self._code, dtype=np.int64)


def fit_copy(
    family: str,
    X: NDArray[np.float64],
    codes: NDArray[np.int64],
    scores: NDArray[np.float64] | None,
    *,
    seed: int,
) -> Copy | None:
    """Train a copy on labels, or on scores where they are given.

    Parameters
    ----------
    family : {"tree", "forest", "linear", "boosting"}
        Kind of model.
    X : ndarray of shape (q, d)
        Queries.
    codes : ndarray of shape (q,)
        The labels answered.
    scores : ndarray of shape (q, k) or None
        The scores answered (probabilities or margins).
    seed : int
        Random state.

    Returns
    -------
    Copy or None
        None where the family cannot learn these answers (boosting of scores of many classes).
    """
    if scores is None and len(np.unique(codes)) == 1:
        return Copy(_Constant(int(codes[0])), scores=False)
    if scores is None:
        return Copy(_classifier(family, seed).fit(X, codes), scores=False)
    binary = scores.shape[1] == 2
    goal = scores[:, 1] - scores[:, 0] if binary else scores
    model = _regressor(family, seed, binary)
    return None if model is None else Copy(model.fit(X, goal), scores=True)


def _linear(last: Any) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), last)


def _classifier(family: str, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    if family == "tree":
        return DecisionTreeClassifier(min_samples_leaf=2, random_state=seed)
    if family == "forest":
        return RandomForestClassifier(_TREES, min_samples_leaf=2, n_jobs=1, random_state=seed)
    if family == "linear":
        return _linear(LogisticRegression(max_iter=2_000))
    return HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=8, min_samples_leaf=5, early_stopping=False, random_state=seed
    )


def _regressor(family: str, seed: int, binary: bool) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
    from sklearn.linear_model import Ridge
    from sklearn.tree import DecisionTreeRegressor

    if family == "tree":
        return DecisionTreeRegressor(min_samples_leaf=2, random_state=seed)
    if family == "forest":
        return RandomForestRegressor(
            _TREES, min_samples_leaf=2, max_features=0.5, n_jobs=1, random_state=seed
        )
    if family == "linear":
        return _linear(Ridge(1.0))
    if not binary:
        return None
    return HistGradientBoostingRegressor(
        max_iter=40, max_leaf_nodes=8, min_samples_leaf=5, early_stopping=False, random_state=seed
    )
