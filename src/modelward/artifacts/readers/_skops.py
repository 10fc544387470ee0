"""skops: a zip whose schema.json names the class and loader of every object, beside arrays in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray
from modelward.artifacts._artifact import GlobalUse
from modelward.artifacts._container import printable
from modelward.artifacts._formats import worst
from modelward.artifacts._inert import Inert, InertType
from modelward.artifacts._log import Log
from modelward.artifacts._names import judge_name
from modelward.artifacts.readers._archive import ArchiveError, unpack
from modelward.artifacts.readers._pickle import reached

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.artifacts._artifact import Artifact, FileVerdict
    from modelward.artifacts._formats import Job
    from modelward.artifacts.readers._archive import Archive, Entry

_MAX_DEPTH = 250
_MAX_SCHEMA = 256 << 20
_LOADERS = frozenset(
    f"{name}Node"
    for name in (
        "Json", "Dict", "DefaultDict", "List", "Set", "Tuple", "Bytes", "Bytearray", "Slice", "Function", "Method",
        "Partial", "Type", "ConstructorFromReduce", "Object", "OperatorFunc", "NdArray", "MaskedArray", "DType",
        "RandomState", "RandomGenerator", "SparseMatrix", "Cached", "Tree", "SGD", "Loss", "_DictWithDeprecatedKeys",
        "QuantileForest", "Reduce", "CyLoss",
    )
)  # fmt: skip
_GENERATORS = frozenset({"PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"})
_KNOWN = frozenset(
    {"operator.itemgetter", "numpy.random.mtrand.RandomState", "numpy.random._generator.Generator"}
)
"""Built by loaders of their own, from numbers and keys only."""
_OWN = frozenset({"__class__", "__module__", "__loader__", "__id__", "protocol", "_skops_version", "is_json"})


class SchemaError(Exception):
    """A schema that skops could not have written; the message says why."""


def is_skops(names: list[str]) -> bool:
    """Say whether an archive with members of these names is skops's."""
    return "schema.json" in names


def read_skops(
    job: Job, archive: Archive, other: Callable[[Job, Archive, Entry], Artifact]
) -> Artifact | None:
    """Read a skops archive; None if its schema.json is none of skops's."""
    entries = {entry.name: entry for entry in archive.entries if not entry.is_folder}
    try:
        text, problem = unpack(
            archive, entries["schema.json"], min(_MAX_SCHEMA, max(0, job.purse.bytes_left))
        )
        schema = json.loads(text)
    except (ArchiveError, ValueError, RecursionError) as error:
        return job.artifact("skops", "unreadable", (f"schema.json cannot be read: {printable(str(error))}",))
    if not isinstance(schema, dict) or "__loader__" not in schema:
        return None
    job.purse.bytes_left -= len(text)
    members = {
        name: other(job, archive, entry)
        for name, entry in entries.items()
        if name != "schema.json" and not name.endswith(".bin")
    }
    schema_reader = _Schema(job, archive, entries, members)
    root, error_text = None, ""
    try:
        root = schema_reader.value(schema, 0)
    except SchemaError as error:
        error_text = str(error)
    for name, entry in entries.items():
        if name.endswith(".bin") and name not in schema_reader.blobs:
            members[name] = other(job, archive, entry)
    verdict, reasons = schema_reader.verdict()
    for trouble in (error_text, problem):
        if trouble:
            verdict, reasons = worst([verdict, "unreadable"]), [*reasons, f"schema.json: {trouble}"]
    return job.artifact(
        "skops",
        verdict,
        reasons,
        root=root,
        names=list(schema_reader.names.values()),
        members=list(members.values()),
    )


