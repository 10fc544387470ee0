"""What a file is, by its content; its bytes; and what is inside its compression."""

from __future__ import annotations

import errno
import io
import os
import stat
from typing import TYPE_CHECKING, Any

from modelward.artifacts._content import Content
from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LARGE = 64 << 20
"""Files from this size on are read only where somebody looks."""
_RATIO = 500
_FREE = 64 << 20
_DENSE = 20
"""From this ratio on, besides what is free, compressed data is counted before it is kept."""
_STREAMS = 10_000
_FIRST, _CHUNK = 512, 1 << 20


class TooLargeError(Exception):
    """There is more than may be read."""


class DamagedError(Exception):
    """Compressed data that cannot be decompressed to its end."""


def printable(text: str, limit: int = 200) -> str:
    r"""Escape what a terminal would act on, and cut.

    Examples
    --------
    >>> print(printable("a\x1b[31mb"))
    a\x1b[31mb
    """
    if text.isprintable() and "\\" not in text:
        return text if len(text) <= limit else text[:limit] + "…"
    out = []
    for char in text[: limit + 1]:
        code = ord(char)
        if char == "\\" or char.isprintable():
            out.append(char)
        else:
            out.append(
                f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
            )
    return "".join(out[:limit]) + ("…" if len(text) > limit else "")


