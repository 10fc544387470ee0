"""From the columns that a step sees back to those of the table: what came from where, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import plain
from modelward.artifacts._graph import labels, numbers
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect.params import members
from modelward.artifacts._inspect.trees import float_list, items_of
from modelward.artifacts._inspect.values import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX = 20_000
"""Wider tables are not followed column by column."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a column comes from.

    Parameters
    ----------
    columns : frozenset of int
        The table's columns that can change it.
    scale, shift : float
        It is ``scale * x + shift`` of its one column, if `straight`.
    straight : bool
        Whether it is that.
    category : tuple
        Empty, or the one category of its column for which it is 1, else 0.
    """

    columns: frozenset[int]
    scale: float = 1.0
    shift: float = 0.0
    straight: bool = True
    category: tuple[Any, ...] = ()

    def through(self, scale: float, shift: float) -> Origin:
        """Return the origin of ``scale * this + shift``."""
        if not self.straight or not scale > 0:
            return self.blurred()
        return Origin(self.columns, self.scale * scale, self.shift * scale + shift)

    def blurred(self) -> Origin:
        """Return the same columns with nothing known about how."""
        return Origin(self.columns, straight=False)


Origins = tuple[Origin, ...]


def identity(count: int) -> Origins | None:
    """Return the origins of a table's own columns; None if it is too wide."""
    return tuple(Origin(frozenset((j,))) for j in range(count)) if 0 < count <= MAX else None


def through_steps(steps: Sequence[Any], origins: Origins, wide: int | None) -> Origins | None:
    """Return the origins of what comes out of transformers, one after another.

    Parameters
    ----------
    steps : sequence
        Transformers of the graph; those that are not understood may mix all columns.
    origins : tuple of Origin
        Of what goes in.
    wide : int or None
        How many columns the last one gives, if what follows says so.
    """
    for i, step in enumerate(steps):
        following = steps[i + 1] if i + 1 < len(steps) else None
        said = _takes(following) if following is not None else wide
        moved = through(step, origins)
        if moved is None:
            if said is None or said > MAX:
                return None
            every = Origin(frozenset().union(*(o.columns for o in origins)), straight=False)
            moved = (every,) * said
        if said is not None and len(moved) != said:
            return None
        origins = moved
    return origins


def _takes(value: Any) -> int | None:
    return whole(value.attributes.get("n_features_in_")) if isinstance(value, Inert) else None


def through(step: Any, origins: Origins) -> Origins | None:
    """Return the origins of what a transformer gives; None if it is not understood."""
    if step in ("passthrough", None):
        return origins
    if not isinstance(step, Inert) or not step.type_name.startswith("sklearn."):
        return None
    name = step.type_name.rpartition(".")[2]
    own = _takes(step)
    if own is not None and own != len(origins):
        return None
    if name in _READERS:
        try:
            return _READERS[name](step, origins)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None
    return None


def _affine(scale: list[float], shift: list[float], origins: Origins) -> Origins | None:
    if len(scale) != len(origins) or len(shift) != len(origins):
        return None
    return tuple(o.through(a, b) for o, a, b in zip(origins, scale, shift, strict=True))


def _optional(step: Inert, key: str, count: int, otherwise: float) -> list[float]:
    value = step.attributes.get(key)
    return [otherwise] * count if value is None else float_list(value)


def _standard(step: Inert, origins: Origins) -> Origins | None:
    n = len(origins)
    used = [plain(step.attributes.get(key)) for key in ("with_mean", "with_std")]
    mean = _optional(step, "mean_", n, 0.0) if used[0] else [0.0] * n
    scale = _optional(step, "scale_", n, 1.0) if used[1] else [1.0] * n
    return _divided(mean, scale, origins)


def _robust(step: Inert, origins: Origins) -> Origins | None:
    n = len(origins)
    return _divided(_optional(step, "center_", n, 0.0), _optional(step, "scale_", n, 1.0), origins)


def _divided(middle: list[float], scale: list[float], origins: Origins) -> Origins | None:
    if len(middle) != len(scale):
        return None
    return _affine([1 / s for s in scale], [-m / s for m, s in zip(middle, scale, strict=True)], origins)


def _min_max(step: Inert, origins: Origins) -> Origins | None:
    moved = _affine(
        float_list(step.attributes.get("scale_")), float_list(step.attributes.get("min_")), origins
    )
    if moved is not None and plain(step.attributes.get("clip")):
        return tuple(o.blurred() for o in moved)
    return moved


def _max_abs(step: Inert, origins: Origins) -> Origins | None:
    return _divided([0.0] * len(origins), float_list(step.attributes.get("scale_")), origins)


