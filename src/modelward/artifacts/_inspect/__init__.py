"""What a model file gives away: read from its inert graph, without the library that wrote it.

The names load when they are used: reading and scanning need none of this.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelward.artifacts._inspect.ensembles import tree_set
    from modelward.artifacts._inspect.inspect_file import inspect
    from modelward.artifacts._inspect.inspection import Inspection
    from modelward.artifacts._inspect.trees import TreeNodes, TreeSet

_HOMES = {
    "Inspection": "inspection",
    "TreeNodes": "trees",
    "TreeSet": "trees",
    "inspect": "inspect_file",
    "tree_set": "ensembles",
}

__all__ = ["Inspection", "TreeNodes", "TreeSet", "inspect", "tree_set"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"modelward.artifacts._inspect.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
