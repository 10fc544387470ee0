"""The manifest of a table, and how it is written down."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from modelward.errors import InputError

VERSION = 1
FEW = 10
"""Counts below this are not written down."""
HEADER = "# modelward manifest: hashes of a table, no rows. `modelward diff` compares it with another, or with a table."


@dataclass(frozen=True, slots=True)
class ColumnHash:
    """A column: its type, missing values, and the hash of all its cells in order."""

    name: str
    kind: str
    missing: int | None
    """None for one to nine."""
    hash: str


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many rows have a label."""

    label: str
    rows: int


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that stand together, and the hash of all their cells."""

    rows: int
    hash: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What identifies a table, without its rows.

    Parameters
    ----------
    file, sha256 : str
        The file's name, and the hash of its bytes; empty for a table from memory.
    rows : int
    columns : tuple of ColumnHash
        In the table's order.
    blocks : tuple of Block
        From the first row to the last. Where a block ends is decided by the rows around, so rows that are put in
        or taken out change the blocks that they stand in and no other.
    block_rows : int
        Rows of a block, on average.
    unordered : str
        Hash of the rows whatever their order.
    secret : str
        Identifies the secret that the hashes are keyed with; empty without one.
    target : str
        The label column; empty if none was named.
    labels : tuple of LabelCount
        Labels with ten rows or more.

    Attributes
    ----------
    content : str
        Identifies the cells of the table, ``mwd1:`` and 64 hexadecimal digits: equal for tables with equal columns
        in whatever order of columns, format and types.
    tree : str
        Root of the Merkle tree over the blocks.
    """

    file: str
    sha256: str
    rows: int
    columns: tuple[ColumnHash, ...]
    blocks: tuple[Block, ...]
    block_rows: int
    unordered: str
    secret: str = ""
    target: str = ""
    labels: tuple[LabelCount, ...] = ()

    @property
    def content(self) -> str:
        """What identifies the cells."""
        engine = hashlib.blake2b(f"{self.rows}\0".encode(), digest_size=32, person=b"mw content")
        for column in sorted(self.columns, key=lambda c: c.name):
            name = column.name.encode()
            engine.update(len(name).to_bytes(8, "little") + name + bytes.fromhex(column.hash))
        return f"mwd1:{engine.hexdigest()}"

    @property
    def tree(self) -> str:
        """Root of the Merkle tree."""
        return merkle_root([bytes.fromhex(b.hash) + b.rows.to_bytes(8, "little") for b in self.blocks]).hex()

    def to_text(self) -> str:
        """Return the manifest as TOML: a line for each column, label and block; the same bytes for the same file."""
        head: dict[str, str | int] = {
            "modelward_manifest": VERSION, "file": self.file, "sha256": self.sha256, "rows": self.rows,
            "content": self.content, "tree": self.tree, "unordered": self.unordered, "secret": self.secret,
            "block_rows": self.block_rows, "target": self.target,
        }  # fmt: skip
        lines = [HEADER, *(f"{key} = {_toml(value)}" for key, value in head.items())]
        lines += ["columns = ["]
        for c in self.columns:
            missing = _toml("few" if c.missing is None else c.missing)
            kind = f"type = {_toml(c.kind)}, missing = {missing}"
            lines.append(f"  {{ name = {_toml(c.name)}, {kind}, hash = {_toml(c.hash)} }},")
        lines += ["]", "labels = ["]
        lines += [f"  {{ label = {_toml(each.label)}, rows = {each.rows} }}," for each in self.labels]
        lines += ["]", "blocks = ["]
        lines += [f"  {{ rows = {block.rows}, hash = {_toml(block.hash)} }}," for block in self.blocks]
        return "\n".join([*lines, "]"]) + "\n"


def merkle_root(leaves: list[bytes]) -> bytes:
    """Return the root of a Merkle tree in the form of RFC 6962 (a left subtree is the largest power of two).

    Examples
    --------
    >>> merkle_root([b"a", b"b", b"c"]) == merkle_root([b"a", b"b", b"d"])
    False
    """
    level = [hashlib.blake2b(b"\0" + leaf, digest_size=32, person=b"mw tree").digest() for leaf in leaves]
    if not level:
        return hashlib.blake2b(digest_size=32, person=b"mw tree").digest()
    while len(level) > 1:
        paired = [
            hashlib.blake2b(b"\1" + a + b, digest_size=32, person=b"mw tree").digest()
            for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def read_secret(path: str | Path) -> bytes:
    """Return the secret in a file: 32 bytes made of whatever it holds.

    Raises
    ------
    InputError
        If it holds fewer than 16 bytes, or more than 64 kB, or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(65_537)
    except OSError as error:
        raise InputError(
            f"secret {path} cannot be read: {(error.strerror or type(error).__name__).lower()}"
        ) from None
    if not 16 <= len(raw) <= 65_536:
        raise InputError(
            f"secret {path} has {len(raw):,} bytes: 16 to 65,536 random ones are needed, such as those of "
            "`openssl rand -out FILE 32`"
        )
    return hashlib.blake2b(raw, digest_size=32, person=b"mw secret").digest()


def _toml(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