def _imputed(step: Inert, origins: Origins) -> Origins | None:
    if step.attributes.get("indicator_") is not None or len(
        _any_list(step.attributes.get("statistics_"))
    ) != len(origins):
        return None
    kept = plain(step.attributes.get("keep_empty_features"))
    statistics = _any_list(step.attributes.get("statistics_"))
    if not kept:
        # Columns without a single value are dropped; they show as "not a number".
        return tuple(o for o, s in zip(origins, statistics, strict=True) if s == s)
    return origins


def _any_list(value: Any) -> list[Any]:
    return labels(value) or []


def _function(step: Inert, origins: Origins) -> Origins | None:
    return origins if step.attributes.get("func") is None else None


def _each(step: Inert, origins: Origins) -> Origins | None:  # noqa: ARG001 - one signature for all
    """Column by column, in a way that has no plain inverse."""
    return tuple(o.blurred() for o in origins)


def _ordinal(step: Inert, origins: Origins) -> Origins | None:
    return _each(step, origins) if len(items_of(step.attributes.get("categories_"))) == len(origins) else None


def _one_hot(step: Inert, origins: Origins) -> Origins | None:
    attributes = step.attributes
    if plain(attributes.get("_infrequent_enabled")) or attributes.get("min_frequency") is not None:
        return None
    if attributes.get("max_categories") is not None:
        return None
    lists = [labels(item) for item in items_of(attributes.get("categories_"))]
    if len(lists) != len(origins) or any(item is None for item in lists):
        return None
    dropped = attributes.get("drop_idx_", attributes.get("drop"))
    drops = [None] * len(lists) if dropped is None else labels(dropped)
    if drops is None or len(drops) != len(lists):
        return None
    out: list[Origin] = []
    for origin, items, drop in zip(origins, lists, drops, strict=True):
        skip = None if drop is None else int(drop)
        single = origin.straight and origin.scale == 1 and origin.shift == 0
        for i, item in enumerate(items or ()):
            if i != skip:
                category = (item,) if single else ()
                out.append(Origin(origin.columns, straight=False, category=category))
    return tuple(out)


def _selected(step: Inert, origins: Origins) -> Origins | None:
    support = numbers(step.attributes.get("support_"))
    if support is None or support.dtype.kind != "b" or support.shape != (len(origins),):
        return None
    return tuple(o for o, kept in zip(origins, support.tolist(), strict=True) if kept)


def _pipeline(step: Inert, origins: Origins) -> Origins | None:
    return through_steps([item for _, item, _ in members(step.attributes.get("steps"))], origins, None)


def _column_transformer(step: Inert, origins: Origins) -> Origins | None:
    """Follow each transformer on its columns, into the places that the object says its output has."""
    attributes = step.attributes
    inputs, outputs = attributes.get("_transformer_to_input_indices"), attributes.get("output_indices_")
    named = members(attributes.get("transformers_"))
    if not isinstance(inputs, dict) or not isinstance(outputs, dict) or not named:
        return None
    places: dict[str, tuple[int, int]] = {}
    for key, value in outputs.items():
        ends = _slice(value)
        if ends is None:
            return None
        places[key] = ends
    width = max((end for _, end in places.values()), default=0)
    if width > MAX:
        return None
    out: list[Origin | None] = [None] * width
    for name, item, _ in named:
        first, end = places.get(name, (0, 0))
        taken = [whole(i) for i in inputs.get(name, [])]
        if end == first or item == "drop":
            continue
        if any(i is None or i >= len(origins) for i in taken):
            return None
        given = tuple(origins[i] for i in taken if i is not None)
        moved = through_steps([item], given, end - first)
        if moved is None or len(moved) != end - first:
            return None
        out[first:end] = moved
    return tuple(o for o in out if o is not None) if all(o is not None for o in out) else None


def _slice(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, Inert) or value.type_name not in ("builtins.slice", "__builtin__.slice"):
        return None
    if len(value.args) < 2:
        return None
    first, end = whole(value.args[0]), whole(value.args[1])
    return (first, end) if first is not None and end is not None and first <= end else None


_READERS: dict[str, Callable[[Inert, Origins], Origins | None]] = {
    "StandardScaler": _standard, "RobustScaler": _robust, "MinMaxScaler": _min_max, "MaxAbsScaler": _max_abs,
    "SimpleImputer": _imputed, "FunctionTransformer": _function, "OrdinalEncoder": _ordinal, "OneHotEncoder": _one_hot,
    "PowerTransformer": _each, "QuantileTransformer": _each, "Binarizer": _each, "RFE": _selected, "RFECV": _selected,
    "SequentialFeatureSelector": _selected, "Pipeline": _pipeline, "ColumnTransformer": _column_transformer,
}  # fmt: skip
