"""The pass of `_hidden_heads.py`, compiled. It finds the same, but turns away lines and strings that name nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import carray, njit  # type: ignore[attr-defined]

from modelward.artifacts._hidden_heads import ANY, HEADS, IN_NAMES, NAME_STARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_ABSENT = 256  # in place of a byte: before the first or after the last
_LONGEST = 101
_MOST = 4
_STEP = 8


def _table(classes: Sequence[bytes]) -> Any:
    """Return for each class which bytes are in it; only where any byte is may there be none."""
    table = np.zeros((len(classes), 257), dtype=np.bool_)
    for row, some in zip(table, classes, strict=True):
        row[list(some)] = True
        row[_ABSENT] = some == ANY
    return table


_KINDS = list(HEADS)
NUMBER = len(_KINDS)
_LINE, _STACKED = _KINDS.index("line"), _KINDS.index("stacked")
_BEFORE = _table([HEADS[kind][0] for kind in _KINDS])
_SECOND = _table([HEADS[kind][2] for kind in _KINDS])
_THIRD = _table([HEADS[kind][3] for kind in _KINDS])
_STARTS, _IN = _table([NAME_STARTS])[0], _table([IN_NAMES])[0]
_BY_FIRST = np.full((256, _MOST), -1, dtype=np.int64)
_PAIRS = np.zeros((256, 256), dtype=np.bool_)
for _number, _kind in enumerate(_KINDS):
    _first = HEADS[_kind][1]
    _PAIRS[_first] |= _SECOND[_number, :256]
    _BY_FIRST[_first, int((_BY_FIRST[_first] >= 0).sum())] = _number
_FLAT = _PAIRS.reshape(-1)


@njit(nogil=True)
def _names_in_lines(data: Any, at: int) -> bool:
    """Say whether a line ends here that may name a module, and whether a name fills the next one."""
    size = len(data)
    end = at - 1 if at > 0 and data[at - 1] == 13 else at
    start, found = end, False
    while start > 0 and end - start <= _LONGEST and _IN[data[start - 1]]:
        start -= 1
        found = found or data[start] == 99
    if start == end or not (found or data[start] == 105):
        return False
    stop = at + 1
    while stop < size and stop - at <= _LONGEST and _IN[data[stop]]:
        stop += 1
    if stop < size and data[stop] == 13:
        stop += 1
    return stop < size and data[stop] == 10


@njit(nogil=True)
def _names_on_stack(data: Any, at: int) -> bool:
    """Say whether a short string that is a name ends here."""
    end = at - 1 if data[at - 1] == 0x94 else at
    start = end - 1
    while start >= 2 and end - start <= _LONGEST and _IN[data[start]]:
        if data[start - 2] == 0x8C and 1 <= data[start - 1] <= 200 and _STARTS[data[start]]:
            return True
        start -= 1
    return False


@njit(nogil=True)
def _any(data: Any, at: Any) -> bool:
    """Say whether two bytes in a row may begin something in a step; branches that are hard to guess cost more."""
    hit = False
    for ahead in range(_STEP):
        one = np.uint64(data[at + np.uint64(ahead)])
        hit |= _FLAT[(one << np.uint64(8)) | np.uint64(data[at + np.uint64(ahead + 1)])]
    return hit


@njit(nogil=True)
def _heads_at(data: Any, at: int, places: Any, kinds: Any, count: int) -> int:
    """Note what begins at a position; return how many were noted."""
    size, one = len(data), data[at]
    before = np.int64(data[at - 1]) if at > 0 else _ABSENT
    two = np.int64(data[at + 1]) if at + 1 < size else _ABSENT
    three = np.int64(data[at + 2]) if at + 2 < size else _ABSENT
    for kind in _BY_FIRST[one]:
        if kind < 0:
            break
        if not (_SECOND[kind, two] and _THIRD[kind, three] and _BEFORE[kind, before]):
            continue
        if kind == _LINE and not _names_in_lines(data, at):
            continue
        if kind == _STACKED and not _names_on_stack(data, at):
            continue
        places[count], kinds[count] = at, kind
        count += 1
    return count


@njit(nogil=True)
def find(data: Any, begin: int, places: Any, kinds: Any, sorted_: Any, edges: Any) -> int:
    """Find heads from a position on, as many as there is room for.

    Parameters
    ----------
    data : uint8 array
        What is searched.
    begin : int
        Where to begin.
    places, kinds : int64 arrays
        Of one length, to work in.
    sorted_ : int64 array
        Is filled with where something stands, kind after kind.
    edges : int64 array
        Is told where the next kind begins in that, after each kind; at least as long as there are kinds.

    Returns
    -------
    int
        Where to go on; the length of the data at the end.
    """
    size, count, room = len(data), 0, len(places) - _STEP * _MOST
    at = begin
    while at < size:
        stop = min(at + _STEP, size)
        if at + _STEP < size and not _any(data, np.uint64(at)):
            at = stop
            continue
        if count > room:
            break
        for place in range(at, stop):
            if place + 1 == size or _PAIRS[data[place], data[place + 1]]:
                count = _heads_at(data, place, places, kinds, count)
        at = stop
    edges[:] = 0
    for i in range(count):
        edges[kinds[i]] += 1
    before = 0
    for kind in range(len(edges)):
        before, edges[kind] = before + edges[kind], before
    for i in range(count):
        sorted_[edges[kinds[i]]] = places[i]
        edges[kinds[i]] += 1
    return min(at, size)


def entry(
    data: Any, size: int, begin: int, places: Any, kinds: Any, sorted_: Any, room: int, edges: Any
) -> Any:
    """Find heads; every array comes as an address and its length."""
    return find(
        carray(data, size),
        begin,
        carray(places, room),
        carray(kinds, room),
        carray(sorted_, room),
        carray(edges, NUMBER),
    )
