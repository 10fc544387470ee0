"""What a search may know of a model's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.models import subject_thresholds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.models import Subject

_PIECEWISE = ("Tree", "Forest", "Boost", "XGB", "LGBM", "Bagging", "Dummy")


def piecewise_constant(subject: Subject) -> bool:
    """Say whether the model is known to be constant between thresholds: trees and their ensembles."""
    model = subject.model
    while hasattr(model, "steps"):
        model = model.steps[-1][1]
    return any(part in type(model).__name__ for part in _PIECEWISE)


def split_points(subject: Subject) -> dict[int, NDArray[np.float64]] | None:
    """Return the sorted thresholds of a tree ensemble by column; None for other models.

    Parameters
    ----------
    subject : Subject
        The model under test.
    """
    found = subject_thresholds(subject)
    return None if found is None else dict(enumerate(found))
