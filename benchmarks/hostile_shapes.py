"""Files made to be slow or large to read, by name: each is made anew from the size that it shall have."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHAPES: dict[str, Callable[[int], bytes]] = {}


def shape(name: str) -> Callable[[Callable[[int], bytes]], Callable[[int], bytes]]:
    """Enter a maker of files under a name."""

    def enter(make: Callable[[int], bytes]) -> Callable[[int], bytes]:
        SHAPES[name] = make
        return make

    return enter


def repeated(name: str, piece: bytes, before: bytes = b"", after: bytes = b"") -> None:
    """Enter a file that repeats one piece."""
    SHAPES[name] = lambda size: before + piece * (size // len(piece)) + after


def held(data: bytes) -> bytes:
    """Return a pickle of a byte string: what it holds is searched, not loaded."""
    return b"\x80\x04B" + struct.pack("<I", len(data)) + data + b"."


def in_bytes(name: str, piece: bytes) -> None:
    """Enter a pickle of bytes that repeat one piece."""
    SHAPES[name] = lambda size: held(piece * (size // len(piece)))


def joined(pieces: Iterator[bytes], size: int) -> bytes:
    """Join pieces up to a size."""
    out = bytearray()
    for piece in pieces:
        out += piece
        if len(out) >= size:
            break
    return bytes(out)


def counted(make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return a maker that joins numbered pieces."""

    def numbered() -> Iterator[bytes]:
        i = 0
        while True:
            yield make(i)
            i += 1

    return lambda size: joined(numbered(), size)


def text(value: str) -> bytes:
    """Return the opcode of a short text."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


# Opcodes in great numbers.
repeated("lists, nested", b"]", b"\x80\x04", b".")
repeated("lists, nested and closed", b"(", b"", b"l.")
SHAPES["tuples, nested"] = lambda size: b"\x80\x04)" + b"\x85" * size + b"."
SHAPES["lists in lists, protocol 0"] = lambda size: b"(l" * (size // 3) + b"a" * (size // 3 - 1) + b"."
repeated("marks", b"(", b"\x80\x04")
repeated("objects by name, (I1 ios", b"(I1\nios\nx\n")
repeated("pieces of INST, (I1 ios", b"(I1\nios\n")
repeated("one name, cc c", b"cc\nc\n")
repeated("one name, popped", b"cos\nsystem\n0", after=b"N.")
repeated("names that clash", b"c\n\n")
SHAPES["many names"] = counted(lambda i: b"cm%d\nn%d\n" % (i, i))
SHAPES["many names by STACK_GLOBAL"] = lambda size: (
    b"\x80\x04" + counted(lambda i: text(f"m{i}") + text(f"n{i}") + b"\x930")(size) + b"N."
)
SHAPES["many dangerous names"] = counted(lambda i: b"cos\nn%d\n0" % i)
repeated("tiny pickles, N.", b"N.")
repeated("tiny pickles, with PROTO", b"\x80\x04N.")
repeated("tiny pickles, framed", b"\x80\x04\x95\x02\0\0\0\0\0\0\0N.")
SHAPES["tiny pickles, each with a list"] = lambda size: pickle.dumps([1, 2], 4) * (size // 25)
SHAPES["tiny pickles, each with a name"] = lambda size: b"cbuiltins\nset\n." * (size // 16)
repeated("PROTO", b"\x80\x04")
repeated("frames, empty", b"\x95\0\0\0\0\0\0\0\0", b"\x80\x04")
repeated("extensions", b"\x82\x01", b"\x80\x04")
repeated("persistent ids", b"Pa\n0", after=b"N.")
repeated("persistent ids, binary", b"NQ0", b"\x80\x04", b"N.")
repeated("memo, far apart", b"Nr\xff\xff\xff\x0f", b"\x80\x04")
repeated("memo, dense", b"\x94", b"\x80\x04N", b".")
SHAPES["memo, by number"] = lambda size: b"N" + counted(lambda i: b"p%d\n" % i)(size) + b"."
SHAPES["memo, recalled"] = lambda size: b"\x80\x04]\x94" + b"h\0" * (size // 2) + b"."
repeated("DUP", b"2", b"\x80\x04N", b".")
repeated("out-of-band buffers", b"\x97", b"\x80\x05", b".")
repeated("read-only buffers", b"\x98", b"\x80\x05N", b".")


def number(value: int) -> bytes:
    """Return the opcode of a number of up to nine bytes."""
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def colliding() -> Iterator[tuple[int, int]]:
    """Yield pairs of numbers that all have the same hash: CPython mixes those of a tuple's items without a secret."""
    whole, first, second, start = 1 << 64, 11400714785074694791, 14029467366897019727, 2870177450012600261
    undo_first, undo_second = pow(first, -1, whole), pow(second, -1, whole)
    target = 12345678901234567 * undo_first % whole
    wanted = (target >> 31 | target << 33) % whole
    a = 0
    while True:
        a += 1
        mixed = (start + a * second) % whole
        mixed = (mixed << 31 | mixed >> 33) % whole * first % whole
        b = (wanted - mixed) * undo_second % whole
        b -= whole if b >> 63 else 0
        if abs(b) < (1 << 61) - 1 and b != -1:
            yield a, b


