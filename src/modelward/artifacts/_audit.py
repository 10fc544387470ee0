"""The audit log: one JSON line for each decision, appended only, each holding the hash of the one before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import TooLargeError, printable, read_file
from modelward.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_START = "0" * 64
_PIECE = 1 << 16
_MOST = 1 << 30


def append_audit(path: str | Path, entry: Mapping[str, Any]) -> None:
    """Append an entry, chained to the last one and on the disk before this returns.

    Raises
    ------
    AuditError
        If the log cannot be written.
    """
    shown = printable(str(path))
    try:
        flags = (
            os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        )
        handle = os.open(path, flags, 0o640)
        with os.fdopen(handle, "r+b", buffering=0) as file, _locked(handle):
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise AuditError(f"{shown}: no ordinary file, so nothing that is written there is kept")
            last = _last_line(file)
            line = json.dumps({**entry, "previous": _digest(last) if last else _START}, sort_keys=True)
            content = line.encode() + b"\n"
            if file.write(content) != len(content):
                raise AuditError(
                    f"{shown}: the audit log could not be written to its end (is the disk full?)"
                )
            os.fsync(handle)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise AuditError(f"{shown}: the audit log cannot be written: {why}") from None


def check_audit(path: str | Path) -> tuple[int, str]:
    """Check the chain of an audit log.

    Returns
    -------
    count : int
        Of its entries.
    head : str
        Hash of the last one. Entries cut off at the end leave a chain that holds: keep the head elsewhere and
        compare it.

    Raises
    ------
    InputError
        If it cannot be read.
    AuditError
        If a line was changed, removed or put in; it says which.
    """
    shown = printable(str(path))
    try:
        data = read_file(path, _MOST, "an audit log")
    except TooLargeError:
        raise InputError(f"{shown}: longer than {_MOST:,} bytes") from None
    before, count = _START, 0
    lines = data.split(b"\n")
    if lines.pop():
        raise AuditError(f"{shown}: its last line is cut off")
    for count, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            previous = entry["previous"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise AuditError(f"{shown}: line {count} is no entry") from None
        if previous != before:
            raise AuditError(f"{shown}: something was changed, removed or put in before line {count}")
        before = _digest(line)
    return count, before


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _last_line(file: Any) -> bytes:
    """Return the last line that is complete; one that was cut off is closed, so that the chain shows it."""
    size = at = file.seek(0, os.SEEK_END)
    tail = b""
    while at and b"\n" not in tail[:-1]:
        at = max(0, at - _PIECE)
        tail = _between(file, at, size)
    if tail and not tail.endswith(b"\n"):
        file.write(b"\n")
        return tail.rpartition(b"\n")[2]
    return tail[:-1].rpartition(b"\n")[2]


def _between(file: Any, start: int, end: int) -> bytes:
    """Return the bytes of an unbuffered file from one place to another."""
    file.seek(start)
    found = b""
    while len(found) < end - start and (chunk := file.read(end - start - len(found))):
        found += chunk
    return found


@contextlib.contextmanager
def _locked(handle: int) -> Iterator[None]:
    """Keep other processes from appending between our reading of the last line and our writing of the next."""
    try:
        import fcntl
    except ImportError:  # not a Unix
        yield
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
