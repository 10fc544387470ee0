"""One tree of an inspected model, as it can be drawn and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.artifacts._inspect.inspection import SeenColumn
from modelward.artifacts._inspect.wording import short
from modelward.reports import Branch

if TYPE_CHECKING:
    from modelward.artifacts import Inspection, TreeNodes, TreeSet

_LEVELS = 3
_FEW = 10


def small_tree(found: Inspection) -> tuple[Branch | None, str]:
    """Return the smallest tree that splits, and what to call it; None if no tree does."""
    sized = [
        (len(tree.left), s, t)
        for s, one in enumerate(found.trees)
        for t, tree in enumerate(one.trees)
        if len(tree.left) > 1
    ]  # fmt: skip
    if not sized:
        return None, ""
    _, place, t = min(sized)
    one, tree = found.trees[place], found.trees[place].trees[t]
    seen = list(found.seen) if place == 0 else []
    seen = seen or [SeenColumn(f"column {j}") for j in range(min(one.n_features, 100_000))]
    drawing = _branch(one, tree, seen, 0, _LEVELS)
    which = "The tree" if len(sized) == 1 else f"The smallest of {len(sized):,} trees"
    deep = f", its first {_LEVELS} levels" if tree.depth > _LEVELS else ""
    return drawing, which + deep


def asked_ranges(found: Inspection) -> dict[str, tuple[float, float]]:
    """Return the least and the largest value at which the model asks about a column, in the table's units."""
    import numpy as np

    if not found.trees or not found.trees[0].trees or not found.seen:
        return {}
    ranges: dict[str, tuple[float, float]] = {}
    columns = np.concatenate([tree.feature[tree.inner & ~tree.categorical] for tree in found.trees[0].trees])
    values = np.concatenate([tree.threshold[tree.inner & ~tree.categorical] for tree in found.trees[0].trees])
    for j in np.unique(columns[np.abs(values) < 1e150]).tolist():
        seen = found.seen[j] if j < len(found.seen) else None
        if seen is None or seen.category:
            continue
        own = (values[(columns == j) & (np.abs(values) < 1e150)] - seen.shift) / seen.scale
        low, high = ranges.get(seen.name, (float("inf"), float("-inf")))
        ranges[seen.name] = (min(low, float(own.min())), max(high, float(own.max())))
    return ranges


def _branch(one: TreeSet, tree: TreeNodes, seen: list[SeenColumn], node: int, levels: int) -> Branch:
    rows = tree.samples[node]
    # Counts of a handful of rows stay in the file.
    note = f"{rows:,.0f} rows" if rows >= _FEW else "fewer than ten rows" if rows > 0 else ""
    if not tree.inner[node]:
        text, tone = _answer(one, tree, node)
        if node in tree.weighed:
            text, tone = _weighed(tree, seen, node), 0
        return Branch(text, note, tone)
    j = int(tree.feature[node])
    text = _question(seen[j] if j < len(seen) else SeenColumn(f"column {j}"), tree, node)
    if levels <= 0:
        return Branch(text, f"{note} …", more=True)
    return Branch(
        text, note, 0, _branch(one, tree, seen, int(tree.left[node]), levels - 1),
        _branch(one, tree, seen, int(tree.right[node]), levels - 1),
    )  # fmt: skip


def _weighed(tree: TreeNodes, seen: list[SeenColumn], node: int) -> str:
    """Say what the linear model of a leaf weighs."""
    names = [seen[j].name if j < len(seen) else f"column {j}" for j in tree.weighed[node]]
    return "linear in " + ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _question(column: SeenColumn, tree: TreeNodes, node: int) -> str:
    """Say what a node asks, in the table's units."""
    at = float(tree.threshold[node])
    if tree.categorical[node]:
        return f"{column.name} in a set?"
    if column.category and 0 <= at < 1:
        return f"{column.name} is not {column.category}?"
    sign = "<" if tree.strict else "≤"
    return f"{column.name} {sign} {short((at - column.shift) / column.scale, up=False)}?"


def _answer(one: TreeSet, tree: TreeNodes, node: int) -> tuple[str, int]:
    value = tree.value[node]
    if not one.classes or len(value) != len(one.classes):
        return (f"{float(value[0]):.4g}" if len(value) else "", 0)
    best = int(value.argmax())
    total = float(value.sum())
    if (value >= 0).all() and abs(total - 1) < 1e-6:
        return f"{one.classes[best]} {float(value[best]):.0%}", best
    if len(value) == 2:
        lead = float(value[1] - value[0])
        return f"{lead:+.4g} for {one.classes[1]}", 1 if lead > 0 else 0
    push = int(abs(value).argmax())
    return f"{float(value[push]):+.4g} for {one.classes[push]}", push
