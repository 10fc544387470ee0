"""The exact search over tree ensembles against a list of all boxes, in every norm.

Run ``python benchmarks/exact_brute.py [WORLDS]``. Each world is a small random table with a schema (integers, steps,
floats, ordinals, categories, a one-hot group, columns that cannot be changed or go one way, missing cells, relations)
and a model trained on it. The list has, for a column of floats, each float beside each threshold as the library's own
structures give it, on both sides of every rounding, and for all others each legal value; the model itself labels every
combination. So the list and the search share no code but the schema. Prints a Markdown table; exit code 1 if anything
disagrees.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import platform
import sys
import time
from collections import Counter
from typing import Any

import lightgbm
import numpy as np
import sklearn
import xgboost
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from exact_brute_make import World, draw
from modelward.evasion import EnsembleSearch, Outcome
from modelward.models import wrap
from modelward.schema import Codec, legal

NORMS: dict[str, float] = {"l1": 1, "l0": 0, "l2": 2, "linf": np.inf}
MODELS: dict[str, Any] = {
    "DecisionTree": lambda s: DecisionTreeClassifier(max_depth=5, random_state=s),
    "RandomForest": lambda s: RandomForestClassifier(4 + s % 5, max_depth=3 + s % 3, random_state=s),
    # Fully grown trees vote 0 or 1, so an even number of them ties often.
    "RandomForest, votes": lambda s: RandomForestClassifier(4, random_state=s),
    "ExtraTrees": lambda s: ExtraTreesClassifier(5, max_depth=4, random_state=s),
    "GradientBoosting": lambda s: GradientBoostingClassifier(n_estimators=5, max_depth=3, random_state=s),
    "HistGradientBoosting": lambda s: HistGradientBoostingClassifier(
        max_iter=5, min_samples_leaf=2, max_leaf_nodes=8, random_state=s
    ),
    "xgboost": lambda s: xgboost.XGBClassifier(n_estimators=5, max_depth=3, random_state=s, nthread=1),
    "lightgbm": lambda s: lightgbm.LGBMClassifier(
        n_estimators=5, num_leaves=8, min_child_samples=2, verbose=-1, random_state=s, num_threads=1
    ),
}
NO_MISSING = ("GradientBoosting",)
SLACK = 1e-9


def edges(model: Any, d: int) -> list[np.ndarray]:
    """Return all floats of each column between which the model's answer can change."""
    pairs = list(_splits(model))
    out = []
    for j in range(d):
        t = np.unique(np.array([v for feature, v in pairs if feature == j], dtype=np.float64))
        with np.errstate(over="ignore"):
            single = t.astype(np.float32)
        lower, upper = (np.nextafter(single, np.float32(way)).astype(np.float64) for way in (-np.inf, np.inf))
        same = single.astype(np.float64)
        at = np.concatenate([t, same, lower, upper, (lower + same) / 2, (same + upper) / 2])
        near = np.concatenate([at, np.nextafter(at, -np.inf), np.nextafter(at, np.inf)])
        out.append(np.unique(near[np.isfinite(near)]))
    return out


def _splits(model: Any) -> Any:
    """Yield column and threshold of each split, from the libraries' public structures where they have them."""
    if isinstance(model, xgboost.XGBClassifier):
        for tree in json.loads(model.get_booster().save_raw("json"))["learner"]["gradient_booster"]["model"][
            "trees"
        ]:
            for j, t, left in zip(
                tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
            ):
                if left != -1:
                    yield j, np.float32(t)
    elif isinstance(model, lightgbm.LGBMClassifier):
        waiting = [tree["tree_structure"] for tree in model.booster_.dump_model()["tree_info"]]
        while waiting:
            node = waiting.pop()
            if "threshold" in node:
                yield node["split_feature"], node["threshold"]
                waiting += [node["left_child"], node["right_child"]]
    elif isinstance(model, HistGradientBoostingClassifier):
        for predictor in (p for stage in model._predictors for p in stage):  # noqa: SLF001 - no public way in
            inner = predictor.nodes[predictor.nodes["is_leaf"] == 0]
            yield from zip(inner["feature_idx"], inner["num_threshold"], strict=True)
    else:
        for tree in np.ravel(getattr(model, "estimators_", model)):
            inner = tree.tree_.feature >= 0
            yield from zip(tree.tree_.feature[inner], tree.tree_.threshold[inner], strict=True)


def norm_of(parts: np.ndarray, order: float) -> np.ndarray:
    """Return the norm of the prices of units, shape (n,)."""
    return np.asarray(np.linalg.norm(parts, order, axis=1))


