"""False alarms and power of the test for content hidden in the low bits of weights.

python benchmarks/lowbits.py > benchmarks/lowbits.md
"""

from __future__ import annotations

import io
import platform
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy

from modelward.artifacts._lowbits import judge

SEED = 1
ROUNDS = 250
Maker = Callable[[np.random.Generator, int], np.ndarray]

HONEST: dict[str, Maker] = {
    "normal weights": lambda r, n: r.normal(size=n),
    "normal weights, float32": lambda r, n: r.normal(size=n).astype(np.float32),
    "small uniform weights, float32": lambda r, n: r.uniform(-0.05, 0.05, n).astype(np.float32),
    "float32 stored as float64": lambda r, n: r.normal(size=n).astype(np.float32).astype(float),
    "half precision stored as float32": lambda r, n: r.normal(size=n).astype(np.float16).astype(np.float32),
    "integers": lambda r, n: r.integers(0, 1 << 30, n).astype(float),
    "rounded to 2 digits": lambda r, n: r.normal(50, 20, n).round(2),
    "rounded to 6 digits": lambda r, n: r.normal(size=n).round(6),
    "rounded to 3 digits, large, float32": lambda r, n: r.normal(0, 500, n).round(3).astype(np.float32),
    "quantised to 1/4096": lambda r, n: np.round(r.normal(size=n) * 4096) / 4096,
    "sums of few values": lambda r, n: r.choice(r.normal(size=40), (n, 3)).sum(axis=1),
    "differences from a mean": lambda r, n: (lambda x: x - x.mean())(r.integers(0, 10_000, n) / 100),
    "thresholds at midpoints": lambda r, n: (lambda x: (x[1:] + x[:-1]) / 2)(np.sort(r.normal(size=n + 1))),
    "midpoints of rounded values": lambda r, n: (lambda x: (x[1:] + x[:-1]) / 2)(
        r.normal(0, 100, n + 1).round(1)
    ),
    "midpoints of float32": lambda r, n: (lambda x: (x[1:] + x[:-1]) / 2)(
        r.normal(size=n + 1).astype(np.float32).astype(float)
    ),
    "eight columns, some integers": lambda r, n: np.column_stack(
        [r.integers(0, 99, n // 8) if i % 3 else r.normal(size=n // 8) for i in range(8)]
    ).ravel(),
    "scaled integers": lambda r, n: (r.integers(0, 5000, n) - 2500) / 1443.3756729740643,
    "rounded, then scaled, float32": lambda r, n: (r.normal(0, 500, n).round(3) * 0.7).astype(np.float32),
    "rounded, then scaled": lambda r, n: r.normal(0, 500, n).round(3) * 0.7,
    "shares (counts by sums)": lambda r, n: r.integers(1, 400, n) / r.integers(400, 900, n),
}


def payloads(rng: np.random.Generator, size: int) -> dict[str, bytes]:
    """Return payloads of a kind each, cut or repeated to a size."""
    text = b"import os, sys; print('this text stands in the low bits of the weights')\n" * (size // 40 + 1)
    source = Path(np.__file__).read_bytes() * (size // 5000 + 1)
    program = Path(sys.executable).resolve().read_bytes()
    start = 64 + int(rng.integers(0, max(1, len(program) - 2 * size)))
    deflated = zlib.compress(rng.permutation(np.frombuffer(source[:400_000], np.uint8)).tobytes())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", rng.bytes(size))
    return {
        "text": text[:size],
        "source code": source[:size],
        "program (ELF)": program[:size],
        "middle of a program": program[start : start + size],
        "zip archive": buffer.getvalue()[:size],
        "deflated text, no header": deflated[2 : 2 + size],
        "encrypted (random)": rng.bytes(size),
    }  # fmt: skip


def plant(values: np.ndarray, payload: bytes, bits: int) -> np.ndarray:
    """Write a payload over the lowest bits of floats, low part first."""
    words = np.ascontiguousarray(values).view(np.uint32 if values.dtype == np.float32 else np.uint64).copy()
    per = 8 // bits
    parts = np.frombuffer(payload, np.uint8)[:, None] >> (np.arange(per) * bits) & ((1 << bits) - 1)
    stream = parts.ravel()[: len(words)].astype(words.dtype)
    words[: len(stream)] = words[: len(stream)] >> np.uint8(bits) << np.uint8(bits) | stream
    return words


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(SEED)
    print("# Content hidden in the low bits of weights\n")
    print(
        f"`python benchmarks/lowbits.py`, Python {platform.python_version()}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}, seed {SEED}.\n\n"
        "## False alarms\n\n| honest arrays of 4,100 to 40,000 numbers | alarms |\n|---|---|"
    )
    total = 0
    for name, make in HONEST.items():
        alarms = 0
        for _ in range(ROUNDS):
            values = make(rng, int(rng.integers(4100, 40_000)))
            alarms += judge(values.view(np.uint32 if values.dtype == np.float32 else np.uint64)) is not None
        total += alarms
        print(f"| {name} | {alarms} of {ROUNDS} |")
    print(f"| **all** | **{total} of {ROUNDS * len(HONEST)}** |")
    print("\n## Found, of 20 arrays of 20,000 weights each filled to the share given\n")
    print(
        "| payload | bits a number | float64, whole | float64, half | float32, whole |\n|---|---|---|---|---|"
    )
    for name in payloads(rng, 100):
        for bits in (8, 4, 2, 1):
            cells = []
            for kind, share in ((np.float64, 1.0), (np.float64, 0.5), (np.float32, 1.0)):
                size = int(20_000 * share * bits / 8)
                weights = [rng.normal(size=20_000).astype(kind) for _ in range(20)]
                payload = payloads(rng, size)[name]
                hits = sum(judge(plant(w, payload, bits)) is not None for w in weights)
                cells.append(f"{hits} of 20")
            print(f"| {name} | {bits} | {' | '.join(cells)} |")
    print(
        "\nEncrypted content, and compressed content without its header, cannot be told from honest low bits."
    )


if __name__ == "__main__":
    main()
