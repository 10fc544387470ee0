# ruff: noqa: E501 - tables of opcodes read better in rows
"""Streams for fuzzing the reader of model files: honest ones, and what seeded chance makes of them.

Nothing here loads a stream. The dangerous names among `NAMES` are only ever written into streams.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import random
import struct
import zlib
from typing import TYPE_CHECKING

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = (
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "exec"), ("subprocess", "Popen"),
    ("sklearn", "os.system"), ("copyreg", "_reconstructor"), ("collections", "OrderedDict"), ("builtins", "getattr"),
    ("numpy", "dtype"), ("numpy", "ndarray"), ("builtins", "object"), ("some_package", "Thing"), ("builtins", "set"),
    ("sklearn.tree._classes", "DecisionTreeClassifier"), ("operator", "methodcaller"), ("functools", "partial"),
    ("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar"), ("_codecs", "encode"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"), ("copy_reg", "_reconstructor"), ("importlib", "import_module"),
)  # fmt: skip
CLASSES = (
    "bytes changed",
    "cut short",
    "two files spliced",
    "opcodes changed",
    "harm inserted",
    "from the grammar",
    "joblib file changed",
    "compressed after a change",
)


def honest() -> tuple[list[bytes], list[bytes]]:
    """Return honest pickles of all protocols, and joblib files."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    models = [
        make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y),
        DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y),
        KNeighborsClassifier().fit(X, y),
    ]
    shared = [1]
    plain = [
        {"a": [1, 2.5, None, True], (1, ("b",)): {"x", "y"}, "big": 1 << 90, "raw": bytearray(b"ab\n"), "deep": [[shared], shared]},
        [frozenset({1, (2, 3)}), "ü\n" * 100, b"\x80\x04" * 9, 1 + 2j, range(3), Ellipsis],
        np.arange(5), np.array(["a", None], dtype=object), np.float32(2.0),
    ]  # fmt: skip
    pickles = [pickle.dumps(value, protocol) for value in (*models, *plain) for protocol in range(6)]
    files = []
    for value in (*models, {"a": np.arange(9.0), "b": [np.zeros((2, 2)), np.array([{}, 1], dtype=object)]}):
        for protocol in (2, 3, 4, 5):
            buffer = io.BytesIO()
            joblib.dump(value, buffer, protocol=protocol)
            files.append(buffer.getvalue())
    return pickles, files


