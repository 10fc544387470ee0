"""Rules over ranked columns: conjunctions of ranges, their rows and their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._coded import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded


@dataclass(frozen=True, order=True, slots=True)
class Range:
    """Values of one column between two ranks, both included; -1 to -1 is "missing"."""

    column: int
    low: int
    high: int

    def mask(self, coded: Coded) -> NDArray[np.bool_]:
        """Say which rows it covers, shape (n,)."""
        codes = coded.codes[self.column]
        return np.asarray((codes >= self.low) & (codes <= self.high))

    def kinds(self, coded: Coded) -> int:
        """Return how many ranges of its form the column allows: there are more intervals than values or open sides."""
        size = coded.sizes(self.column)
        interval = 0 < self.low < self.high < size - 1
        return size * (size - 1) // 2 if interval else max(size, 1)

    def text(self, coded: Coded) -> str:
        """Return it as people write it: ``AGE >= 30``."""
        name, last = coded.names[self.column], coded.sizes(self.column) - 1
        if self.low == MISSING:
            return f"{name} is missing"
        low, high = (_word(coded.words[self.column][k]) for k in (self.low, self.high))
        if self.low == self.high:
            return f"{name} = {low}"
        if self.low == 0:
            return f"{name} <= {high}"
        return f"{name} >= {low}" if self.high == last else f"{name} in {low} to {high}"


Rule = tuple[Range, ...]


def rule_mask(rule: Rule, coded: Coded) -> NDArray[np.bool_]:
    """Say which rows a conjunction covers, shape (n,)."""
    covered = np.ones(coded.rows, dtype=bool)
    for part in rule:
        covered &= part.mask(coded)
    return covered


def rule_text(rule: Rule, coded: Coded) -> str:
    """Return a conjunction in words, columns in the table's order."""
    return " and ".join(part.text(coded) for part in sorted(rule))


def _word(value: str | float | np.floating) -> str:
    return value if isinstance(value, str) else f"{float(value):.10g}"
