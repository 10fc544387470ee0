"""read_artifact: a model file, read and not run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._artifact import Artifact, FileVerdict, GlobalUse
from modelward.artifacts._container import (
    DamagedError,
    TooLargeError,
    compression,
    decompress,
    looks_like,
    printable,
    read_file,
)
from modelward.artifacts._names import harmless_calls, judge_name
from modelward.artifacts._unpickle import Log, Reading, read_one
from modelward.artifacts._walk import MAX_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 2 << 30
"""The longest content that is read, after decompression."""
_MAX_PICKLES = 10_000
_TAMPERING = (
    "changes the attributes",
    "computes the name",
    "sets an attribute",
    "sets an item",
    "appends to",
    "gives code",
    "calls xgboost",
    "calls lightgbm",
)


def read_artifact(path: str | Path, *, max_bytes: int = MAX_BYTES, max_memory: int = MAX_MEMORY) -> Artifact:
    """Read a model file without running anything of it.

    The file is recognised by content: pickles of protocol 0 to 5, and joblib's files, raw or compressed
    (zlib, gzip, bz2, xz, lzma; lz4 with the lz4 package). Anything else is ``unreadable``, by name.

    Parameters
    ----------
    path : path
        A regular file.
    max_bytes : int
        The longest content that is read, before and after decompression.
    max_memory : int
        Bytes that the objects of one pickle may take, as estimated from its opcodes before it is read.

    Returns
    -------
    Artifact
        With its verdict: ``malicious`` if loading would reach a dangerous name, ``unreadable`` if it could
        not be read to its end, ``suspicious`` if it would reach a name that is not known, else ``clean``.

    Raises
    ------
    InputError
        If there is no such file, it may not be read, or it is a directory, a pipe or a device.
    """
    shown = printable(os.fsdecode(path), 4096)
    try:
        data = read_file(path, max_bytes)
    except TooLargeError:
        return Artifact(shown, "unknown", b"", "unreadable", (f"longer than {max_bytes:,} bytes",))
    return read_bytes(data, shown, max_bytes=max_bytes, max_memory=max_memory)


def read_bytes(
    data: bytes, path: str = "<bytes>", *, max_bytes: int = MAX_BYTES, max_memory: int = MAX_MEMORY
) -> Artifact:
    """Read a model file that is already in memory; see `read_artifact`."""
    if not data:
        return Artifact(path, "empty", data, "unreadable", ("the file is empty",))
    kind = compression(data)
    content = data
    if kind:
        try:
            content = decompress(data, kind, max_bytes)
        except TooLargeError:
            reason = f"its {kind} data grows beyond what may be read: a decompression bomb?"
            return Artifact(path, f"compressed ({kind})", data, "unreadable", (reason,))
        except DamagedError as error:
            return Artifact(path, f"compressed ({kind})", data, "unreadable", (str(error),))
    return _Scan(content, max_memory).artifact(path, data, kind)


@dataclass
class _Scan:
    content: bytes
    max_memory: int

    def __post_init__(self) -> None:
        self.log = Log()
        self.error = ""
        self.roots: list[Any] = []

    def artifact(self, path: str, data: bytes, kind: str) -> Artifact:
        joblib = self._read()
        names = self._judged()
        recognised = joblib or self.content[:1] == b"\x80" or not self.error or bool(names)
        if not recognised:
            what = looks_like(self.content)
            if what == "unknown":
                reason = f"not a pickle ({printable(self.error)}), and no format that is known"
            else:
                reason = f"looks like {what}, which is not read here"
            shown = f"{what} in {kind}" if kind else what
            return Artifact(path, shown, data, "unreadable", (reason,))
        form = "joblib" if joblib or kind else "pickle"
        shown = f"{form} ({kind})" if kind else form
        verdict, reasons = self._verdict(names)
        root = None if self.error else (self.roots[0] if len(self.roots) == 1 else tuple(self.roots))
        return Artifact(path, shown, data, verdict, reasons, names, root, len(self.roots))

    def _read(self) -> bool:
        """Read the content as a pickle and, if joblib's wrapper is met, as joblib would; say which."""
        plain = self._all(self.log, joblib=False)
        if not self.log.wrapper:
            self._keep(plain)
            return False
        # Read again as joblib does. Names that only plain unpickling would reach stay in the log if they
        # are dangerous: the file's holder chooses how it is loaded. Others are array bytes misread.
        first, self.log = self.log, Log()
        self._keep(self._all(self.log, joblib=True))
        for (module, name), stand_in in first.names.items():
            if judge_name(module, name)[0] == "dangerous":
                self.log.names.setdefault((module, name), stand_in)
        return True

    def _keep(self, readings: list[Reading]) -> None:
        self.roots = [reading.root for reading in readings if not reading.error]
        self.error = next((reading.error for reading in readings if reading.error), "")

    def _all(self, log: Log, *, joblib: bool) -> list[Reading]:
        """Read pickle after pickle to the end of the content."""
        readings: list[Reading] = []
        position = 0
        while position < len(self.content):
            reading = read_one(self.content, position, log, joblib=joblib, max_memory=self.max_memory)
            if reading.error and readings:
                left = len(self.content) - position
                reading = Reading(
                    None, -1, f"{left} bytes follow its end that are no pickle ({reading.error})"
                )
            readings.append(reading)
            if reading.error:
                break
            if len(readings) >= _MAX_PICKLES:
                readings.append(Reading(None, -1, f"it holds more than {_MAX_PICKLES:,} pickles"))
                break
            position = reading.end
        return readings

    def _judged(self) -> tuple[GlobalUse, ...]:
        """Judge every name once; several spellings of one name stay apart."""
        found = []
        for module, name in self.log.names:
            if (module, name) == ("persistent", "id"):
                continue
            status, reason = judge_name(module, name)
            if (module, name) == ("builtins", "getattr") and harmless_calls(
                [args for _, _, args in self.log.calls]
            ):
                status, reason = "known", "only fetches methods of the file's own objects"
            found.append(GlobalUse(printable(f"{module}.{name}"), status, printable(reason)))
        return tuple(found)

    def _verdict(self, names: tuple[GlobalUse, ...]) -> tuple[FileVerdict, tuple[str, ...]]:
        dangerous = [f"reaches {use.name}: {use.reason}" for use in names if use.status == "dangerous"]
        unknown = [f"reaches {use.name}: {use.reason}" for use in names if use.status == "unknown"]
        odd = [printable(what) for what in self.log.oddities]
        tampering = [what for what in odd if what.startswith(_TAMPERING)]
        other = [what for what in odd if what not in tampering]
        error = [f"cannot be read to its end: {printable(self.error)}"] if self.error else []
        reasons = (*dangerous, *tampering, *error, *other, *unknown)
        if dangerous or tampering:
            return "malicious", reasons
        if error or any("outside the file (out-of-band" in what for what in other):
            return "unreadable", reasons
        if unknown or other:
            return "suspicious", reasons
        return "clean", reasons
