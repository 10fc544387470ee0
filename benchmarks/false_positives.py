"""Alarms on honest files of scikit-learn, XGBoost, LightGBM, CatBoost: peers beside, and a list learned on a part.

    python benchmarks/make_estimators.py FOLDER         (once with each release)
    python benchmarks/false_positives.py FOLDER PYTHON... > benchmarks/false_positives.md

PYTHON is an interpreter that has picklescan, modelscan, fickling or modelaudit: as many as there are environments.
They see files of objects drawn at random (protocol 4), modelaudit, which takes seconds a file, fewer of them; each file
may take a minute of processor time. An alarm is any verdict but clean; what a peer cannot read, skips or does not
finish is told apart.

The held-out figures ask what the list would say of estimators that nobody had fitted when it was made: names are
learned from the files of a random half of the modules of the release that the list is made with, the other half
and every other release are judged by it. Once with nothing but those names, and once with what the list takes
from the libraries' definitions as well (classes of scikit-learn that only hold parameters, numpy's scalar types,
compiled parts), as `learn_names.py` does.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from learn_names import ROOTS, compiled, defined, numpy_names, older
from modelward.artifacts import read_artifact

SPLITS = 20
SEED = 0
PEERS = {"picklescan": 30, "modelscan": 30, "fickling": 30, "modelaudit": 2}
"""Which peers, and how many files of a release each sees."""
LIMIT = 60
"""Seconds of processor time that a file may take."""
ASK = """
import json, os, sys, io, contextlib, signal, warnings
from importlib.metadata import PackageNotFoundError, version
warnings.simplefilter("ignore")
os.environ.update(PROMPTFOO_DISABLE_TELEMETRY="1", NO_ANALYTICS="1", DO_NOT_TRACK="1")
def picklescan():
    from picklescan.scanner import scan_file_path
    def scan(path):
        r = scan_file_path(path)
        return "alarm" if r.issues_count else "refused" if r.scan_err or not r.scanned_files else "clean"
    return scan
def modelscan():
    from modelscan.modelscan import ModelScan
    def scan(path):
        found = ModelScan().scan(path)["summary"]
        if found["total_issues"]: return "alarm"
        return "clean" if found["scanned"]["total_scanned"] else "refused"
    return scan
def fickling():
    import fickling
    return lambda path: "clean" if fickling.is_likely_safe(path) else "alarm"
def modelaudit():
    from modelaudit.core import scan_model_directory_or_file
    def scan(path):
        found = scan_model_directory_or_file(path)
        if any(issue.severity.name in ("WARNING", "CRITICAL") for issue in found.issues): return "alarm"
        return "clean" if found.success else "refused"
    return scan
def late(*_): raise TimeoutError
signal.signal(signal.SIGPROF, late)
name, limit, paths = sys.argv[1], int(sys.argv[2]), json.load(sys.stdin)
said = {"clean": 0, "alarm": 0, "refused": 0, "late": 0}
try: said["version"] = version(name)
except PackageNotFoundError: said["version"] = ""
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    scan = globals()[name]() if said["version"] else None
    for path in paths if scan else ():
        signal.setitimer(signal.ITIMER_PROF, limit)
        try: said[scan(path)] += 1
        except TimeoutError: said["late"] += 1
        except Exception: said["refused"] += 1
        finally: signal.setitimer(signal.ITIMER_PROF, 0)
