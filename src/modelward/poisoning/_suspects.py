"""What a comparison of tables hands back: suspects and their verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.poisoning._shifts import ColumnShift, GroupRate


@dataclass(frozen=True)
class Suspect:
    """Rows that do not look as if they came about by themselves.

    Parameters
    ----------
    rule : str
        What describes them.
    why : str
        The evidence.
    verdict : {"tampered", "changed", "drift"}
        Tampered: there is evidence that drift cannot give. Changed: rows differ without a pattern, are
        gone by one that can be honest, or go with a label as they may by themselves; somebody should look.
    rows : ndarray
        Their positions in the new table, from 0; none for rows that are gone, or where the columns drift.
    low, high : float
        95 % interval of the share of the rule's rows for which the evidence holds.
    recall : float or None
        Share of all rows with that change which the rule covers; None where it is not known.
    """

    rule: str
    why: str
    verdict: Literal["tampered", "changed", "drift"]
    rows: NDArray[np.int64]
    low: float
    high: float
    recall: float | None = None


@dataclass(frozen=True)
class DataComparison:
    """What `compare_data` found.

    Parameters
    ----------
    suspects : tuple of Suspect
        Tampering first.
    matched_by : {"key", "content", "nothing", "no reference"}
    matched, added, removed : int
        Rows in both tables, only in the new, only in the old; 0 where nothing could be matched.
    notes : tuple of str
        What was not looked into, and why.
    rows : int
        Rows of the new table.
    columns : tuple of ColumnShift
        Distribution, missing values and precision, column by column.
    rates : tuple of GroupRate
        Label rates by group, those that differ most first.
    complete : bool
        Whether everything that can be looked into was.
    """

    suspects: tuple[Suspect, ...]
    matched_by: str
    matched: int = 0
    added: int = 0
    removed: int = 0
    notes: tuple[str, ...] = ()
    complete: bool = True
    rows: int = 0
    columns: tuple[ColumnShift, ...] = ()
    rates: tuple[GroupRate, ...] = ()

    @property
    def tampered(self) -> bool:
        """Whether there is evidence that drift cannot give."""
        return any(s.verdict == "tampered" for s in self.suspects)
