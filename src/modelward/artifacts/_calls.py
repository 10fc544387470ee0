"""Judging what a known name is called with, and the state that an object is given.

A name that is harmless in honest files can do harm with arguments of an attacker's choice: hand back the object
it was given under another name, allocate what a number asks for, or call another known name. So each name that
honest files call is held to the way in which they call it; the others may be named, not called.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._arrow import sound_arrow
from modelward.artifacts._content import TextStretch
from modelward.artifacts._dtype_state import any_unfinished
from modelward.artifacts._inert import Inert, InertType, is_zone_name
from modelward.artifacts._known_former import ALL_CALLED, ALL_FUNCTIONS, ALL_KNOWN, REBUILDERS
from modelward.artifacts._known_tables import (
    INDEX_CLASSES,
    INDEX_MAKERS,
    INTERVAL_MAKER,
    INTERVALS,
    OFFSETS,
    PERIODS,
    ZONES,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_PARSER = re.compile(
    r"\ndef _parse_args\(self, [\w, ]*=[01](?:, scale=1)?\):\n"
    r"    return \([\w, ]*\), loc, (?:scale|1)\n"
    r"\ndef _parse_args_rvs\(self, [\w, ]*=[01](?:, scale=1)?, size=None\):\n"
    r"    return self\._argcheck_rvs\([\w, ]*, size=size\)\n"
    r"\ndef _parse_args_stats\(self, [\w, ]*=[01](?:, scale=1)?, moments='mv'\):\n"
    r"    return \([\w, ]*\), loc, (?:scale|1), moments\n",
    re.ASCII,
)
_TEXT = "_parse_arg_template"
_INNER = frozenset(
    {
        "__setstate__", "__class__", "__dict__", "__reduce__", "__reduce_ex__", "__getstate__", "__code__",
        "__globals__", "__closure__", "__defaults__", "__call__", "__wrapped__", "__getattr__", "__getattribute__",
        "__init__", "__new__", "__del__", "__builtins__", "__bases__", "__getitem__", "__setitem__",
    }
)  # fmt: skip
FETCHED = frozenset(
    {"append", "extend", "add", "read", "read_array", "read_mmap", "safe_get_numpy_array_alignment_bytes"}
)
"""Attributes that the unpickler, or joblib's, fetches from an object and calls."""
_TAKEN = _INNER | FETCHED
_ENCODINGS = frozenset({"latin1", "latin-1", "utf-8", "utf8", "ascii"})
_MAX_TEXT = 4000
_LONG = 1000


def harmful_state(module: str, name: str, state: Any) -> str:
    """Return why giving an object a state would run code; empty if it would not.

    scipy's distributions keep the text of their argument parser and run it when they are unpickled. The text is
    looked for whatever the object is called: there are calls that hand an object on under another name.

    Parameters
    ----------
    module, name : str
        Of the object's class, seen through copyreg's helpers.
    state : object
        All that the object has been given so far.
    """
    parts = state if type(state) is tuple else (state,)
    if len(parts) > _LONG:
        kinds = set(map(type, parts))
        if not kinds & {dict, tuple}:
            parts = ()  # an honest state has no such length, and may be given again and again
    distribution = module.startswith("scipy.stats.") and name.endswith("_gen")
    text = None
    for part in parts:
        if type(part) is dict:
            if not part.keys().isdisjoint(_TAKEN) and (not part.keys().isdisjoint(_INNER) or _replaces(part)):
                return "sets an attribute that Python keeps for itself"
            text = part.get(_TEXT, text)
        elif type(part) is tuple and _nested(part):
            return "gives a state in layers, which no honest file does"
    if text is None and not distribution:
        return ""
    if type(text) is str and len(text) < _MAX_TEXT and _PARSER.fullmatch(text):
        return ""
    return f"gives code as text to {module}.{name}, which runs it"


def _replaces(part: dict[Any, Any]) -> bool:
    """Say whether something of the file stands where an unpickler looks for a method."""
    return any(isinstance(part.get(name), Inert | InertType) for name in FETCHED)


def harmful_item(module: str, key: Any, value: Any) -> str:
    """Return why setting an item would run code: there are dicts whose keys are attributes."""
    if module != "collections" and (key in _INNER or key in FETCHED) and isinstance(value, Inert | InertType):
        return "sets an attribute that Python keeps for itself"
    return ""


def _nested(parts: tuple[Any, ...]) -> bool:
    """Say whether a tuple holds what a BUILD before this one gave, and something that it hides."""
    return any(
        type(part) is dict and (_TEXT in part or not part.keys().isdisjoint(_INNER) or _replaces(part))
        for part in parts
    )


