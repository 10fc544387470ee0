"""Walking the inert graph for arrays: every value once, with its path, its name and what holds it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._graph import _PATH, _SCALARS, _children
from modelward.artifacts._inert import Inert, is_inert_class

if TYPE_CHECKING:
    from collections.abc import Iterator

_LAST = re.compile(r"([^.\[\]'\"]+)['\"]?\]?$")
# Calls that wrap code together with the values it uses.
_CAPTURING = (
    "functools.partial",
    "cloudpickle.",
    "joblib.externals.cloudpickle.",
    "dill._dill.",
    "dill.dill.",
    "R.environment",
)


@dataclass(frozen=True, slots=True)
class Held:
    """A value of the graph.

    Attributes
    ----------
    path, name : str
        Where it is, and the last name on the way: an attribute or a key of a dictionary.
    value : object
        A stand-in, an array, or a container.
    holder : Inert or None
        The nearest object above.
    captured : bool
        Whether code has captured it: it hangs on a closure or a partial call, with nothing but plain containers
        between.
    """

    path: str
    name: str
    value: Any
    holder: Inert | None
    captured: bool


def walk_values(root: Any) -> Iterator[Held]:
    """Yield every value of a graph that is no scalar, once, holders before what they hold.

    It does not recurse and follows shared objects once, so neither depth nor cycles can hurt.
    """
    seen: set[int] = set()
    pending: list[tuple[str, Any, Inert | None, bool]] = [("", root, None, False)]
    while pending:
        path, value, holder, captured = pending.pop()
        if isinstance(value, _SCALARS) or id(value) in seen or is_inert_class(value):
            continue
        seen.add(id(value))
        if len(path) > _PATH:
            path = path[:_PATH] + "…"
        last = _LAST.search(path)
        yield Held(path, last[1] if last else "", value, holder, captured)
        if isinstance(value, RawArray):
            continue
        if isinstance(value, Inert):
            array = as_array(value)
            if isinstance(array, RawArray):
                continue
            holder = value
            captured = array is None and value.type_name.startswith(_CAPTURING)
            children = [(path, array)] if isinstance(array, list) else _children(path, value)
        else:
            children = _children(path, value)
        pending.extend(reversed([(*child, holder, captured) for child in children]))
