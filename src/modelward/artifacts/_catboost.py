"""What a CatBoost model says of itself: columns, classes, release, number of trees. `_catboost_trees` reads the trees.

A model is `CBM1`, four bytes of length, and a FlatBuffers table (catboost/libs/model/flatbuffers/model.fbs);
wrappers in pickles keep those bytes. Every offset is checked before it is followed.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import to_bytes
from modelward.artifacts._container import printable
from modelward.artifacts._flatbuffers import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.artifacts._inert import Inert

MAGIC = b"CBM1"
_KEYS = ("__model", "__cbm", "_CatBoost__model")
_RELEASE = re.compile(r"(?:CatBoost release |tags/v)(\d{1,4}(?:\.\d{1,4}){1,2})")


@dataclass(frozen=True)
class CatBoostFacts:
    """What the model says.

    Attributes
    ----------
    feature_names : tuple of str
        In the order of the table; a column without a name has its number. Empty if they do not fit.
    classes : tuple
        Labels of a classifier, in its order; empty for other models.
    version : str
        Release that wrote it; empty if it does not say so.
    trees : int
    """

    feature_names: tuple[str, ...]
    classes: tuple[Any, ...]
    version: str
    trees: int


def catboost_facts(value: Inert) -> CatBoostFacts | None:
    """Return what the model inside a stand-in of a CatBoost estimator says; None if it holds none that is readable."""
    if not value.type_name.startswith("catboost."):
        return None
    data = model_bytes(value)
    return None if data is None else facts_of_bytes(data)


def model_bytes(value: Inert) -> bytes | None:
    """Return the model inside a stand-in of a CatBoost estimator, in CatBoost's own format."""
    for key in _KEYS:
        raw = to_bytes(value.attributes.get(key))
        if raw is not None:
            return bytes(raw)
    return None


def core_of_bytes(data: bytes) -> Table:
    """Return the table of a model in CatBoost's own format.

    Raises
    ------
    struct.error, ValueError
        If it is none, or cut off.
    """
    size = struct.unpack_from("<I", data, 4)[0]
    if data[:4] != MAGIC or size > len(data) - 8:
        raise ValueError("it is cut off")
    return Table.root(memoryview(data)[8 : 8 + size])


def facts_of_bytes(data: bytes) -> CatBoostFacts | None:
    """Return what a model in CatBoost's own format says; None if it is none or is damaged."""
    try:
        core = core_of_bytes(data)
        trees = core.table(1)
        info = {part.text(0): part.text(1) for part in core.tables(2)}
        named = dict(_columns(trees, 5, flat=2, name=4)) | dict(_columns(trees, 4, flat=1, name=2))
        release = _RELEASE.search(info.get("catboost_version_info", ""))
        return CatBoostFacts(
            tuple(named[i] for i in sorted(named)) if sorted(named) == list(range(len(named))) else (),
            _classes(info.get("class_params", "")),
            release[1] if release else "",
            trees.vector(2)[1],
        )
    except (struct.error, ValueError, RecursionError):
        return None


def _columns(trees: Table, field: int, *, flat: int, name: int) -> Iterator[tuple[int, str]]:
    """Yield each column's place and name."""
    for column in trees.tables(field):
        place = column.integer(flat, -1)
        yield place, printable(column.text(name)) or str(place)


def _classes(text: str) -> tuple[Any, ...]:
    found = json.loads(text) if text else {}
    names = found.get("class_names") if isinstance(found, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str | int | float) for name in names):
        return ()
    kind = found.get("class_label_type")
    if kind == "Integer":
        return tuple(int(name) for name in names)
    if kind == "Float":
        return tuple(float(name) for name in names)
    return tuple(printable(str(name)) for name in names)
