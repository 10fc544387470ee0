"""Models rebuilt from the inert graph of a file, and computed by modelward: nothing of the file runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.errors import SubjectError
from modelward.models.rebuilt import (
    bayes,
    boosters,
    boosting,
    catboost,
    compose,
    encoders,
    features,
    forests,
    histogram,
    imputers,
    linear,
    meta,
    scalers,
    trees,
)
from modelward.models.rebuilt._base import FAMILIES, Estimator
from modelward.models.rebuilt._booster_categories import CodedColumns
from modelward.models.rebuilt._view import Builder, cannot

if TYPE_CHECKING:
    from modelward.artifacts import Artifact

__all__ = [
    "FAMILIES", "CodedColumns", "Estimator", "bayes", "boosters", "boosting", "catboost", "compose", "encoders",
    "features", "forests", "histogram", "imputers", "linear", "meta", "rebuild", "scalers", "trees",
]  # fmt: skip


def rebuild(artifact: Artifact) -> Estimator:
    """Return a model that answers as the model of a file would, without loading the file.

    Nothing is imported or called on the file's say-so: its numbers are read, checked, and put into formulas
    that modelward has. Labels are those of the loaded model and scores equal its scores to rounding; trees
    are walked in float32 and added in their order, so theirs are equal to the last bit; xgboost's sums are
    float32 and equal to the last bit too, where its release adds as the current one does.

    Parameters
    ----------
    artifact : Artifact
        A model file that was read to its end.

    Returns
    -------
    Estimator
        With those of `predict`, `predict_proba`, `decision_function`, `transform` and `classes_` that the
        file's class has.

    Raises
    ------
    SubjectError
        If the file holds something that cannot be rebuilt: one line with the class or the attribute.

    Examples
    --------
    >>> import pickle
    >>> from sklearn.linear_model import LogisticRegression
    >>> from modelward.artifacts import read_bytes
    >>> model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"])
    >>> rebuild(read_bytes(pickle.dumps(model), "model.pkl")).predict([[0.2], [2.7]])
    array(['no', 'yes'], dtype=...)
    """
    if artifact.root is None:
        raise cannot(f"{artifact.path} could not be read to its end")
    try:
        return Builder(FAMILIES).build(artifact.root)
    except SubjectError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError, RecursionError) as err:
        # A changed file may hold anything where an honest one holds what is expected.
        raise cannot(f"it holds values of a kind that does not belong there ({type(err).__name__})") from None