def compare(kind: str, seed: int, tally: Counter[str]) -> None:
    """Search one world in all norms, with all the work it takes and with too little, and compare."""
    world = draw(seed, missing=kind not in NO_MISSING)
    model = MODELS[kind](seed).fit(world.rows, world.y)
    subject = wrap(model, Codec.fit(world.schema), world.y.tolist())
    rows = world.picked(edges(model, world.rows.shape[1]))
    rows = rows[legal(world.schema, rows)]
    codes = subject.codes(rows)
    goal = None if seed % 3 else 1
    lists = [_listed(world, model, x, int(code), goal) for x, code in zip(rows, codes, strict=True)]
    tally["points listed"] += sum(size for _, _, size in lists)
    for norm, order in NORMS.items():
        for work in (60_000_000, 1 + 200 * (seed % 7)):
            result = EnsembleSearch(work=work, norm=norm).run(
                subject, rows, codes, schema=world.schema, goal=goal
            )
            given = subject.codes(result.rows)
            for i, (held, fading, _) in enumerate(lists):
                if result.outcome[i] is Outcome.ALREADY_GOAL:
                    continue
                least = norm_of(held, order).min(initial=np.inf)
                every = min(least, norm_of(fading, order).min(initial=np.inf))
                whole = work > 1_000_000
                tally[f"{norm}, {'whole' if whole else 'stopped'}"] += 1
                bad = _faults(world, result, i, least, every, whole=whole)
                if result.success[i] and not (given[i] == goal if goal is not None else given[i] != codes[i]):
                    bad.append("does not flip")
                tally["moved"] += int(result.success[i])
                tally["stopped, not proven"] += int(not whole and not result.proven[i])
                tally["whole, not proven"] += int(whole and not result.proven[i])
                tally["disagree"] += bool(bad)
                if bad:
                    print(f"DISAGREES: {kind}, seed {seed}, {norm}, work {work}, row {i}: {', '.join(bad)}; "
                          f"cost {result.cost[i]!r}, bound {result.bound[i]!r}, list {least!r}, {every!r}",
                          flush=True)  # fmt: skip


def _faults(world: World, result: Any, i: int, least: float, every: float, *, whole: bool) -> list[str]:
    bad = []
    cost, bound = result.cost[i], result.bound[i]
    if bound > every * (1 + SLACK):
        bad.append("bound over the least")
    if cost < least * (1 - SLACK):
        bad.append("cheaper than the list")
    if result.proven[i] and not (cost <= every * (1 + 1e-6) + 1e-12):
        bad.append("proven, and dearer than the list")
    # A point that breaks a relation is passed over, so only there may the whole search end with a dearer one.
    if whole and not world.schema.relations and cost > least * (1 + SLACK):
        bad.append("dearer than the list")
    if whole and not world.schema.relations and least <= every and not result.proven[i] and not world.fades:
        bad.append("not proven")
    if result.success[i] and not legal(world.schema, result.rows[[i]])[0]:
        bad.append("illegal")
    return bad


def _listed(world: World, model: Any, x: np.ndarray, code: int, goal: int | None) -> tuple[Any, Any, int]:
    """Return the prices of all units of each flip, those with the row's missing cells and those with others."""
    every, parts = world.moves(x)
    flips = np.zeros(len(every), dtype=bool)
    classes = list(model.classes_)
    labels = model.predict(every)
    flips = labels == classes[goal] if goal is not None else labels != classes[code]
    held = (np.isnan(every) == np.isnan(x)).all(axis=1)
    return parts[flips & held], parts[flips & ~held], len(every)


def main(worlds: int) -> int:
    """Run and print."""
    total: Counter[str] = Counter()
    print("| model | worlds | cases | of them stopped early | flips found | points listed | not proven, whole "
          "| not proven, stopped | disagreements | s |")  # fmt: skip
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    whole = time.perf_counter()
    for kind in MODELS:
        tally: Counter[str] = Counter()
        began = time.perf_counter()
        for seed in range(worlds):
            compare(kind, seed, tally)
            # A whole kind can take minutes, and the very first world compiles all kernels: say how far it is.
            if seed % 4 == 0:
                print(f"{kind}: world {seed + 1} of {worlds}, {tally['disagree']} disagreements, "
                      f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
        cases = {k: v for k, v in tally.items() if k.endswith(("whole", "stopped"))}
        tally["cases"], tally["early"] = (
            sum(cases.values()),
            sum(v for k, v in cases.items() if "stopped" in k),
        )
        total += tally
        _line(kind, worlds, tally, time.perf_counter() - began)
    _line("all", worlds * len(MODELS), total, time.perf_counter() - whole)
    print(
        f"\nPython {platform.python_version()}, scikit-learn {sklearn.__version__}, "
        f"xgboost {xgboost.__version__}, lightgbm {lightgbm.__version__}, numpy {np.__version__}; "
        f"seeds 0 to {worlds - 1} for each kind."
    )
    return int(total["disagree"] > 0)


def _line(kind: str, worlds: int, t: Counter[str], seconds: float) -> None:
    print(f"| {kind} | {worlds} | {t['cases']:,} | {t['early']:,} | {t['moved']:,} | {t['points listed']:,} "
          f"| {t['whole, not proven']:,} | {t['stopped, not proven']:,} | {t['disagree']} | {seconds:.0f} |",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
