"""Data frames in the inert graph: pandas, polars and Arrow, by how they pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._graph import numbers, shape_of, walk_graph
from modelward.artifacts._inert import Inert

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

_PANDAS = frozenset({"pandas.DataFrame", "pandas.core.frame.DataFrame"})
_PANDAS_SERIES = frozenset({"pandas.Series", "pandas.core.series.Series"})
_POLARS = frozenset({"polars.dataframe.frame.DataFrame", "polars.internals.dataframe.frame.DataFrame"})
_POLARS_SERIES = frozenset({"polars.series.series.Series", "polars.internals.series.series.Series"})
_ARROW = frozenset(
    {"pyarrow.lib._reconstruct_table", "pyarrow.lib._reconstruct_record_batch", "pyarrow.lib.RecordBatch"}
)
_MOST = 1 << 30


def frame_shape(value: Any) -> tuple[int, int, bool] | None:
    """Return rows, columns and whether it is a single column of a data frame of the graph; None if it is none."""
    if not isinstance(value, Inert):
        return None
    name = value.type_name
    read: Callable[[Inert], tuple[int, int] | None]
    if name in _PANDAS or name in _PANDAS_SERIES:
        read = _pandas
    elif name in _POLARS or name in _POLARS_SERIES:
        read = _polars
    elif name in _ARROW:
        read = _arrow
    elif type(value).module == "R" and _is_r_frame(value):
        read = _r
    else:
        return None
    try:
        shape = read(value)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    return None if shape is None else (*shape, name in _PANDAS_SERIES or name in _POLARS_SERIES)


def _pandas(frame: Inert) -> tuple[int, int] | None:
    """Count by the blocks of a frame's manager."""
    rows = columns = 0
    for content in pandas_blocks(frame):
        shape = shape_of(content)
        if shape is None:
            # Extension arrays (text, dates, categories) hold their values one or two levels below.
            shape = next((s for s in map(shape_of, _below(content)) if s), None)
        rows = max(rows, shape[-1] if shape else 0)
        columns += shape[0] if shape and len(shape) == 2 else 1
    return (rows, max(columns, 1)) if rows else None


def _below(content: Any) -> list[Any]:
    return [item for node in walk_graph(content) for item in node.value.attributes.values()]


def pandas_blocks(frame: Inert) -> list[Any]:
    """Return the values of a pandas frame's blocks, each of shape (columns, rows) or (rows,)."""
    manager = frame.attributes.get("_mgr", frame.attributes.get("_data"))
    found = [
        node.value.args[0]
        for node in walk_graph(manager)
        if node.value.type_name.endswith("_unpickle_block") and node.value.args
    ]
    if found or not isinstance(manager, Inert):
        return found
    # Series, and frames of older releases: (axes, values of the blocks, items, extra).
    state = manager.state
    if isinstance(state, tuple) and len(state) > 1 and isinstance(state[1], list):
        return list(state[1])
    return []


def _polars(frame: Inert) -> tuple[int, int] | None:
    """Count by the header of the Arrow stream that polars pickles to."""
    table = polars_frame(frame)
    return None if table is None else (table.height, table.width)


def polars_frame(frame: Inert) -> pl.DataFrame | None:
    """Return a polars frame of the graph, read from its Arrow stream; None if that cannot be read."""
    state = frame.state
    if not isinstance(state, bytes) or len(state) > _MOST:
        return None
    import io

    import polars as pl

    # Never through polars' own unpickling: the bytes are data in Arrow's format.
    try:
        return pl.read_ipc_stream(io.BytesIO(state))
    except (pl.exceptions.PolarsError, OSError, ValueError, pl.exceptions.PanicException):
        return None


def _arrow(table: Inert) -> tuple[int, int] | None:
    """Count by the columns that pyarrow's reconstruction is called with: arrays, or lists of chunks."""
    columns = table.args[0]
    if not isinstance(columns, list) or not columns:
        return None
    rows = 0
    for node in walk_graph(columns[0]):
        if node.value.type_name.endswith("_restore_array") and node.value.args:
            parts = node.value.args[0]
            if isinstance(parts, tuple) and len(parts) > 1 and type(parts[1]) is int:
                rows += parts[1]
    return (rows, len(columns)) if rows else None


def _is_r_frame(value: Inert) -> bool:
    attributes = value.attributes.get("attributes")
    classes = attributes.get("class") if isinstance(attributes, dict) else None
    return isinstance(classes, list) and "data.frame" in classes


def _r(frame: Inert) -> tuple[int, int] | None:
    """Count by the columns of an R data frame."""
    columns = [value for name, value in frame.attributes.items() if name != "attributes"]
    return (_r_length(columns[0]), len(columns)) if columns and _r_length(columns[0]) else None


def _r_length(column: Any) -> int:
    if isinstance(column, list):
        return len(column)
    shape = shape_of(column)
    if shape:
        return shape[0]
    values = column.attributes.get("values") if isinstance(column, Inert) else None
    return len(values) if isinstance(values, list) else 0


def r_numbers(frame: Inert) -> list[Any]:
    """Return the numeric columns of an R data frame, factors left out, missing integers as NaN."""
    found = []
    for column in frame.attributes.values():
        if not isinstance(column, Inert) or column.type_name == "R.factor":
            continue
        values = numbers(column)
        if values is None or values.ndim != 1 or values.dtype.kind not in "if":
            continue
        floats = values.astype(float)
        if values.dtype.kind == "i":
            floats[values == -(2**31)] = float("nan")
        found.append(floats)
    return found
