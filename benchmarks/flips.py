"""Random flips: how well their share is estimated and which rows are named, beside cleanlab; and stamped copies.

    python benchmarks/flips.py CREDIT.csv PEER_PYTHON SEEDS > benchmarks/flips.md

PEER_PYTHON is an interpreter that has cleanlab. Half of the real credit data gets 3 % of its labels flipped; the other
half is the earlier sample. Both tools are given the same kind of model.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import sklearn

from modelward import compare_data
from modelward.poisoning import estimate_flips
from modelward.stats import Proportion

TARGET, HALF, SHARE = "DEFAULT", 15_000, 0.03


def flips(data: pl.DataFrame, peer: str, seeds: int) -> None:
    """Print estimates and precision at n."""
    within = found = tight = 0
    estimates, quiet, precision = [], 0, {"reference": [], "alone": [], "peer": [], "flagged": []}
    seconds: dict[str, list[float]] = {"reference": [], "alone": [], "peer": []}
    flagged, version = [], ""
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            order = rng.permutation(data.height)
            clean, other = data[order[:HALF]], data[order[HALF : 2 * HALF]]
            wrong = rng.random(HALF) < SHARE
            y = clean[TARGET].to_numpy()
            new = clean.with_columns(pl.Series(TARGET, np.where(wrong, 1 - y, y)))
            n = int(wrong.sum())
            for name, reference in (("reference", other), ("alone", None)):
                start = time.perf_counter()
                each = estimate_flips(new, reference, target=TARGET)
                seconds[name].append(time.perf_counter() - start)
                precision[name].append(wrong[each.rows[:n]].mean())
                if reference is None:
                    within += n / HALF <= each.high
                    continue
                found += each.found
                tight += each.low <= n / HALF <= each.high
                estimates.append(each.rate)
            quiet += estimate_flips(clean, other, target=TARGET).found
            table, ranked = Path(folder) / "table.npz", Path(folder) / "ranked.npz"
            np.savez(table, X=new.drop(TARGET).to_numpy().astype(float), y=new[TARGET].to_numpy())
            script = Path(__file__).with_name("flips_cleanlab.py")
            subprocess.run([peer, str(script), str(table), str(ranked)], check=True)
            theirs = np.load(ranked)
            version = str(theirs["version"])
            precision["peer"].append(wrong[theirs["order"][:n]].mean())
            flagged.append(int(theirs["flagged"].sum()))
            precision["flagged"].append(wrong[theirs["flagged"]].mean())
            seconds["peer"].append(float(theirs["seconds"]))
    print("| random flips, 3 % of 15,000 labels | |\n|---|---|")
    print(f"| flips shown against other rows | {found} of {seeds} |")
    print(f"| shown where nothing was flipped | {quiet} of {seeds} |")
    print(f"| true share within the 95 % interval, other rows | {tight} of {seeds} |")
    print(f"| median estimate | {np.median(estimates):.2%} |")
    print(f"| true share under the bound, no reference | {within} of {seeds} |\n")
    print("| ranking | mean precision among the n first (n flipped) | median s |\n|---|---|---|")
    names = {"reference": "modelward, other rows as reference", "alone": "modelward, no reference",
             "peer": f"cleanlab {version}"}  # fmt: skip
    for key, name in names.items():
        print(f"| {name} | {np.mean(precision[key]):.3f} | {np.median(seconds[key]):.1f} |")
    print(f"\ncleanlab flags {np.median(flagged):,.0f} rows by itself (median), {np.mean(precision['flagged']):.0%} "
          "of them flipped. modelward flags none: it ranks, and says what share can be flipped.\n")  # fmt: skip


def copies(data: pl.DataFrame, seeds: int) -> None:
    """Print how often stamped copies are named without a reference, and quiet tables are."""
    print(
        "| copies of honest rows appended, stamped AGE = v, label 1 | named with its rows | median share of them |"
    )
    print("|---|---|---|")
    for count in (15, 30, 75, 200):
        named, shares = 0, []
        for seed in range(seeds):
            rng = np.random.default_rng(1_000 + seed)
            base = data[rng.permutation(data.height)[:HALF]]
            value = int(rng.choice(base["AGE"].to_numpy()))
            stamp = base[rng.choice(HALF, count, replace=False)].with_columns(
                pl.lit(value).cast(base["AGE"].dtype).alias("AGE"), pl.lit(1).cast(pl.Int64).alias(TARGET)
            )
            found = compare_data(pl.concat([base, stamp]), target=TARGET)
            mine = [s for s in found.suspects if s.rule == f"AGE = {value}, in copies of other rows"]
            named += bool(mine)
            if mine:
                shares.append(float(np.isin(np.arange(HALF, HALF + count), mine[0].rows).mean()))
        middle = f"{np.median(shares):.3f}" if shares else "–"
        print(f"| {count} of {HALF + count:,} | {named} of {seeds} | {middle} |", flush=True)
    called = 0
    for seed in range(200):
        rows = np.random.default_rng(5_000 + seed).permutation(data.height)[:3_000]
        called += compare_data(data[rows], target=TARGET).tampered
    upper = Proportion(called, 200).interval(0.95)[1]
    print(
        f"\nQuiet: {called} of 200 samples of 3,000 rows are called tampered (95 % upper bound {upper:.1%})."
    )


def main() -> None:
    """Print the report."""
    data = pl.read_csv(sys.argv[1]).drop("ID")
    peer, seeds = sys.argv[2], int(sys.argv[3])
    print("# Random flips and stamped copies\n")
    versions = (
        f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}, polars {pl.__version__}"
    )
    print(
        f"`python benchmarks/flips.py CREDIT.csv PEER_PYTHON {seeds}`: {platform.machine()}, {versions}; UCI credit "
    )
    print("data, seeds from 0. Two cores that others used as well: seconds are noisy.\n")
    flips(data, peer, seeds)
    copies(data, seeds)


if __name__ == "__main__":
    main()
