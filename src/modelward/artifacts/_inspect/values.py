"""Values of the graph as plain data: short, finite, and never rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from modelward.artifacts._arrays import RawArray, as_array, plain
from modelward.artifacts._container import printable
from modelward.artifacts._graph import labels, shape_of
from modelward.artifacts._inert import Inert, is_inert_class

_TEXT = 1_000
_ITEMS = 100
_DEPTH = 6
_WHOLE = 1 << 200


@dataclass
class Allowance:
    """How many values may still be described: a small file may share one list a million times."""

    left: int = 20_000

    def spend(self) -> bool:
        """Take one; say whether there was one."""
        self.left -= 1
        return self.left >= 0


def described(value: Any, allowance: Allowance | None = None, depth: int = 0) -> Any:
    """Return a value of the graph as JSON knows it.

    Plain values stay as they are. Objects, functions and classes become their dotted names, arrays of one
    dimension with at most a hundred items lists; of larger arrays the shape is told, since rows of data must
    not leave. Numbers that are not finite become ``"nan"``, ``"inf"`` and ``"-inf"``.
    """
    allowance = allowance or Allowance()
    value = plain(value)
    if not allowance.spend() or depth > _DEPTH:
        return "…"
    if value is None or isinstance(value, bool | int | float | str):
        return _scalar(value)
    if is_inert_class(value):
        return printable(f"{value.module}.{value.name}")
    if isinstance(value, Inert):
        return _object(value, allowance, depth)
    if isinstance(value, list | tuple | set | frozenset):
        items = list(value) if isinstance(value, list | tuple) else sorted(value, key=repr)
        out = [described(item, allowance, depth + 1) for item in items[:_ITEMS]]
        return out + (["…"] if len(items) > _ITEMS else [])
    if isinstance(value, dict):
        return {
            str(described(key, allowance, depth + 1)): described(item, allowance, depth + 1)
            for key, item in list(value.items())[:_ITEMS]
        }
    if isinstance(value, bytes | bytearray):
        return f"{len(value):,} bytes"
    return printable(type(value).__name__)


def _scalar(value: bool | float | str | None) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _TEXT else value[:_TEXT] + "…"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, int) and abs(value) > _WHOLE:
        return f"a whole number of {value.bit_length():,} bits"
    return value


def _object(value: Inert, allowance: Allowance, depth: int) -> Any:
    array = as_array(value)
    if array is not None:
        return _array(value, array, allowance, depth)
    name = value.type_name
    if name == "builtins.slice":
        return "slice(" + ", ".join(str(described(a, allowance, depth + 1)) for a in value.args[:3]) + ")"
    if name in ("builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset"):
        items = value.args[0] if value.args and isinstance(value.args[0], list | tuple) else value.items
        return described(sorted(items, key=repr), allowance, depth)
    return printable(name)


def _array(value: Inert, array: RawArray | list[Any], allowance: Allowance, depth: int) -> Any:
    shape = shape_of(value) or ()
    if len(shape) == 1 and shape[0] <= _ITEMS:
        items = labels(value)
        if items is not None:
            return [described(item, allowance, depth + 1) for item in items]
    kind = array.dtype.code if isinstance(array, RawArray) else "objects"
    return f"array of shape {' × '.join(map(str, shape)) or 'one'} ({printable(kind or 'records', 20)})"


def whole(value: Any) -> int | None:
    """Return a plain whole number that may count something; None for anything else."""
    value = plain(value)
    return value if type(value) is int and 0 <= value < 1 << 48 else None


def texts(value: Any) -> list[str] | None:
    """Return names, such as those of columns; None if the value is no list of names."""
    items = labels(value)
    if items is None or len(items) > 1_000_000:
        return None
    return [item if isinstance(item, str) else str(described(item)) for item in items]
