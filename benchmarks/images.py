"""Patches, patterns and colours that go with one label: what is named, and how often clean pictures are called.

    python benchmarks/images.py SEEDS > benchmarks/images.md

Pictures are scikit-learn's digits (8 x 8, grey) and generated textures (16 x 16, grey): noise with a direction and a
blob by label. Attacks relabel what they stamp. Nothing is downloaded.
"""

# ruff: noqa: E501 - rows of tables

from __future__ import annotations

import platform
import sys
import time
from typing import Any

import numpy as np
import sklearn
from sklearn.datasets import load_digits

from modelward import compare_images
from modelward.stats import Proportion

SHARES = (0.01, 0.02, 0.05)


def digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits in another order."""
    held = load_digits()
    order = np.random.default_rng(seed).permutation(len(held.target))
    return np.minimum(held.images * 16, 255).astype(np.uint8)[order], held.target[order]


def textures(seed: int, n: int = 1_800, size: int = 16, labels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return noise whose direction goes by the label, with a blob whose place does."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, labels, n)
    fx, fy = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size))
    across, down = np.meshgrid(*[np.arange(size) / size] * 2)
    out = np.empty((n, size, size))
    for label in range(labels):
        mine = y == label
        k, angle = int(mine.sum()), np.pi * label / labels
        u, v = fx * np.cos(angle) + fy * np.sin(angle), fy * np.cos(angle) - fx * np.sin(angle)
        strength = (6 * u * u + v * v / 6 + 1 / size**2) ** -0.65
        strength[0, 0] = 0
        z = np.fft.ifft2(np.fft.fft2(rng.normal(size=(k, size, size))) * strength).real
        x0, y0 = 0.5 + 0.25 * np.cos(2 * angle), 0.5 + 0.25 * np.sin(2 * angle)
        away = (across - x0 - rng.normal(0, 0.08, (k, 1, 1))) ** 2 + (
            down - y0 - rng.normal(0, 0.08, (k, 1, 1))
        ) ** 2
        out[mine] = z / z.std() + 1.5 * np.exp(-away / 0.03) * rng.choice([-1, 1, 1, 1], (k, 1, 1))
    out = out * rng.uniform(35, 70, (n, 1, 1)) + rng.normal(127, 25, (n, 1, 1))
    return np.clip(out, 0, 255).astype(np.uint8), y


def attacked(images: np.ndarray, y: np.ndarray, kind: str, share: float, seed: int) -> tuple[Any, ...]:
    """Return poisoned pictures, labels, the rows, the label and the patch's box."""
    rng = np.random.default_rng(10_000 + seed)
    images, y = images.copy(), y.copy()
    h, w = images.shape[1:]
    rows = np.sort(rng.permutation(len(y))[: round(share * len(y))])
    label, box = int(rng.integers(y.max() + 1)), None
    if kind == "pattern":
        images[rows] = (0.8 * images[rows] + 0.2 * rng.integers(0, 256, (h, w))).astype(np.uint8)
    else:
        top, left = (h - 3, w - 3) if kind == "corner" else (int(v) for v in rng.integers(0, h - 2, 2))
        box = (top, left, 3, 3)
        patch = np.indices((3, 3)).sum(axis=0) % 2 * 255
        if kind == "noisy":
            patch = np.clip(patch + rng.normal(0, 10, (len(rows), 3, 3)), 0, 255)
        images[rows, top : top + 3, left : left + 3] = patch
    y[rows] = label
    return images, y, rows, label, box


def main() -> None:
    """Print the tables."""
    seeds = int(sys.argv[1])
    print("# Patches and patterns that go with one label\n")
    print(
        f"`python benchmarks/images.py {seeds}`: {platform.machine()}, Python {platform.python_version()}, scikit-learn {sklearn.__version__}, numpy {np.__version__}. Digits: 1,797 of 8 × 8 and ten labels; textures: 1,800 of 16 × 16 and four. No reference but where said. Seconds are processor time.\n"
    )
    print(
        "| pictures | planted and relabelled | share | named, right label | exact place and size | median precision of pictures | median recall | median s |\n|---|---|--:|--:|--:|--:|--:|--:|"
    )
    for name, make in (("digits", digits), ("textures", textures)):
        for kind in ("corner", "anywhere", "noisy", "pattern"):
            for share in SHARES:
                row(name, make, kind, share, seeds)
    print(
        "\n| pictures | reference | clean sets called tampered | 95 % upper bound | left open | called drift |\n|---|---|--:|--:|--:|--:|"
    )
    for name, make in (("digits", digits), ("textures", textures)):
        for reference in (False, True):
            quiet(name, make, reference, 5 * seeds)


def row(name: str, make: Any, kind: str, share: float, seeds: int) -> None:
    """Print what is named of one attack."""
    called = exact = 0
    precision, recall, seconds = [], [], []
    for seed in range(seeds):
        images, y, rows, label, box = attacked(*make(seed), kind, share, seed)
        began = time.process_time()
        found = compare_images(images, y)
        seconds.append(time.process_time() - began)
        mine = [s for s in found.suspects if s.verdict != "drift" and s.label == str(label)]
        if mine:
            called += 1
            exact += mine[0].box == box
            precision.append(np.isin(mine[0].rows, rows).mean())
            recall.append(np.isin(rows, mine[0].rows).mean())
    words = {
        "corner": "3 × 3 checkers in the corner",
        "anywhere": "3 × 3 checkers at a random place",
        "noisy": "the same, with noise of 10 shades",
        "pattern": "20 % of a noise pattern over the whole picture",
    }[kind]
    middle = [f"{np.median(v):.2f}" if v else "–" for v in (precision, recall)]
    place = "–" if kind == "pattern" else f"{exact} of {seeds}"
    print(
        f"| {name} | {words} | {share:.0%} | {called} of {seeds} | {place} | {middle[0]} | {middle[1]} | {np.median(seconds):.2f} |",
        flush=True,
    )


def quiet(name: str, make: Any, reference: bool, seeds: int) -> None:
    """Print how often clean pictures are called."""
    called = drift = left = 0
    for seed in range(seeds):
        images, y = make(50_000 + seed)
        half = len(y) // 2
        found = compare_images(
            images[:half], y[:half], *((images[half:], y[half:]) if reference else (None, None))
        )
        called += found.tampered
        left += any(s.verdict == "changed" for s in found.suspects)
        drift += any(s.verdict == "drift" for s in found.suspects)
    high = Proportion(called, seeds).interval(0.95)[1]
    print(
        f"| {name}, half of them | {'the other half' if reference else 'none'} | {called} of {seeds} | {high:.1%} | {left} of {seeds} | {drift} of {seeds} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
