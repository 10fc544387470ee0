"""Alarms on honest files of scikit-learn, XGBoost, LightGBM, CatBoost: peers beside, and a list learned on a part.

    python benchmarks/make_estimators.py FOLDER         (once with each release)
    python benchmarks/false_positives.py FOLDER CACHE > benchmarks/false_positives.md

CACHE holds an environment for each peer, and what it said, as for `detection.py`. The peers see files of objects drawn
at random (protocol 4): 200 of the newest release, 30 of each other one (modelaudit, which takes some 7 s a file: 60
and two).
An alarm is any verdict but clean; what a peer cannot read or skips is told apart, and so is what it does not finish.

The held-out figures ask what the list would say of estimators that nobody had fitted when it was made: names are
learned from the files of a random half of the modules of the release that the list is made with, the other half
and every other release are judged by it. Once with nothing but those names, and once with what the list takes
from the libraries' definitions as well (classes of scikit-learn that only hold parameters, numpy's scalar types,
compiled parts), as `learn_names.py` does.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

from detection import PEERS, SECONDS, peer
from learn_names import ROOTS, compiled, defined, numpy_names, older
from modelward.artifacts import read_artifact

SPLITS = 20
SEED = 0
NEWEST, OTHERS = 200, 30
"""Files that a peer sees of the newest release, and of another one."""
SLOW = {"modelaudit": (60, 2)}
"""The same of a peer that takes seconds a file: the first of those."""


def cell(said: dict[str, str]) -> str:
    """Return alarms, refused and unfinished files as a cell."""
    count = Counter(said.values())
    late = f", {count['no answer']} no answer" if count["no answer"] else ""
    return f"{count['detected']} / {count['refused']} of {len(said)}{late}"


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
    root, cache = Path(sys.argv[1]), Path(sys.argv[2])
    names: dict[Path, set[str]] = {}
    found = {tool: peer(tool, cache, [])[0] for tool in PEERS}
    print(f"Printed by `python benchmarks/false_positives.py FOLDER CACHE`, seed {SEED}; peers: "
          + ", ".join(f"{tool} {version}" for tool, version in found.items()) + ".")  # fmt: skip
    print(
        "\nmodelward sees every file, the peers files of protocol 4 drawn at random, each for at most "
        f"{SECONDS} s of processor time. alarms / refused of files.\n"
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
        for tool in PEERS:
            newest, other = SLOW.get(tool, (NEWEST, OTHERS))
            drawn = random.Random(SEED).sample(some, min(NEWEST, len(some)))  # noqa: S311
            seen = drawn[: newest if release == releases[-1] else other]
            cells.append(cell(peer(tool, cache, seen)[1]))
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
