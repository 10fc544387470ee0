"""Rows cut into blocks at places that the rows themselves decide."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from modelward.tables.manifest._manifest import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WINDOW = 16


class Cutter:
    """Cuts a stream of row hashes into blocks.

    A block ends after a row if the sum of the last sixteen rows' hashes ends in zeros. That needs sixteen rows to
    be told, so where blocks end gives nothing away about one; and after a change it falls into step again.

    Parameters
    ----------
    mean : int
        Rows of a block on average, a power of two. None has fewer than a quarter of it (unless it is all there
        is), nor more than five times as many.
    secret : bytes
        Keys the hashes.
    """

    def __init__(self, mean: int, secret: bytes) -> None:
        self.mean, self.secret = mean, secret
        self.least, self.most = mean // 4, mean * 4
        self.blocks: list[Block] = []
        self._carry = np.zeros(0, dtype=np.uint64)
        self._engine, self._count = self._new(), 0
        self._begun = bytearray()
        self._before: tuple[hashlib.blake2b, int] | None = None

    def _new(self) -> hashlib.blake2b:
        return hashlib.blake2b(digest_size=32, key=self.secret, person=b"mw block")

    def update(self, digests: NDArray[np.uint8]) -> None:
        """Take the hashes of further rows, shape (n, 32)."""
        ends = self._candidates(np.ascontiguousarray(digests[:, :8]).view("<u8").ravel().astype(np.uint64))
        start, n = 0, len(digests)
        while start < n:
            room = self.most - self._count
            first = start + max(self.least - self._count, 1)  # the first end that would leave enough rows
            at = np.searchsorted(ends, first)
            end = int(ends[at]) if at < len(ends) else n + self.most
            stop = min(end, start + room, n)
            self._take(digests[start:stop])
            if stop == end or stop == start + room:
                self._close()
            start = stop

    def _candidates(self, codes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return how many rows of this batch stand before each possible end."""
        joined = np.concatenate([self._carry, codes])
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(joined, dtype=np.uint64)])
        self._carry = joined[-(_WINDOW - 1) :]
        if len(joined) < _WINDOW:
            return np.zeros(0, dtype=np.int64)
        window = sums[_WINDOW:] - sums[:-_WINDOW]
        ends = np.flatnonzero(window & np.uint64(self.mean - 1) == 0) + _WINDOW
        return ends - (len(joined) - len(codes))

    def _take(self, digests: NDArray[np.uint8]) -> None:
        raw = digests.tobytes()
        self._engine.update(raw)
        if self._count < self.least:
            self._begun += raw
        self._count += len(digests)

    def _close(self) -> None:
        self._emit()
        self._before = (self._engine, self._count)
        self._engine, self._count, self._begun = self._new(), 0, bytearray()

    def _emit(self) -> None:
        if self._before is not None:
            engine, count = self._before
            self.blocks.append(Block(count, engine.hexdigest()))
        self._before = None

    def finish(self) -> tuple[Block, ...]:
        """Return the blocks. A last one that is too short joins the one before."""
        if self._count and self._count < self.least and self._before is not None:
            engine, count = self._before
            engine.update(bytes(self._begun))
            self._before = (engine, count + self._count)
        elif self._count:
            self._close()
        self._emit()
        return tuple(self.blocks)
