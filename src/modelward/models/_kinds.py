"""What a model is, whether it was loaded or rebuilt from its file."""

from __future__ import annotations

from typing import Any


def is_rebuilt(model: Any) -> bool:
    """Say whether a model was rebuilt from its file, and never loaded."""
    return getattr(type(model), "rebuilt", False) is True


def is_kind(model: Any, *names: str) -> bool:
    """Say whether a model is of a class of scikit-learn, derived from one, or rebuilt from a file of one.

    Parameters
    ----------
    model : object
    *names : str
        Names of classes of scikit-learn.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> is_kind(DecisionTreeClassifier(), "DecisionTreeClassifier")
    True
    """
    ours = is_rebuilt(model)
    return any(
        base.__name__ in names and (ours or base.__module__.partition(".")[0] == "sklearn")
        for base in type(model).__mro__
    )


_SEARCHES = (
    "BaseSearchCV", "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV",
)  # fmt: skip
_LAYERS = 10


def deciding_part(model: Any) -> Any:
    """Return the estimator that gives a model's answers, out of a finished search or a pipeline of one step.

    Its answers are the model's own, its inside can be read, and training it again is one training with the
    parameters that were chosen, not the whole search.

    Parameters
    ----------
    model : object
        Any model.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit([[0], [1], [2], [3]], [0, 1, 0, 1])
    >>> type(deciding_part(search)).__name__
    'LogisticRegression'
    """
    for _ in range(_LAYERS):
        inner = _inner(model)
        if inner is None:
            break
        model = inner
    return model


def _inner(model: Any) -> Any:
    if is_kind(model, *_SEARCHES) and _predicts_as_made(model):
        return getattr(model, "best_estimator_", None)
    if is_kind(model, "Pipeline") and _predicts_as_made(model):
        steps = [step for _, step in model.steps if step is not None and not isinstance(step, str)]
        return steps[0] if len(steps) == 1 and hasattr(steps[0], "predict") else None
    return None


def _predicts_as_made(model: Any) -> bool:
    """Say whether `predict` is that of the library: a class derived from it may answer otherwise."""
    if is_rebuilt(model):
        return True
    home = next((base for base in type(model).__mro__ if "predict" in vars(base)), None)
    return home is not None and home.__module__.partition(".")[0] == "sklearn"
