"""Read a manifest from a file, and believe nothing of it that can be computed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from modelward.errors import InputError
from modelward.tables.manifest._manifest import VERSION, Block, ColumnHash, LabelCount, Manifest

_MOST_BYTES = 256 << 20
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_MARK = re.compile(rb"^modelward_manifest\s*=", re.MULTILINE)
_MOST_ROWS = 1 << 62


def is_manifest(path: str | Path) -> bool:
    """Return whether a file looks like a manifest: its first kilobyte says so."""
    try:
        with Path(path).open("rb") as file:
            return bool(_MARK.search(file.read(1024)))
    except OSError:
        return False


def read_manifest(path: str | Path) -> Manifest:
    """Return the manifest in a file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Manifest

    Raises
    ------
    InputError
        If it is none, is damaged, or was edited so that its hashes do not belong together.
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"manifest {path} cannot be read: {(error.strerror or type(error).__name__).lower()}"
        ) from None
    if len(raw) > _MOST_BYTES:
        raise InputError(f"manifest {path} has more than {_MOST_BYTES >> 20} MB: make it with larger blocks")
    try:
        table = tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"manifest {path} is not TOML: {str(error).splitlines()[0]}") from None
    if table.get("modelward_manifest") != VERSION:
        raise InputError(f"manifest {path} is of another version than {VERSION}, or is none: make it again")
    try:
        manifest = _manifest(table)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"manifest {path} is damaged at {error.args[0] if error.args else 'some entry'!s}: make it again"
        ) from None
    for name in ("content", "tree"):
        if table.get(name) != getattr(manifest, name):
            raise InputError(
                f"manifest {path} was edited: its {name} is not that of its columns and blocks; make it again"
            )
    return manifest


def _manifest(table: dict[str, Any]) -> Manifest:
    columns = tuple(
        ColumnHash(
            _text(c, "name"), _text(c, "type"),
            None if c["missing"] == "few" else _count(c, "missing"), _hash(c, "hash"),
        )
        for c in table["columns"]
    )  # fmt: skip
    blocks = tuple(Block(_count(b, "rows"), _hash(b, "hash")) for b in table["blocks"])
    labels = tuple(LabelCount(_text(each, "label"), _count(each, "rows")) for each in table["labels"])
    rows = _count(table, "rows")
    if sum(b.rows for b in blocks) != rows:
        raise ValueError("blocks")
    if len({c.name for c in columns}) != len(columns) or sum(each.rows for each in labels) > rows:
        raise ValueError("columns or labels")
    return Manifest(
        _text(table, "file"), _hash(table, "sha256") if table["sha256"] else "", rows, columns, blocks,
        _count(table, "block_rows"), _hash(table, "unordered"), _text(table, "secret"), _text(table, "target"), labels,
    )  # fmt: skip


def _text(table: dict[str, Any], key: str) -> str:
    if not isinstance(table[key], str):
        raise TypeError(key)
    return str(table[key])


def _hash(table: dict[str, Any], key: str) -> str:
    if not _HASH.match(_text(table, key)):
        raise ValueError(key)
    return str(table[key])


def _count(table: dict[str, Any], key: str) -> int:
    value = table[key]
    if type(value) is not int or not 0 <= value < _MOST_ROWS:
        raise ValueError(key)
    return value
