"""Scope: what is at hand for the checks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from modelward.artifacts import Artifact
    from modelward.models import Scores, Subject
    from modelward.schema import FeatureSchema

EXPOSURES = ("callers", "suppliers", "file-holders", "insiders")
"""Who may attack: callers of the API, suppliers of data or parts, holders of the file, insiders."""


@dataclass(frozen=True)
class Budget:
    """How much work an assessment may do, in rows, fits and patches, never in seconds.

    Parameters
    ----------
    name : str
        ``"quick"``, ``"standard"`` or ``"full"``.
    test_rows, train_rows : int
        Larger tables are sampled down to these (stratified by label, seeded).
    attack_rows : int
        Rows that an attack tries to move.
    queries_per_row : int
        Rows that a black-box attack may send for each row that it tries to move.
    fit_rows : int
        Rows that a model trained by a check is trained on at most.
    shadows : int
        Shadow models of membership inference.
    repeats : int
        Repetitions of a retraining experiment for each point of a curve.
    steal_queries : int
        The most rows that model stealing asks.
    patches : int
        The most patches that the search for triggers tries.
    """

    name: str
    test_rows: int
    train_rows: int
    attack_rows: int
    queries_per_row: int
    fit_rows: int
    shadows: int
    repeats: int
    steal_queries: int
    patches: int


BUDGETS = {
    "quick": Budget("quick", 5_000, 30_000, 100, 1_000, 8_000, 4, 2, 2_000, 4_000),
    "standard": Budget("standard", 10_000, 50_000, 300, 3_000, 20_000, 16, 5, 10_000, 10_000),
    "full": Budget("full", 50_000, 200_000, 1_000, 10_000, 50_000, 64, 10, 50_000, 40_000),
}


@dataclass(frozen=True)
class Sample:
    """Rows and labels.

    Parameters
    ----------
    X : ndarray of float64, shape (n, d)
        Encoded rows.
    y : ndarray of int64, shape (n,)
        Labels as indices into the subject's classes.
    groups : ndarray of shape (n,), optional
        Whose row it is; one group stays on one side of every split.
    total : int
        Rows in the file that the sample was drawn from.
    sources : ndarray of shape (n,), optional
        Who delivered each row.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    groups: NDArray[Any] | None = None
    total: int = 0
    sources: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Answers:
    """What the model said of the test rows, asked once for all checks.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
        Labels as indices into the subject's classes.
    scores : Scores or None
        None if the model gives labels alone.
    """

    codes: NDArray[np.int64]
    scores: Scores | None


@dataclass(frozen=True)
class Scope:
    """What is at hand: the subject, rows, schema, file, and the user's choices.

    Attributes are None where nothing was given. `subject` has its own meter for each check. `schema_inferred`
    says that nobody wrote the schema: its ranges are those of the test rows.
    """

    subject: Subject
    schema: FeatureSchema
    test: Sample
    train: Sample | None = None
    goal: int | None = None
    sensitive: tuple[str, ...] = ()
    artifact: Artifact | None = None
    project: Path | None = None
    store: Path | None = None
    budget: Budget = BUDGETS["quick"]
    seed: int = 0
    exposure: tuple[str, ...] = EXPOSURES
    metric: str = "balanced_accuracy"
    schema_inferred: bool = False
    known: Answers | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def answers(self) -> Answers:
        """Return what the model says of the test rows; it is asked only if nobody has asked before."""
        return self.known or Answers(*self.subject.ask(self.test.X))

    def rng(self, code: str) -> np.random.Generator:
        """Return the random numbers of one check: they do not depend on which others run."""
        return np.random.default_rng([self.seed, zlib.crc32(code.encode())])

    def seed_of(self, code: str) -> int:
        """Return a seed of one check, for estimators that take an integer."""
        return int(self.rng(code).integers(2**31 - 1))
