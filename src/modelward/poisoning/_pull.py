"""The figure of a trigger search: mean patched score minus what the reference justifies."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from modelward.stats import Mean, Proportion

_TWO_ROWS = 2 * 1.0**2


@dataclass(frozen=True, slots=True)
class Pull:
    """A mean patched score minus the bound of a label rate, with the uncertainty of both.

    The bound is the upper end of the label rate's own 95 % interval, so the figure is what nothing in the
    reference can justify. The lower edge of an interval takes the rate's bound at that interval's confidence
    if it is wider: few rows never make a pull certain. The upper edge keeps the bound that defines the figure.

    Parameters
    ----------
    patched : Mean
        Of the patched rows' scores; of the row-wise differences where another patch justifies.
    bound : float
        What the reference justifies; 0 for differences.
    hits, support : int
        The reference rows behind the bound; 0 where another patch justifies.

    Examples
    --------
    >>> pull = Pull(Mean(0.9, 0.1, 100), 0.3, 20, 100)
    >>> round(pull.value, 2), [round(edge, 2) for edge in pull.interval(0.95)]
    (0.6, [0.57, 0.63])
    """

    patched: Mean
    bound: float = 0.0
    hits: int = 0
    support: int = 0

    @property
    def n(self) -> int:
        """Rows that were patched."""
        return self.patched.n

    @property
    def value(self) -> float:
        """The pull that nothing justifies."""
        return self.patched.value - self.bound

    @property
    def method(self) -> str:
        """How the interval is made."""
        return (
            "Student t with two pseudo-rows against a Clopper-Pearson bound"
            if self.support
            else "Student t of paired differences with two pseudo-rows"
        )

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval of the pull.

        The spread counts two more rows, a whole score above the mean and below (after Agresti & Min 2005):
        a dozen rows that a tree gives one score would leave no doubt at all without them.
        """
        n = self.patched.n
        spread = self.patched.deviation
        if n > 1:
            spread = math.sqrt((spread**2 * (n - 1) + _TWO_ROWS) / (n + 1))
        low, high = replace(self.patched, deviation=spread).interval(confidence)
        bound = self.bound
        if self.support:
            bound = max(bound, Proportion(self.hits, self.support).interval(confidence)[1])
        return low - bound, high - self.bound
