"""Values of the inert graph in a few words, without anything that would steer a terminal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from modelward.artifacts._canonical import view
from modelward.artifacts._container import printable

if TYPE_CHECKING:
    from modelward.artifacts._canonical import View

MOST_CELLS = 10
"""Arrays and lists of up to so many cells are shown whole."""
_LONGEST = 120


def show(value: Any) -> str:
    """Return a value of the graph in a few words.

    Examples
    --------
    >>> show([0, 1]), show("a\\x1b[31m"), show({"a": 1})
    ('[0, 1]', "'a\\\\x1b[31m'", 'dict of 1')
    """
    return show_view(view(value))


def show_view(one: View) -> str:
    """Return a view in a few words."""
    if one.kind == "scalar":
        return _scalar(one)
    if one.kind == "bytes":
        content = one.label[1]
        return f"{len(content):,} bytes (sha256 {hashlib.sha256(content).hexdigest()[:12]}…)"
    if one.kind == "array":
        return _array(one)
    if one.kind == "sequence":
        return _sequence(one)
    if one.kind == "set":
        return f"{one.label[0]} of {len(one.loose)}"
    if one.kind == "mapping":
        return f"dict of {len(one.parts)}"
    return printable(str(one.label[0]))


def cell(value: Any) -> str:
    """Return a cell of an array: whole numbers without a point, NaN by its name.

    Examples
    --------
    >>> cell(99.0), cell(21.5), cell(float("nan")), cell(b"x")
    ('99', '21.5', 'nan', "b'x'")
    """
    if isinstance(value, float):
        text = repr(value)
        return text[:-2] if text.endswith(".0") and text != "-0.0" else text
    if isinstance(value, str | bytes):
        return printable(repr(value[:_LONGEST]), _LONGEST)
    return printable(str(value), _LONGEST)


def _scalar(one: View) -> str:
    value = one.value
    if isinstance(value, str):
        if one.label[0] == "dtype":
            return value
        cut = printable(repr(value[:_LONGEST]), _LONGEST)
        return cut if len(value) <= _LONGEST else f"{cut} ({len(value):,} characters)"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"int of {value.bit_length():,} bits"
    return printable(repr(value), _LONGEST)


def _array(one: View) -> str:
    kind, dtype, shape = one.label
    if one.array is not None and len(shape) <= 1 and not one.array.dtype.fields:
        count = shape[0] if shape else 1
        if count <= MOST_CELLS:
            try:
                values = one.array.to_numpy().reshape(-1).tolist()
            except (ValueError, TypeError):
                return "an array that cannot be built"
            return f"[{', '.join(cell(value) for value in values)}]"
    what = "array" if kind == "numpy.ndarray" else printable(kind.rpartition(".")[2], 40)
    return f"{what} of {dtype if not dtype.startswith('{') else 'records'}, shape {shape}"


def _sequence(one: View) -> str:
    kind, count = one.label
    if count <= MOST_CELLS:
        views = [view(item) for item in one.parts.values()]
        if all(item.kind == "scalar" for item in views):
            opening, closing = ("[", "]") if kind == "list" else ("(", ")")
            return f"{opening}{', '.join(_scalar(item) for item in views)}{closing}"
    return f"{kind} of {count}"