print(json.dumps(said))
"""


def ask(pythons: list[str], peer: str, paths: list[str]) -> dict[str, Any]:
    """Return what a peer says, counted, from the first environment that has it; nothing if none has."""
    for python in pythons:
        call = [python, "-c", ASK, peer, str(LIMIT)]
        done = subprocess.run(call, input=json.dumps(paths), stdout=subprocess.PIPE, text=True, check=True)
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if said["version"]:
            return said
    return {}


def cell(said: dict[str, Any], files: int) -> str:
    """Return alarms, refused and unfinished files as a cell."""
    if not said:
        return "not installed"
    late = f", {said['late']} not finished" if said["late"] else ""
    return f"{said['alarm']} / {said['refused']} of {files}{late}"


def held_out(names: dict[Path, set[str]], home: str, base: set[str]) -> tuple[str, str]:
    """Return the mean share of files that alarm among modules held out, and among other releases."""
    modules = sorted({path.parent.name for path in names if path.parts[-3] == home})
    rng = random.Random(SEED)  # noqa: S311 - which half is no secret
    within: list[tuple[int, int]] = []
    beyond: list[tuple[int, int]] = []
    for _ in range(SPLITS):
        half = set(rng.sample(modules, len(modules) // 2))
        learned = set(base)
        for path, used in names.items():
            if path.parts[-3] == home and path.parent.name in half:
                learned |= used
        learned = older(learned)
        rest = [u for p, u in names.items() if p.parts[-3] == home and p.parent.name not in half]
        other = [u for p, u in names.items() if p.parts[-3] != home]
        within.append((sum(not used <= learned for used in rest), len(rest)))
        beyond.append((sum(not used <= learned for used in other), len(other)))
    return tuple(  # type: ignore[return-value]
        f"{sum(a for a, _ in part) / sum(n for _, n in part):.1%} ({min(a for a, _ in part)} to "
        f"{max(a for a, _ in part)} of some {sum(n for _, n in part) // SPLITS:,})"
        if part and part[0][1] else "–"
        for part in (within, beyond)
    )  # fmt: skip


def main() -> None:
    """Judge every file and print the tables."""
    root, pythons = Path(sys.argv[1]), sys.argv[2:]
    names: dict[Path, set[str]] = {}
    found = {peer: ask(pythons, peer, []).get("version", "not installed") for peer in PEERS}
    print(f"Printed by `python benchmarks/false_positives.py FOLDER PYTHON...`, seed {SEED}; peers: "
          + ", ".join(f"{peer} {version}" for peer, version in found.items()) + ".")  # fmt: skip
    print(
        "\nmodelward sees every file, the peers files of protocol 4 drawn at random, each for at most "
        f"{LIMIT} s of processor time. alarms / refused of files.\n"
    )
    print(f"| release | files | modelward | {' | '.join(PEERS)} |\n|---|--:|--:|{'--:|' * len(PEERS)}")
    alarms = []
    releases = sorted(path for path in root.iterdir() if path.is_dir())
    for release in releases:
        files = sorted(path for path in release.rglob("*") if path.is_file())
        count = refused = 0
        for path in files:
            artifact = read_artifact(path)
            names[path] = {use.name for use in artifact.globals if use.name.startswith(ROOTS)}
            refused += artifact.verdict == "unreadable"
            if artifact.verdict in ("suspicious", "malicious"):
                count += 1
                alarms.append(
                    f"{release.name}: {path.parent.name}.{path.name}: {'; '.join(artifact.reasons)[:160]}"
                )
        some = [str(path) for path in files if path.name.endswith("-4.pkl")]
        cells = []
        for peer, most in PEERS.items():
            seen = random.Random(SEED).sample(some, min(most, len(some)))  # noqa: S311
            cells.append(cell(ask(pythons, peer, seen), len(seen)))
        print(f"| {release.name} | {len(files):,} | {count} / {refused} | {' | '.join(cells)} |", flush=True)
    print("\nAlarms of modelward:", "none." if not alarms else "")
    for line in alarms[:60]:
        print("-", line)
    home = releases[-1].name
    print(
        f"\nLists learned from half of the modules of {home}, mean of {SPLITS} random halves (least to most alarms):"
    )
    print("\n| list | the other half's files | all files of the other releases |\n|---|--:|--:|")
    definitions = older(defined() | numpy_names() | compiled())
    for title, base in (
        ("names of the fitted half alone", set()),
        ("with the libraries' definitions", definitions),
    ):
        within, beyond = held_out(names, home, base)
        print(f"| {title} | {within} | {beyond} |", flush=True)


if __name__ == "__main__":
    main()
