"""What libsvm and sparse matrices are handed by estimators, without anybody looking whether it fits together.

libsvm copies as many coefficients as there are support vectors, and loops over as many of them as the classes are said
to have; distances are measured to rows that nobody compares with the caller's; vectorisers and one-hot encoders write
columns into sparse matrices that nobody compares with their width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array, plain
from modelward.artifacts._content import buffer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SUPPORT = frozenset({"SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM"})
_WORDS = frozenset({"CountVectorizer", "TfidfVectorizer", "DictVectorizer"})
_DISTANCES = ("sklearn.neighbors.", "sklearn.cluster.")
_LETTERS = {"i4": "i", "i8": "q"}


def looks_of(module: str, name: str) -> Callable[[dict[Any, Any], Callable[[int], None]], bool] | None:
    """Return what looks at the state of a class; None if it hands nothing on unseen."""
    if name in _SUPPORT and module.startswith("sklearn.svm."):
        return supported
    if name in _WORDS and module.startswith("sklearn.feature_extraction."):
        return numbered
    if name == "OneHotEncoder" and module.startswith("sklearn.preprocessing."):
        return one_hot
    return as_wide if module.startswith(_DISTANCES) else None


def supported(state: dict[Any, Any], spend: Callable[[int], None]) -> bool:
    """Say whether the parts of a support vector machine belong together."""
    if "support_" not in state:
        return True
    support, counts = _whole(state["support_"], spend), _whole(state["_n_support"], spend)
    fitted_rows = state["shape_fit_"][0]
    least, most = min(support, default=0), max(support, default=-1)
    if min(counts) < 0 or least < 0 or most >= fitted_rows:
        return False
    # Machines that tell no classes apart have two counts as well, and libsvm reads the first alone.
    if "classes_" in state and sum(counts) != len(support):
        return False
    pairs = len(counts) * (len(counts) - 1) // 2
    if _length(_either(state, "intercept_")) < pairs:
        return False
    if any(_length(state[name]) not in (0, pairs) for name in ("_probA", "_probB") if name in state):
        return False
    weights, vectors = _either(state, "dual_coef_"), state["support_vectors_"]
    wanted = (len(counts) - 1, len(support))
    if as_array(weights) is None:  # sparse: libsvm takes its numbers as if none were left out
        rows = _length(vectors.attributes["indptr"]) - 1
        return _length(weights.attributes["data"]) >= wanted[0] * wanted[1] and rows == wanted[1]
    rows, columns = _shape(vectors)
    fits = (rows, columns) == (len(support), state["shape_fit_"][1])
    return _shape(weights) == wanted and (fits or not rows)


def as_wide(state: dict[Any, Any], spend: Callable[[int], None]) -> bool:  # noqa: ARG001
    """Say whether rows or centres that distances are measured to have the columns that a caller's rows must have."""
    columns = state.get("n_features_in_")
    for name in ("_fit_X", "cluster_centers_"):
        rows = as_array(state.get(name))
        if (
            type(columns) is int
            and isinstance(rows, RawArray)
            and (len(rows.shape), rows.shape[-1]) != (2, columns)
        ):
            return False
    return True


def numbered(state: dict[Any, Any], spend: Callable[[int], None]) -> bool:
    """Say whether the words of a vectoriser have columns that it has."""
    words = state.get("vocabulary_")
    if words is None:
        return True
    spend(8 * len(words))
    return type(words) is dict and _within(words.values(), len(words))


def one_hot(state: dict[Any, Any], spend: Callable[[int], None]) -> bool:
    """Say whether the categories of each column fit into as many columns as it is given."""
    widths, categories = state.get("_n_features_outs"), state.get("categories_")
    if widths is None or categories is None:
        return True
    grouped = state.get("_default_to_infrequent_mappings") or [None] * len(categories)
    dropped = as_array(state.get("_drop_idx_after_grouping", state.get("drop_idx_")))
    gone = [None] * len(categories) if dropped is None else _values(dropped)
    if not len(categories) == len(widths) == len(grouped) == len(gone):
        return False
    for kinds, width, groups, drop in zip(categories, widths, grouped, gone, strict=True):
        codes = _length(kinds)
        if groups is not None:
            found = _whole(groups, spend)
            if not _within(found, codes):
                return False
            codes = max(found) + 1
        if drop is not None and not 0 <= plain(drop) < codes:
            return False
        if plain(width) < codes - (drop is not None):
            return False
    return True


def _either(state: dict[Any, Any], name: str) -> Any:
    """Return an attribute by the private name under which it is handed to libsvm, or by its own."""
    return state["_" + name] if "_" + name in state else state[name]


def _within(values: Iterable[Any], count: int) -> bool:
    values = [value if type(value) is int else plain(value) for value in values]
    return set(map(type, values)) <= {int} and min(values, default=0) >= 0 and max(values, default=-1) < count


def _raw(value: Any) -> RawArray:
    raw = as_array(value)
    if not isinstance(raw, RawArray):
        raise TypeError
    return raw


def _shape(value: Any) -> tuple[int, ...]:
    return _raw(value).shape


def _length(value: Any) -> int:
    """Return how many items stand along the first side of an array."""
    found = as_array(value)
    if isinstance(found, list):
        return len(found)
    return _shape(value)[0]


def _whole(value: Any, spend: Callable[[int], None]) -> list[int]:
    """Return whole numbers of an array, without numpy: small files are scanned without it."""
    raw = _raw(value)
    spend(raw.end - raw.start)
    size = raw.dtype.itemsize * raw.shape[0]
    if len(raw.shape) != 1 or size > raw.end - raw.start or raw.dtype.code[:1] == ">":
        raise ValueError
    view = buffer_of(raw.data, raw.start, raw.start + size)
    found: list[int] = view.cast(_LETTERS[raw.dtype.code[1:]]).tolist()
    return found


def _values(found: RawArray | list[Any]) -> list[Any]:
    """Return the items of an array, be they objects or numbers."""
    return found if isinstance(found, list) else list(found.to_numpy().tolist())