class _Schema:
    """From nodes to the inert graph, noting every name that loading would reach."""

    def __init__(
        self, job: Job, archive: Archive, entries: dict[str, Entry], members: dict[str, Artifact]
    ) -> None:
        self._job, self._archive, self._entries, self._members = job, archive, entries, members
        self._log = Log()
        self._stand_ins: dict[tuple[str, str], InertType] = {}
        self._memo: dict[Any, Any] = {}
        self.names: dict[tuple[str, str], GlobalUse] = {}
        self.blobs: set[str] = set()
        self.odd: dict[str, None] = {}

    def verdict(self) -> tuple[FileVerdict, list[str]]:
        """Return the verdict on the names, and the reasons."""
        uses = list(self.names.values())
        dangerous = [f"reaches {use.name}: {use.reason}" for use in uses if use.status == "dangerous"]
        unknown = [f"reaches {use.name}: {use.reason}" for use in uses if use.status == "unknown"]
        odd = [printable(what) for what in self._log.oddities]
        reasons = [*dangerous, *odd, *self.odd, *unknown]
        if dangerous:
            return "malicious", reasons
        return "suspicious" if reasons else "clean", reasons

    def _named(self, module: Any, name: Any) -> InertType:
        if not isinstance(module, str) or not isinstance(name, str):
            raise SchemaError("a node has no class or module")
        found = self._stand_ins.get((module, name))
        if found is None:
            status, reason = judge_name(module, name)
            if f"{module}.{name}" in _KNOWN:
                status, reason = "known", ""
            self.names[(module, name)] = GlobalUse(printable(f"{module}.{name}"), status, printable(reason))
            found = self._stand_ins[(module, name)] = self._log.look_up(module, name)
        return found

    def value(self, node: Any, depth: int) -> Any:
        """Convert one node."""
        if depth > _MAX_DEPTH:
            raise SchemaError("its objects are nested too deeply")
        if isinstance(node, list):
            return [self.value(item, depth + 1) for item in node]
        if not isinstance(node, dict):
            return node
        if "__loader__" not in node and "__class__" not in node:
            self._old_function(node)
            return {key: self.value(item, depth + 1) for key, item in node.items()}
        loader = node.get("__loader__")
        if loader == "JsonNode":
            return self._json(node)
        if loader == "CachedNode":
            return self._memo.get(_hashable(node.get("__id__")))
        if loader not in _LOADERS:
            self.odd[f"has a loader that is not known: {printable(str(loader), 60)}"] = None
        cls = self._named(node.get("__module__"), node.get("__class__"))
        result = self._made(str(loader), cls, node, depth)
        if "__id__" in node:
            self._memo[_hashable(node["__id__"])] = result
        return result

    def _json(self, node: dict[str, Any]) -> Any:
        content = node.get("content")
        if not isinstance(content, str):
            raise SchemaError("a plain value is no text")
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise SchemaError("a plain value is no JSON") from None

    def _old_function(self, node: dict[str, Any]) -> None:
        if "module_path" in node or "function" in node:
            self._named(node.get("module_path"), node.get("function"))

    def _made(self, loader: str, cls: InertType, node: dict[str, Any], depth: int) -> Any:
        if loader in ("TypeNode", "FunctionNode"):
            self.value(node.get("content"), depth + 1)
            return cls
        if loader in ("BytesNode", "BytearrayNode"):
            return self._blob(node.get("file"))
        if loader == "NdArrayNode":
            return self._array(cls, node, depth)
        if loader == "SparseMatrixNode":
            return self._sparse(cls, node)
        parts = {key: self.value(item, depth + 1) for key, item in node.items() if key not in _OWN}
        content = parts.pop("content", None)
        if loader == "DictNode" and isinstance(content, dict):
            return _keyed(content, parts.get("key_types"))
        if loader in ("ListNode", "SetNode", "TupleNode"):
            if not isinstance(content, list):
                raise SchemaError("a sequence is no list")
            return tuple(content) if loader == "TupleNode" else content
        if loader == "MethodNode":
            self._method(cls, content)
        if loader == "RandomGeneratorNode":
            self._generator(content)
        reduced = parts.pop("__reduce__", None)
        args = reduced.get("args") if isinstance(reduced, dict) else None
        # Called and built as the unpickler would, so that arguments and states are judged in the same place.
        made: Inert = cls(*args) if isinstance(args, tuple) else cls()
        made.__setstate__(
            content
            if not parts
            else {**(content if isinstance(content, dict) else {"content": content}), **parts}
        )
        return made

    def _method(self, cls: InertType, content: Any) -> None:
        """Judge the name of a method: fetching one of an object of the file is harmless, inner parts are not."""
        name = content.get("func") if isinstance(content, dict) else None
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("__"):
            full = printable(f"{cls.module}.{cls.name}.{name}")
            self.names[(cls.module, str(name))] = GlobalUse(
                full, "dangerous", "reaches inner parts of Python objects"
            )

    def _generator(self, content: Any) -> None:
        state = (
            content.get("bit_generator_state", content.get("bit_generator"))
            if isinstance(content, dict)
            else None
        )
        name = state.get("bit_generator") if isinstance(state, dict) else None
        if name not in _GENERATORS:
            self._named("numpy.random", name)

    def _array(self, cls: InertType, node: dict[str, Any], depth: int) -> Any:
        if node.get("type") == "json":
            items, shape = (
                self.value(node.get("content"), depth + 1),
                self.value(node.get("shape"), depth + 1),
            )
            made: Inert = cls()
            made.state = {"items": items, "shape": shape}
            return items if isinstance(shape, list | tuple) and len(shape) == 1 else made
        array = self._file(node.get("file"))
        if not isinstance(array, RawArray):
            raise SchemaError("an array has no file that holds it")
        if (cls.module, cls.name) == ("numpy", "ndarray") or array.shape or array.dtype.fields:
            return array
        return array.to_numpy()[()].item()

    def _sparse(self, cls: InertType, node: dict[str, Any]) -> Any:
        parts = self._file(node.get("file"))
        made: Inert = cls()
        if isinstance(parts, dict):
            shape = parts.get("shape")
            sides = tuple(shape.to_numpy().tolist()) if isinstance(shape, RawArray) else None
            made.state = {**{key: item for key, item in parts.items() if key != "shape"}, "_shape": sides}
        return made

    def _file(self, name: Any) -> Any:
        member = self._members.get(name) if isinstance(name, str) else None
        if member is None:
            raise SchemaError("it refers to a file that is not in the archive")
        if member.pickles:
            self.odd["keeps an array as a pickle, which skops never does"] = None
        return member.root

    def _blob(self, name: Any) -> bytes:
        entry = self._entries.get(name) if isinstance(name, str) else None
        if entry is None:
            raise SchemaError("it refers to a file that is not in the archive")
        try:
            data, problem = unpack(self._archive, entry, max(0, self._job.purse.bytes_left))
        except ArchiveError as error:
            raise SchemaError(printable(str(error))) from None
        if problem:
            raise SchemaError(f"{printable(entry.name, 80)}: {problem}")
        self._job.purse.bytes_left -= len(data)
        self.blobs.add(entry.name)
        for use in reached(data, self._job.max_memory)[0]:
            if use.status != "known":
                reason = f"{use.reason} (hidden in {printable(entry.name, 80)})"
                self.names[("hidden", use.name)] = GlobalUse(use.name, use.status, reason)
        return data


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int) else repr(value)[:100]


def _keyed(content: dict[str, Any], types: Any) -> dict[Any, Any]:
    """Give the keys of a dict back the type that JSON took from them."""
    kinds = types if isinstance(types, list) and len(types) == len(content) else [None] * len(content)
    out: dict[Any, Any] = {}
    for (key, value), kind in zip(content.items(), kinds, strict=True):
        if (
            isinstance(kind, InertType)
            and kind.name in ("int", "int64", "int32")
            and key.lstrip("-").isdecimal()
            and len(key) < 20
        ):
            out[int(key)] = value
        else:
            out[key] = value
    return out
