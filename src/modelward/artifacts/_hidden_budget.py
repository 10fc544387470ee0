"""What the search for hidden pickles may cost, counted and not timed, so that a verdict is the same on every machine.

One budget serves a whole file, with all that is nested in it. Costs are about nanoseconds of a slow machine, and
those of walking are of the plain walk: whether the compiled one is loaded must make no difference to a verdict.
"""

from __future__ import annotations

FREE = 400_000_000
"""What a file may cost whatever its length."""
PER_BYTE = 100
"""What it may cost besides for each byte that its readers have taken out of it; unpacked by the search are none."""
LINE = 3_000
"""A line that may name something."""
LETTER = 500
"""A letter in it at which an opcode may stand."""
AGAIN = 1_500
"""The same two lines as before."""
SEEN = 1_000
"""A place around which all is as it was around another, at which nothing begins."""
STACKED = 4_000
"""A place where a name may be looked up that stands on the stack."""
LOOK = 3_000
"""A glance at one place, besides its opcodes."""
OPCODE = 200
"""An opcode that is glanced at."""
WALK = 15_000
"""Walking one place, besides its bytes."""
READ = 100_000
"""Reading one place inertly, besides its bytes."""
NAME = 40_000
"""A name that was not met before: making its stand-in and judging it."""
VISIT = 20
"""A value that is hashed as part of a key, or handed over as part of a long tuple."""
PIECE = 100_000
"""Searching something that was unpacked or decoded, besides its bytes."""
NEW_BYTE = 5
"""A byte that is walked, or unpacked from a piece, for the first time."""
AGAIN_BYTE = 100
"""A byte that is walked though it was before."""
READ_BYTE = 50
"""A byte that is read."""
SKIPPED_BYTES = 8
"""Bytes of text in which the end of a line is looked for, at the cost of 1."""


class Budget:
    """What is left.

    Attributes
    ----------
    left : int
        Negative once it is spent. It never becomes positive again.

    Examples
    --------
    >>> budget = Budget()
    >>> budget.grant(1_000_000)
    >>> budget.charge(500_000_000), budget.charge(1)
    (True, False)
    >>> budget.grant(1_000_000), budget.spent
    (None, True)
    """

    def __init__(self) -> None:
        self.left = FREE
        self.spent = False

    def grant(self, length: int) -> None:
        """Allow for content that a reader has taken out of the file."""
        self.left += PER_BYTE * length

    def charge(self, cost: int) -> bool:
        """Take a cost; say whether it was there."""
        self.left -= cost
        self.spent = self.spent or self.left < 0
        return not self.spent
