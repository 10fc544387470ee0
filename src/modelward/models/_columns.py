"""Which columns of a table a model takes, and in what order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

_SHOWN = 10


def fitted_names(model: Any) -> tuple[str, ...] | None:
    """Return the column names that a model was fitted on, in its order, or None if it has none.

    Looks at `feature_names_in_` of the model and of the first steps of a pipeline, and at the names that
    boosters of xgboost, lightgbm and catboost carry.
    """
    for part in _parts(model):
        names = getattr(part, "feature_names_in_", None)
        if names is not None and len(names):
            return tuple(str(n) for n in names)
    names = getattr(model, "feature_names", None)
    if names is None and hasattr(model, "feature_name") and callable(model.feature_name):
        names = model.feature_name()
        if list(names) == [f"Column_{i}" for i in range(len(names))]:
            names = None
    if names is None and hasattr(model, "feature_names_"):
        names = model.feature_names_
        if list(names) == [str(i) for i in range(len(names))]:
            names = None
    return tuple(str(n) for n in names) if isinstance(names, list | tuple) and names else None


def _parts(model: Any) -> list[Any]:
    """Return the model, and what stands at the front of it."""
    parts = [model]
    for part in parts:
        if len(parts) > 20:
            break
        if hasattr(part, "best_estimator_"):
            parts.append(part.best_estimator_)
        steps = getattr(part, "steps", None)
        if isinstance(steps, list):
            real = [step for _, step in steps if step is not None and step != "passthrough"]
            parts.extend(real[:1])
    return parts


def fitted_count(model: Any) -> int | None:
    """Return how many columns a model takes, or None if it does not say."""
    for part in _parts(model):
        count = getattr(part, "n_features_in_", None)
        if isinstance(count, int):
            return count
    for name in ("num_features", "num_feature"):
        count = getattr(model, name, None)
        if callable(count):
            return int(count())
    return None


def match_columns(
    model: Any, frame: pl.DataFrame, target: str | None, drop: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find the columns of a table that a model takes, in the model's order.

    Parameters
    ----------
    model : object
        Any model that `wrap` takes.
    frame : polars.DataFrame
        The table.
    target : str or None
        The label column, which is no feature.
    drop : sequence of str
        Columns that are no features either (such as a group or a time), unless the model names them.

    Returns
    -------
    names : tuple of str
        The model's columns.
    notes : tuple of str
        What was left out, for people to read.

    Raises
    ------
    InputError
        If the table lacks columns that the model was fitted on, has another number of columns than a model
        without names takes, or the model takes the label column.

    Examples
    --------
    >>> import polars as pl
    >>> match_columns(len, pl.DataFrame({"a": [1], "y": [0]}), "y")
    (('a',), ())
    """
    columns = [c for c in frame.columns if c != target]
    names = fitted_names(model)
    if names is not None:
        if target is not None and target in names:
            raise InputError(
                f"the model takes column {target!r} as a feature: it cannot be the target as well"
            )
        missing = [n for n in names if n not in frame.columns]
        if missing:
            raise InputError(
                f"the table lacks {_list(missing)}, which the model was fitted on: "
                f"add the column{'s' if len(missing) > 1 else ''} or give the table that the model was made for"
            )
        extra = [c for c in columns if c not in names and c not in drop]
        return names, (f"ignored {_list(extra)}: the model does not take it",) if extra else ()
    kept = tuple(c for c in columns if c not in drop)
    count = fitted_count(model)
    if count is not None and count != len(kept):
        raise InputError(
            f"the model takes {count} columns and has no names for them, the table has {len(kept)} besides the "
            f"target: leave exactly its columns in the table, in its order"
        )
    if not kept:
        raise InputError("the table has no column besides the target")
    return kept, ()


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(repr(n) for n in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"column{'s' if len(names) > 1 else ''} {shown}{more}"
