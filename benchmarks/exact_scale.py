"""How the time of the exact search grows with trees, depth and columns, on the UCI credit data; a table and a plot.

Run ``python benchmarks/exact_scale.py CSV [ROWS [SECONDS [SVG]]]``. ROWS of each predicted class are moved in each
model; SECONDS of processor time are what a row may take, very nearly (the search counts work: how much of it fits is
measured on a few rows of each model first). All columns are scaled to one standard deviation and are floats without
limits, as in `exact_flips.py`. One thing is changed at a time, from a forest and an xgboost of 100 trees of depth 6 on
23 columns. Prints Markdown line by line and writes the picture to SVG.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import math
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from exact_flips import CUT, SEED, ours

NORMS = ("l1", "linf")
STEPS = {"trees": (10, 30, 100, 300), "depth": (2, 4, 6, 8), "columns": (3, 6, 12, 23)}
USUAL = {"trees": 100, "depth": 6, "columns": 23}
COLOURS = {("forest", "l1"): "#b3440f", ("forest", "linf"): "#e8a33d", ("xgboost", "l1"): "#1d4f91",
           ("xgboost", "linf"): "#5aa9d6"}  # fmt: skip
Point = tuple[float, float, float]


def model(kind: str, trees: int, depth: int) -> Any:
    """Return one ensemble."""
    from sklearn.ensemble import RandomForestClassifier
    from xgboost import XGBClassifier

    if kind == "forest":
        return RandomForestClassifier(trees, max_depth=depth, random_state=SEED)
    return XGBClassifier(n_estimators=trees, max_depth=depth, random_state=SEED, nthread=1)


def measured(kind: str, now: dict[str, int], data: Any, n: int, most: float) -> dict[str, dict[str, Any]]:
    """Search the rows of one model in all norms."""
    from modelward.models import wrap
    from modelward.schema import Codec, Column, FeatureSchema

    X, y, order = data
    X = X[:, order[: now["columns"]]]
    fitted = model(kind, now["trees"], now["depth"]).fit(X[:CUT], y[:CUT])
    schema = FeatureSchema(tuple(Column(f"x{j}", "continuous") for j in range(X.shape[1])))
    subject = wrap(fitted, Codec.fit(schema), [0, 1])
    told = fitted.predict(X[CUT:])
    at = np.concatenate([np.flatnonzero(told == c)[:n] for c in (0, 1)])
    rows, codes = X[CUT:][at], told[at].astype(np.int64)
    return {norm: ours(subject, schema, rows, codes, norm, most) for norm in NORMS}


def main(csv: str, n: int, most: float, svg: str) -> None:
    """Measure, print, draw."""
    import polars as pl
    import sklearn
    import xgboost

    frame = pl.read_csv(csv)
    y = frame["DEFAULT"].to_numpy()
    X = frame.drop("ID", "DEFAULT").to_numpy().astype(float)
    X /= X.std(axis=0)
    # Those that go with the label best come first, so that few columns are the ones that matter.
    order = np.argsort(-np.abs([np.corrcoef(X[:CUT, j], y[:CUT])[0, 1] for j in range(X.shape[1])]))
    print(
        f"{Path(csv).name}, {n} rows of each predicted class, seed {SEED}; {most} s of processor time a row; Python "
        f"{platform.python_version()}, scikit-learn {sklearn.__version__}, xgboost {xgboost.__version__}.\n"
    )
    print(
        "| what grows | model | trees | depth | columns | norm | median processor s | largest | proven "
        "| bound ÷ cost, median |"
    )
    print("|---|---|--:|--:|--:|---|--:|--:|--:|--:|")
    done: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    curves: dict[str, dict[tuple[str, str], list[Point]]] = {what: {} for what in STEPS}
    for what, sizes in STEPS.items():
        for kind in ("xgboost", "forest"):
            for size in sizes:
                now = {**USUAL, what: size}
                key = (kind, *now.values())
                if key not in done:
                    done[key] = measured(kind, now, (X, y, order), n, most)
                for norm, r in done[key].items():
                    middle, share = float(np.median(r["seconds"])), float(r["proven"].mean())
                    largest = r["seconds"].max()
                    ratio = np.divide(r["bound"], r["cost"], out=np.ones(2 * n), where=r["cost"] > 0)
                    print(
                        f"| {what} | {kind} | {now['trees']} | {now['depth']} | {now['columns']} | {norm} "
                        f"| {middle:.4f} | {largest:.3f} | {share:.0%} | {np.median(ratio):.3f} |", flush=True
                    )  # fmt: skip
                    curves[what].setdefault((kind, norm), []).append((size, middle, share))
                Path(svg).write_text(drawing(curves, most), encoding="utf-8")


def drawing(curves: dict[str, dict[tuple[str, str], list[Point]]], most: float) -> str:
    """Return three panels, both axes logarithmic; a point is hollow where not every row was proven."""
    low, high, width, tall = 1e-4, 2.0, 250, 220
    parts = []

    def across(value: float, sizes: tuple[int, ...]) -> float:
        return 20 + (width - 40) * math.log(value / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def up(value: float) -> float:
        return tall * (1 - math.log(max(value, low) / low) / math.log(high / low))

    for k, (what, sizes) in enumerate(STEPS.items()):
        inside = [f'<rect width="{width}" height="{tall}" fill="none" stroke="#888"/>']
        for value in (1e-4, 1e-3, 1e-2, 1e-1, 1.0):
            at = up(value)
            inside.append(f'<line x2="{width}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>')
            if not k:
                inside.append(f'<text x="-6" y="{at + 4:.1f}" text-anchor="end">{value:g} s</text>')
        inside += [
            f'<text x="{across(size, sizes):.1f}" y="{tall + 16}" text-anchor="middle">{size}</text>'
            for size in sizes
        ]
        inside.append(
            f'<text x="{width / 2}" y="{tall + 36}" text-anchor="middle" font-weight="bold">{what}</text>'
        )
        for key, points in curves[what].items():
            places = [(across(size, sizes), up(seconds), share) for size, seconds, share in points]
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
            inside.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[key]}" stroke-width="2"/>')
            for x, y, share in places:
                fill = COLOURS[key] if share == 1 else "white"
                inside.append(
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{COLOURS[key]}"/>'
                )
        parts.append(f'<g transform="translate({70 + k * (width + 20)} 46)">{"".join(inside)}</g>')
    for k, (key, colour) in enumerate(COLOURS.items()):
        x = 76 + k * 130
        parts.append(f'<rect x="{x}" y="10" width="16" height="8" fill="{colour}"/>')
        parts.append(f'<text x="{x + 22}" y="18">{key[0]}, {key[1]}</text>')
    said = f"hollow: not every row proven within {most:g} s"
    parts.append(f'<text x="{76 + 4 * 130}" y="18">{said}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 310" font-family="sans-serif" font-size="12">'
            f'<rect width="900" height="310" fill="white"/>{"".join(parts)}</svg>\n')  # fmt: skip


if __name__ == "__main__":
    more = sys.argv[2:]
    main(
        sys.argv[1],
        int(more[0]) if more else 10,
        float(more[1]) if len(more) > 1 else 1.0,
        more[2] if len(more) > 2 else "benchmarks/exact_scale.svg",
    )
