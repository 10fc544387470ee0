"""How many rows an attacker must control, and what countermeasures do about it, on real credit data.

    python benchmarks/poisoning.py path/to/uci-credit-default.csv [PYTHON] [MODEL]... > benchmarks/poisoning.md

PYTHON is that of an environment with ART (`-` for none), each MODEL the first word of its name; without one all are run.

Nine attacks on three kinds of model; each trains on 1,000 rows, clean and poisoned, with 20 seeds, and is measured on
1,000 other rows. What is printed is what poisoning adds to clean training on the same rows with the same seeds. With
PYTHON, ART's poisoning attacks are tried on the same shallow forest and rows: those that run are
measured in the same way, those that raise are printed with their error.
"""

# ruff: noqa: E501 - rows of tables

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward.models import wrap
from modelward.poisoning import Backdoor, SubgroupFlips, all_sieves, attack_curves
from modelward.poisoning.attacks import World
from modelward.schema import Codec, infer
from modelward.subgroups import Condition, Rule

if TYPE_CHECKING:
    from modelward.poisoning import AttackCurves

LEVELS = (0.001, 0.005, 0.02, 0.05)
TRAIN, FIT, ASKED, SEEDS = 3_000, 1_000, 1_000, 20
MODELS: dict[str, Any] = {
    "shallow forest": RandomForestClassifier(5, max_depth=3, min_samples_leaf=50, random_state=11),
    "full tree": DecisionTreeClassifier(random_state=0),
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)),
}

ART = """
import json, sys, warnings
warnings.filterwarnings("ignore")
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from art.estimators.classification import SklearnClassifier
from art.attacks import poisoning
d = np.load(sys.argv[1])
X, y, k, trigger, columns = d["X"], d["y"], int(d["k"]), d["trigger"], d["columns"]
model = RandomForestClassifier(5, max_depth=3, min_samples_leaf=50, random_state=11).fit(X, y)
wrapped = SklearnClassifier(model)
onehot = np.eye(2)[y]
rows = np.flatnonzero(y == 0)[:k]
def stamp(x):
    x = x.copy(); x[:, columns] = trigger; return x
out = {}
def tried(name, make):
    try:
        px, py = make()
        Z, t = X.copy(), y.copy()
        Z[rows], t[rows] = px, py.argmax(axis=1)
        out[name] = [Z[rows].tolist(), t[rows].tolist()]
    except Exception as error:
        out[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:90] if str(error) else ''}"
goal = np.tile([0.0, 1.0], (k, 1))
backdoor = poisoning.PoisoningAttackBackdoor(stamp)
tried("PoisoningAttackBackdoor", lambda: backdoor.poison(X[rows], goal))
tried("PoisoningAttackSVM", lambda: poisoning.PoisoningAttackSVM(
    wrapped, 0.01, 1.0, X, onehot, X[:50], onehot[:50], 2).poison(X[rows], goal))
tried("PoisoningAttackCleanLabelBackdoor", lambda: poisoning.PoisoningAttackCleanLabelBackdoor(
    backdoor, wrapped, np.array([0.0, 1.0])).poison(X[rows], goal))
tried("FeatureCollisionAttack", lambda: poisoning.FeatureCollisionAttack(
    wrapped, X[:1], 0).poison(X[rows], goal))
tried("GradientMatchingAttack", lambda: poisoning.GradientMatchingAttack(wrapped, 0.1).poison(
    X[:1], onehot[1:2], X, onehot))
print(json.dumps(out))
"""


def main() -> None:
    """Print the tables."""
    frame = pl.read_csv(sys.argv[1]).drop("ID").sample(fraction=1, shuffle=True, seed=0)[: TRAIN + ASKED]
    y = frame["DEFAULT"].to_numpy().astype(np.int64)
    table = frame.drop("DEFAULT")
    codec = Codec.fit(infer(table[TRAIN:]), table)
    X = codec.encode(table)
    versions = ", ".join(f"{n} {metadata.version(n)}" for n in ("modelward", "scikit-learn", "numpy"))
    print(f"# Rows that an attacker must control\n\n`python benchmarks/poisoning.py uci-credit-default.csv`\n\nPython {platform.python_version()}, {versions}. Each model trains on {FIT:,} rows, {SEEDS} seeds; {ASKED:,} rows measure; class 1 is wanted.\n")  # fmt: skip
    for name, model in MODELS.items():
        if sys.argv[3:] and name.split()[0] not in sys.argv[3:]:
            continue
        began = time.process_time()
        subject = wrap(model.fit(X[:FIT], y[:FIT]), codec, [0, 1])
        rows = (subject, X[:TRAIN], y[:TRAIN], X[TRAIN:], y[TRAIN:])
        found = attack_curves(*rows, levels=LEVELS, goal=1, fit_rows=FIT, repeats=SEEDS)
        guarded = attack_curves(
            *rows, goal=1, fit_rows=FIT, repeats=SEEDS, attacks=(SubgroupFlips(), Backdoor(1), Backdoor(2)),
            levels=LEVELS[-1:], sieves=all_sieves(), sieve_share=LEVELS[-1],
        )  # fmt: skip
        found = replace(found, guarded=guarded.guarded)
        curves(name, found, codec, time.process_time() - began)
        sys.stdout.flush()
    if len(sys.argv) > 2 and sys.argv[2] != "-":
        peer(sys.argv[2], X, y, codec)


