"""View: the attributes of an object of a file, checked as they are read.

What a file says is believed in nothing: every array is checked for its type and shape before a formula, let
alone a compiled loop without bounds checks, sees it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts import Inert, RawArray, as_array
from modelward.artifacts._arrays import plain
from modelward.artifacts._container import printable
from modelward.errors import SubjectError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._base import Estimator

_MOST_OBJECTS = 100_000
_DEEPEST = 40
_MOST_SIDE = 1 << 26
_MOST_REPEATED = 1 << 28


class Builder:
    """Builds estimators from stand-ins, and keeps count, so that a small file cannot ask for much.

    Parameters
    ----------
    families : mapping of str to class
        What can be rebuilt, by the class's name in scikit-learn.
    """

    def __init__(self, families: dict[str, type[Estimator]]) -> None:
        self._families = families
        self._made = 0
        self._open: list[int] = []
        self._seen: set[int] = set()
        self._repeated = 0

    def build(self, value: Any) -> Estimator:
        """Return what computes as the object of the file would.

        Raises
        ------
        SubjectError
            If there is no such thing: one line with the class.
        """
        if not isinstance(value, Inert):
            raise cannot(f"an estimator is wanted where the file has a {_kind(value)}")
        package, _, rest = value.type_name.partition(".")
        family = self._families.get(rest.rpartition(".")[2])
        if family is None or package not in family.packages:
            raise cannot(f"{printable(value.type_name, 120)} is no class that can be rebuilt")
        self._made += 1
        if self._made > _MOST_OBJECTS or len(self._open) >= _DEEPEST or id(value) in self._open:
            raise cannot("its objects hold one another without end, or are too many")
        self._open.append(id(value))
        try:
            return family(View(value, self))
        finally:
            self._open.pop()

    def count(self, array: RawArray) -> None:
        """Bound what arrays that many objects share can take in memory.

        Raises
        ------
        SubjectError
            If it is too much.
        """
        size = array.end - array.start
        if id(array.data) in self._seen and array.start == 0:
            self._repeated += size
            if self._repeated > _MOST_REPEATED:
                raise cannot("its objects share one array too often")
        self._seen.add(id(array.data))


def cannot(why: str) -> SubjectError:
    """Return the error that says why a model cannot be rebuilt."""
    return SubjectError(f"the model cannot be rebuilt: {why}")


def _kind(value: Any) -> str:
    return printable(value.type_name, 120) if isinstance(value, Inert) else type(value).__name__


class View:
    """The attributes of one object."""

    def __init__(self, inert: Inert, builder: Builder) -> None:
        self.inert = inert
        self.name = printable(inert.type_name.rpartition(".")[2], 80)
        self._attributes = inert.attributes
        self._builder = builder

    def bad(self, key: str, why: str) -> SubjectError:
        """Return the error about an attribute."""
        return cannot(f"{key} of {self.name} {why}")

    def has(self, key: str) -> bool:
        """Say whether there is an attribute other than None."""
        return self._attributes.get(key) is not None

    def knows(self, key: str) -> bool:
        """Say whether there is an attribute, None included."""
        return key in self._attributes

    def raw(self, key: str) -> Any:
        """Return an attribute as the file has it, numpy's scalars as plain values.

        Raises
        ------
        SubjectError
            If there is none.
        """
        if key not in self._attributes:
            raise self.bad(key, "is not in the file: is the model fitted?")
        return plain(self._attributes[key])

    def get(self, key: str, default: Any = None) -> Any:
        """Return an attribute, or a default."""
        return plain(self._attributes.get(key, default))

    def version(self) -> tuple[int, int]:
        """Return the release of scikit-learn that wrote the object; a late one if it does not say."""
        text = self._attributes.get("_sklearn_version")
        parts = text.split(".") if isinstance(text, str) and len(text) < 40 else []
        if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() and len(parts[0] + parts[1]) < 8:
            return int(parts[0]), int(parts[1])
        return 99, 0

    def array(self, key: str, ndim: int | None = None) -> NDArray[Any]:
        """Return an array in native byte order; objects are plain values.

        Raises
        ------
        SubjectError
            If it is none, or has another number of dimensions.
        """
        return self.array_of(self.raw(key), key, ndim)

    def array_of(self, value: Any, key: str, ndim: int | None = None) -> NDArray[Any]:
        """Return a value of the graph as an array; `key` is what errors call it."""
        found = as_array(value)
        if isinstance(found, RawArray):
            self._builder.count(found)
            if any(side > _MOST_SIDE for side in found.shape) or len(found.shape) > 8:
                raise self.bad(key, "has an impossible shape")
            try:
                out = found.to_numpy()
            except (ValueError, TypeError, MemoryError):
                raise self.bad(key, "has bytes that do not fit its shape") from None
            if out.dtype.names is None and not out.dtype.isnative:
                out = out.astype(out.dtype.newbyteorder("="))
        elif isinstance(found, list):
            out = _objects([plain(item) for item in found])
        elif isinstance(value, list | tuple):
            items = [plain(item) for item in value]
            if not all(isinstance(item, str | int | float | bool) for item in items):
                raise self.bad(key, "is no list of plain values")
            out = _plain_array(items)
        elif isinstance(value, int | float):
            out = np.asarray(float(value))
        else:
            raise self.bad(key, f"is no array but a {_kind(value)}")
        if ndim is not None and out.ndim != ndim:
            raise self.bad(key, f"has {out.ndim} dimensions where {ndim} are needed")
        return out

    def floats(self, key: str, ndim: int | None = None, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
        """Return an array of floats (float32 stays, integers become float64)."""
        return self.floats_of(self.raw(key), key, ndim, shape)

    def floats_of(
        self, value: Any, key: str, ndim: int | None = None, shape: tuple[int, ...] | None = None
    ) -> NDArray[Any]:
        """Return a value of the graph as an array of floats."""
        out = self.array_of(value, key, ndim)
        if out.dtype.kind not in "biuf":
            raise self.bad(key, "is no array of numbers")
        if shape is not None and out.shape != shape:
            raise self.bad(key, f"has shape {out.shape} where {shape} is needed")
        return out if out.dtype in (np.float32, np.float64) else out.astype(np.float64)

    def places(self, value: Any, key: str, below: int) -> NDArray[np.int64]:
        """Return column numbers (or a mask of all columns), each from 0 to `below` − 1."""
        out = self.array_of(value, key, 1)
        if out.dtype.kind == "b" and len(out) == below:
            return np.flatnonzero(out)
        if not len(out):
            return np.empty(0, dtype=np.int64)
        if out.dtype.kind not in "iu" or out.min() < 0 or out.max() >= below:
            raise self.bad(key, "names columns that there are not")
        return out.astype(np.int64)

    def mask(self, key: str) -> NDArray[np.bool_]:
        """Return a one-dimensional array of yes and no."""
        out = self.array(key, 1)
        if out.dtype.kind not in "bu":
            raise self.bad(key, "is no array of yes and no")
        return out.astype(bool)

    def labels(self, key: str) -> NDArray[Any]:
        """Return a one-dimensional array of class labels or categories."""
        return self.labels_of(self.raw(key), key)

    def labels_of(self, value: Any, key: str) -> NDArray[Any]:
        """Return a value of the graph as an array of labels."""
        out = self.array_of(value, key, 1)
        if out.dtype.kind == "O" and any(isinstance(item, Inert | list | dict | tuple) for item in out):
            raise self.bad(key, "holds labels that are no plain values")
        if out.dtype.kind not in "biufUSOMm":
            raise self.bad(key, "holds labels that are no plain values")
        return out

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number."""
        value = self.raw(key) if default is None else self.get(key, default)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise self.bad(key, "is no finite number")
        return float(value)

    def integer(self, key: str, default: int | None = None, *, most: int = _MOST_SIDE) -> int:
        """Return a whole number from 0 to `most`."""
        value = self.raw(key) if default is None else self.get(key, default)
        if not isinstance(value, int) or not 0 <= value <= most:
            raise self.bad(key, "is no whole number of a sensible size")
        return int(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return yes or no."""
        value = self.raw(key) if default is None else self.get(key, default)
        if not isinstance(value, bool | int):
            raise self.bad(key, "is neither yes nor no")
        return bool(value)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a word."""
        value = self.raw(key) if default is None else self.get(key, default)
        if not isinstance(value, str):
            raise self.bad(key, "is no word")
        return printable(value, 80)

    def items(self, key: str) -> list[Any]:
        """Return the items of a list, tuple, or array of objects (in order)."""
        value = self.raw(key)
        found = as_array(value)
        if isinstance(found, list):
            return found
        if isinstance(value, list | tuple):
            return list(value)
        raise self.bad(key, "is no list")

    def child(self, key: str) -> Estimator:
        """Return the estimator that an attribute holds."""
        return self._builder.build(self.raw(key))

    def build(self, value: Any) -> Estimator:
        """Return the estimator of a value of the graph."""
        return self._builder.build(value)

    def inside(self, value: Any) -> View:
        """Return a view of a part that is no estimator."""
        if not isinstance(value, Inert):
            raise cannot(f"{self.name} holds a {_kind(value)} where an object is needed")
        return View(value, self._builder)


def _plain_array(items: list[Any]) -> NDArray[Any]:
    """Return a list of plain values as an array: of numbers if all are numbers, of one kind."""
    kinds = {type(item) for item in items}
    if kinds <= {bool} or kinds <= {int, float}:
        try:
            return np.array(items)
        except OverflowError:
            return _objects(items)
    return _objects(items)


def _objects(items: list[Any]) -> NDArray[Any]:
    out = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        out[i] = item
    return out
