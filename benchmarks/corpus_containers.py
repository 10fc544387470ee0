"""What holds the pickles of the corpus: files of every format that a loader reads, sound and tampered with."""

from __future__ import annotations

import bz2
import gzip
import struct
from typing import TYPE_CHECKING

from corpus_arrays import arrays, compressed
from corpus_formats import others, tars
from corpus_gadgets import INNER, PLAIN, SYSTEM
from corpus_streams import Form, framed, stream
from corpus_zips import HARMLESS, P2, P4, Case, zips

if TYPE_CHECKING:
    from collections.abc import Iterator


def streams() -> Iterator[Case]:
    """Yield plain pickles in every form of their opcodes, and with data around them."""
    for protocol in range(6):
        for names in ("global", "stack", "memo", "replayed"):
            for calls in ("reduce", "obj", "inst"):
                if (names != "global" and calls == "inst") or (
                    names != "global" and protocol < 4 and protocol not in (0, 2)
                ):
                    continue
                form = Form(protocol, names, calls)
                yield (
                    f"{names} {calls} protocol {protocol}",
                    "opcode form",
                    "pickle",
                    "a.pkl",
                    stream(PLAIN, form),
                )
    for protocol, (names, data) in enumerate([("global", P2), ("stack", P4)]):
        bare = data[2:-1]
        head = b"\x80\x04"
        tricks = {
            "OBJ + POP": (data[:-1] + b"0N.", "fickling: OBJ+POP", "pickle"),
            "dropped with its mark": (head + b"(" + bare + b"1N.", "fickling: OBJ+POP", "pickle"),
            "appended BUILD": (data[:-1] + b"}b.", "fickling: appended BUILD", "pickle"),
            "appended BUILD of attributes": (data[:-1] + b"0" + head[2:] + b"N}N}\x86b.", "fickling: appended BUILD", "pickle"),
            "as a key": (head + b"}" + bare + b"Ns.", "opcode form", "pickle"),
            "in a set": (head + b"\x8f(" + bare + b"\x90.", "opcode form", "pickle"),
            "in a frozenset": (head + b"(" + bare + b"\x91.", "opcode form", "pickle"),
            "kept in the memo only": (data[:-1] + b"\x940N." if protocol else data[:-1] + b"q\x050N.", "opcode form", "pickle"),
            "in a frame": (head + framed(bare + b"."), "fickling: FRAME boundaries", "pickle"),
            "frame ends inside it": (head + framed(bare[:9]) + bare[9:] + b".", "fickling: FRAME boundaries", ""),
            "frame too long": (head + framed(bare + b".", longer=7), "fickling: FRAME boundaries", "pickle"),
            "frame in a frame": (head + framed(b"\x95" + struct.pack("<Q", len(bare) + 1) + bare + b"."), "fickling: FRAME boundaries", "pickle"),
            "empty frames": (head + framed(b"") * 3 + bare + b".", "fickling: FRAME boundaries", "pickle"),
            "after a harmless pickle": (HARMLESS + data, "several pickles", "pickles"),
            "after many harmless pickles": (HARMLESS * 30 + data, "several pickles", "pickles"),
            "after STOP and zeros": (HARMLESS + b"\0" * 8 + data, "data after STOP", ""),
            "after STOP and text": (HARMLESS + b"#!" + data, "data after STOP", ""),
            "runs, then a bad opcode": (data[:-1] + b"\xff.", "GHSA-9gvj-pp9x-gcfr (runs, then breaks)", "pickle"),
            "runs, then no STOP": (data[:-1], "GHSA-9gvj-pp9x-gcfr (runs, then breaks)", "pickle"),
            "runs, then a missing memo": (data[:-1] + b"h\xe0.", "modelscan #338 (invalid memo reference)", "pickle"),
            "runs, then an empty stack": (data[:-1] + b"000.", "modelscan #338 (stack underflow)", "pickle"),
            "runs, then a bad STACK_GLOBAL": (data[:-1] + b"K\x01\x93.", "modelscan #338 (STACK_GLOBAL on numbers)", "pickle"),
            "runs, then an extension code": (data[:-1] + b"\x82\x07.", "EXT", "pickle"),
            "runs, then a persistent id": (data[:-1] + b"Q.", "persistent id", "pickle"),
            "runs, then wants a buffer": (data[:-1] + b"\x97.", "out-of-band buffer", "pickle"),
            "PROTO in the middle": (head + b"N0" + b"\x80\x05" + bare + b".", "opcode form", "pickle"),
            "unknown protocol": (b"\x80\xff" + bare + b".", "opcode form", ""),
            "behind 100 kB of text": (head + b"X" + struct.pack("<I", 100_000) + b"a" * 100_000 + b"0" + bare + b".", "opcode form", "pickle"),
            "behind 50,000 numbers": (head + b"K\x010" * 50_000 + bare + b".", "opcode form", "pickle"),
        }  # fmt: skip
        for trick, (content, advisory, loader) in tricks.items():
            yield f"{trick} ({names})", advisory, loader, "a.pkl", content
    yield (
        "escaped text of protocol 0",
        "opcode form",
        "pickle",
        "a.pkl",
        b"\x80\x04Vo\\u0073\nVsyste\\u006d\n\x93(S'touch ran'\ntR.",
    )
    yield (
        "quoted text of protocol 0",
        "opcode form",
        "pickle",
        "a.pkl",
        b"\x80\x04S'o\\x73'\nS'\\x73ystem'\n\x93(S'touch ran'\ntR.",
    )
    computed = b"\x80\x04cbuiltins\nstr\n(\x8c\x02ostR\x8c\x06system\x93(\x8c\x09touch rantR."
    yield "name computed by a call", "opcode form", "pickle", "a.pkl", computed
    for code in (b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00"):
        yield f"extension code {code[0]:x}", "EXT", "", "a.pkl", b"\x80\x02" + code + b"."


def bombs() -> Iterator[Case]:
    """Yield files that are small and want to be large."""
    nested = b"\x80\x04)" + b"\x85" * 200_000 + b"."
    tricks = {
        "memo index": b"\x80\x04Nr\xff\xff\xff\x0f.", "memo index in text": b"Np268435455\n.",
        "declared bytes": b"\x80\x04\x8e\xff\xff\xff\xff\xff\x00\x00\x00.", "declared text": b"\x80\x04\x8d\xff\xff\xff\xff\x0f\x00\x00\x00.",
        "declared bytearray": b"\x80\x05\x96\xff\xff\xff\xff\x0f\x00\x00\x00.", "declared integer": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "declared frame": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "negative length": b"\x80\x02T\xff\xff\xff\xffN.",
        "nested tuples as a key": nested[:-1] + b"}" + b"N" + b"s.", "doubling tuples as a key": b"\x80\x04}" + b")" + b"2\x86" * 60 + b"Ns.",
        "bytearray of a number": b"\x80\x04cbuiltins\nbytearray\n(I99999999999\ntR.", "bytes of a number": b"\x80\x04cbuiltins\nbytes\n(I99999999999\ntR.",
        "3 GB in bz2": _zeros(),
        "gzip of zeros": gzip.compress(bytes(50_000_000), mtime=0),
    }  # fmt: skip
    for trick, content in tricks.items():
        yield f"bomb: {trick}", "memory bomb", "", "a.pkl", content


def _zeros() -> bytes:
    """Return 3 GB of zeros, compressed by bz2, which squeezes them to a few kB."""
    one = bz2.compress(bytes(100_000_000))
    return one * 30


def cases() -> Iterator[Case]:
    """Yield all of it."""
    for part in (streams, zips, compressed, arrays, tars, others, bombs):
        yield from part()


__all__ = ["INNER", "SYSTEM", "Case", "cases"]