def streams(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the class and the bytes of `count` streams."""
    draw = random.Random(seed)  # noqa: S311
    pickles, files = honest()
    parts = {data: opcodes(data) for data in pickles}
    for i in range(count):
        kind = CLASSES[i % len(CLASSES)]
        data = draw.choice(pickles)
        if kind == "bytes changed":
            made = changed(draw, data)
        elif kind == "cut short":
            made = data[: draw.randrange(len(data))]
        elif kind == "two files spliced":
            other = draw.choice(pickles)
            made = data[: draw.randrange(len(data))] + other[draw.randrange(len(other)) :]
        elif kind == "opcodes changed":
            made = reordered(draw, parts[data], parts[draw.choice(pickles)])
        elif kind == "harm inserted":
            made = harmed(draw, parts[data])
        elif kind == "from the grammar":
            made = grown(draw)
        elif kind == "joblib file changed":
            made = changed(draw, draw.choice(files))
        else:
            made = zlib.compress(changed(draw, draw.choice(pickles + files)), 1)
        yield kind, made


def opcodes(data: bytes) -> list[bytes]:
    """Return a pickle cut into its opcodes, frames left out (they would have to be measured again)."""
    places = [(pos, opcode.name) for opcode, _, pos in pickletools.genops(data)]
    ends = [pos for pos, _ in places[1:]] + [len(data)]
    return [data[pos:end] for (pos, name), end in zip(places, ends, strict=True) if name != "FRAME"]


def changed(draw: random.Random, data: bytes) -> bytes:
    """Change a few bytes: flipped, replaced, removed, inserted, doubled."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        at = draw.randrange(len(out))
        how = draw.randrange(6)
        if how == 0:
            out[at] ^= 1 << draw.randrange(8)
        elif how == 1:
            out[at] = draw.randrange(256)
        elif how == 2:
            out[at] = draw.choice(ALPHABET)[0]
        elif how == 3 and len(out) > 20:
            del out[at : at + draw.randrange(1, 9)]
        elif how == 4:
            out[at:at] = draw.randbytes(draw.randrange(1, 9))
        else:
            out[at:at] = out[at : at + draw.randrange(1, 40)]
    return bytes(out)


def reordered(draw: random.Random, parts: list[bytes], others: list[bytes]) -> bytes:
    """Change a few opcodes: removed, doubled, swapped, replaced, inserted."""
    out = list(parts)
    for _ in range(draw.choice((1, 1, 2, 4))):
        at, to = draw.randrange(len(out)), draw.randrange(len(out))
        how = draw.randrange(5)
        if how == 0 and len(out) > 3:
            del out[at]
        elif how == 1:
            out.insert(to, out[at])
        elif how == 2:
            out[at], out[to] = out[to], out[at]
        elif how == 3:
            out[at] = draw.choice(others)
        else:
            out.insert(at, atom(draw))
    return b"".join(out)


def named(draw: random.Random) -> bytes:
    """Return opcodes that push what a name stands for, in one of the ways in which a pickle can say it."""
    module, name = (text.encode() for text in draw.choice(NAMES))
    how = draw.randrange(5)
    if how < 2:
        return b"c" + module + b"\n" + name + b"\n"
    if how == 2:
        return b"\x8c" + bytes([len(module)]) + module + b"\x8c" + bytes([len(name)]) + name + b"\x93"
    if how == 3:
        memo = draw.randrange(256)
        put, get = b"q" + bytes([memo]), b"h" + bytes([memo])
        text = b"X" + struct.pack("<I", len(module)) + module
        return text + put + b"0" + get + b"U" + bytes([len(name)]) + name + b"\x93"
    return b"V" + module + b"\nV" + name + b"\n\x93"


def harmed(draw: random.Random, parts: list[bytes]) -> bytes:
    """Insert a call at a place between two opcodes where it may or may not be reached."""
    module, name = (text.encode() for text in draw.choice(NAMES))
    call = draw.choice(
        (
            named(draw) + b"(V:\ntR0", named(draw) + b")\x810", named(draw) + b")R}b0", b"(V:\ni" + module + b"\n" + name + b"\n0",
            b"(" + named(draw) + b"V:\no0", named(draw) + b")}\x920", named(draw) + b"0", b"(" + named(draw) + b"1",
            b"K\x01Q0", b"\x82\x010", named(draw) + b"N}V__setstate__\n" + named(draw) + b"s\x86b0",
        )
    )  # fmt: skip
    out = list(parts)
    out.insert(draw.randrange(len(out) + 1), call)
    return b"".join(out)


_PLAIN = b"]})N\x88\x89\x8f(0.12RbsueatldGQ\x81\x85\x86\x87\x90\x91\x92\x93\x94\x97\x98o"
ALPHABET = [bytes([op]) for op in _PLAIN if op != 0x47]


def atom(draw: random.Random) -> bytes:
    """Return one opcode with its argument."""
    number = draw.choice((0, 1, 2, 3, 5, 255, draw.randrange(256)))
    how = draw.randrange(16)
    if how < 7:
        return draw.choice(ALPHABET)
    if how == 7:
        return named(draw)
    text = draw.choice((b"", b"a", b"__class__", b"os", b"system", b"\x80\x04N.", b"n" * 300))
    return (
        b"K" + bytes([number]), b"h" + bytes([number]), b"q" + bytes([number]), b"X" + struct.pack("<I", len(text)) + text,
        b"B" + struct.pack("<I", len(text)) + text, b"g%d\n" % number, b"p%d\n" % number,
        draw.choice((
            b"j" + struct.pack("<I", number), b"r" + struct.pack("<I", number << draw.choice((0, 8, 20))), b"I01\n", b"L5L\n",
            b"F1.5\n", b"Psome id\n", b"S'a'\n", b"G" + struct.pack(">d", 1.5), b"J\xff\xff\xff\xff", b"\x8a\x02\x01\x02",
            b"\x96" + struct.pack("<Q", len(text)) + text, b"\x95" + struct.pack("<Q", number), b"\x80" + bytes([number % 7]),
            b"\x8b" + struct.pack("<I", 12) + b"a" * 12, b"\x8e" + struct.pack("<Q", number << 40), b"\x83\x01\x00",
        )),
    )[how - 8]  # fmt: skip


def grown(draw: random.Random) -> bytes:
    """Return a stream from the opcodes' grammar, mostly with as many values on the stack as each opcode takes."""
    out = [draw.choice((b"", b"\x80\x02", b"\x80\x04", b"\x80\x05"))]
    depth, marks = 0, []
    for _ in range(draw.choice((5, 10, 20, 40, 80))):
        if draw.random() < 0.05:
            out.append(atom(draw))
            depth += 1
        elif depth >= 2 and draw.random() < 0.5:
            op, gone = draw.choice((
                (b"\x86", 1), (b"R", 1), (b"\x81", 1), (b"b", 1), (b"a", 1), (b"\x85", 0), (b"\x94", 0), (b"2", -1), (b"0", 1),
                (b")R", 0), (b"}b", 0), (b")\x81", 0), (b"\x93", 1), (b"q\x01", 0), (b"h\x01", -1),
            ))  # fmt: skip
            out.append(op)
            depth -= gone
        elif marks and draw.random() < 0.3:
            at = marks.pop()
            op = draw.choice(
                (b"t", b"l", b"d", b"u", b"e", b"\x90", b"\x91", b"o", b"1", b"iposix\nsystem\n")
            )
            out.append(op)
            depth = max(at + (op in (b"t", b"l", b"d", b"\x91", b"o") or op[:1] == b"i"), 0)
        elif draw.random() < 0.2:
            out.append(b"(")
            marks.append(depth)
        else:
            out.append(
                draw.choice(
                    (named(draw), b"N", b"K\x01", b"]", b"}", b")", b"\x8c\x01a", b"\x8f", b"V__init__\n")
                )
            )
            depth += 1
    out += [b"1"] * len(marks) + [b"0"] * draw.choice((0, max(depth - 1, 0)))
    return b"".join([*out, draw.choice((b".", b".", b".", b"N.", b""))])
