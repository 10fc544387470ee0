"""LightGBM's text format: a header, trees, importances, parameters, pandas' categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import printable
from modelward.artifacts.readers._lightgbm_tree import check_tree
from modelward.artifacts.readers._notes import BrokenError, finish, standing
from modelward.artifacts.readers._strict_json import read_json

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job
    from modelward.artifacts._inert import Inert
    from modelward.artifacts.readers._notes import Notes

_COUNTS = ("num_class", "num_tree_per_iteration", "label_index", "max_feature_idx")
_NAMES = ("feature_names", "feature_infos", "monotone_constraints")
_INTEGERS = (
    "split_feature", "decision_type", "left_child", "right_child", "leaf_count", "internal_count",
    "cat_boundaries", "cat_threshold", "num_features", "leaf_features",
)  # fmt: skip
_FLOATS = (
    "split_gain", "threshold", "leaf_value", "leaf_weight", "internal_value", "internal_weight",
    "leaf_const", "leaf_coeff",
)  # fmt: skip
_SINGLE = ("num_leaves", "num_cat", "is_linear")


def read(job: Job) -> Artifact:
    """Read a job as LightGBM's text."""
    return finish(job, "LightGBM text", parse)


def parse(content: bytes, notes: Notes) -> Inert:
    """Return the booster as a stand-in whose state has the header's entries, ``trees`` and what follows."""
    notes.spend(60 * content.count(b"\n") + 40 * content.count(b" ") + 3 * len(content))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenError(f"it is no UTF-8 at byte {error.start:,}") from None
    head, mark, rest = text.partition("\nend of trees\n")
    if not mark:
        raise BrokenError("it ends before its trees do")
    first = head.find("\nTree=")
    header = head if first < 0 else head[:first]
    state = _header(header, notes)
    blocks = [] if first < 0 else head[first + 1 :].split("\nTree=")
    state["trees"] = [
        _tree(i, block if i == 0 else f"Tree={block}", state["max_feature_idx"], notes)
        for i, block in enumerate(blocks)
    ]
    _check_sizes(state, blocks, notes)
    _tail(rest, state, notes)
    return standing("lightgbm.basic", "Booster", state)


def _integer(text: str, key: str) -> int:
    digits = text.strip()
    if len(digits) > 12 or not digits.removeprefix("-").isdecimal() or not digits.isascii():
        raise BrokenError(f"{printable(key, 40)} is no number: {printable(text, 40)}")
    return int(digits)


def _header(text: str, notes: Notes) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for line in text.split("\n")[1:]:
        key, mark, value = line.rstrip("\r").partition("=")
        if not key:
            continue
        if key in state:
            notes.suspicious(f"its header names {printable(key, 40)!r} twice")
        if key in _COUNTS:
            state[key] = _integer(value, key)
        elif key in _NAMES:
            state[key] = value.split(" ") if value else []
        elif key == "tree_sizes":
            state[key] = [_integer(part, key) for part in value.split()]
        else:
            state[key] = value if mark else True
    for key in ("max_feature_idx", "num_class", "num_tree_per_iteration"):
        if not 0 <= state.get(key, -1) < 1 << 31:
            raise BrokenError(f"its header has no {key} that can be")
    features = state["max_feature_idx"] + 1
    for key in ("feature_names", "feature_infos"):
        if len(state.get(key, [])) != features:
            notes.suspicious(
                f"{key} has {len(state.get(key, [])):,} entries where the model has {features:,} features"
            )
    if state["num_class"] < 1 or state["num_tree_per_iteration"] < 1:
        notes.suspicious("says that it has no class or no tree in each round")
    return state


def _check_sizes(state: dict[str, Any], blocks: list[str], notes: Notes) -> None:
    """Compare what is said about the trees with them: the loader jumps by `tree_sizes`."""
    per_round = max(state["num_tree_per_iteration"], 1)
    if len(blocks) % per_round:
        notes.suspicious(f"has {len(blocks):,} trees, {per_round:,} to a round")
    if "tree_sizes" not in state:
        return
    # Every block lost the line end and the word by which it was cut off, but for the first and the last.
    sizes = [len(block.encode()) + (1 if i == 0 else 6) for i, block in enumerate(blocks)]
    if state["tree_sizes"] != sizes:
        notes.suspicious("tree_sizes does not fit the trees: a reader that jumps by it sees other trees")


def _tree(number: int, block: str, max_feature: int, notes: Notes) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    where = f"tree {number:,}"
    for line in block.split("\n"):
        key, mark, value = line.rstrip("\r").partition("=")
        if not key:
            continue
        if not mark or key in tree:
            notes.suspicious(f"{where} has a line that does not belong there: {printable(line, 40)!r}")
        tree[key] = _entry(where, key, value)
    if tree.get("Tree") != number:
        notes.suspicious(f"{where} is numbered {tree.get('Tree')}")
    check_tree(where, tree, max_feature, notes)
    return tree


def _entry(where: str, key: str, value: str) -> Any:
    """Return the value of a tree's line."""
    try:
        if key in _SINGLE or key == "Tree":
            return _integer(value, key)
        if key in _INTEGERS:
            return [int(part) for part in value.split()]
        if key in _FLOATS:
            return [float(part) for part in value.split()]
        return float(value) if key == "shrinkage" else value
    except ValueError:
        raise BrokenError(f"{where}: {printable(key, 40)} holds something other than numbers") from None


def _tail(text: str, state: dict[str, Any], notes: Notes) -> None:
    """Read what follows the trees: importances, parameters, pandas' categories."""
    kind = ""
    for raw in text.split("\n"):
        line = raw.rstrip("\r")
        if line in ("feature_importances:", "parameters:"):
            kind = line[:-1]
            state[kind] = {}
        elif line == "end of parameters":
            kind = ""
        elif line.startswith("pandas_categorical:"):
            state["pandas_categorical"] = read_json(
                line.removeprefix("pandas_categorical:").encode(), notes, "pandas_categorical"
            )
        elif kind == "parameters" and line.startswith("[") and line.endswith("]"):
            key, _, value = line[1:-1].partition(": ")
            state[kind][key.rstrip(":")] = value
        elif kind == "feature_importances" and "=" in line:
            key, _, value = line.rpartition("=")
            state[kind][key] = value
        elif line and not line.startswith("loaded_parameters:"):
            notes.suspicious(
                f"has a line after its trees that does not belong there: {printable(line, 40)!r}"
            )
    if kind == "parameters":
        raise BrokenError("it ends before its parameters do")
