"""Store: what a monitor learned, where it is, its hours and its alerts, in one SQLite file."""

from __future__ import annotations

import math
import secrets
import sqlite3
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._alerts import Alert
from modelward.monitoring._decisions import Decision
from modelward.monitoring._hours import Window
from modelward.monitoring._migrations import MIGRATIONS, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_APPLICATION = 0x4D57_5354
_BUSY = 2.0
DAY = 24
_ALERT = (
    "series",
    "column",
    "kind",
    "detector",
    "start",
    "end",
    "hours",
    "score",
    "threshold",
    "value",
    "expected",
    "event",
    "explained",
    "named",
)
_STORED = ("id", *("about" if name == "column" else name for name in _ALERT))
_WRITE = f"INSERT OR REPLACE INTO alerts ({', '.join(_STORED)}) VALUES ({', '.join('?' * len(_STORED))})"  # noqa: S608 - our own names
_READ = f"SELECT {', '.join(_STORED[1:])} FROM alerts ORDER BY start, series"  # noqa: S608 - our own names


@dataclass(frozen=True)
class Batch:
    """What is written at once: all of it or nothing.

    Parameters
    ----------
    state : bytes
    windows : tuple of Window
    alerts : mapping of str to Alert
        New ones and those that went on, by id.
    decisions : tuple of Decision
        New ones.
    followed : tuple of int
        Numbers of waiting decisions that are among them.
    """

    state: bytes
    windows: tuple[Window, ...] = ()
    alerts: Mapping[str, Alert] | None = None
    decisions: tuple[Decision, ...] = ()
    followed: tuple[int, ...] = ()


