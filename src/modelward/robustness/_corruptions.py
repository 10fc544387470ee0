"""Common corruptions of tables: what goes wrong on the way from a source to the model, by itself.

Each corruption breaks the columns that it is told to, in all rows, the way a pipeline fault does.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.schema import Codec, FeatureSchema

    Target = tuple[int, ...]
    """The columns that one application breaks: one, or two that are swapped, or a one-hot group."""


class Corruption(Protocol):
    """A way in which columns go wrong."""

    @property
    def name(self) -> str:
        """How reports call it."""

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Return the columns that it can break, each to be tried alone."""

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a broken copy."""


def _numbers(schema: FeatureSchema) -> list[int]:
    grouped = {name for group in schema.onehot for name in group}
    kinds = ("continuous", "integer")
    return [j for j, c in enumerate(schema) if c.kind in kinds and c.name not in grouped]


@dataclass(frozen=True)
class Missing:
    """A source that delivers nothing."""

    name: str = "missing"

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Every column alone."""
        return [(j,) for j in range(len(schema))]

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Empty the column."""
        out = X.copy()
        out[:, target[0]] = np.nan
        return out


@dataclass(frozen=True)
class Unit:
    """A source that changes its unit, such as cents for euros."""

    factor: float

    @property
    def name(self) -> str:
        """Such as ``unit ×100``."""
        return f"unit ×{self.factor:g}"

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Every column of numbers."""
        return [(j,) for j in _numbers(schema)]

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Multiply the column."""
        out = X.copy()
        out[:, target[0]] *= self.factor
        return out


@dataclass(frozen=True)
class Sign:
    """A source that turns its sign around."""

    name: str = "sign"

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Every column of numbers."""
        return [(j,) for j in _numbers(schema)]

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Negate the column."""
        out = X.copy()
        out[:, target[0]] *= -1
        return out


@dataclass(frozen=True)
class Rounding:
    """A source that keeps one digit too few: numbers come rounded to one significant digit."""

    name: str = "rounding"

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Every column of numbers."""
        return [(j,) for j in _numbers(schema)]

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Round to one significant digit."""
        out = X.copy()
        values = out[:, target[0]]
        with np.errstate(divide="ignore"):
            scale = 10.0 ** np.floor(np.log10(np.abs(values)))
        scale[~np.isfinite(scale) | (scale == 0)] = 1.0
        out[:, target[0]] = np.round(values / scale) * scale
        return out


@dataclass(frozen=True)
class Swapped:
    """Two neighbouring columns of numbers arrive in each other's place."""

    name: str = "swapped columns"

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Neighbouring pairs of columns of numbers."""
        numbers = _numbers(schema)
        return list(itertools.pairwise(numbers))

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Swap the two columns."""
        out = X.copy()
        out[:, list(target)] = X[:, [target[1], target[0]]]
        return out


@dataclass(frozen=True)
class Stale:
    """A source that repeats other rows' values: legal each, but not this row's."""

    name: str = "stale values"

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Every column alone, one-hot groups as a whole."""
        groups = [tuple(schema.index(name) for name in group) for group in schema.onehot]
        grouped = {j for group in groups for j in group}
        return [(j,) for j in range(len(schema)) if j not in grouped] + groups

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:
        """Shuffle the columns together over the rows."""
        out = X.copy()
        out[:, list(target)] = X[rng.permutation(len(X))][:, list(target)]
        return out


@dataclass(frozen=True)
class Unseen:
    """A category that nobody has seen; a one-hot group that is all zero."""

    codec: Codec
    name: str = "unseen category"

    def targets(self, schema: FeatureSchema) -> Sequence[Target]:
        """Categorical columns and one-hot groups."""
        single: list[Target] = [(j,) for j, c in enumerate(schema) if c.kind in ("categorical", "ordinal")]
        return single + [tuple(schema.index(name) for name in group) for group in schema.onehot]

    def apply(self, X: NDArray[np.float64], target: Target, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Put the code beyond all known values, or zeros."""
        out = X.copy()
        if len(target) > 1:
            out[:, list(target)] = 0.0
        else:
            name = self.codec.schema.columns[target[0]].name
            out[:, target[0]] = float(len(self.codec.values[name]))
        return out


def table_corruptions(codec: Codec) -> tuple[Corruption, ...]:
    """Return all corruptions of tables, in the order of reports."""
    return (
        Missing(), Unit(10.0), Unit(100.0), Swapped(), Stale(), Rounding(), Unseen(codec), Sign(),
    )  # fmt: skip