def _of(value: Any, *tops: str) -> bool:
    """Say whether a value is a reference to a name of these packages, not an object."""
    return isinstance(value, InertType) and value.module.partition(".")[0] in tops


def _encoded(value: Any) -> bool:
    """Say whether a value is bytes, also as old protocols write them."""
    if isinstance(value, str | bytes | bytearray):
        return True
    return isinstance(value, Inert) and value.type_name in ("_codecs.encode", "builtins.bytes")


def _empty_shape(value: Any) -> bool:
    return type(value) is tuple and all(type(side) is int for side in value) and 0 in value


def _booster(args: tuple[Any, ...]) -> bool:
    return all(arg is None for arg in args)


def _encode(args: tuple[Any, ...]) -> bool:
    return (
        len(args) == 2
        and type(args[0]) in (str, TextStretch)
        and type(args[1]) is str
        and args[1] in _ENCODINGS
    )


def _array(args: tuple[Any, ...]) -> bool:
    return len(args) == 3 and _of(args[0], "numpy") and _empty_shape(args[1])


def _masked(args: tuple[Any, ...]) -> bool:
    return len(args) == 4 and _of(args[0], "numpy") and _of(args[1], "numpy") and _empty_shape(args[2])


def _scalar(args: tuple[Any, ...]) -> bool:
    return _finished(args) and (len(args) == 1 or (len(args) == 2 and _encoded(args[1])))


def _finished(args: tuple[Any, ...]) -> bool:
    """Say whether no dtype is used that can still be given fields."""
    return not any_unfinished(args)


def _random(args: tuple[Any, ...]) -> bool:
    first = not args or type(args[0]) is str or _of(args[0], "numpy") or _own(args[0], "numpy.random")
    return first and all(_of(arg, "numpy") and arg.name == "__bit_generator_ctor" for arg in args[1:])


def _own(value: Any, package: str) -> bool:
    return isinstance(value, Inert) and type(value).module.startswith(package)


def _rebuilt(args: tuple[Any, ...]) -> bool:
    return (
        len(args) == 3
        and isinstance(args[0], InertType)
        and _of(args[1], "builtins")
        and args[1].name in _BASES
    )


_BASES = frozenset(
    {"object", "dict", "list", "tuple", "set", "frozenset", "str", "int", "float", "bytes", "complex"}
)


def _first_of(*tops: str) -> Callable[[tuple[Any, ...]], bool]:
    return lambda args: bool(args) and _of(args[0], *tops)


def _class_first(args: tuple[Any, ...]) -> bool:
    return bool(args) and isinstance(args[0], InertType)


def _spelt_out(args: tuple[Any, ...]) -> bool:
    """Say whether a container is made of values that the file holds, not of an iterator or a count."""
    return not any(issubclass(kind, Inert) for kind in set(map(type, args)))


def _bytes(args: tuple[Any, ...]) -> bool:
    return not args or (_encoded(args[0]) and len(args) < 3)


def _placed(args: tuple[Any, ...]) -> bool:
    """Say whether the blocks of a frame stand within it: pandas writes where they say, without looking."""
    blocks = args[0] if args else None
    if type(blocks) is not tuple:
        return False
    places = [_places(block) for block in blocks]
    total = sum(len(place) for place in places if place is not None)
    return all(
        place is not None and (not len(place) or (min(place) >= 0 and max(place) < total)) for place in places
    )


def _places(block: Any) -> Any:
    """Return the columns at which a block of a frame stands; None if that is not understood."""
    if not isinstance(block, Inert) or len(block.args) != 3:
        return None
    place = block.args[1]
    if isinstance(place, Inert) and place.type_name == "builtins.slice" and len(place.args) == 3:
        start, stop, step = place.args
        step = 1 if step is None else step
        if all(type(part) is int and abs(part) < 1 << 62 for part in (start, stop, step)) and step:
            return range(start, stop, step)
        return None
    found = as_array(place)
    return (
        found.to_numpy().tolist() if isinstance(found, RawArray) and found.dtype.code[-2:] == "i8" else None
    )


def _index(args: tuple[Any, ...]) -> bool:
    """Say whether an index is made of one of pandas' index classes and its parts."""
    kind = args[0] if args else None
    return (
        len(args) == 2
        and isinstance(kind, InertType)
        and f"{kind.module}.{kind.name}" in INDEX_CLASSES
        and type(args[1]) is dict
    )


def _counted(args: tuple[Any, ...]) -> bool:
    return all(
        arg is None
        or type(arg) in (int, bool)
        or (isinstance(arg, Inert) and arg.type_name == "datetime.timedelta")
        for arg in args
    )


