"""What bands and river's detectors find on the series of monitor_months.py, at a matched rate of false alarms.

python benchmarks/monitor_peers.py SERIES PYTHON-WITH-RIVER ROWS OUT.json    SERIES: the folder that `series` wrote into
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from monitor_months import FAULTS, column

WEEK, QUIET, LEAD = 168, 720, 672
PEER = """
import json, sys
import numpy as np, river
from river import drift
held, out = np.load(sys.argv[1]), {"river": river.__version__}
kinds = {"ADWIN": [(p, lambda p=p: drift.ADWIN(delta=p)) for p in (2e-3, 1e-4, 1e-6, 1e-9, 1e-12, 1e-16, 1e-24)],
         "Page-Hinkley": [(p, lambda p=p: drift.PageHinkley(threshold=p, delta=0.25))
                          for p in (50, 100, 200, 400, 800, 1600)]}
for name, made in kinds.items():
    out[name] = []
    for p, make in made:
        found = {}
        for key in held.files:
            Z, hits = held[key], []
            for j in range(Z.shape[1]):
                one = make()
                for t, z in enumerate(Z[:, j].tolist()):
                    one.update(z)
                    if one.drift_detected:
                        hits.append(t)
            found[key] = sorted(hits)
        out[name].append([p, found])
print(json.dumps(out))
"""


def scored(past: np.ndarray, Y: np.ndarray, phase: np.ndarray) -> dict[str, np.ndarray]:
    """Return how far each hour is from fixed bands: mean in σ, and hour-of-week median in MAD-σ."""
    mean, sd = np.nanmean(past, axis=0), np.maximum(np.nanstd(past, axis=0), 1e-9)
    cells = past[: len(past) // WEEK * WEEK].reshape(-1, WEEK, past.shape[1])
    middle = np.nanmedian(cells, axis=0)
    wide = np.maximum(1.4826 * np.nanmedian(np.abs(cells - middle), axis=0), 0.2 * sd)
    return {
        "mean ± k σ": np.nan_to_num(np.abs(Y - mean) / sd),
        "hour of week ± k MAD": np.nan_to_num(np.abs(Y - middle[phase]) / wide[phase]),
    }


def onsets(loud: np.ndarray) -> int:
    """Count stretches of alarms by series; three quiet hours end one."""
    count = 0
    for j in np.flatnonzero(loud.any(axis=0)):
        count += 1 + int((np.diff(np.flatnonzero(loud[:, j])) > 3).sum())
    return count


class Worlds:
    """The series of all worlds: scores of fixed bands, and streams for river."""

    def __init__(self, folder: Path, rows: int) -> None:
        held = [np.load(path) for path in sorted(folder.glob(f"{rows}_*.npz"))]
        self.count, self.faults = len(held), list(FAULTS)
        self.scores: dict[str, list[dict[str, np.ndarray]]] = {}
        self.streams: dict[str, np.ndarray] = {}
        self.mine: list[dict[str, np.ndarray]] = []
        for w, one in enumerate(held):
            self.mine.append({f: np.flatnonzero(one["cols"] == column(f)) for f in self.faults})
            parts = {f: one[f"fault/{k}"].astype(float) for k, f in enumerate(FAULTS)}
            self._add(w, one["past"].astype(float), {"quiet": one["test"][:QUIET].astype(float)} | parts)

    def _add(self, w: int, past: np.ndarray, parts: dict[str, np.ndarray]) -> None:
        mean, sd = np.nanmean(past, axis=0), np.maximum(np.nanstd(past, axis=0), 1e-9)
        lead = np.nan_to_num((past[-LEAD:] - mean) / sd)
        for key, Y in parts.items():
            at = len(past) + (0 if key == "quiet" else QUIET)
            for name, found in scored(past, Y, (at + np.arange(len(Y))) % WEEK).items():
                self.scores.setdefault(name, [{} for _ in range(self.count)])[w][key] = found
            # Every twelfth series of a quiet month stands for all; of a fault the series of its column.
            kept = slice(None, None, 12) if key == "quiet" else self.mine[w][key]
            self.streams[f"{w}|{key}"] = np.concatenate([lead, np.nan_to_num((Y - mean) / sd)])[:, kept]


Late = dict[str, dict[str, list[float | None]]]


def bands(worlds: Worlds, said: list[str]) -> Late:
    """Return the delays of bands so wide that they alarm at most once in a quiet month."""
    out: Late = {}
    for name, by_world in worlds.scores.items():
        for k in np.geomspace(3, 300, 120):
            rate = sum(onsets(s["quiet"] > k) for s in by_world) / worlds.count
            if rate <= 1:
                break
        said.append(f"{name}: k = {k:.1f} ({rate:.2f} alarms in 30 days)")
        out[name] = {}
        for f in worlds.faults:
            pairs = zip(by_world, worlds.mine, strict=True)
            late = [np.flatnonzero((s[f][:, m[f]] > k).any(axis=1)) for s, m in pairs]
            out[name][f] = [float(t[0] + 1) if len(t) else None for t in late]
    return out


def rivers(worlds: Worlds, python: str, said: list[str]) -> Late:
    """Return the delays of river's detectors, at the first setting that alarms at most once in a quiet month."""
    with tempfile.TemporaryDirectory() as place:
        np.savez(Path(place) / "z.npz", **worlds.streams)
        run = [python, "-c", PEER, str(Path(place) / "z.npz")]
        theirs = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    out: Late = {}
    for name in ("ADWIN", "Page-Hinkley"):
        rates = []
        for k, found in theirs[name]:
            quiet = sum(t >= LEAD for w in range(worlds.count) for t in found[f"{w}|quiet"])
            rates.append(f"{k:g}: {12 * quiet / worlds.count:.1f}")
            late = {
                f: [[t - LEAD + 1 for t in found[f"{w}|{f}"] if t >= LEAD] for w in range(worlds.count)]
                for f in worlds.faults
            }
            out[name] = {f: [float(min(t)) if t else None for t in held] for f, held in late.items()}
            if 12 * quiet <= worlds.count:
                break
        said.append(
            f"river {theirs['river']} {name} (alarms by setting {', '.join(rates)}; the last one is shown)"
        )
    return out


def main() -> None:
    """Write what was found."""
    worlds, said = Worlds(Path(sys.argv[1]), int(sys.argv[3])), []
    late = bands(worlds, said) | rivers(worlds, sys.argv[2], said)
    late["always fire"] = {f: [1.0] * worlds.count for f in worlds.faults}
    late["never fire"] = {f: [None] * worlds.count for f in worlds.faults}
    text = (
        f"Peers look at the same series of the same {worlds.count} worlds and months (z-scores by the past; river's "
        "lead in with four weeks), and have the threshold, tuned on these very quiet months, from which they alarm at "
        f"most once in 30 days: {'; '.join(said)}. Rates of river's are of every twelfth series, times twelve. Always "
        "fire alarms every hour, never fire never. For nannyml see monitor_nannyml.py."
    )
    held = {"rows": int(sys.argv[3]), "wander": 0.06, "schemes": list(late), "delays": late, "said": text}
    Path(sys.argv[4]).write_text(json.dumps(held))


if __name__ == "__main__":
    main()
