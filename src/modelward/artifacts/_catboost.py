"""What a CatBoost model says of itself: columns, classes, release, number of trees. Its trees are not read here.

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.artifacts._inert import Inert

_MOST = 1_000_000
_MAGIC = b"CBM1"
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
    for key in _KEYS:
        raw = to_bytes(value.attributes.get(key))
        if raw is not None:
            return facts_of_bytes(bytes(raw))
    return None


def facts_of_bytes(data: bytes) -> CatBoostFacts | None:
    """Return what a model in CatBoost's own format says; None if it is none or is damaged."""
    if data[:4] != _MAGIC or len(data) < 16:
        return None
    try:
        core = _Table.root(memoryview(data)[8 : 8 + struct.unpack_from("<I", data, 4)[0]])
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


def _columns(trees: _Table, field: int, *, flat: int, name: int) -> Iterator[tuple[int, str]]:
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


class _Table:
    """A FlatBuffers table.

    Raises
    ------
    struct.error, ValueError
        If an offset points outside.
    """

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - self._unpack("<i", at)
        self._size = self._unpack("<H", self._fields)

    @classmethod
    def root(cls, data: memoryview) -> _Table:
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _unpack(self, form: str, at: int) -> int:
        if not 0 <= at <= len(self._data):
            raise ValueError("an offset points outside")
        found: int = struct.unpack_from(form, self._data, at)[0]
        return found

    def _place(self, field: int) -> int:
        """Return where a field is; 0 if it is absent."""
        slot = 4 + 2 * field
        offset = self._unpack("<H", self._fields + slot) if slot < self._size else 0
        return self._at + offset if offset else 0

    def integer(self, field: int, default: int) -> int:
        place = self._place(field)
        return self._unpack("<i", place) if place else default

    def table(self, field: int) -> _Table:
        place = self._place(field)
        if not place:
            raise ValueError("a part is missing")
        return _Table(self._data, place + self._unpack("<I", place))

    def vector(self, field: int) -> tuple[int, int]:
        """Return where a vector's items begin, and how many there are."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + self._unpack("<I", place)
        count = self._unpack("<I", start)
        if count > len(self._data):
            raise ValueError("a vector is longer than its file")
        return start + 4, count

    def tables(self, field: int) -> Iterator[_Table]:
        start, count = self.vector(field)
        if count > _MOST:
            raise ValueError("too many parts")
        for at in range(start, start + 4 * count, 4):
            yield _Table(self._data, at + self._unpack("<I", at))

    def text(self, field: int) -> str:
        start, count = self.vector(field)
        if start + count > len(self._data):
            raise ValueError("a text is longer than its file")
        return bytes(self._data[start : start + count]).decode("utf-8", "replace")
