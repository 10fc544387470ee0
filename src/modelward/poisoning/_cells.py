"""What searches without matched rows hand over: rules with their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.poisoning._ranges import Rule

MOST_LABELS = 10
IMPURE = 0.1
"""Rows of another label that a rule may have and still count as pure."""
HARD = 0.01
"""Impurity of the likelihood with which the last cut is chosen and judged."""
PEELS = 4
"""Rules that are looked for one after another, each without the rows of those before it."""


@dataclass(frozen=True)
class Cell:
    """A rule with the evidence found in it.

    Parameters
    ----------
    rule : Rule
    why : str
    tampered : bool
        Whether drift cannot give this.
    rows : ndarray
    hits, total : int
        Rows for which the evidence holds, and all rows of the rule.
    score, bound : float
        Nats of the evidence, and those that a search gives by chance; 0 where it was not measured so.
    natural : str
        How honest rows may have come to look so; empty where no such way is known.
    """

    rule: Rule
    why: str
    tampered: bool
    rows: NDArray[np.int64]
    hits: int
    total: int
    score: float = 0.0
    bound: float = 0.0
    natural: str = ""


@dataclass(frozen=True)
class Looked:
    """What a search found, and how far it saw.

    Parameters
    ----------
    cells : list of Cell
    least : int
        Rows that a group must about have to be found at all.
    left_out : int
        Conditions whose pairs were not counted.
    """

    cells: list[Cell]
    least: int = 0
    left_out: int = 0
