"""Judging how a file describes the items of an array: numpy believes it, down to what is an address.

A dtype is pickled as a call and a state, and numpy takes the state as it is: with the right flags missing, bytes of
the file become the addresses of Python objects, and with a field outside its item memory beside the array is read and
written. Either lets a file run what it likes as soon as somebody looks at the array. So every state must say what
numpy itself would have written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._inert import Inert, InertType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OBJECTS = "takes bytes of the file for addresses of Python objects (a dtype whose flags do not fit its items)"
ODD = "describes the items of an array as numpy does not"
_SIZES = {
    "b": (1,), "B": (1,), "?": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 12, 16),
    "c": (8, 16, 24, 32), "M": (8,), "m": (8,), "O": (4, 8),
}  # fmt: skip
_WIDTH = {"S": 1, "U": 4, "V": 1}
_HAS_OBJECT = 1
_LIST = 2
_POINTER = 4
_LARGEST = 1 << 40
_DEEPEST = 8
MAX_FIELDS = 400_000
"""How many fields of dtypes one file may have looked at; records of honest files have some eight."""


def is_dtype(value: object) -> bool:
    """Say whether a value is the stand-in of a dtype."""
    return isinstance(value, Inert) and value.type_name == "numpy.dtype"


def has_parts(dtype: Inert) -> bool:
    """Say whether the state of a dtype refers to what can still be changed: all else in it is plain."""
    state = dtype.state
    return type(state) is not tuple or any(part is not None for part in state[2:5])


def unfinished(value: object) -> bool:
    """Say whether a value is a void dtype without a state: one given later would change what uses it by then."""
    if not isinstance(value, Inert) or value.state is not None or value.type_name != "numpy.dtype":
        return False
    return _code(value)[:1] not in tuple(_SIZES)


def any_unfinished(values: tuple[object, ...]) -> bool:
    """Say whether one of the values is `unfinished`; there may be many."""
    if len(values) > 100 and not any(issubclass(kind, Inert) for kind in set(map(type, values))):
        return False
    # Called for every scalar of a file, and most values are no objects or have their state.
    return any(isinstance(value, Inert) and value.state is None and unfinished(value) for value in values)


def harmful_dtype(dtype: Inert, spend: Callable[[int], None]) -> str:
    """Return what is wrong with the state of a dtype; empty if numpy would have written it.

    Parameters
    ----------
    dtype : Inert
        The stand-in of a dtype that has a state.
    spend : callable
        Is told of every description that is looked at, and raises when there are too many: fields can be dtypes
        with fields, the same one again and again.
    """
    own = (type(dtype).module, type(dtype).name)
    if own != ("numpy", "dtype") or len(dtype.args) != 3 or dtype.args[1] or not dtype.args[2]:
        return ODD  # the state of a shared dtype would change it for the whole process
    size, objects = _item(dtype, 0, spend)
    if size < 0:
        return ODD
    flags = dtype.state[7]
    fits = flags & (_HAS_OBJECT | _LIST) == (_HAS_OBJECT | _LIST) if objects else not flags & 7
    return "" if fits else OBJECTS


def _code(dtype: Inert) -> str:
    code = dtype.args[0] if dtype.args else ""
    if isinstance(code, InertType) and (code.module, code.name) in (("numpy", "record"), ("numpy", "void")):
        return "V0"
    return code if isinstance(code, str) and len(code) < 24 else ""


_UNKNOWN = (-1, False)


def _item(dtype: Any, depth: int, spend: Callable[[int], None]) -> tuple[int, bool]:
    """Return the bytes of an item and whether it holds objects; a negative size for what is not understood."""
    spend(1)
    if depth > _DEEPEST or not is_dtype(dtype):
        return _UNKNOWN
    code = _code(dtype)
    kind, digits = code[:1], code[1:]
    state = dtype.state
    if kind in _SIZES:
        size = int(digits) if digits.isascii() and digits.isdigit() else {"O": 8}.get(kind, 1)
        plain = state is None or (_whole(state) and state[2:5] == (None,) * 3 and state[5] in (-1, size))
        return (size, kind == "O") if size in _SIZES[kind] and plain else _UNKNOWN
    if kind not in _WIDTH or not digits.isascii() or not digits.isdigit() or not _whole(state):
        return _UNKNOWN
    size = state[5]
    named = isinstance(dtype.args[0], str)
    if not 0 <= size < _LARGEST or (named and size != int(digits) * _WIDTH[kind]):
        return _UNKNOWN
    objects = False
    if state[2] is not None or state[3] is not None or state[4] is not None:
        if kind != "V":
            return _UNKNOWN
        for offset, inner, holds in _parts(state, depth, spend):
            if inner < 0 or offset < 0 or offset + inner > size:
                return _UNKNOWN
            objects = objects or holds
    return size, objects


def _whole(state: Any) -> bool:
    return (
        type(state) is tuple
        and len(state) in (8, 9)
        and type(state[5]) is int
        and type(state[7]) is int
        and (type(state[1]) is str or type(state[1]) is bytes)
    )


def _parts(
    state: tuple[Any, ...], depth: int, spend: Callable[[int], None]
) -> Iterator[tuple[int, int, bool]]:
    """Yield offset, size and whether there are objects, of each field or of the array that an item is."""
    base, names, fields = state[2:5]
    if base is not None:
        shape = base[1] if type(base) is tuple and len(base) == 2 else None
        sides = (shape,) if type(shape) is int else shape
        if type(sides) is not tuple or not all(type(side) is int and side >= 0 for side in sides):
            yield 0, -1, False
            return
        size, objects = _item(base[0], depth + 1, spend)
        for side in sides:
            size = min(size * side, _LARGEST)
        yield 0, size, objects
        if names is None and fields is None:
            return
    spend(len(names) if type(names) is tuple else 0)
    if type(names) is not tuple or type(fields) is not dict or not all(name in fields for name in names):
        yield 0, -1, False
        return
    for entry in fields.values():
        if type(entry) is not tuple or len(entry) not in (2, 3) or type(entry[1]) is not int:
            yield 0, -1, False
            return
        yield (entry[1], *_item(entry[0], depth + 1, spend))
