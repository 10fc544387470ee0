"""Compressed files and files of arrays in the corpus."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zlib
from typing import TYPE_CHECKING

import joblib
import numpy as np

from corpus_streams import Build, Call, Form, Name, New, call, stream
from corpus_zips import P2, P4, Case, Evil, patched, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator


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
