"""The tables of a store, release by release: a store of version k goes through all steps from k on."""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL, written REAL NOT NULL)",
        (
            "CREATE TABLE windows (hour INTEGER PRIMARY KEY, rows INTEGER NOT NULL, value BLOB NOT NULL, "
            "low BLOB NOT NULL, high BLOB NOT NULL)"
        ),
        (
            "CREATE TABLE days (day INTEGER PRIMARY KEY, rows INTEGER NOT NULL, value BLOB NOT NULL, "
            "low BLOB NOT NULL, high BLOB NOT NULL)"
        ),
        (
            "CREATE TABLE alerts (id TEXT PRIMARY KEY, series TEXT NOT NULL, detector TEXT NOT NULL, "
            "start INTEGER NOT NULL, end INTEGER NOT NULL, hours INTEGER NOT NULL, score REAL NOT NULL, "
            "threshold REAL NOT NULL, value REAL, expected REAL)"
        ),
        "CREATE INDEX alerts_end ON alerts (end)",
    ),
    (
        "ALTER TABLE alerts ADD COLUMN about TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE alerts ADD COLUMN kind TEXT NOT NULL DEFAULT ''",
    ),
    (
        "ALTER TABLE alerts ADD COLUMN event TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE alerts ADD COLUMN explained INTEGER NOT NULL DEFAULT 0",
        (
            "CREATE TABLE decisions (alert TEXT NOT NULL, verdict TEXT NOT NULL, who TEXT NOT NULL, "
            "note TEXT NOT NULL, at REAL NOT NULL)"
        ),
    ),
    # What somebody decided beside the process that writes: it waits until that process follows it.
    ("ALTER TABLE decisions ADD COLUMN followed INTEGER NOT NULL DEFAULT 1",),
    ("ALTER TABLE alerts ADD COLUMN named TEXT NOT NULL DEFAULT ''",),
)
SCHEMA_VERSION = len(MIGRATIONS)