class Store:
    """A file that a monitor is kept in, so that it can go on after a restart.

    Parameters
    ----------
    path : str or Path
        Made if it is not there. It may be written ``sqlite:///path``.
    days : int
        Hours older than this are rolled up into days.
    forget : int
        Days and alerts older than so many days are deleted.
    read_only : bool
        Nothing is made or written; a service may go on writing to it meanwhile.

    Raises
    ------
    InputError
        If it is no store of modelward, of a newer release, or cannot be opened.
    """

    def __init__(
        self, path: str | Path, *, days: int = 90, forget: int = 730, read_only: bool = False
    ) -> None:
        name = str(path).removeprefix("sqlite:///")
        if "://" in name:
            raise InputError(f"store {path}: give a file; other databases are not read")
        if not 1 <= days <= forget:
            raise InputError("a store keeps at least one day of hours, and days at least as long")
        self.path, self._days, self._forget = Path(name), days, forget
        self._lock, self._owner = threading.Lock(), secrets.token_hex(8)
        if read_only and not self.path.is_file():
            raise InputError(f"store {path} is not there: give the file that a monitor is kept in")
        try:
            where = f"{self.path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
            self._db = sqlite3.connect(
                where, timeout=_BUSY, check_same_thread=False, isolation_level=None, uri=True
            )
            self._open(read_only=read_only)
            self._file = self._identity()
        except sqlite3.Error as error:
            raise InputError(f"store {path} cannot be opened: {error}") from None

    def _open(self, *, read_only: bool) -> None:
        db = self._db
        (application,), (version,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != _APPLICATION:
            raise InputError(f"{self.path} is a database of something else: give another file")
        if version > SCHEMA_VERSION:
            raise InputError(
                f"store {self.path} was written by a newer release (version {version}, this one reads "
                f"{SCHEMA_VERSION}): upgrade modelward"
            )
        if read_only:
            if version < SCHEMA_VERSION:
                raise InputError(
                    f"store {self.path} is of an older release (version {version}): let the monitor go on with it once"
                )
            return
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        if version < SCHEMA_VERSION:
            with self._transaction():
                for step in MIGRATIONS[version:]:
                    for statement in step:
                        db.execute(statement)
                db.execute(f"PRAGMA application_id={_APPLICATION}")
                db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def claim(self) -> None:
        """Become the one who writes; who did before is refused from now on.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        with self._guard(), self._transaction():
            self._put("owner", self._owner.encode())

    def begin(self, learned: bytes, series: Iterable[str], state: bytes) -> None:
        """Begin a new monitor in the file: hours and alerts of the one before are deleted.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        with self._guard(), self._transaction():
            for table in ("windows", "days", "alerts", "decisions"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self._put("owner", self._owner.encode())
            self._put("learned", learned)
            self._put("series", "\0".join(series).encode())
            self._put("state", state)

    def write(self, batch: Batch) -> None:
        """Write what is new.

        Raises
        ------
        InputError
            If another process writes to the file now, it is gone, or it cannot be written; nothing was written then.
        """
        # A deleted file takes writes as if nothing were wrong, until it is closed.
        if self._identity() != self._file:
            raise InputError(
                f"store {self.path} was deleted or replaced: keep the monitor in a file once more"
            )
        with self._guard(), self._transaction():
            if self._get("owner") != self._owner.encode():
                raise InputError(f"store {self.path}: another process goes on with it")
            self._put("state", batch.state)
            self._db.executemany(
                "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?)",
                ((w.hour, w.rows, *(a.tobytes() for a in (w.value, w.low, w.high))) for w in batch.windows),
            )
            self._db.executemany(
                _WRITE,
                ((key, *(getattr(a, name) for name in _ALERT)) for key, a in (batch.alerts or {}).items()),
            )
            self._db.executemany(
                "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, 1)",
                ((d.alert, d.verdict, d.by, d.note, d.at) for d in batch.decisions),
            )
            self._db.executemany(
                "DELETE FROM decisions WHERE rowid = ? AND followed = 0", ((k,) for k in batch.followed)
            )
            if batch.windows:
                self._roll_up(batch.windows[-1].hour)

    def monitor(self) -> tuple[bytes, bytes]:
        """Return what was learned, and the state.

        Raises
        ------
        InputError
            If there is no monitor in the file.
        """
        with self._guard():
            learned, state = self._get("learned"), self._get("state")
        if learned is None or state is None:
            raise InputError(f"store {self.path} holds no monitor: fit one and keep it there")
        return learned, state

    def series(self) -> tuple[str, ...]:
        """Return the names of the watched series."""
        with self._guard():
            names = self._get("series")
        return tuple(names.decode().split("\0")) if names else ()

    def windows(self) -> tuple[Window, ...]:
        """Return the hours that are kept one by one."""
        with self._guard():
            rows = self._db.execute(
                "SELECT hour, rows, value, low, high FROM windows ORDER BY hour"
            ).fetchall()
        return tuple(
            Window(h, n, *(np.frombuffer(a, dtype=np.float32) for a in held)) for h, n, *held in rows
        )

    def days(self) -> tuple[Window, ...]:
        """Return the days that hours were rolled up into: mean, least and largest value, by their first hour."""
        with self._guard():
            rows = self._db.execute("SELECT day, rows, value, low, high FROM days ORDER BY day").fetchall()
        return tuple(
            Window(d * DAY, n, *(np.frombuffer(a, dtype=np.float32) for a in held)) for d, n, *held in rows
        )

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts by their start."""
        with self._guard():
            rows = self._db.execute(_READ).fetchall()
        # SQLite keeps NaN as NULL, and has no booleans.
        held: Iterator[dict[str, Any]] = (
            {k: math.nan if v is None else v for k, v in zip(_ALERT, row, strict=True)} for row in rows
        )
        return tuple(Alert(**a | {"explained": bool(a["explained"])}) for a in held)

    def decisions(self) -> tuple[Decision, ...]:
        """Return what people said of alerts and the monitor followed, the oldest first."""
        with self._guard():
            rows = self._db.execute(
                "SELECT alert, verdict, who, note, at FROM decisions WHERE followed = 1 ORDER BY at"
            ).fetchall()
        return tuple(Decision(*row) for row in rows)

    def ask(self, decision: Decision) -> None:
        """Put a decision on record beside the process that writes to the file, which follows it at its next write.

        Raises
        ------
        InputError
            If there is no such alert in the file, or it cannot be written.
        """
        with self._guard(), self._transaction():
            known = self._db.execute("SELECT 1 FROM alerts WHERE id = ?", (decision.alert,)).fetchone()
            if known is None:
                raise InputError(f"store {self.path} has no alert {decision.alert!r}")
            d = decision
            self._db.execute(
                "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, 0)", (d.alert, d.verdict, d.by, d.note, d.at)
            )

    def waiting(self) -> dict[int, Decision]:
        """Return decisions that the monitor has not followed yet, by number."""
        with self._guard():
            rows = self._db.execute(
                "SELECT rowid, alert, verdict, who, note, at FROM decisions WHERE followed = 0 ORDER BY at"
            ).fetchall()
        return {int(row[0]): Decision(*row[1:]) for row in rows}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _roll_up(self, now: int) -> None:
        before = (now // DAY - self._days) * DAY
        held: dict[int, list[tuple[int, bytes]]] = {}
        found = self._db.execute("SELECT hour, rows, value FROM windows WHERE hour < ?", (before,))
        for hour, rows, value in found:
            held.setdefault(hour // DAY, []).append((rows, value))
        for day, parts in held.items():
            values = np.stack([np.frombuffer(value, dtype=np.float32) for _, value in parts])
            rolled = (_mean(values), np.fmin.reduce(values), np.fmax.reduce(values))
            self._db.execute(
                "INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?)",
                (day, sum(rows for rows, _ in parts), *(a.astype(np.float32).tobytes() for a in rolled)),
            )
        self._db.execute("DELETE FROM windows WHERE hour < ?", (before,))
        oldest = now // DAY - self._forget
        self._db.execute("DELETE FROM days WHERE day < ?", (oldest,))
        self._db.execute("DELETE FROM alerts WHERE end < ?", (oldest * DAY * 3600,))

    def _identity(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino

    def _put(self, key: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (key, value, time.time()))

    def _get(self, key: str) -> bytes | None:
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise InputError(f"store {self.path}: {error}") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _mean(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    there = np.isfinite(values)
    n = there.sum(axis=0)
    total = np.where(there, values, 0.0).astype(np.float64).sum(axis=0)
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), np.nan))
