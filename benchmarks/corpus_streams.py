"""Write pickles opcode by opcode, in the form that a trick needs.

A payload is a tree of `Name`, `Call`, `Build` and `New` around plain values; `Form` says with which opcodes and
in which protocol it is written, so that one payload gives many files.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Name:
    """A class or function, looked up by the stream."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """What calling `what` with these arguments gives."""

    what: Any
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class New:
    """What `cls.__new__(cls, *args, **options)` gives."""

    cls: Any
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """An object that is given a state; several states one after the other."""

    what: Any
    states: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Items:
    """An object to which items are appended or under whose keys values are set."""

    what: Any
    items: tuple[Any, ...] = ()
    pairs: tuple[tuple[Any, Any], ...] = ()


@dataclass(frozen=True)
class Form:
    """How a payload is written.

    Attributes
    ----------
    protocol : int
        In the PROTO opcode (none below 2), and whose ways of writing plain values are used.
    names : {"global", "stack", "memo", "replayed"}
        GLOBAL; STACK_GLOBAL on two strings; on strings fetched from the memo; on memo slots overwritten in
        between, so that whoever looks at the last strings sees others.
    calls : {"reduce", "obj", "inst"}
        REDUCE; OBJ; INST where the name is written out.
    """

    protocol: int = 4
    names: str = "stack"
    calls: str = "reduce"


def call(module: str, name: str, *args: object) -> Call:
    """Return a call of a name."""
    return Call(Name(module, name), args)


def stream(payload: object, form: Form | None = None, *, end: bytes = b".") -> bytes:
    """Write a whole pickle."""
    form = form or Form()
    head = b"\x80" + bytes([form.protocol]) if form.protocol >= 2 else b""
    return head + body(payload, form) + end


def framed(content: bytes, *, longer: int = 0) -> bytes:
    """Put a frame around opcodes; `longer` lies about its length."""
    return b"\x95" + struct.pack("<Q", len(content) + longer) + content


def body(value: object, form: Form) -> bytes:
    """Write the opcodes that leave a value on the stack."""
    if isinstance(value, Name):
        return _name(value, form)
    if isinstance(value, Call):
        return _call(value, form)
    if isinstance(value, New):
        return _new(value, form)
    if isinstance(value, Build):
        states = b"".join(body(state, form) + b"b" for state in value.states)
        return body(value.what, form) + states
    if isinstance(value, Items):
        items = b"".join(body(item, form) + b"a" for item in value.items)
        pairs = b"".join(body(key, form) + body(item, form) + b"s" for key, item in value.pairs)
        return body(value.what, form) + items + pairs
    return _plain(value, form)


def _plain(value: object, form: Form) -> bytes:
    if isinstance(value, tuple):
        return b"(" + b"".join(body(part, form) for part in value) + b"t"
    if isinstance(value, list):
        return b"(l" + b"".join(body(part, form) + b"a" for part in value)
    if isinstance(value, dict):
        return b"(d" + b"".join(body(k, form) + body(v, form) + b"s" for k, v in value.items())
    protocol = min(form.protocol, 3)
    written = pickle.dumps(value, protocol)
    return written[2 if protocol >= 2 else 0 : -1]


def _text(value: str) -> bytes:
    data = value.encode()
    return (
        b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + struct.pack("<I", len(data)) + data
    )


def _name(value: Name, form: Form) -> bytes:
    if form.names == "global":
        return f"c{value.module}\n{value.name}\n".encode()
    module, name = _text(value.module), _text(value.name)
    if form.names == "stack":
        return module + name + b"\x93"
    if form.names == "memo":
        return module + b"q\xf0" + name + b"q\xf1" + b"00" + b"h\xf0h\xf1\x93"
    # The slots first hold harmless strings, and harmless strings are pushed and dropped before the lookup.
    decoy = _text("collections") + b"q\xf00" + _text("OrderedDict") + b"q\xf10"
    return decoy + module + b"q\xf00" + name + b"q\xf10" + b"h\xf0h\xf1" + decoy + b"\x93"


def _call(value: Call, form: Form) -> bytes:
    args = b"".join(body(arg, form) for arg in value.args)
    if form.calls == "obj":
        return b"(" + body(value.what, form) + args + b"o"
    if form.calls == "inst" and isinstance(value.what, Name):
        return b"(" + args + f"i{value.what.module}\n{value.what.name}\n".encode()
    return body(value.what, form) + b"(" + args + b"tR"


def _new(value: New, form: Form) -> bytes:
    args = body(value.cls, form) + body(value.args, form)
    return args + body(value.options, form) + b"\x92" if value.options else args + b"\x81"
