"""The exact search over tree ensembles beside Veritas, on the UCI credit data.

Run ``python benchmarks/exact_flips.py CSV PEER [ROWS] [SECONDS] [MODELS] [NORMS]``. The CSV is the UCI credit-default
set; PEER is a Python that has dtai-veritas and numpy; ROWS of each predicted class are moved; SECONDS of processor time
are what either search may take for a row. All columns are scaled to one standard deviation and count as floats without
limits, which is the problem that Veritas knows. It gets the splits and leaf values of the model itself, as its own
readers write them. Its clock is the wall's: it is run in short steps here until it has had its processor time, each row
in a process of its own that the system ends a fifth of a second after that; then the bounds count that it had reached.
Of both sides a proof that took longer is not counted as one. MODELS are numbers, NORMS names, with commas. Prints
Markdown, and each model's lines on standard error when they are there.
"""

from __future__ import annotations

import itertools
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SEED, CUT = 0, 27_000
NORMS = ("l0", "l1", "l2", "linf")
_SLACK = 0.2
"""Seconds of its processor's time after which the peer is cut off, beyond what it may take."""
_END = 0.02
"""Seconds before the end at which ours is told to stop."""


def peer(folder: str, wall: float) -> None:  # noqa: C901 - its classes need a library that is imported here
    """Search with Veritas, in its own Python; the results go to a file beside the exchange's."""
    import veritas
    from veritas.robustness import VeritasRobustnessSearch

    class Stepped:
        """A search that counts processor time."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def step_for(self, seconds: float, steps: int) -> Any:
            end, reason = time.process_time() + seconds, veritas.StopReason.NONE
            while time.process_time() < end and reason in (
                veritas.StopReason.NONE,
                veritas.StopReason.OUT_OF_TIME,
            ):
                reason = self.inner.step_for(0.005, steps)
            return reason

    class ByProcessor(VeritasRobustnessSearch):
        """Its binary search, with the rest of the processor time shared over the steps that are left, as it does."""

        pipe = -1

        def get_search(self, delta: float) -> Stepped:
            return Stepped(super().get_search(delta))

        def get_step_time(self) -> float:
            self.tell(*self.delta_log[-1][1:3])
            left = self.max_time - (time.process_time() - self.start_time_p)
            return float(left / (self.num_steps - self.i))

        def tell(self, lower: float, upper: float) -> None:
            """Write down what is known so far."""
            near = [(np.abs(e - self.example).max(), e) for e in self.generated_examples]
            best = min(near, key=lambda pair: pair[0])[1] if near else np.full(len(self.example), np.nan)
            took = time.process_time() - self.start_time_p
            os.write(self.pipe, np.array([lower, upper, took, 0.0, *best]).tobytes())

    def apart(x: np.ndarray, code: int) -> np.ndarray:
        """Search for one row in a process of its own; return the last that it told."""
        receive, send = os.pipe()
        child = os.fork()
        if not child:
            os.close(receive)
            source, target = (None, trees) if code == 0 else (trees, None)
            search = ByProcessor(x, 5.0, source, target, max_time=wall, num_steps=20, silent=True)
            search.pipe = send
            signal.setitimer(signal.ITIMER_PROF, wall + _SLACK)
            _, lower, upper = search.search()
            search.tell(lower, upper)
            os._exit(0)
        os.close(send)
        with os.fdopen(receive, "rb") as stream:
            told = np.frombuffer(stream.read()).reshape(-1, 4 + len(x))
        _, status = os.waitpid(child, 0)
        last = told[-1].copy()
        if os.WIFSIGNALED(status):
            last[2:4] = wall + _SLACK, 1.0
        return last

    data = np.load(folder + "/model.npz")
    trees = veritas.AddTree(1, veritas.AddTreeType.REGR)
    start = np.concatenate([[0], np.cumsum(data["sizes"])])
    for first, last in itertools.pairwise(start):
        part = slice(int(first), int(last))
        left, right, split, feature, value = (
            data[k][part] for k in ("left", "right", "split", "feature", "value")
        )
        tree = trees.add_tree()
        waiting = [(0, tree.root())]
        while waiting:
            node, at = waiting.pop()
            if left[node] < 0:
                tree.set_leaf_value(at, 0, float(value[node]))
            else:
                tree.split(at, int(feature[node]), float(split[node]))
                waiting += [(int(left[node]), tree.left(at)), (int(right[node]), tree.right(at))]
    trees.set_base_score(0, float(data["base"]))
    out = [apart(x, int(code)) for x, code in zip(data["rows"], data["codes"], strict=True)]
    np.savez(folder + "/out.npz", out=np.array(out))


def models() -> dict[str, Any]:
    """Return the ensembles."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from xgboost import XGBClassifier

    return {
        "forest, 5 x depth 5": RandomForestClassifier(5, max_depth=5, random_state=SEED),
        "xgboost, 200 x depth 6": XGBClassifier(n_estimators=200, max_depth=6, random_state=SEED, nthread=1),
        "HistGradientBoosting, 100": HistGradientBoostingClassifier(random_state=SEED),
        "forest, 100 x depth 8": RandomForestClassifier(100, max_depth=8, random_state=SEED),
        "forest, 100 full trees": RandomForestClassifier(100, random_state=SEED),
    }