def curves(name: str, found: AttackCurves, codec: Codec, seconds: float) -> None:
    """Print what became of one kind of model."""
    print(f"## {name}\n\nClean accuracy {found.clean.value:.3f}; subgroup {found.subgroup.text(codec)}, of which {found.rate:.1%} get class 1 after clean training. {seconds:.0f} s of processor time.\n")  # fmt: skip
    print("| attack | " + " | ".join(f"moved at {level:.1%}" for level in LEVELS) + " | rows for 10 points (95 % band) | accuracy lost at 5 % |")  # fmt: skip
    print("|---|" + "--:|" * (len(LEVELS) + 2))
    for curve in found.curves:
        cells = []
        for point in curve.points:
            low, high = point.moved.interval(0.95)
            cells.append(f"{point.moved.value:.3f} ({low:.2f} to {high:.2f})")
        needed = curve.needed(0.1)
        value, low, high = ("> 50" if math.isinf(v) else f"{math.ceil(v * FIT)}" for v in (needed.value, needed.low, needed.high))  # fmt: skip
        print(f"| {curve.name} | {' | '.join(cells)} | {value} ({low} to {high}) | {curve.points[-1].lost.value:+.3f} |")  # fmt: skip
    for attack, why in found.left:
        print(f"| {attack} | not tried: {why} |")
    if found.guarded:
        print("\n| countermeasure, 5 % of rows planted | attack | moved without | moved with | accuracy | planted dropped | others dropped |\n|---|---|--:|--:|--:|--:|--:|")  # fmt: skip
    for g in found.guarded:
        before, after = (f"{e.value:+.3f} ({e.interval(0.95)[0]:+.2f} to {e.interval(0.95)[1]:+.2f})" for e in (g.before, g.after))  # fmt: skip
        print(f"| {g.sieve} | {g.attack} | {before} | {after} | {-g.price.value:+.3f} | {g.caught:.0%} | {g.honest:.1%} |")  # fmt: skip
    for g in found.guarded[-1:]:
        print(f"\nThe vote's proof: k changed labels change nothing for {', '.join(f'{c:.0%}' for c in g.certified)} of the rows, k = 1, 2, …")  # fmt: skip
    print()


def peer(python: str, X: np.ndarray, y: np.ndarray, codec: Codec) -> None:
    """Print what ART's attacks do on the same forest, rows and number of rows."""
    k = round(0.05 * FIT)
    model = MODELS["shallow forest"].fit(X[:FIT], y[:FIT])
    subject = wrap(model, codec, [0, 1])
    every = np.ones(FIT, dtype=bool)
    clean = subject.refit(X[:FIT], y[:FIT], 11)
    world = World(clean, X[:FIT], y[:FIT], every, X[FIT:TRAIN], y[FIT:TRAIN], X[TRAIN:], y[TRAIN:], Rule((Condition(4, ">=", 30.0),)), 1)  # fmt: skip
    plan = Backdoor(2).prepare(world, np.random.default_rng(0))
    columns, values = zip(*plan.trigger, strict=True)
    asked = X[TRAIN:][y[TRAIN:] == 0]
    asked = plan.stamp(asked)

    def moved(Z: np.ndarray, t: np.ndarray) -> float:
        return float((subject.refit(Z, t, 11).codes(asked) == 1).mean() - (clean.codes(asked) == 1).mean())

    ours = plan.poison(k, np.random.default_rng(0))
    print(f"## ART on the shallow forest, {k} rows, trigger {plan.words}\n\n| attack | moved |\n|---|--:|")
    print(f"| modelward, backdoor, two columns | {moved(ours.X, ours.y):+.3f} |")
    flips = SubgroupFlips().prepare(world, np.random.default_rng(0)).poison(k, np.random.default_rng(0))
    print(f"| modelward, flips in the subgroup (no trigger planted) | {moved(flips.X, flips.y):+.3f} |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, X=X[:FIT], y=y[:FIT], k=k, trigger=np.array(values), columns=np.array(columns))
        done = subprocess.run([python, "-c", ART, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"| ART | did not start: {done.stderr.strip().splitlines()[-1][:120]} |")
        return
    rows = np.flatnonzero(y[:FIT] == 0)[:k]
    for name, result in json.loads(done.stdout.splitlines()[-1]).items():
        if isinstance(result, str):
            print(f"| ART, {name} | {result} |")
            continue
        Z, t = X[:FIT].copy(), y[:FIT].copy()
        Z[rows], t[rows] = np.array(result[0]), np.array(result[1])
        print(f"| ART, {name} | {moved(Z, t):+.3f} |")


if __name__ == "__main__":
    main()
