"""Meter: counts calls and rows sent to the model under test; a budget bounds it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from modelward.errors import BudgetExhausted


@dataclass
class Meter:
    """Count what is sent to a model, and refuse what a budget does not cover.

    Parameters
    ----------
    budget : int or None
        The most rows that may be sent; None is no bound.
    parent : Meter or None
        Another meter that counts, and may refuse, the same rows.

    Examples
    --------
    >>> meter = Meter(budget=10)
    >>> meter.spend(8)
    >>> meter.rows, meter.left
    (8, 2)
    >>> meter.spend(3)
    Traceback (most recent call last):
    modelward.errors.BudgetExhausted: 3 more rows asked for, 2 of 10 left: raise --max-queries or --budget
    """

    budget: int | None = None
    parent: Meter | None = None
    rows: int = 0
    calls: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def left(self) -> int | None:
        """Rows that may still be sent; None without a bound."""
        own = None if self.budget is None else self.budget - self.rows
        above = self.parent.left if self.parent else None
        if own is None or above is None:
            return above if own is None else own
        return min(own, above)

    def spend(self, rows: int) -> None:
        """Count one call of so many rows, before it is made.

        Raises
        ------
        BudgetExhausted
            If the budget (here or above) does not cover it; nothing is counted then.
        """
        with self._lock:
            if self.budget is not None and self.rows + rows > self.budget:
                raise BudgetExhausted(
                    f"{rows} more rows asked for, {self.budget - self.rows} of {self.budget} left: "
                    "raise --max-queries or --budget"
                )
            if self.parent is not None:
                self.parent.spend(rows)
            self.rows += rows
            self.calls += 1
