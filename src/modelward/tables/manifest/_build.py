"""Make the manifest of a table, in one pass over its rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError, UsageError
from modelward.tables._formats import existing_file
from modelward.tables._read import read_batches, read_table
from modelward.tables.manifest._blocks import Cutter
from modelward.tables.manifest._cells import encode, keyed, kind_of, side_by_side
from modelward.tables.manifest._manifest import FEW, ColumnHash, LabelCount, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl
    from numpy.typing import NDArray

_ROWS, _BYTES = 1 << 16, 1 << 26
_MOST_LABELS = 100


def make_manifest(
    source: Any, *, target: str | None = None, secret: bytes = b"", block_rows: int = 1024,
    what: str = "table",
) -> Manifest:  # fmt: skip
    """Return the manifest of a table: hashes of its columns and blocks of rows, counts, types, label counts.

    Without a secret, whoever knows all rows of a block but one can find out that one by trying; and whoever can
    guess a whole column or a whole small table can see that the guess is right. With a secret nobody can who has
    not got it, and only manifests made with the same secret can be compared.

    Parameters
    ----------
    source : path or data frame
        Whatever `read_table` takes. Files are read in batches.
    target : str, optional
        Label column, whose labels are counted.
    secret : bytes
        Up to 64 bytes that key every hash; see `read_secret`.
    block_rows : int
        Rows of a block on average: a power of two from 256.
    what : str
        How errors call the table.

    Returns
    -------
    Manifest

    Raises
    ------
    InputError
        If the table cannot be read, or the target is not in it or is no label.
    UsageError
        If `block_rows` is no such number.

    Examples
    --------
    >>> import polars as pl
    >>> one = make_manifest(pl.DataFrame({"a": [1, 2], "b": ["x", None]}))
    >>> two = make_manifest(pl.DataFrame({"b": ["x", None], "a": [1.0, 2.0]}))
    >>> one.content == two.content, one.rows, [column.kind for column in two.columns]
    (True, 2, ['text', 'number'])
    """
    if block_rows < 256 or block_rows & (block_rows - 1):
        raise UsageError(f"{block_rows:,} rows a block: give a power of two from 256, such as 1024")
    name, sha256 = "", ""
    batches: Iterable[pl.DataFrame]
    if isinstance(source, str | Path):
        file = existing_file(source, what)
        with file.open("rb") as data:
            name, sha256 = file.name, hashlib.file_digest(data, "sha256").hexdigest()
        batches = read_batches(file, _ROWS, what=what)
    else:
        batches = read_table(source, what=what).iter_slices(_ROWS)
    work: _Work | None = None
    for batch in batches:
        work = work or _Work(batch, target, secret, block_rows, what)
        work.update(batch)
    if work is None:
        raise InputError(f"{what} {source} has no rows: add rows")
    return work.finish(name, sha256)


class _Work:
    """What is kept between batches."""

    def __init__(
        self, first: pl.DataFrame, target: str | None, secret: bytes, block_rows: int, what: str
    ) -> None:
        if target is not None and target not in first.columns:
            near = ", ".join(first.columns[:8])
            raise InputError(f"{what} has no column {target!r}: it has {near}{' …' * (first.width > 8)}")
        self.target, self.secret, self.block_rows = target, secret, block_rows
        self.types = dict(first.schema)
        self.names = sorted(first.columns)
        self.missing: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.engines = {name: (self._engine(), self._engine()) for name in self.names}
        self.cutter = Cutter(block_rows, secret)
        self.prefixes: list[NDArray[np.bytes_]] = []
        self.rows = 0

    def _engine(self) -> hashlib.blake2b:
        return hashlib.blake2b(digest_size=32, key=self.secret, person=b"mw column")

    def update(self, batch: pl.DataFrame) -> None:
        """Take further rows, some at a time where a row is long."""
        if self.target is not None:
            self._count(batch[self.target])
        for part in batch.iter_slices(max(1, min(batch.height, _BYTES // (34 * batch.width)))):
            cells = [encode(part[name], self.secret) for name in self.names]
            for name, coded in zip(self.names, cells, strict=True):
                there = coded[:, 0] != 0
                self.engines[name][0].update(coded[:, 0].tobytes())
                self.engines[name][1].update((coded if there.all() else coded[there])[:, 1:].tobytes())
                self.missing[name] += len(there) - int(there.sum())
            digests = self._digests(side_by_side(cells))
            self.cutter.update(digests)
            self.prefixes.append(np.ascontiguousarray(digests[:, :16]).view("S16").ravel())
            self.rows += part.height

    def _count(self, values: pl.Series) -> None:
        if values.dtype.is_float():
            values = values.fill_nan(None)
        for value, count in values.drop_nulls().value_counts().iter_rows():
            whole = isinstance(value, float) and value.is_integer()
            self.labels[str(int(value) if whole else value)] += count
        if len(self.labels) > _MOST_LABELS:
            raise InputError(
                f"target {self.target!r} has more than {_MOST_LABELS} different values: only labels can be counted"
            )

    def _digests(self, matrix: NDArray[np.uint8]) -> NDArray[np.uint8]:
        n, width = matrix.shape
        joined = b"".join(self._each(memoryview(matrix.tobytes()), n, width))
        return np.frombuffer(joined, dtype=np.uint8).reshape(n, 32)

    def _each(self, view: memoryview, n: int, width: int) -> Iterator[bytes]:
        empty = hashlib.blake2b(digest_size=32, key=self.secret, person=b"mw row")
        for start in range(0, n * width, width):
            engine = empty.copy()
            engine.update(view[start : start + width])
            yield engine.digest()

    def finish(self, name: str, sha256: str) -> Manifest:
        """Return the manifest."""
        prefixes = np.sort(np.concatenate(self.prefixes))
        columns = []
        for column, dtype in self.types.items():
            missing = self.missing[column]
            whole = b"".join(engine.digest() for engine in self.engines[column])
            kept = None if 0 < missing < FEW else missing
            digest = keyed(whole, self.secret, b"mw column").hex()
            columns.append(ColumnHash(column, kind_of(dtype), kept, digest))
        often = sorted((label, rows) for label, rows in self.labels.items() if rows >= FEW)
        return Manifest(
            name, sha256, self.rows, tuple(columns), self.cutter.finish(), self.block_rows,
            keyed(prefixes.tobytes(), self.secret, b"mw unordered").hex(),
            keyed(b"", self.secret, b"mw secret id").hex()[:16] if self.secret else "", self.target or "",
            tuple(LabelCount(*each) for each in often),
        )  # fmt: skip
