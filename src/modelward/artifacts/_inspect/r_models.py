"""Models of R: what randomForest, ranger, gbm, rpart, glm, lm and caret's train keep of themselves.

The layouts are those that the packages write: fields and meaning are told by their own `predict` and print methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._graph import labels, numbers
from modelward.artifacts._inert import Inert

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIBRARIES = {
    "randomForest": "randomForest", "randomForest.formula": "randomForest", "ranger": "ranger", "gbm": "gbm",
    "rpart": "rpart", "glm": "stats", "lm": "stats", "train": "caret", "train.formula": "caret",
}  # fmt: skip
"""Which package of R makes the models of a class."""
# Fields that are parameters; those of a list are taken one by one.
_PARAMS = {
    "randomForest": "type ntree mtry",
    "ranger": "num.trees mtry min.node.size max.depth splitrule treetype replace importance.mode sample.fraction",
    "gbm": "distribution n.trees interaction.depth n.minobsinnode shrinkage bag.fraction train.fraction cv.folds",
    "rpart": "method control",
    "glm": "family method control",
    "lm": "method",
    "caret": "method metric modelType maximize bestTune dots control",
}
_CONTROL = ("method", "number", "repeats", "search", "p", "epsilon", "maxit", "minsplit", "minbucket", "cp",
            "maxdepth", "maxcompete", "maxsurrogate", "usesurrogate", "surrogatestyle", "xval")  # fmt: skip
# gbm takes no other answers than 0 and 1 for these, and keeps names of classes for "multinomial" alone.
_ZERO_OR_ONE = ("bernoulli", "adaboost", "huberized")
_NA = -(2**31)
_INTERCEPT = "(Intercept)"


def r_kind(value: Any) -> str:
    """Return the class of a model of R that is known here; empty for anything else."""
    if not isinstance(value, Inert) or type(value).module != "R":
        return ""
    name = type(value).name.removesuffix(".formula")
    name = name if name in LIBRARIES else ""
    return "" if not isinstance(value.state, dict) else "caret" if name == "train" else name


def library_of(value: Inert) -> str:
    """Return the package that makes models of this class."""
    return LIBRARIES.get(type(value).name, "R")


def final_model(value: Any) -> Inert | None:
    """Return the model that caret chose and fitted; None for other objects."""
    inner = value.attributes.get("finalModel") if r_kind(value) == "caret" else None
    return inner if isinstance(inner, Inert) else None


def words(value: Any) -> list[str]:
    """Return a vector of text; empty for anything else."""
    if isinstance(value, Inert):
        value = value.attributes.get("values")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return []
    return value


def dressing(value: Any, key: str) -> Any:
    """Return an attribute, in R's sense, of an object."""
    own = value.attributes.get("attributes") if isinstance(value, Inert) else None
    return own.get(key) if isinstance(own, dict) else None


def field(value: Any, *keys: str) -> Any:
    """Return what stands under names one in the other; None where there is nothing."""
    for key in keys:
        value = value.attributes.get(key) if isinstance(value, Inert) else None
    return value


def _rows_of(table: Any) -> list[str]:
    names = dressing(table, "dimnames")
    return words(names[0]) if isinstance(names, list) and names else []


def scalar(value: Any) -> Any:
    """Return a vector of one as its item, what is missing as None, other vectors as they are."""
    items = words(value) or (labels(value) if isinstance(value, Inert) else None)
    if items is None or len(items) != 1:
        return value
    item = items[0]
    if isinstance(value, Inert) and type(value).name == "logical":
        return None if item == _NA else bool(item)
    return None if item == _NA and isinstance(item, int) else item


def r_params(value: Inert) -> dict[str, Any]:
    """Return the parameters that a model of R keeps, by R's names."""
    found: dict[str, Any] = {}
    for key in _PARAMS.get(r_kind(value), "").split():
        item = value.attributes.get(key)
        if item is None:
            continue
        if isinstance(item, Inert) and isinstance(item.state, dict) and as_array(item) is None:
            inner = {name: scalar(part) for name, part in item.attributes.items() if name != "attributes"}
            wanted = _CONTROL if key == "control" else inner if key != "family" else ("family", "link")
            found.update({f"{key}.{name}": inner[name] for name in wanted if _is_plain(inner.get(name))})
        else:
            found[key] = scalar(item)
    final = final_model(value)
    if final is not None:
        found["finalModel"] = final
    return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def r_names(value: Inert) -> list[str] | None:
    """Return the names of the columns that a model of R takes, as far as it keeps them."""
    kind = r_kind(value)
    places: dict[str, tuple[Any, ...]] = {
        "randomForest": (_keys(field(value, "forest", "xlevels")), _rows_of(field(value, "importance"))),
        "ranger": (words(field(value, "forest", "independent.variable.names")),),
        "gbm": (words(field(value, "var.names")),),
        "rpart": (words(dressing(field(value, "ordered"), "names")), _terms(value)),
        "glm": (_terms(value),),
        "lm": (_terms(value),),
        "caret": (words(field(value, "coefnames")), words(field(value, "finalModel", "xNames"))),
    }
    return next((list(names) for names in places.get(kind, ()) if names), None)