def _interval(args: tuple[Any, ...]) -> bool:
    """Say whether an interval is made of two values and the side that belongs to it."""
    return len(args) == 3 and type(args[2]) is str and len(args[2]) < 8


def _period(args: tuple[Any, ...]) -> bool:
    """Say whether a period is made of its number and an offset."""
    return (
        len(args) == 3
        and args[0] is None
        and isinstance(args[1], Inert)
        and type(args[1]).full in OFFSETS
        and type(args[2]) is int
    )


def _empty_intervals(args: tuple[Any, ...]) -> bool:
    return len(args) == 3 and _of(args[0], "pandas") and type(args[1]) is int and args[2] is None


def _zone(args: tuple[Any, ...]) -> bool:
    return len(args) == 1 and is_zone_name(args[0])


def _old_zone(args: tuple[Any, ...]) -> bool:
    return all(type(arg) is int or is_zone_name(arg) for arg in args)


def _short(args: tuple[Any, ...]) -> bool:
    return all(
        type(arg) is int or (type(arg) is str and len(arg) < 400 and "e" not in arg.lower()) for arg in args
    )


_RULES: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "xgboost.core.Booster": _booster,
    "lightgbm.basic.Booster": _booster,
    "_codecs.encode": _encode,
    "numpy.core.multiarray._reconstruct": _array,
    "numpy._core.multiarray._reconstruct": _array,
    "numpy.ma.core._mareconstruct": _masked,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.core.numeric._frombuffer": _finished,
    "numpy._core.numeric._frombuffer": _finished,
    "pyarrow.lib._restore_array": sound_arrow,
    "pandas.core.internals.managers.BlockManager": _placed,
    "numpy.random._pickle.__randomstate_ctor": _random,
    "numpy.random._pickle.__generator_ctor": _random,
    "numpy.random._pickle.__bit_generator_ctor": _random,
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence": _first_of("numpy"),
    "pandas.core.indexes.base._new_Index": _first_of("pandas"),
    "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked": _first_of("pandas"),
    "copyreg._reconstructor": _rebuilt,
    "copyreg.__newobj__": _class_first,
    "copyreg.__newobj_ex__": _class_first,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "fractions.Fraction": _short,
}
_RULES |= dict.fromkeys(
    ("builtins.set", "builtins.frozenset", "builtins.list", "builtins.tuple", "builtins.dict",
     "collections.deque", "collections.Counter", "collections.OrderedDict", "collections.defaultdict"),
    _spelt_out,
)  # fmt: skip
_RULES |= {
    name: _first_of("sklearn") for name in ALL_KNOWN if name.endswith(".newObj") or ".__pyx_unpickle_" in name
    if name.startswith("sklearn.")
}  # fmt: skip
_RULES |= dict.fromkeys(REBUILDERS, _first_of("_loss"))
_RULES |= (
    dict.fromkeys(INDEX_MAKERS, _index)
    | dict.fromkeys(OFFSETS, _counted)
    | dict.fromkeys(INTERVALS, _interval)
    | dict.fromkeys(PERIODS, _period)
    | dict.fromkeys(ZONES, _old_zone)
    | {INTERVAL_MAKER: _empty_intervals, "zoneinfo.ZoneInfo": _zone}
)
_NOT_CALLED = (ALL_KNOWN - ALL_CALLED - _RULES.keys()) | {
    f"builtins.{name}" for name in ("max", "min", "sum", "abs", "len", "round")
} | {f"math.{name}" for name in ("exp", "log", "log1p", "sqrt")}  # fmt: skip


_HANDS_ON = frozenset({"copyreg.__newobj__", "copyreg.__newobj_ex__"})


def is_watched(full: str) -> bool:
    """Say whether calls of a name are judged by their arguments."""
    return full in _RULES or full in _NOT_CALLED or full == "builtins.getattr"


def harmful_call(module: str, name: str, args: tuple[Any, ...]) -> str:
    """Return why calling a known name with these arguments is not harmless; empty if it is.

    Parameters
    ----------
    module, name : str
        Of what is called.
    args : tuple
        Positional and keyword arguments.
    """
    full = f"{module}.{name}"
    rule = _RULES.get(full)
    if full in _HANDS_ON and len(args) > 1 and isinstance(args[0], InertType):
        # It calls the class with the rest, which must be as if the file did so itself.
        harm = harmful_call(args[0].module, args[0].name, args[1:])
        if harm:
            return harm
    if rule is not None:
        return "" if rule(args) else f"calls {full} with arguments that no honest file gives it"
    if full in _NOT_CALLED and (args or full in ALL_FUNCTIONS):
        return f"calls {full} while it is loaded, which no honest file does"
    return ""
