"""Payloads hidden in the low bits of weights: a test against randomness, with its error rate.

The lowest mantissa bits of trained weights are as good as random, so whoever writes bytes over them changes no
answer. What can be seen: bytes with structure (text, programs, archives' headers), because honest low bits have none.
What cannot be seen: encrypted or well compressed bytes without a header, which are as random as what they replace.

Honest arrays have low bits that are far from random too: integers, rounded numbers, float32 stored as float64,
differences of coarse numbers. All of these have *trailing zeros*. So bytes and half bytes are only judged among values
whose lowest bit is set, single bits only by comparing positions with each other, and arrays in which values repeat,
or whose next higher byte has structure as well, are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._artifact import Defect
from modelward.artifacts._leaks_walk import walk_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from modelward.artifacts._artifact import Artifact

ALPHA = 1e-6
"""An array is reported if a test's p-value, times the number of tests, is below this."""
MIN_VALUES = 4096
_MOST = 4_000_000
_TESTS = 6
_MAGIC = (
    b"PK\x03\x04", b"\x7fELF", b"\x1f\x8b\x08\x00", b"\x1f\x8b\x08\x08", b"MZ\x90\x00", b"\x89PNG", b"%PDF", b"\xfd7zX",
    b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd", b"BZh9", b"#!/b", b"#!/u", b"\x80\x04\x95", b"\x80\x05\x95", b"<?ph", b"impo",
)  # fmt: skip


def low_bits(artifact: Artifact) -> tuple[Defect, ...]:
    """Return the arrays of a file whose low bits carry something with structure.

    Looked at are float arrays of at least 4,096 values, the first four million of each: their low byte, half byte, two
    bits and single bit, as a stream of bytes.

    Parameters
    ----------
    artifact : Artifact
        A model file that was read.

    Returns
    -------
    tuple of Defect
        With the p-value in words; at most one for each array.
    """
    found = []
    for held in walk_values(artifact.root):
        array = held.value if isinstance(held.value, RawArray) else as_array(held.value)
        words = _words(array) if isinstance(array, RawArray) else None
        if words is None:
            continue
        result = judge(words)
        if result is not None:
            p, what = result
            shown = f"{p:.0e}" if p > 1e-300 else "under 1e-300"
            found.append(
                Defect(
                    held.path, f"carries hidden content in the low bits of its numbers: {what} (p = {shown})"
                )
            )
    return tuple(found)


def _words(array: RawArray) -> NDArray[np.unsignedinteger[Any]] | None:
    """Return the bit patterns of a large float array."""
    import numpy as np

    size = array.dtype.itemsize
    if (
        array.dtype.fields
        or array.dtype.code[1:] not in ("f4", "f8")
        or array.end - array.start < MIN_VALUES * size
    ):
        return None
    try:
        values = array.to_numpy().ravel(order="K")[:_MOST]
    except (ValueError, TypeError, MemoryError):
        return None
    if len(values) < MIN_VALUES:
        return None
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).view(
        "<u4" if size == 4 else "<u8"
    )


def judge(words: NDArray[np.unsignedinteger[Any]]) -> tuple[float, str] | None:
    """Return the smallest p-value, corrected for the number of tests, and what was seen; None for nothing.

    Parameters
    ----------
    words : array of unsigned integers, shape (n,)
        Bit patterns of floats, in the order of the file.
    """
    import numpy as np

    for bits, stream in _streams(words[:64]):
        if stream.startswith(_MAGIC):
            chance = 2.0**-24 * len(_MAGIC) * 7
            return min(1.0, chance), f"it begins as a known kind of file does, {bits} bits a number"
    low = (words & 0xFF).astype(np.int64)
    next_byte = (words >> 8 & 0xFF).astype(np.int64)
    if len(np.unique(words)) < 0.9 * len(words) or _rounded(words):
        return None
    tests = [(_odd_bytes(low, next_byte), "its low bytes are not random")]
    tests += [
        (_phases(low, next_byte, bits), f"its lowest {bits} bits follow a rhythm of bytes")
        for bits in (1, 2, 4)
    ]
    p, what = min(tests, key=lambda item: item[0])
    p = min(1.0, p * _TESTS)
    return (p, what) if p < ALPHA else None


