"""Intake: rows of any kind into encoded ones, single rows into small batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._clock import HOUR
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.monitoring._hours import Hours

_BUFFER = 256


class Intake:
    """Takes rows in for the windows of one monitor.

    Parameters
    ----------
    hours : Hours
    clock : callable
        Seconds since 1970.
    """

    def __init__(self, hours: Hours, clock: Callable[[], float]) -> None:
        self._hours, self._clock, self._held = hours, clock, 0
        self._buffer = np.empty((_BUFFER, len(hours.learned.layout.names)))
        self._times = np.empty(_BUFFER)

    def one(self, X: NDArray[np.float64], outputs: NDArray[np.float64] | None, t: float) -> None:
        """Take in an encoded row, shapes (d,), and the encoded outputs."""
        if self._held and t // HOUR != self._times[self._held - 1] // HOUR:
            self.flush()
        row = self._buffer[self._held]
        d = self._hours.learned.inputs
        row[:d] = X
        row[d:] = np.nan if outputs is None else outputs
        self._times[self._held] = t
        self._held += 1
        if self._held == _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Count the single rows that wait."""
        n, self._held = self._held, 0
        if n:
            self._hours.take(self._buffer[:n], self._times[:n], self._clock())

    def encode(self, X: Any, outputs: Any) -> tuple[NDArray[np.float64], dict[str, list[Any]]]:
        """Return rows and their outputs as one matrix, and texts by column.

        Columns that are gone or changed are counted, and missing.

        Raises
        ------
        InputError
            If matrices have another number of columns than the reference.
        """
        hours = self._hours
        layout, d = hours.learned.layout, hours.learned.inputs
        parts: list[NDArray[np.float64]] = []
        texts: dict[str, list[Any]] = {}
        for table, names in ((X, layout.names[:d]), (outputs, layout.names[d:])):
            if isinstance(table, np.ndarray) and table.dtype.kind == "f":
                if table.shape[1] != len(names):
                    raise InputError("the rows have another number of columns than the reference")
                parts.append(table)
            elif table is not None:
                frame = read_table(table, what="rows")
                encoded, problems = layout.encode(frame)
                parts.append(encoded[:, :d] if table is X else encoded[:, d:])
                if layout.texts:
                    texts |= {k: held for k, held in layout.texts_of(frame).items() if k in names}
                for name, what in problems.items():
                    if what == "appeared" or name in names:
                        told = "have another type" if what == "type changed" else what
                        hours.dropped[f"columns that {told}"] += 1
            elif names:
                parts.append(np.full((len(parts[0]), len(names)), np.nan))
        return np.hstack(parts), texts
