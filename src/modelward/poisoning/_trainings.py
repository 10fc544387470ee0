"""Trainings that are asked for again, such as those that a countermeasure is held against, are done once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject


@dataclass
class Trainings:
    """A trainer that remembers models by their rows, labels and seed, while `keeping` says so.

    Parameters
    ----------
    trainer : Trainer
        Of a subject.
    keeping : bool
    """

    trainer: Any
    keeping: bool = True
    _known: dict[bytes, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, subject: Subject) -> tuple[Subject, Trainings | None]:
        """Return the subject with a trainer that remembers, and that trainer; nothing new if it cannot be trained."""
        if subject.trainer is None:
            return subject, None
        trainings = cls(subject.trainer)
        return replace(subject, trainer=trainings), trainings

    def __call__(self, X: NDArray[np.float64], y: NDArray[Any], seed: int) -> Any:
        """Train, or return what was trained on the same rows with the same seed."""
        key = hashlib.sha256(np.ascontiguousarray(X).tobytes())
        key.update(repr((X.shape, seed, y.tolist())).encode())
        found = self._known.get(key.digest())
        if found is None:
            found = self.trainer(X, y, seed)
            if self.keeping:
                self._known[key.digest()] = found
        return found
