"""The nodes of scikit-learn's trees, held to their own arrays: those of all trees of a pickle in one pass.

A file has one tree or a thousand, of ten nodes or of ten thousand. Without numpy each node is looked at by itself,
which is quicker than importing it as long as they are few; with it, the nodes of many trees are put into one table.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from modelward.artifacts._arrays import Dtype, RawArray, as_array, plain
from modelward.artifacts._content import buffer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.artifacts._inert import Inert

_FEW = 100_000
"""Nodes of a pickle that are looked at without numpy, whose import takes as long."""
_TABLE = 1 << 22
"""Bytes of nodes that are put into one table."""


class _Plan(NamedTuple):
    """Where in a node its links and its column stand."""

    form: struct.Struct
    order: tuple[int, int, int]
    offsets: tuple[int, int, int]
    size: int


class Trees:
    """Looks at trees as they come, and at the nodes of many together.

    Parameters
    ----------
    spend : callable
        Is told how many bytes are looked at.
    """

    def __init__(self, spend: Callable[[int], None]) -> None:
        self._spend = spend
        self._dtypes: dict[int, Dtype | None] = {}
        self._plans: dict[Dtype, _Plan | None] = {}
        self._by_identity: dict[int, tuple[_Plan | None, Dtype]] = {}
        self._classes: Any = None  # those of the tree before: a forest's are all the same
        self._outputs: tuple[int, ...] | None = None
        self._left = _FEW
        self._sound = True
        self._waiting: dict[_Plan, list[tuple[Any, int, int]]] = {}
        self._bytes = 0

    def take(self, tree: Inert) -> bool:
        """Look at a tree, or keep its nodes for `all_sound`; say whether nothing is wrong with it so far."""
        state = tree.attributes
        features, classes, outputs = tree.args
        features, outputs = plain(features), plain(outputs)
        raw = as_array(state["nodes"], self._dtypes)
        count = plain(state["node_count"])
        if not isinstance(raw, RawArray) or len(raw.shape) != 1 or not 0 <= count <= raw.shape[0]:
            return False
        if classes is not self._classes:
            found = as_array(classes, self._dtypes)
            self._classes, self._outputs = classes, found.shape if isinstance(found, RawArray) else None
        if self._outputs is not None and (len(self._outputs) != 1 or not 0 < outputs <= self._outputs[0]):
            return False
        if type(features) is not int:
            return False
        self._spend(raw.end - raw.start)
        nodes, plan = raw.shape[0], self._plan_of(raw.dtype)
        if plan is None:
            return _at_once(raw.to_numpy(), features)
        if raw.end - raw.start < plan.size * nodes:
            return False
        table = buffer_of(raw.data, raw.start, raw.start + plan.size * nodes)
        if "numpy" not in sys.modules:
            self._left -= nodes
            if self._left >= 0:
                return _one_by_one(plan, table, nodes, features)
        self._waiting.setdefault(plan, []).append((table, nodes, features))
        self._bytes += len(table)
        if self._bytes > _TABLE:
            self._sound = self.all_sound()
        return True

    def _plan_of(self, dtype: Dtype) -> _Plan | None:
        """Return the plan of a dtype; the trees of a file mostly share one, and reading it takes longer than a tree."""
        plan = self._by_identity.get(id(dtype))
        if plan is None:
            if dtype not in self._plans:
                self._plans[dtype] = _plan(dtype)
            plan = self._by_identity[id(dtype)] = self._plans[dtype], dtype
        return plan[0]

    def all_sound(self) -> bool:
        """Say whether nothing was wrong with the nodes that were kept."""
        for plan, kept in self._waiting.items():
            self._sound = self._sound and _together(plan, kept)
        self._waiting.clear()
        self._bytes = 0
        return self._sound


def _plan(dtype: Dtype) -> _Plan | None:
    """Return where links and column stand in nodes of a dtype; None for those of another kind of machine."""
    fields = {name: (part.code, offset) for name, part, offset in dtype.fields}
    needed = [fields[name] for name in ("left_child", "right_child", "feature")]
    if any(code != "<i8" for code, _ in needed):
        return None
    left, right, feature = (offset for _, offset in needed)
    by_place = sorted((left, right, feature))
    ends = [0, *(offset + 8 for offset in by_place)]
    gaps = [offset - end for offset, end in zip(by_place, ends, strict=False)]
    if min(gaps) < 0:
        raise ValueError("fields share bytes")
    form = "<" + "".join(f"{gap}xq" for gap in gaps) + f"{dtype.itemsize - ends[-1]}x"
    order = by_place.index(left), by_place.index(right), by_place.index(feature)
    return _Plan(struct.Struct(form), order, (left, right, feature), dtype.itemsize)


def _one_by_one(plan: _Plan, nodes: Any, count: int, features: int) -> bool:
    """Look at a tree without numpy."""
    left_at, right_at, feature_at = plan.order
    for i, node in enumerate(plan.form.iter_unpack(nodes)):
        left = node[left_at]
        # Children stand after their parent, so following them comes to an end.
        if left != -1 and not (
            i < left < count and i < node[right_at] < count and 0 <= node[feature_at] < features
        ):
            return False
    return True


def _at_once(nodes: NDArray[Any], features: int) -> bool:
    """Look at a tree of another kind of machine."""
    import numpy as np

    inner = np.flatnonzero(nodes["left_child"] != -1)
    links = [nodes[name][inner] for name in ("left_child", "right_child")]
    columns = nodes["feature"][inner]
    return all(bool(((link > inner) & (link < len(nodes))).all()) for link in links) and bool(
        ((columns >= 0) & (columns < features)).all()
    )


def _together(plan: _Plan, kept: list[tuple[Any, int, int]]) -> bool:
    """Look at the nodes of many trees in one table."""
    import numpy as np

    sizes = np.array([nodes for _, nodes, _ in kept])
    kind = np.dtype(
        {"names": ["l", "r", "f"], "formats": ["<i8"] * 3, "offsets": plan.offsets, "itemsize": plan.size}
    )
    table = np.frombuffer(b"".join(found for found, _, _ in kept), kind)
    inner = np.flatnonzero(table["l"] != -1)
    tree = np.repeat(np.arange(len(kept)), sizes)[inner]
    own = inner - (np.cumsum(sizes) - sizes)[tree]
    left, right, feature = (table[name][inner] for name in ("l", "r", "f"))
    ends = sizes[tree]
    columns = np.array([features for _, _, features in kept])[tree]
    return bool(
        ((left > own) & (left < ends) & (right > own) & (right < ends)).all()
        and ((feature >= 0) & (feature < columns)).all()
    )