# Numbers and texts.
SHAPES["one number of many digits"] = lambda size: b"L" + b"9" * size + b"L\n."
SHAPES["one number of many digits, as INT"] = lambda size: b"I" + b"9" * size + b"\n."
SHAPES["one number of many bytes"] = lambda size: (
    b"\x80\x04\x8b" + struct.pack("<i", size) + b"\x7f" * size + b"."
)
repeated("numbers of 4,000 digits", b"L" + b"9" * 4000 + b"L\n0", after=b"N.")
repeated("floats of many digits", b"F" + b"1" * 4000 + b"e-3999\n0", after=b"N.")
SHAPES["one text of escapes"] = lambda size: b"S'" + b"\\x41" * (size // 4) + b"'\n."
SHAPES["one text of unicode escapes"] = lambda size: b"V" + b"\\u0041" * (size // 6) + b"\n."
SHAPES["one long text"] = lambda size: b"\x80\x04X" + struct.pack("<I", size) + b"a" * size + b"."
SHAPES["one long text, not UTF-8"] = lambda size: (
    b"\x80\x04X" + struct.pack("<I", size) + b"\xed\xa0\x80" * (size // 3) + b"a" * (size % 3) + b"."
)

# Keys, states, and what is looked at again and again.
SHAPES["keys that collide"] = lambda size: (
    b"\x80\x04}("
    + counted(lambda i: b"\x8a\x0a" + ((i + 1) * ((1 << 61) - 1)).to_bytes(10, "little") + b"N")(size)
    + b"u."
)
SHAPES["keys of two numbers that collide"] = lambda size: (
    b"\x80\x04}(" + joined((number(a) + number(b) + b"\x86N" for a, b in colliding()), size) + b"u."
)
SHAPES["keys of two numbers that collide, one by one"] = lambda size: (
    b"\x80\x04}" + joined((number(a) + number(b) + b"\x86Ns" for a, b in colliding()), size) + b"."
)
SHAPES["keys of two texts, protocol 0"] = lambda size: (
    b"(d" + counted(lambda i: b"(Va%d\nVb%d\ntNs" % (i, i))(size) + b"."
)
SHAPES["sets of two numbers that collide"] = lambda size: (
    b"\x80\x04(" + joined((number(a) + number(b) + b"\x86" for a, b in colliding()), size) + b"\x91."
)
SHAPES["members that collide"] = lambda size: (
    b"\x80\x04\x8f("
    + counted(lambda i: b"\x8a\x0a" + ((i + 1) * ((1 << 61) - 1)).to_bytes(10, "little"))(size)
    + b"\x90."
)
SHAPES["one key again and again"] = lambda size: b"\x80\x04}(" + b"K\x01N" * (size // 3) + b"u."
SHAPES["a key of doubled tuples"] = lambda size: (
    b"\x80\x04})" + b"2\x86" * 200 + b"Ns" + b"N0" * (size // 2) + b"."
)
SHAPES["pickles, each with a key of doubled tuples"] = lambda size: (
    (b"\x80\x04})" + b"2\x86" * 20 + b"Ns.") * (size // 46)
)
SHAPES["pickles, each with a memo entry far out"] = lambda size: b"Nr\xff\xff\0\0." * (size // 7)
SHAPES["hidden: pickles, each with a key of doubled tuples"] = lambda size: held(
    (b"\x80\x04cos\nsystem\n0})" + b"2\x86" * 20 + b"Ns.") * (size // 58)
)
SHAPES["doubled lists"] = lambda size: b"\x80\x04]" + b"2\x86" * (size // 2) + b"."
SHAPES["states, one key each"] = lambda size: (
    b"\x80\x04cm\nC\n)\x81" + counted(lambda i: b"}" + text(f"k{i}") + b"Nsb")(size) + b"."
)
SHAPES["states, one key each, of a known class"] = lambda size: (
    b"\x80\x04csklearn.tree._classes\nDecisionTreeClassifier\n)\x81"
    + counted(lambda i: b"}" + text(f"k{i}") + b"Nsb")(size)
    + b"."
)
repeated("states, no dicts", b"Nb", b"\x80\x04cm\nC\n)\x81", b".")
repeated("states, in pairs", b")b", b"\x80\x04csklearn.tree._classes\nDecisionTreeClassifier\n)\x81", b".")
SHAPES["a large state, built again and again"] = lambda size: (
    b"\x80\x04cm\nC\n)\x81}("
    + counted(lambda i: text(f"k{i}") + b"N")(size // 2)
    + b"u\x94b"[:1]
    + b"\x94b"
    + b"h\0b" * (size // 6)
    + b"."
)
repeated("items, set one by one", b"K\x01Ns", b"\x80\x04ccollections\nOrderedDict\n)R", b".")
repeated("items, appended one by one", b"Na", b"\x80\x04ccollections\ndeque\n)R", b".")
repeated("calls of a known function", b"c_codecs\nencode\n(Va\nVlatin1\ntR0", after=b"N.")
repeated("calls of a result", b")R", b"\x80\x04cm\nf\n", b".")
repeated("getattr", b"cbuiltins\ngetattr\n(NVa\ntR0", after=b"N.")
SHAPES["a long tuple, called with again and again"] = lambda size: (
    b"\x80\x04ccollections\ndeque\n\x94(" + b"N" * (size // 10) + b"t\x94" + b"0h\0h\1R" * (size // 8) + b"."
)
SHAPES["a long tuple, given as a state again and again"] = lambda size: (
    b"\x80\x04cm\nC\n\x94(" + b"N" * (size // 10) + b"t\x94" + b"0h\0)\x81h\1b" * (size // 10) + b"."
)
SHAPES["getattr, by memo"] = lambda size: (
    b"\x80\x04cbuiltins\ngetattr\n\x940" + b"h\0N\x8c\x01a\x86R0" * (size // 9) + b"N."
)


def _dtypes(size: int, *, joblib: bool) -> bytes:
    """Return records whose fields are records, each with the same one below in all its fields."""
    width = 300
    out = bytearray(b"\x80\x04")
    out += b"cnumpy\ndtype\n\x940h\0" + text("i1") + b"\x89\x88\x87R\x940"
    total = 1
    for level in range(8):
        total *= 1
        names = b"(" + b"".join(text(f"f{i}") for i in range(width)) + b"t"
        entries = (
            b"}("
            + b"".join(text(f"f{i}") + b"h" + bytes([level + 1]) + b"K\0\x86" for i in range(width))
            + b"u"
        )
        out += (
            b"h\0"
            + text("V1")
            + b"\x89\x88\x87R\x94(K\x03"
            + text("|")
            + b"N"
            + names
            + entries
            + b"K\x01K\x01K\0tb0"
        )
    if joblib:
        out += (
            b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
            + text("dtype")
            + b"h\x08"
            + text("shape")
            + b"K\x01\x85"
            + text("order")
            + text("C")
            + b"ub0"
        )
    return bytes(out) + b"\x8d" + struct.pack("<Q", size) + b"a" * size + b"."


SHAPES["dtypes of dtypes"] = lambda size: _dtypes(size, joblib=False)
SHAPES["dtypes of dtypes, joblib"] = lambda size: _dtypes(size, joblib=True)
SHAPES["many dtypes"] = lambda size: (
    b"\x80\x04cnumpy\ndtype\n\x940"
    + (
        b"h\0"
        + text("f8")
        + b"\x89\x88\x87R(K\x03"
        + text("<")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb0"
    )
    * (size // 38)
    + b"N."
)
SHAPES["many tiny arrays"] = lambda size: held_many(size)


def held_many(size: int) -> bytes:
    """Return a list of many small arrays, as an honest file may hold it."""
    import numpy as np

    one = len(pickle.dumps([np.arange(3) + i for i in range(200)], 4)) / 200
    return pickle.dumps([np.arange(3) + i for i in range(int(size / one))], 4)


def _wrapper(sides: tuple[int, ...], code: str = "f8") -> bytes:
    sides_text = b"(" + b"".join(b"\x8a\x09" + side.to_bytes(9, "little") for side in sides) + b"t"
    return (
        b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
        + text("shape")
        + sides_text
        + text("order")
        + text("C")
        + text("dtype")
        + b"cnumpy\ndtype\n"
        + text(code)
        + b"\x89\x88\x87R(K\x03"
        + text("<")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        + text("allow_mmap")
        + b"\x89ub"
    )


SHAPES["joblib, an array of 2^60 items"] = lambda size: (
    b"\x80\x04" + _wrapper((1 << 60,)) + b"\0" * size + b"."
)
SHAPES["joblib, an array of 2^30 x 0 items"] = lambda size: (
    b"\x80\x04" + _wrapper((1 << 30, 0)) + b"0" + b"N0" * (size // 2) + b"N."
)
SHAPES["joblib, many empty arrays"] = lambda size: (
    b"\x80\x04](" + (_wrapper((0,))) * (size // len(_wrapper((0,)))) + b"e."
)

# What looks hidden.
in_bytes("hidden: heads of pickles", b"\x80\x04\x95")
in_bytes("hidden: heads that name", b"\x80\x04c")
in_bytes("hidden: small pickles", pickle.dumps([1, 2], 4))
in_bytes("hidden: pickles that name", b"\x80\x04cm\nn\n.")
SHAPES["hidden: pickles, each another name"] = lambda size: held(
    counted(lambda i: b"\x80\x04cm%d\nn\n)R." % i)(size)
)
in_bytes("hidden: old names, cos", b"cos\nsystem\n")
in_bytes("hidden: GLOBAL lookalikes", b"ca\na\n")
in_bytes("hidden: INST lookalikes", b"(ia\na\n")
in_bytes("hidden: (I1 ios", b"(I1\nios\n")
in_bytes("hidden: cc c", b"cc\nc\n")
in_bytes("hidden: STACK_GLOBAL", b"\x8c\x01a\x8c\x01b\x93")
in_bytes("hidden: zlib heads", b"x\x9c")
in_bytes("hidden: gzip heads", b"\x1f\x8b\x08\0")
in_bytes("hidden: bz2 heads", b"BZh91AY&SY")
in_bytes("hidden: xz heads", b"\xfd7zXZ\0")
in_bytes("hidden: lzma heads", b"]\0\0\x80\0")
in_bytes("hidden: lz4 heads", b'\x04"M\x18')
in_bytes("hidden: zip heads", b"PK\x03\x04")
in_bytes("hidden: zip ends", b"PK\x05\x06" + b"\0" * 18)
in_bytes("hidden: zlib of nothing", zlib.compress(b""))
in_bytes("hidden: zlib of zeros", zlib.compress(b"\0" * 100_000))
in_bytes("hidden: gzip of zeros", gzip.compress(b"\0" * 100_000, mtime=0))
in_bytes("hidden: bz2 of zeros", bz2.compress(b"\0" * 1_000_000))
in_bytes("hidden: xz of zeros", lzma.compress(b"\0" * 1_000_000))
SHAPES["hidden: one zlib bomb"] = lambda size: held(bomb(size * 200) + b"a" * size)
SHAPES["hidden: base64 of letters"] = lambda size: held(base64.b64encode(b"cos\nsystem\n" * (size * 3 // 44)))
SHAPES["hidden: base64, nested"] = lambda size: held(nested(lambda data: base64.b64encode(data), size))
SHAPES["hidden: base64 in lines"] = lambda size: held(
    base64.encodebytes(random.Random(0).randbytes(size * 3 // 4))
)
SHAPES["hidden: short base64"] = lambda size: held(b"gASVAAAA\n" * (size // 9))
SHAPES["hidden: hexadecimal"] = lambda size: held(b"8004" * (size // 4))
SHAPES["hidden: hexadecimal, in words"] = lambda size: held(b"80049563 " * (size // 9))
SHAPES["hidden: base85"] = lambda size: held(base64.b85encode(b"\x80\x04cos\nsystem\n" * (size // 18)))
SHAPES["hidden: noise"] = lambda size: held(random.Random(0).randbytes(size))
SHAPES["hidden: noise of few bytes"] = lambda size: held(
    bytes(random.Random(0).choices(b"c\x80\x04\n.(iRos", k=size))
)
SHAPES["hidden: noise of opcodes"] = lambda size: held(
    bytes(random.Random(0).choices(b"\x80\x04\x95cN.()R\x93\x8c\x01]}btul\n", k=size))
)


def nested(wrap: Callable[[bytes], bytes], size: int) -> bytes:
    """Return noise in wrappings in wrappings."""
    data = random.Random(0).randbytes(size // 3)
    while len(wrap(data)) <= size:
        data = wrap(data)
    return data


# Text.
repeated("text: lines of letters", b"abcdefgh\n")
repeated("text: c and i", b"c i ")
repeated("text: empty lines", b"\n")
repeated("text: one line", b"a")
repeated("text: one line of c", b"c")
repeated("text: one line of (", b"(c")
repeated("text: quoted", b"'cos'\n")
repeated("text: numbers", b"1 2 3\n")
repeated("zeros", b"\0")
SHAPES["noise"] = lambda size: random.Random(1).randbytes(size)


# Compressions.
def bomb(size: int) -> bytes:
    """Return zeros that were compressed, without having them all at once."""
    packer = zlib.compressobj(1)
    piece = b"\0" * 1_000_000
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


SHAPES["zlib bomb"] = lambda size: bomb(size * 900)
SHAPES["gzip of tiny pickles"] = lambda size: gzip.compress(b"N." * (size * 20), mtime=0)
SHAPES["gzip of (I1 ios"] = lambda size: gzip.compress(b"(I1\nios\n" * size, mtime=0)
SHAPES["gzip of many members"] = lambda size: gzip.compress(b"N", mtime=0) * (size // 21)
SHAPES["bz2 bomb"] = lambda size: bz2.compress(b"\0" * (size * 30))
SHAPES["xz bomb"] = lambda size: lzma.compress(b"\0" * (size * 30), preset=0)
SHAPES["zlib in zlib"] = lambda size: nested_bomb(size)


def nested_bomb(size: int) -> bytes:
    """Return noise that was compressed again and again."""
    data = random.Random(0).randbytes(size)
    for _ in range(40):
        data = zlib.compress(data, 1)
    return data


# Containers.
def _zip(members: Iterator[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


SHAPES["zip of empty members"] = lambda size: _zip((f"{i}", b"") for i in range(size // 90))
SHAPES["zip of tiny pickles"] = lambda size: _zip((f"{i}.pkl", b"N.") for i in range(size // 100))
SHAPES["zip of bombs"] = lambda size: _zip(
    ((f"{i}", b"\0" * 100_000_000) for i in range(max(1, size // 500_000))), zipfile.ZIP_DEFLATED
)
SHAPES["zip in zip"] = lambda size: _deep_zip(size)
SHAPES["zip whose members overlap"] = lambda size: _overlapping(size)
SHAPES["zip heads"] = lambda size: b"PK\x03\x04" * (size // 4)
SHAPES["npz of bombs"] = lambda size: _zip(
    (
        (f"{i}.npy", _npy("<f8", f"({100_000_000 // 8},)") + b"\0" * 100_000_000)
        for i in range(max(1, size // 500_000))
    ),
    zipfile.ZIP_DEFLATED,
)


def _deep_zip(size: int) -> bytes:
    data = random.Random(0).randbytes(size)
    for i in range(40):
        data = _zip(iter([(f"{i}.zip", data)]))
    return data


def _overlapping(size: int) -> bytes:
    """Return a zip whose entries all mean the same bytes."""
    inner = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = inner.compress(b"\0" * (size * 100)) + inner.flush()
    plain, crc = size * 100, zlib.crc32(b"\0" * (size * 100))
    local = (
        struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(packed), plain, 1, 0)
        + b"a"
        + packed
    )
    count = min(60_000, size // 60)
    central = b"".join(
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\x01\x02",
            20,
            20,
            0,
            8,
            0,
            0,
            crc,
            len(packed),
            plain,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
        )
        + b"a"
        for _ in range(count)
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(central), len(local), 0)
    return local + central + end


def _tar(members: Iterator[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


SHAPES["tar of tiny pickles"] = lambda size: _tar((f"{i}.pkl", b"N.") for i in range(size // 1024))
SHAPES["tar of empty members"] = lambda size: _tar((f"{i}", b"") for i in range(size // 512))


# Other formats.
def _npy(descr: str, sides: str) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {sides}, }}".encode()
    header += b" " * (-(len(header) + 13) % 64) + b"\n"
    return b"\x93NUMPY\x02\0" + struct.pack("<I", len(header)) + header


SHAPES["npy, a header of brackets"] = lambda size: b"\x93NUMPY\x02\0" + struct.pack("<I", size) + b"(" * size
SHAPES["npy, an absurd shape"] = lambda size: _npy("<f8", "(9999999999999999999999,)") + b"\0" * size
SHAPES["npy of zeros"] = lambda size: _npy("|u1", f"({size},)") + b"\0" * size
SHAPES["npy of objects"] = lambda size: _npy("|O", "(1,)") + b"N." * (size // 2)
SHAPES["safetensors, a header of brackets"] = lambda size: struct.pack("<Q", size) + b"{" * size
SHAPES["safetensors, many tensors"] = lambda size: _safetensors(size)
SHAPES["safetensors, one key again and again"] = lambda size: (
    struct.pack("<Q", size // 8 * 8 + 8) + b'{"a":0, '[:1] + b'"a": 0, ' * (size // 8) + b'"b":0} '
)


def _safetensors(size: int) -> bytes:
    header = json.dumps(
        {f"t{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(size // 65)}
    ).encode()
    return struct.pack("<Q", len(header)) + header


repeated("json, nested lists", b"[", b'{"learner":')
repeated("json, nested objects", b'{"a":')
repeated("json, numbers", b"1,", b'{"learner":[', b"1]}")
SHAPES["json, one long number"] = lambda size: b'{"learner":' + b"9" * size + b"}"
repeated("ubjson, nested", b"[", b"{L\0\0\0\0\0\0\0\x07learner")
repeated("ubjson, counts", b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff", b"{L\0\0\0\0\0\0\0\x07learner")
SHAPES["ubjson, a typed count of nothing"] = lambda size: (
    b"{L\0\0\0\0\0\0\0\x07learner[$Z#l\x7f\xff\xff\xff" + b"N" * size
)
repeated("LightGBM, trees", b"Tree=0\nnum_leaves=1\n\n", b"tree\nversion=v4\n")
SHAPES["LightGBM, one long line"] = lambda size: (
    b"tree\nversion=v4\nfeature_names=" + b"a " * (size // 2) + b"\n"
)
SHAPES["LightGBM, one tree of many leaves"] = lambda size: (
    b"tree\nversion=v4\nnum_class=1\n\nTree=0\nnum_leaves=%d\nthreshold=" % (size // 2)
    + b"1 " * (size // 2)
    + b"\n"
)
repeated("ONNX, nested graphs", b"\x3a\xff\xff\xff\x7f")
SHAPES["ONNX, many nodes"] = lambda size: _onnx(size)
repeated(
    "R, pairs without end", b"\0\0\4\2\0\0\0\1\0\4\0\t\0\0\0\1a\0\0\0\xfe", b"X\n\0\0\0\2\0\4\2\2\0\2\3\0"
)
repeated("R, nested lists", b"\0\0\0\x13\0\0\0\1", b"X\n\0\0\0\2\0\4\2\2\0\2\3\0")
repeated("R, empty lists", b"\0\0\0\x13\0\0\0\0", b"X\n\0\0\0\2\0\4\2\2\0\2\3\0\0\0\0\x13\x7f\xff\xff\xff")
repeated(
    "R, numbers by the count",
    b"\0\0\0\x0e\0\0\0\1\0\0\0\0\0\0\0\0",
    b"X\n\0\0\0\2\0\4\2\2\0\2\3\0\0\0\0\x13\0\x10\0\0",
)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _onnx(size: int) -> bytes:
    graph = b"\x0a\x05" + b"\x22\x03Add"
    graph = graph * (size // len(graph))
    return b"\x08\x08\x3a" + _varint(len(graph)) + graph


SHAPES["xgboost in a pickle, of brackets"] = lambda size: (
    b"\x80\x04cxgboost.core\nBooster\n)\x81}("
    + text("handle")
    + b"\x96"
    + struct.pack("<Q", size)
    + b"{L\0\0\0\0\0\0\0\x07learner"[:size]
    + b"[" * (size - 16)
    + b"ub."
)
SHAPES["a PyTorch zip of tiny storages"] = lambda size: _torch(size)


def _torch(size: int) -> bytes:
    count = size // 300
    body = (
        b"\x80\x02("
        + b"".join(
            b"(X\x07\0\0\0storagectorch\nFloatStorage\nX"
            + struct.pack("<I", len(str(i)))
            + str(i).encode()
            + b"X\x03\0\0\0cpuK\x01tQ"
            for i in range(count)
        )
        + b"l."
    )
    return _zip(
        iter(
            [
                ("a/data.pkl", body),
                *((f"a/data/{i}", b"\0\0\0\0") for i in range(count)),
                ("a/version", b"3\n"),
            ]
        )
    )