def _rounded(words: NDArray[np.unsignedinteger[Any]]) -> bool:
    """Say whether most numbers are the nearest floats to decimals of a few digits: content would have undone that."""
    import numpy as np

    kind = np.float32 if words.dtype.itemsize == 4 else np.float64
    values = words[:20_000].view(kind)
    values = values[np.isfinite(values)]
    if not len(values):
        return True
    spacing = float(np.median(np.spacing(np.abs(values))))
    with np.errstate(all="ignore"):
        return any(
            float((np.round(values.astype(np.float64), digits).astype(kind) == values).mean()) > 0.5
            for digits in range(-3, 13)
            if 10.0**-digits > 8 * spacing
        )


def _streams(words: NDArray[np.unsignedinteger[Any]]) -> Iterator[tuple[int, bytes]]:
    """Yield the low bits as bytes, for every usual way of cutting bytes into them."""
    import numpy as np

    low = (words & 0xFF).astype(np.uint8)
    yield 8, low.tobytes()
    for bits in (1, 2, 4):
        per = 8 // bits
        parts = (low & ((1 << bits) - 1))[: len(low) // per * per].reshape(-1, per).astype(np.uint16)
        shifts = np.arange(per, dtype=np.uint16) * bits
        yield bits, (parts << shifts).sum(axis=1).astype(np.uint8).tobytes()
        yield bits, (parts << shifts[::-1]).sum(axis=1).astype(np.uint8).tobytes()


def _uniform(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Return p-value and effect (χ² by n) of a test of equal shares."""
    from scipy.stats import chi2

    n = int(counts.sum())
    if n < 16 * len(counts):
        return 1.0, 0.0
    expected = n / len(counts)
    statistic = float(((counts - expected) ** 2).sum() / expected)
    return float(chi2.sf(statistic, len(counts) - 1)), statistic / n


def _odd_bytes(low: NDArray[np.int64], above: NDArray[np.int64]) -> float:
    """Test low bytes among odd ones, where trailing zeros cannot disturb."""
    import numpy as np

    odd = low % 2 == 1
    p, effect = _uniform(np.bincount(low[odd] >> 1, minlength=128))
    _, above_effect = _uniform(np.bincount(above[odd], minlength=256))
    # Rounded numbers have structure in both bytes; a payload in the lower one only.
    return p if effect > 0.3 and above_effect < 0.2 * effect else 1.0


def _phases(low: NDArray[np.int64], above: NDArray[np.int64], bits: int) -> float:
    """Compare the positions within a byte with each other: text has a rhythm, honest low bits have none."""
    import numpy as np
    from scipy.stats import chi2

    per = 8 // bits
    n = len(low) // per * per
    worst = 1.0
    table = np.zeros((per, 1 << bits))
    other = np.zeros((per, 1 << bits))
    for phase in range(per):
        table[phase] = np.bincount(low[phase:n:per] & ((1 << bits) - 1), minlength=1 << bits)
        higher = above[phase:n:per] if bits == 4 else low[phase:n:per] >> bits
        other[phase] = np.bincount(higher & ((1 << bits) - 1), minlength=1 << bits)
    p, effect = _independent(table, n, chi2)
    _, other_effect = _independent(other, n, chi2)
    # Where columns repeat in the same rhythm (an integer column beside a measured one) the next bits have it too.
    if effect > 0.01 and other_effect < 0.2 * effect:
        worst = p
    return worst


def _independent(table: NDArray[np.float64], n: int, chi2: Any) -> tuple[float, float]:
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    used = expected.min(axis=0) >= 5
    if used.sum() < 2:
        return 1.0, 0.0
    statistic = float(((table - expected) ** 2 / expected.clip(1e-9))[:, used].sum())
    return float(chi2.sf(statistic, (len(table) - 1) * int(used.sum()))), statistic / n