def _keys(value: Any) -> list[str]:
    if not isinstance(value, Inert) or not isinstance(value.state, dict):
        return []
    return [name for name in value.state if isinstance(name, str) and name != "attributes"]


def _terms(value: Inert) -> list[str]:
    """Return the variables on the right of a formula; none where they are combined or computed."""
    names = words(dressing(field(value, "terms"), "term.labels"))
    return [] if any(not name.replace(".", "").replace("_", "").isalnum() for name in names) else names


def r_classes(value: Inert) -> list[Any] | None:
    """Return a classifier's labels."""
    kind = r_kind(value)
    found: list[str] = []
    if kind == "randomForest":
        found = words(field(value, "classes"))
    elif kind == "ranger":
        kept = numbers(field(value, "forest", "class.values"))
        found = words(field(value, "forest", "levels")) if kept is not None else []
    elif kind == "rpart":
        found = words(dressing(value, "ylevels"))
    elif kind == "caret":
        levels = field(value, "levels")
        found = words(levels) if scalar(field(value, "modelType")) == "Classification" else []
    elif kind == "gbm":
        found = words(field(value, "classes"))
        if not found and scalar(field(value, "distribution", "name")) in _ZERO_OR_ONE:
            return [0, 1]
    elif kind == "glm" and scalar(field(value, "family", "family")) in ("binomial", "quasibinomial"):
        frame = field(value, "model")
        first = next(iter(_keys(frame)), "")
        found = words(dressing(field(frame, first), "levels"))
    return list(found) or None


def r_weights(value: Inert) -> tuple[dict[str, tuple[float, ...]], tuple[float, ...]]:
    """Return the coefficients of glm or lm by the name of their term, and the constant."""
    if r_kind(value) not in ("glm", "lm"):
        return {}, ()
    table = field(value, "coefficients")
    found, names = numbers(table), words(dressing(table, "names"))
    if found is None or found.ndim != 1 or found.dtype.kind != "f" or len(names) != len(found):
        return {}, ()
    told = dict(zip(names, found.tolist(), strict=True))
    constant = told.pop(_INTERCEPT, None)
    return {name: (item,) for name, item in told.items()}, () if constant is None else (constant,)


def r_used(value: Inert) -> set[int] | None:
    """Return the columns that glm or lm weighs; None where its terms are not its columns one by one."""
    names, (weights, _) = r_names(value), r_weights(value)
    if names is None or list(weights) != names or field(value, "offset") is not None:
        return None
    # A coefficient that could not be told from the others is missing, and its column is left out of the sum.
    return {
        j for j, name in enumerate(names) if weights[name][0] != 0 and weights[name][0] == weights[name][0]
    }


def r_surrogates(value: Inert) -> set[int]:
    """Return the columns that rpart may look at where a value is missing: those of any split that it noted."""
    names = r_names(value) or []
    noted = _rows_of(field(value, "splits")) if r_kind(value) == "rpart" else []
    kept = vector(field(value, "frame", "nsurrogate"))
    if kept is None or not kept.any():
        return set()
    return {names.index(name) for name in noted if name in names}


def r_importance(value: Inert, names: list[str] | None) -> tuple[NDArray[Any] | None, str]:
    """Return the importances that a model of R keeps, in the order of its columns, and what they are called."""
    kind = r_kind(value)
    key = {"randomForest": "importance", "ranger": "variable.importance", "rpart": "variable.importance"}.get(
        kind
    )
    table = field(value, key) if key else None
    found = numbers(table)
    if (
        found is None
        or names is None
        or found.dtype.kind != "f"
        or found.ndim not in (1, 2)
        or not found.size
    ):
        return None, ""
    if found.ndim == 2:
        own, found = _rows_of(table), found[:, -1]
    else:
        own = words(dressing(table, "names"))
    if len(own) != len(found) or not set(own) <= set(names):
        return None, ""
    import numpy as np

    out = np.zeros(len(names))
    for name, item in zip(own, found.tolist(), strict=True):
        out[names.index(name)] = item
    return out, "decrease of impurity, as the file keeps it" if kind != "ranger" else "as the file keeps it"


def vector(value: Any) -> NDArray[Any] | None:
    """Return a numeric vector or array of R; None for anything else."""
    return numbers(value) if isinstance(as_array(value), RawArray) else None
