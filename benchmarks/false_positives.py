"""Alarms on honest files of scikit-learn, XGBoost, LightGBM, CatBoost: peers beside, and a list learned on a part.

    python benchmarks/false_positives_make.py FOLDER         (once with each release)
    python benchmarks/false_positives.py FOLDER PYTHON > benchmarks/false_positives.md

PYTHON is an interpreter that has picklescan, modelscan and fickling. They see one file of each object (protocol 4).
An alarm is any verdict but clean; what a peer cannot read or skips is told apart.

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

from learn_names import ROOTS, compiled, defined, numpy_names, older
from modelward.artifacts import read_artifact

SPLITS = 20
SEED = 0
PEERS = """
import json, sys, io, contextlib, warnings
warnings.simplefilter("ignore")
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
out = {}
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    for make in (picklescan, modelscan, fickling):
        said = {"clean": 0, "alarm": 0, "refused": 0}
        try: scan = make()
        except Exception as e: out[make.__name__] = {"error": repr(e)[:80]}; continue
        for path in json.load(open(sys.argv[1])):
            try: said[scan(path)] += 1
            except Exception: said["refused"] += 1
        out[make.__name__] = said
print(json.dumps(out))
"""


def versions(python: str) -> str:
    """Return the peers' releases."""
    code = "from importlib.metadata import version as v; print(', '.join(f'{p} {v(p)}' for p in ('picklescan', 'modelscan', 'fickling')))"  # noqa: E501
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def peers(python: str, paths: list[str], where: Path) -> dict[str, dict[str, int]]:
    """Return what the peers say, counted."""
    listed = where / "paths.json"
    listed.write_text(json.dumps(paths))
    done = subprocess.run([python, "-c", PEERS, str(listed)], capture_output=True, text=True, check=True)
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


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
    root, python = Path(sys.argv[1]), sys.argv[2]
    names: dict[Path, set[str]] = {}
    print(
        f"Printed by `python benchmarks/false_positives.py FOLDER PYTHON`, seed {SEED}; {versions(python)}."
    )
    print(
        "\nmodelward sees every file; the peers one of each object, in pickle protocol 4. alarms / refused of files."
    )
    print(
        "\n| release | files | modelward | files for peers | picklescan | modelscan | fickling |\n"
        "|---|--:|--:|--:|--:|--:|--:|"
    )
    alarms = []
    releases = sorted(path for path in root.iterdir() if path.is_dir())
    for release in releases:
        files = sorted(path for path in release.rglob("*") if path.is_file())
        count = refused = 0
        for path in files:
            found = read_artifact(path)
            names[path] = {use.name for use in found.globals if use.name.startswith(ROOTS)}
            refused += found.verdict == "unreadable"
            if found.verdict in ("suspicious", "malicious"):
                count += 1
                alarms.append(
                    f"{release.name}: {path.parent.name}.{path.name}: {'; '.join(found.reasons)[:160]}"
                )
        some = [str(path) for path in files if path.name.endswith("-4.pkl")]
        cells = [
            "did not start" if "error" in said else f"{said['alarm']} / {said['refused']}"
            for said in peers(python, some, root.parent).values()
        ]
        print(
            f"| {release.name} | {len(files):,} | {count} / {refused} | {len(some)} | {' | '.join(cells)} |",
            flush=True,
        )
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
