"""What an attacker has before them, and what they leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.schema import FeatureSchema
    from modelward.subgroups import Rule

Aim = Literal["accuracy", "subgroup", "trigger", "person"]


@dataclass(frozen=True)
class World:
    """One training set, and what its attacker knows.

    Parameters
    ----------
    subject : Subject
        A model trained on the rows as they were; how it is trained is known to the attacker.
    X, y : ndarray of shape (n, d) and (n,)
        Training rows, encoded, and labels as indices.
    controlled : ndarray of bool, shape (n,)
        Rows that the attacker may write.
    known_X, known_y : ndarray
        Rows that the attacker has besides, to try things on; no figure is measured on them.
    asked : ndarray of shape (m, d)
        Rows that the trained model will be asked.
    asked_y : ndarray of shape (m,)
        Their true labels.
    rule : Rule
        The subgroup.
    goal : int
        The label that the attacker wants.
    """

    subject: Subject
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    controlled: NDArray[np.bool_]
    known_X: NDArray[np.float64]  # noqa: N815
    known_y: NDArray[np.int64]
    asked: NDArray[np.float64]
    asked_y: NDArray[np.int64]
    rule: Rule
    goal: int

    @property
    def schema(self) -> FeatureSchema:
        """What a legal row is."""
        return self.subject.codec.schema

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Whether each training row is of the subgroup."""
        return self.rule.mask(self.X)

    @cached_property
    def free_columns(self) -> tuple[int, ...]:
        """Columns that can be written one by one: no text, no members of one-hot groups, more than one value."""
        grouped = {name for group in self.schema.onehot for name in group}
        alone = [c.name not in grouped and c.kind != "text" for c in self.schema]
        return tuple(j for j in np.flatnonzero(alone).tolist() if len(np.unique(self.X[:, j])) > 1)

    def pick(self, wanted: NDArray[np.bool_], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw up to k controlled rows of those wanted."""
        return rng.permutation(np.flatnonzero(self.controlled & wanted))[:k]


@dataclass(frozen=True)
class Poisoned:
    """A training set after the attack.

    Parameters
    ----------
    X, y : ndarray
        As long as before: rows are overwritten, not added.
    rows : ndarray of shape (k,)
        Rows that were written.
    asked : ndarray of shape (m, d)
        Rows whose answers are to become the goal (for the aim "accuracy": any other answer).
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    rows: NDArray[np.int64]
    asked: NDArray[np.float64]


class Plan(Protocol):
    """An attack made ready for one world."""

    @property
    def words(self) -> str:
        """What it does here, such as its trigger."""

    def poison(self, k: int, rng: np.random.Generator) -> Poisoned:
        """Write k rows, or as many as there are."""


class Attack(Protocol):
    """A kind of attack.

    Attributes
    ----------
    name : str
    aim : {"accuracy", "subgroup", "trigger", "person"}
        What is measured.
    """

    @property
    def name(self) -> str:
        """In a few words."""

    @property
    def aim(self) -> Aim:
        """What it moves."""

    def prepare(self, world: World, rng: np.random.Generator) -> Plan:
        """Make it ready.

        Raises
        ------
        ValueError
            If this world has no place for it; the message says why.
        """
