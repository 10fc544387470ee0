"""R objects out of a serialization, as stand-ins: nothing is evaluated, forced or looked up.

Source: R Internals, "Serialization Formats"; the types and flags are those of R's serialize.c.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray
from modelward.artifacts._inert import Inert, InertType, Silent, stand_in
from modelward.artifacts.readers._r_stream import NA_INT, Ascii, Binary, RError

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH = 200
"""How deep objects may be nested; honest models' code and lists stay below half of it."""
_FIXED = {
    254: None, 253: "globalenv", 252: "unbound", 251: "missing", 250: "basenamespace", 242: "emptyenv", 241: "baseenv",
}  # fmt: skip
_NUMBERS = {
    10: ("i", 4, "logical"),
    13: ("i", 4, "integer"),
    14: ("f", 8, "numeric"),
    15: ("c", 16, "complex"),
    24: ("u", 1, "raw"),
}
_PAIRS = {2: "pairlist", 3: "function", 5: "promise", 6: "call", 17: "dots"}
_LIST, _CLOSURE = 2, 3
_LONGEST_CHAIN = 100_000
"""Pairs in one list: R keeps arguments, attributes and small environments so, and nothing that grows with rows."""
_BC_PAIRS = frozenset({2, 6, 239, 240, 243, 244})


