"""Paths into the inert graph, kept as chains of steps and written out only for what changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import printable

if TYPE_CHECKING:
    from modelward.artifacts._canonical import Step

Chain = tuple[Any, ...]
"""``()`` for the root, else ``(chain of the holder, step)``."""

_TREE = re.compile(r"(^|\.)estimators_((?:\[[^\]]*\])+)\.tree_(?=[.(:]|$)")
_HISTOGRAM = re.compile(r"(^|\.)_predictors((?:\[[^\]]*\])+)\.nodes(?=[.(:]|$)")
_FIELDS = re.compile(r"(trees(?:\[[^\]]*\])+|\btree_)\.nodes\.(?=\w)")
_VALUES = re.compile(r"(trees(?:\[[^\]]*\])+|\btree_)\.values(?=[\[.]|$)")


def steps(chain: Chain) -> list[Step]:
    """Return the steps from the root."""
    found: list[Step] = []
    while chain:
        chain, step = chain
        found.append(step)
    return found[::-1]


def shown(chain: Chain, tail: str = "") -> str:
    """Return the path that a person reads: ``trees[3].threshold[7]`` where the file has a deeper place.

    Examples
    --------
    >>> chain = ((), ("attribute", "estimators_"))
    >>> for step in (("item", 3), ("attribute", "tree_"), ("attribute", "nodes")):
    ...     chain = (chain, step)
    >>> shown(chain, ".threshold[7]")
    'trees[3].threshold[7]'
    """
    text = _written(chain, arguments="({})", state=".state") + tail
    text = text.removeprefix(".")
    text = _TREE.sub(r"\1trees\2", text)
    text = _HISTOGRAM.sub(r"\1trees\2", text)
    return _VALUES.sub(r"\1.value", _FIELDS.sub(r"\1.", text))


def walked(chain: Chain) -> str:
    """Return the path as `walk_graph` writes it."""
    return _written(chain, arguments="[{}]", state="").removeprefix(".")


def _written(chain: Chain, *, arguments: str, state: str) -> str:
    parts = []
    for kind, which in steps(chain):
        if kind == "attribute":
            parts.append("." + printable(which, 80))
        elif kind == "key":
            parts.append(f"[{_key(which)}]")
        elif kind == "item":
            parts.append(f"[{which}]")
        elif kind == "argument":
            parts.append(arguments.format(printable(str(which), 80)))
        elif kind == "loose":
            parts.append("{}")
        else:
            parts.append(state)
    return "".join(parts)


def _key(label: Any) -> str:
    """Return a key as it is written in Python, from its label."""
    if len(label) == 2 and label[0] in ("str", "int", "bool"):
        return printable(repr(label[1])[:80])
    if len(label) == 3:  # numpy's scalars carry their value as text
        return printable(str(label[2])[:80])
    return "?"