def written(folder: Path, forest: Any, rows: np.ndarray, codes: np.ndarray) -> None:
    """Write the trees as Veritas' own readers would have them: x < split goes left."""
    halved = forest.sums_in == "mean"
    after = np.float32 if forest.sums_in == "float32" else np.float64
    parts = {
        name: np.concatenate([getattr(t, name) for t in forest.trees])
        for name in ("left", "right", "feature")
    }
    split = np.concatenate([np.nextafter(t.threshold.astype(after), after(np.inf)) for t in forest.trees])
    value = np.concatenate([t.value[:, 1] - 0.5 * halved for t in forest.trees])
    np.savez(folder / "model.npz", sizes=[len(t.left) for t in forest.trees], split=split.astype(np.float64),
             value=value, base=forest.base[1] - forest.base[0], rows=rows, codes=codes, **parts)  # fmt: skip


def ours(
    subject: Any, schema: Any, rows: np.ndarray, codes: np.ndarray, norm: Any, most: float
) -> dict[str, Any]:
    """Search, and take the time of each row without reading the model; `most` seconds a row, or very nearly."""
    from modelward.evasion import EnsembleSearch

    seconds: list[float] = []

    class Timed(EnsembleSearch):
        def _row(self, *args: Any) -> Any:
            began = time.process_time()
            out = super()._row(*args)
            seconds.append(time.process_time() - began)
            return out

    few = np.r_[0:2, len(rows) // 2 : len(rows) // 2 + 2]
    EnsembleSearch(work=100_000, norm=norm).run(subject, rows[few], codes[few], schema=schema)  # compiles
    found = Timed(10**12, norm, most - _END).run(subject, rows, codes, schema=schema)
    flips, took = subject.codes(found.rows) != codes, np.array(seconds)
    return {"cost": found.cost, "bound": found.bound, "proven": found.proven & (took <= most), "flips": flips,
            "seconds": took}  # fmt: skip


def main(csv: str, python: str, n: int, most: float, picked: list[int], norms_picked: list[str]) -> None:
    """Run both and print."""
    import polars as pl
    import sklearn
    import xgboost

    from modelward.models import subject_forest, wrap
    from modelward.schema import Codec, Column, FeatureSchema

    frame = pl.read_csv(csv)
    y = frame["DEFAULT"].to_numpy()
    X = frame.drop("ID", "DEFAULT").to_numpy().astype(float)
    X /= X.std(axis=0)
    schema = FeatureSchema(tuple(Column(f"x{j}", "continuous") for j in range(X.shape[1])))
    print(
        f"{Path(csv).name}, {n} rows of each predicted class, seed {SEED}; {most} s of processor time a row; "
        f"Python {platform.python_version()}, scikit-learn "
        f"{sklearn.__version__}, xgboost {xgboost.__version__}, numpy {np.__version__}.\n"
    )
    print("## Beside Veritas, L∞\n")
    print(
        "| model | flips, ours | flips, Veritas as emitted | … one float32 step outward | proven, ours | Veritas "
        "| bound ÷ best known (mean), ours | Veritas | median processor s, ours | Veritas "
        "| bounds over a known flip, ours | Veritas |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    norms = []
    for number, (name, model) in enumerate(models().items()):
        if number not in picked:
            continue
        model.fit(X[:CUT], y[:CUT])
        subject = wrap(model, Codec.fit(schema), [0, 1])
        told = model.predict(X[CUT:])
        at = np.concatenate([np.flatnonzero(told == c)[:n] for c in (0, 1)])
        rows, codes = X[CUT:][at], told[at].astype(np.int64)
        every = {norm: ours(subject, schema, rows, codes, norm, most) for norm in norms_picked}
        norms += [_norm_line(name, norm, found, codes) for norm, found in every.items()]
        print(*norms[-len(every) :], sep="\n", file=sys.stderr, flush=True)
        if "linf" not in every:
            continue
        with tempfile.TemporaryDirectory() as folder:
            written(Path(folder), subject_forest(subject), rows, codes)
            subprocess.run([python, __file__, "--peer", folder, str(most)], check=True)
            out = np.load(folder + "/out.npz")["out"]
        print(_side_line(name, every["linf"], out, model, rows, codes, most), flush=True)
    print("\n## All norms, ours\n")
    print(
        "| model | norm | flips | proven | of class 0 | of class 1 | bound ÷ cost, median | mean "
        "| median processor s | largest |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    print("\n".join(norms))


def _norm_line(name: str, norm: str, r: dict[str, Any], codes: np.ndarray) -> str:
    ratio = np.divide(r["bound"], r["cost"], out=np.ones(len(codes)), where=r["cost"] > 0)
    return (f"| {name} | {norm} | {r['flips'].mean():.0%} | {r['proven'].mean():.0%} "
            f"| {r['proven'][codes == 0].mean():.0%} | {r['proven'][codes == 1].mean():.0%} | {np.median(ratio):.3f} "
            f"| {ratio.mean():.3f} | {np.median(r['seconds']):.4f} | {r['seconds'].max():.3f} |")  # fmt: skip


def _side_line(
    name: str,
    r: dict[str, Any],
    out: np.ndarray,
    model: Any,
    rows: np.ndarray,
    codes: np.ndarray,
    most: float,
) -> str:
    lower, upper, seconds, found = out[:, 0], out[:, 1], out[:, 2], out[:, 4:]
    has = ~np.isnan(found).any(axis=1)
    plain = np.where(has[:, None], found, rows)
    way = np.where(plain > rows, np.inf, -np.inf)
    step = np.nextafter(plain.astype(np.float32), way.astype(np.float32)).astype(np.float64)
    mended = np.where(plain == rows, rows, step)
    raw, late = model.predict(plain) != codes, model.predict(mended) != codes
    theirs = np.where(late, np.abs(mended - rows).max(axis=1), np.inf)
    best = np.minimum(theirs, r["cost"])
    done = (upper - lower <= 1e-3 * upper) & late & (seconds <= most)
    over = [int((bound > best * (1 + 1e-6)).sum()) for bound in (r["bound"], lower)]
    shares = [np.mean(np.minimum(bound, best) / best) for bound in (r["bound"], lower)]
    return (f"| {name} | {r['flips'].mean():.0%} | {raw.mean():.0%} | {late.mean():.0%} | {r['proven'].mean():.0%} "
            f"| {done.mean():.0%} | {shares[0]:.3f} | {shares[1]:.3f} | {np.median(r['seconds']):.4f} "
            f"| {np.median(seconds):.4f} | {over[0]} | {over[1]} |")  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "--peer":
        peer(sys.argv[2], float(sys.argv[3]))
    else:
        more = sys.argv[3:]
        main(
            sys.argv[1], sys.argv[2], int(more[0]) if more else 25, float(more[1]) if len(more) > 1 else 1.0,
            [int(k) for k in more[2].split(",")] if len(more) > 2 else list(range(5)),
            more[3].split(",") if len(more) > 3 else list(NORMS),
        )  # fmt: skip