@dataclass
class Objects:
    """Reads objects one after another; keeps what the scan has to judge."""

    stream: Binary | Ascii
    promises: list[tuple[Inert, bool]] = field(default_factory=list)
    code: list[Any] = field(default_factory=list)
    namespaces: dict[str, None] = field(default_factory=dict)
    alternatives: dict[str, None] = field(default_factory=dict)
    oddities: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.references: list[Any] = []
        self.kinds: dict[str, InertType] = {}
        self.depth = 0
        self.in_frame = 0
        self.readers: dict[int, Callable[[int], Any]] = {
            1: self._symbol, 4: self._environment, 7: self._builtin, 8: self._builtin, 9: self._chars,
            16: self._strings,
            19: self._items, 20: self._items, 21: self._bytecode, 22: self._pointer, 23: self._pointer, 25: self._s4,
            238: self._alternative, 247: self._names, 248: self._names, 249: self._names, 255: self._reference,
        }  # fmt: skip

    def make(self, name: str, state: Any = None, args: tuple[Any, ...] = ()) -> Inert:
        """Make a stand-in of an R class or type."""
        kind = self.kinds.get(name)
        if kind is None:
            kind = self.kinds[name] = stand_in("R", name, Silent())
        made: Inert = kind(*args)
        made.state = state
        return made

    def item(self) -> Any:
        """Read one object."""
        self.depth += 1
        if self.depth > DEPTH:
            raise RError(f"its objects are nested more than {DEPTH} deep")
        try:
            return self._item(self.stream.integer())
        finally:
            self.depth -= 1

    def _item(self, flags: int) -> Any:
        kind = flags & 255
        if kind in _FIXED:
            name = _FIXED[kind]
            return None if name is None else self.make(name)
        if kind in _PAIRS or kind in (239, 240):
            return self._pairs(flags)
        if kind in _NUMBERS:
            code, size, name = _NUMBERS[kind]
            made = self.make(name)
            made.payload = self.stream.vector(code, size, self._length())
            return self._dressed(made, flags)
        reader = self.readers.get(kind)
        if reader is None:
            raise RError(f"holds an object of type {kind}, which R does not write")
        return reader(flags)

    def _length(self) -> int:
        length = self.stream.integer()
        if length == -1:
            high, low = self.stream.integer(), self.stream.integer()
            length = (high << 32) + (low & 0xFFFFFFFF)
        if length < 0:
            raise RError("a length is negative")
        return length

    def _counted(self) -> int:
        """Read the length of a list; each item takes some bytes, so more than the file has cannot be."""
        length = self._length()
        if length > self.stream.least():
            raise RError(f"a list asks for {length:,} items, more than the file has")
        return length

    def _reference(self, flags: int) -> Any:
        index = flags >> 8 or self.stream.integer()
        if not 0 < index <= len(self.references):
            raise RError("refers to an object that was not there")
        return self.references[index - 1]

    def _symbol(self, flags: int) -> Inert:
        del flags
        name = self.item()
        made = self.make("name", args=(name if isinstance(name, str) else "NA",))
        self.references.append(made)
        return made

    def _chars(self, flags: int) -> str | None:
        length = self.stream.integer()
        if length < -1:
            raise RError("a string has a negative length")
        raw = None if length == -1 else self.stream.text(length)
        if flags & 512:
            self.item()
        # Bit 2 of the levels says Latin-1; else UTF-8, or unknown and mostly UTF-8.
        if raw is None:
            return None
        return raw.decode("latin-1") if flags >> 12 & 4 else raw.decode("utf-8", "backslashreplace")

    def _strings(self, flags: int) -> Any:
        found = []
        for _ in range(self._counted()):
            text = self.item()
            if not isinstance(text, str | None):
                raise RError("a vector of text holds something else")
            found.append(text)
        return self._dressed(found, flags)

    def _items(self, flags: int) -> Any:
        found = [self.item() for _ in range(self._counted())]
        if flags & 255 == 20:
            self.code.extend(found)
        return self._dressed(found, flags)

    def _dressed(self, value: Any, flags: int) -> Any:
        """Read an object's attributes, and give it its class, names and shape."""
        attributes = self._attributes() if flags & 512 else {}
        classes = attributes.get("class")
        own = classes[0] if isinstance(classes, list) and classes and isinstance(classes[0], str) else ""
        if isinstance(value, Inert):
            made = self.make(own or type(value).name, {"attributes": attributes} if attributes else None)
            made.payload = _shaped(value.payload, attributes.get("dim"))
            return made
        if not attributes:
            return value
        names = attributes.pop("names", None)
        if value and all(isinstance(item, str | None) for item in value) and not own:
            return self.make("character", {"values": value, "names": names, "attributes": attributes})
        state: dict[str, Any] = {}
        for i, item in enumerate(value):
            name = names[i] if isinstance(names, list) and i < len(names) else None
            key = name if isinstance(name, str) and name and name not in state else f"[[{i + 1}]]"
            state[key] = item
        state["attributes"] = attributes
        return self.make(own or "list", state)

    def _attributes(self) -> dict[str, Any]:
        pairs = self.item()
        return pairs if isinstance(pairs, dict) else {}

    def _pairs(self, flags: int) -> Any:
        """Read a chain of pairs without recursing along it: a list by name, a call, a closure or a promise."""
        kind = flags & 255
        if kind in (_CLOSURE, 5):
            return self._closure(flags)
        head, attributes, cells = kind, {}, []
        while True:
            if flags & 512 or flags & 255 in (239, 240):
                attributes.update(self._attributes())
            tag = self.item() if flags & 1024 else None
            cells.append((tag.args[0] if isinstance(tag, Inert) and tag.args else None, self.item()))
            flags = self.stream.integer()
            if flags & 255 not in (2, 6, 17, 239, 240):
                break
            if len(cells) >= _LONGEST_CHAIN:
                raise RError(f"a list of pairs has more than {_LONGEST_CHAIN:,} of them")
        rest = self._item(flags)
        if rest is not None:
            cells.append((None, rest))
        return self._chain(head, cells, attributes)

    def _chain(self, head: int, cells: list[tuple[Any, Any]], attributes: dict[str, Any]) -> Any:
        if head in (_LIST, 17, 239):
            found: dict[str, Any] = {}
            for i, (name, item) in enumerate(cells):
                found[name if isinstance(name, str) and name and name not in found else f"[[{i + 1}]]"] = item
            return found
        classes = attributes.get("class")
        name = classes[0] if isinstance(classes, list) and classes and isinstance(classes[0], str) else "call"
        return self.make(
            name, {"attributes": attributes} if attributes else None,
            (tuple(item for _, item in cells), tuple(tag for tag, _ in cells)),
        )  # fmt: skip

    def _closure(self, flags: int) -> Inert:
        attributes = self._attributes() if flags & 512 else {}
        environment = self.item() if flags & 1024 else None
        first, second = self.item(), self.item()
        if flags & 255 == _CLOSURE:
            self.code.append((first, second))
            state = {"formals": first, "body": second, "environment": environment, "attributes": attributes}
            return self.make("function", state)
        made = self.make("promise", {"environment": environment, "value": first, "code": second})
        self.promises.append((made, bool(self.in_frame)))
        return made

    def _environment(self, flags: int) -> Inert:
        del flags
        self.stream.integer()
        made = self.make("environment")
        self.references.append(made)
        enclosing = self.item()
        self.in_frame += 1
        frame, table = self.item(), self.item()
        self.in_frame -= 1
        state: dict[str, Any] = dict(frame) if isinstance(frame, dict) else {}
        for part in table if isinstance(table, list) else []:
            state.update(part if isinstance(part, dict) else {})
        made.state = {**state, "attributes": {"parent": enclosing, "own": self.item()}}
        return made

    def _builtin(self, flags: int) -> Inert:
        del flags
        name = self.stream.text(self._length()).decode("utf-8", "backslashreplace")
        made = self.make("name", args=(name,))
        self.code.append(made)
        return made

    def _pointer(self, flags: int) -> Inert:
        made = self.make("externalptr" if flags & 255 == 22 else "weakref")
        self.references.append(made)
        if flags & 255 == 22:
            made.state = {"protected": self.item(), "tag": self.item()}
        if flags & 512:
            made.state = {**(made.state or {}), "attributes": self._attributes()}
        return made

    def _s4(self, flags: int) -> Inert:
        attributes = self._attributes() if flags & 512 else {}
        classes = attributes.pop("class", None)
        if isinstance(classes, Inert) and isinstance(classes.state, dict):
            classes = classes.state.get("values")
        own = classes[0] if isinstance(classes, list) and classes and isinstance(classes[0], str) else "S4"
        return self.make(own, {**attributes, "attributes": {}})

    def _names(self, flags: int) -> Inert:
        """Read the name of a namespace or package, which R loads when it reads the file."""
        if self.stream.integer() != 0:
            raise RError("the name of a namespace has names itself")
        parts = [self.item() for _ in range(self._counted())]
        name = parts[0] if parts and isinstance(parts[0], str) else "?"
        if flags & 255 == 247:
            self.oddities["refers to an object outside the file (persistent name)"] = None
        else:
            self.namespaces[name.removeprefix("package:")] = None
        made = self.make("namespace", args=(name,))
        self.references.append(made)
        return made

    def _alternative(self, flags: int) -> Any:
        """Read an object in a compact form of its own; only R's own forms are undone."""
        del flags
        info, state, attributes = self.item(), self.item(), self.item()
        parts = list(info.values()) if isinstance(info, dict) else []
        words = [part.args[0] for part in parts[:2] if isinstance(part, Inert) and part.args]
        name = "::".join(reversed(words)) if len(words) == 2 else "?"
        self.alternatives[name] = None
        made = self.make("altrep", {"form": name, "content": state, "attributes": attributes})
        inner = list(state.values())[0] if isinstance(state, dict) and state else state  # noqa: RUF015
        if isinstance(state, list) and state:
            inner = state[0]
        if name.startswith("base::wrap_") and isinstance(inner, Inert | list):
            if isinstance(inner, Inert) and isinstance(inner.payload, RawArray):
                named = attributes if isinstance(attributes, dict) else {}
                made = self.make(type(inner).name, {"attributes": named})
                made.payload = _shaped(inner.payload, named.get("dim"))
                return made
            return inner
        return made

    def _bytecode(self, flags: int) -> Inert:
        count = self.stream.integer()
        if not 0 <= count <= self.stream.least() + 1:
            raise RError("bytecode repeats more than the file has")
        made = self._bytecode_body([None] * count)
        if flags & 512:
            self._attributes()
        return made

    def _bytecode_body(self, repeated: list[Any]) -> Inert:
        instructions = self.item()
        constants = []
        for _ in range(self._counted()):
            kind = self.stream.integer()
            if kind == 21:
                self.depth += 1
                if self.depth > DEPTH:
                    raise RError("bytecode is nested too deep")
                constants.append(self._bytecode_body(repeated))
                self.depth -= 1
            elif kind in _BC_PAIRS:
                constants.append(self._bytecode_pairs(kind, repeated))
            else:
                constants.append(self.item())
        return self.make("bytecode", {"constants": constants}, (instructions,))

    def _bytecode_pairs(self, kind: int, repeated: list[Any]) -> Any:
        """Read a call among bytecode's constants, its tail in a loop and shared parts from where they stood."""
        self.depth += 1
        if self.depth > DEPTH:
            raise RError("bytecode is nested too deep")
        first: Inert | None = None
        previous: Inert | None = None
        while True:
            place = -1
            if kind == 243:
                value = self._slot(repeated, self.stream.integer())
            elif kind not in _BC_PAIRS:
                value = self.item()
            else:
                if kind == 244:
                    place, kind = self.stream.integer(), self.stream.integer()
                value = self.make("call", None, ((), ()))
                if place >= 0:
                    self._slot(repeated, place)
                    repeated[place] = value
                if kind in (239, 240):
                    self._attributes()
                tag = self.item()
                value.state = {"tag": tag, "head": self._bytecode_pairs(self.stream.integer(), repeated)}
            if previous is not None:
                previous.state["tail"] = value
            first = first if previous is not None else value
            if kind not in (2, 6, 239, 240):
                break
            previous = value
            kind = self.stream.integer()
        self.depth -= 1
        return first

    @staticmethod
    def _slot(repeated: list[Any], place: int) -> Any:
        if not 0 <= place < len(repeated):
            raise RError("bytecode refers to what is not there")
        return repeated[place]


def _shaped(raw: Any, dim: Any) -> Any:
    """Give a vector the shape that its `dim` attribute says, if that fits; R goes column by column."""
    if not isinstance(raw, RawArray) or not isinstance(dim, Inert) or not isinstance(dim.payload, RawArray):
        return raw
    if dim.payload.dtype.code[1:] != "i4" or len(dim.payload.shape) != 1 or dim.payload.shape[0] > 32:
        return raw
    sides = tuple(dim.payload.to_numpy().tolist())
    count = 1
    for side in sides:
        count *= side
    if min(sides, default=NA_INT) < 0 or count != raw.shape[0]:
        return raw
    return RawArray(raw.dtype, sides, True, raw.data, raw.start, raw.end)