def open_file(path: str | Path, wanted: str = "a model file") -> int:
    """Open a regular file for reading and return its descriptor, which the caller closes.

    Raises
    ------
    InputError
        If there is no such file, it may not be read, or it is no regular file.
    """
    shown = printable(os.fsdecode(path))
    try:
        # Not blocking: opening a FIFO would wait for a writer, opening some devices has effects.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - names may be bytes
            raise InputError(f"{shown}: {_kind(os.stat(path).st_mode)}, not a file; give {wanted}")  # noqa: PTH116
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file") from None
    except PermissionError:
        raise InputError(f"{shown}: no permission to read it") from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno or errno.EIO) if isinstance(error, OSError) else str(error)
        raise InputError(f"{shown}: cannot be opened: {reason}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InputError(f"{shown}: not a regular file; give {wanted}")
    return handle


def read_file(path: str | Path, max_bytes: int, wanted: str = "a model file") -> bytes:
    """Return the bytes of a regular file; `wanted` is what a message asks for where there is none.

    Raises
    ------
    InputError
        If there is no such file, it may not be read, or it is no regular file.
    TooLargeError
        If it is longer than `max_bytes`.
    """
    with os.fdopen(open_file(path, wanted), "rb") as file:
        try:
            data = file.read(max_bytes + 1)
        except OSError as error:
            shown = printable(os.fsdecode(path))
            raise InputError(f"{shown}: cannot be read: {os.strerror(error.errno or errno.EIO)}") from None
    if len(data) > max_bytes:
        raise TooLargeError
    return data


def snapshot(path: str | Path) -> Content | None:
    """Return a large regular file as a `Content`, of which only what is looked at is read; None for a small one.

    Raises
    ------
    InputError
        As `read_file`.
    """
    if not hasattr(os, "preadv"):
        return None
    handle = open_file(path)
    size = os.fstat(handle).st_size
    if size < LARGE:
        os.close(handle)
        return None
    try:
        return Content(handle, size)
    except OSError:  # no room for it among the addresses
        os.close(handle)
        return None


def _kind(mode: int) -> str:
    for test, name in (
        (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
    ):  # fmt: skip
        if test(mode):
            return name
    return "something special"


def compression(data: bytes) -> str:
    """Name the compression that joblib would see; empty for none."""
    for prefix, name in (
        (b"\x78", "zlib"), (b"\x1f\x8b", "gzip"), (b"BZ", "bz2"), (b"\xfd7zXZ", "xz"), (b"\x5d\x00", "lzma"),
        (b"\x04\x22\x4d\x18", "lz4"),
    ):  # fmt: skip
        if data.startswith(prefix):
            return name
    return ""


def decompress(data: bytes, kind: str, max_bytes: int, plausible: Callable[[bytes], bool] = bool) -> bytes:
    """Undo a compression, within bounds.

    What grows as no honest model does is counted to its end before it is kept: a bomb takes no memory.

    Parameters
    ----------
    data : bytes
        What is compressed.
    kind : str
        As `compression` names it.
    max_bytes : int
        The most that may come out.
    plausible : callable
        From the beginning of what comes out to whether it can be anything; asked of what grows like a bomb.

    Raises
    ------
    TooLargeError
        If more comes out than `max_bytes`, or than any honest model's compression explains.
    DamagedError
        If it is damaged, ends early, or something follows its end; or the package for it is not installed.
    """
    limit = min(max_bytes, _FREE + _RATIO * len(data))
    out = io.BytesIO()
    chunks = _chunks(data, kind)
    for chunk, taken in chunks:
        out.write(chunk)
        total = out.tell()
        if total > limit:
            raise TooLargeError
        if total > _FREE + _DENSE * taken:
            if not plausible(bytes(out.getbuffer()[:_CHUNK])):
                raise TooLargeError
            out = io.BytesIO()
            break
    else:
        return out.getvalue()
    for chunk, _ in chunks:
        total += len(chunk)
        if total > limit:
            raise TooLargeError
    for chunk, _ in _chunks(data, kind):
        out.write(chunk)
    return out.getvalue()


def _chunks(data: bytes, kind: str) -> Iterator[tuple[bytes, int]]:
    """Yield what comes out of compressed streams, piece by piece, and how many bytes were taken for that so far."""
    make, errors = _factory(kind)
    position = streams = 0
    step = _CHUNK
    try:
        while position < len(data):
            if streams and compression(data[position : position + 8]) != kind:
                raise DamagedError(f"{len(data) - position} bytes follow the end of its {kind} data")
            streams += 1
            if streams > _STREAMS:
                raise DamagedError(f"it consists of more than {_STREAMS:,} {kind} streams")
            engine, rest, chunk = make(), b"", b""
            while not engine.eof:
                # Some say that they need nothing when they have nothing left to give either.
                wanted = not chunk or getattr(engine, "needs_input", not rest)
                if wanted and not rest:
                    rest = data[position : position + step]
                    position, step = position + len(rest), min(2 * step, _CHUNK)
                given = len(rest)
                chunk = engine.decompress(rest, _CHUNK)
                # zlib hands back what it did not take; the others keep it.
                rest = engine.unconsumed_tail if kind in ("zlib", "gzip") else b""
                if chunk:
                    yield chunk, position
                elif wanted and not given and not engine.eof:
                    raise DamagedError("its compressed data ends early")
            # What follows is handed out in parts: every stream gives back all that it got beyond its end.
            position, step = position - len(engine.unused_data or b""), _FIRST
    except errors as error:
        raise DamagedError(f"its {kind} data is damaged: {printable(str(error))}") from None


_ERRORS = (OSError, EOFError, ValueError, RuntimeError)


def _factory(kind: str) -> tuple[Callable[[], Any], tuple[type[Exception], ...]]:
    """Return what makes an engine that undoes a compression, and what that raises on damaged data."""
    if kind in ("zlib", "gzip"):
        import zlib

        bits = 31 if kind == "gzip" else 15
        return lambda: zlib.decompressobj(bits), (zlib.error, *_ERRORS)
    if kind == "bz2":
        import bz2

        return bz2.BZ2Decompressor, _ERRORS
    if kind in ("xz", "lzma"):
        import lzma

        form = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
        return lambda: lzma.LZMADecompressor(form), (lzma.LZMAError, *_ERRORS)
    try:
        from lz4.frame import LZ4FrameDecompressor
    except ImportError:
        raise DamagedError("it is compressed with lz4: pip install lz4 to read it") from None
    return LZ4FrameDecompressor, _ERRORS


_MAGIC = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x89HDF\r\n\x1a\n", "HDF5"), (b"\x93NUMPY", "npy"),
    (b"\x7fELF", "program (ELF)"), (b"MZ", "program (Windows)"), (b"%PDF", "PDF"), (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"), (b"GGUF", "GGUF"), (b"RDX", "R data"), (b"RDA", "R data"), (b"X\n\x00\x00\x00", "R data"),
    (b"A\n2\n", "R data"), (b"A\n3\n", "R data"), (b"ZF", "joblib before 0.10"), (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "rar"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"tree\nversion=", "LightGBM text"), (b"CBM1", "CatBoost"),
    (b"SQLite format 3", "SQLite"), (b"\x89PNG", "image (PNG)"), (b"\xff\xd8\xff", "image (JPEG)"),
    (b"#!", "script"), (b"<?xml", "XML (PMML?)"), (b"<!DOCTYPE", "HTML"),
)  # fmt: skip


def looks_like(data: bytes) -> str:
    """Name what content looks like that is no pickle; ``"unknown"`` if nothing fits."""
    for prefix, name in _MAGIC:
        if data.startswith(prefix):
            return _zip_kind(data) if name == "zip" else name
    if data[257:262] == b"ustar":
        return "tar"
    if len(data) > 9 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data):
        return "safetensors"
    if data[:1] == b"\x08" and (
        b"onnx" in data[:4096] or b"skl2onnx" in data[:4096] or b"ai." in data[:4096]
    ):
        return "ONNX"
    if data[:1] == b"{":
        return "UBJSON (XGBoost)" if b"learner" in data[:64] and data[1:2] == b"L" else "JSON"
    head = data[:4096]
    if b"\x00" not in head:
        try:
            head.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                return "unknown"
        return "text"
    return "unknown"


def _zip_kind(data: bytes) -> str:
    tail = data[-(1 << 20) :]
    if b"data.pkl" in tail and (b"/version" in tail or b"/data/" in tail):
        return "zip (PyTorch)"
    if b"schema.json" in tail and b".npy" in tail:
        return "zip (skops)"
    if b".npy" in tail:
        return "zip (npz)"
    if b"config.json" in tail and b".h5" in tail:
        return "zip (Keras)"
    return "zip"
