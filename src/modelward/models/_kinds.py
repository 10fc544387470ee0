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
