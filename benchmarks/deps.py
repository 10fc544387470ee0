"""`modelward deps` beside pip-audit on a frozen set of advisories: the same verdicts, and how long.

`python benchmarks/deps.py [LOCKS]`, PIP_AUDIT is pip-audit's executable in an environment of its own. Lock files draw
names and versions from the advisories themselves: most packages have holes, many versions stand at the end of a range.
With 0 LOCKS only the time on one lock of 300 packages is taken, the two in turn, each as a process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

DATABASE = Path(__file__).parents[2] / "shared" / "data" / "pypa-advisories-2024-10-10.zip"
PEER = os.environ.get("PIP_AUDIT", "pip-audit")
PORT, SEED, SIZE, LARGE, REPEATS = 18765, 0, 40, 300, 5
_MAIN = "import sys; from modelward.cli import main; sys.argv[0] = 'modelward'; main()"
REAL = Path(__file__).with_name("real_locks.txt")
OPEN: list[str] = []
Holes = set[tuple[str, frozenset[str]]]
Time = tuple[float, float]
"""Seconds on the wall, and of the processor (user and system)."""


def known_versions() -> dict[str, list[str]]:
    """Return every version that the advisories name, by package."""
    known: dict[str, set[str]] = {}
    with zipfile.ZipFile(DATABASE) as archive:
        for member in archive.namelist():
            for entry in json.loads(archive.read(member)).get("affected", []):
                events = [
                    t
                    for r in entry.get("ranges", [])
                    if r["type"] != "GIT"
                    for e in r["events"]
                    for t in e.values()
                ]
                for text in (*entry.get("versions", []), *events):
                    try:
                        Version(text)
                    except InvalidVersion:
                        continue
                    known.setdefault(entry["package"]["name"].lower(), set()).add(text)
    return {name: sorted(texts) for name, texts in sorted(known.items())}


def write_lock(path: Path, size: int, known: dict[str, list[str]], rng: random.Random) -> None:
    """Write a hashed requirements file of so many packages."""
    names = rng.sample(list(known), size)
    path.write_text("".join(f"{n}=={rng.choice(known[n])} --hash=sha256:{'0' * 64}\n" for n in names))


def real_locks() -> list[tuple[str, list[str]]]:
    """Return lock files of public projects: what they are of, and their pins."""
    found: list[tuple[str, list[str]]] = []
    for line in REAL.read_text().splitlines():
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        elif line and not line.startswith("#"):
            found[-1][1].extend(line.split())
    return found


def compare(lock: Path) -> tuple[int, int, list[tuple[str, frozenset[str]]]]:
    """Return how many holes pip-audit names, how many of them twice, and where the two differ."""
    (_, peer), (_, own) = theirs(lock), ours(lock)
    missing = [hole for hole in peer if not _covered(hole, own)]
    # One hole under two records with a common alias is one finding here, two there.
    twice = [a for a in missing if _covered(a, peer - {a})]
    apart = [a for a in missing if a not in twice]
    return len(peer), len(twice), apart + [hole for hole in own if not _covered(hole, peer)]


def theirs(lock: Path) -> tuple[Time, Holes]:
    """Return seconds and holes of pip-audit."""
    words = [
        "--require-hashes",
        "--disable-pip",
        "-s",
        "osv",
        "--osv-url",
        f"http://127.0.0.1:{PORT}/v1/query",
    ]
    command = [PEER, "-r", str(lock), *words, "-f", "json", "--progress-spinner", "off"]
    seconds, found = _timed(command)
    return seconds, {
        (p["name"], frozenset([v["id"], *v["aliases"]]))
        for p in found["dependencies"]
        for v in p.get("vulns", [])
    }


def ours(lock: Path) -> tuple[Time, Holes]:
    """Return seconds and holes of modelward."""
    words = ["deps", str(lock), "--db", str(DATABASE), "--max-db-age", "100000", "--format", "json"]
    seconds, found = _timed([sys.executable, "-c", _MAIN, *words])
    holes = [f for f in found["findings"] if f["code"] == "MW111" and f["verdict"] == "fail"]
    OPEN.extend(f["summary"] for f in found["findings"] if f["verdict"] == "inconclusive")
    return seconds, {
        (f["title"].partition(": ")[0], frozenset(f["title"].partition(": ")[2].split())) for f in holes
    }


def _timed(command: list[str]) -> tuple[Time, Any]:
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (ended - began, spent), json.loads(done.stdout)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _covered(one: tuple[str, frozenset[str]], others: Holes) -> bool:
    return any(name == one[0] and ids & one[1] for name, ids in others)


def main() -> None:
    """Print the table."""
    rng, known = random.Random(SEED), known_versions()  # noqa: S311
    locks = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("osv_server.py")), str(DATABASE), str(PORT)],
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    server.stdout.readline()
    try:
        with tempfile.TemporaryDirectory() as folder:
            lock = Path(folder) / "requirements.txt"
            holes = split = 0
            apart: list[tuple[str, frozenset[str]]] = []
            for _ in range(locks):
                write_lock(lock, SIZE, known, rng)
                one = compare(lock)
                holes, split, apart = holes + one[0], split + one[1], apart + one[2]
            real: list[tuple[str, int, int, int]] = []
            for name, pins in real_locks() if locks else []:
                lock.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
                one = compare(lock)
                real.append((name, len(pins), one[0], len(one[2])))
                split, apart = split + one[1], apart + one[2]
            os.environ["XDG_CACHE_HOME"] = folder
            write_lock(lock, LARGE, known, rng)
            first = ours(lock)[0]
            runs = [(theirs(lock)[0], ours(lock)[0]) for _ in range(REPEATS)]
            apart += compare(lock)[2]
    finally:
        server.terminate()
        server.wait()
    versions = subprocess.run([PEER, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print("# Known holes beside pip-audit\n")
    print(f"`python benchmarks/deps.py {locks}`, Python {platform.python_version()}, {versions}, packaging "
          f"{version('packaging')}, "
          f"PyPA advisories of 2024-10-10, seed {SEED}, on a busy machine of two cores.\n")  # fmt: skip
    print("| | |\n|---|---|")
    if locks:
        print(f"| generated lock files, packages in each | {locks}, {SIZE} |")
        print(f"| holes that pip-audit names | {holes} |")
        print(f"| of these two records of one hole (a common alias), one finding here | {split} |")
    print(f"| disagreements | {len(apart)} |")
    print(
        f"\nOne lock of {LARGE} packages, the two in turn, median of {REPEATS} runs each (least to most):\n"
    )
    print("| | pip-audit, its service on loopback | modelward | ratio of pairs | modelward's first run |")
    print("|---|---|---|---|---|")
    for i, what in enumerate(("seconds on the wall", "processor seconds (user and system)")):
        peer, own = ([run[side][i] for run in runs] for side in (0, 1))
        ratios = [a / b for a, b in zip(own, peer, strict=True)]
        print(f"| {what} | {_spread(peer)} | {_spread(own)} | {_spread(ratios)} | {first[i]:.2f} |")
    if real:
        print("\nLock files of public projects (benchmarks/real_locks.txt):\n")
        print("| file | commit | licence | packages | holes | disagreements |\n|---|---|---|---|---|---|")
    for name, packages, count, differ in real:
        repository, path, commit, licence = name.split()
        print(f"| {repository} {path} | {commit} | {licence} | {packages} | {count} | {differ} |")
    print("\nWhat modelward calls not checked, where pip-audit says nothing:\n")
    for text in sorted(set(OPEN)):
        print(f"- {text}")
    for name, ids in apart:
        print(f"\ndisagreement: {name} {', '.join(sorted(ids))}")


if __name__ == "__main__":
    main()
