"""Where the compiled pre-walk keeps its state between two calls, and what made it return."""

(
    POSITION, STACK, MARKS, MEMO, MEMO_TOP, FRAME_END, FRAME_START, BUILDS, MEMORY, HASH, BY_BUILD, STRETCH_FROM, BEGIN,
    END, STRETCH_AT, VALUE, START, COMPARE, KEYS, HAND, MEMO_LEFT,
) = range(21)  # fmt: skip
"""Places in the state array."""
SIZE = 21
GROW_STACK, GROW_MARKS, GROW_MEMO, MORE = range(100, 104)
"""Besides what `_opcodes` names: it needs more room, or more bytes, to go on."""
ERROR = 1000
"""Errors are returned as this plus their number."""
SOURCES = ("_kernels.py", "_kernels_rare.py", "_kernels_state.py", "_opcodes.py")
"""What the compiled walk is made of."""
