"""Tar archives, ONNX, skops and the other formats of the corpus."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import zlib
from typing import TYPE_CHECKING, Any

from corpus_streams import call, stream
from corpus_zips import P2, P4, Case, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator


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
