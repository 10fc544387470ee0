"""Scan files that were made to be slow or large to read, and print what each cost, the worst first.

    python benchmarks/hostile.py [SECONDS] [KEPT] > benchmarks/hostile.md

Each is read by a process of its own, as `modelward scan` reads it, whose processor time includes starting Python (other
work on a machine slows a clock on the wall). The sizes are those of the files on the disk. What was not reached after
SECONDS is named on the page. What was read is kept in the file KEPT, with which another run goes on.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hostile_shapes import SHAPES

SMALL = 3
LARGE = {
    64: (
        "keys of two numbers that collide", "states, one key each", "tiny pickles, N.", "one name, cc c",
        "tuples, nested", "hidden: pickles that name", "hidden: noise", "text: lines of letters", "zeros",
    ),
    500: ("zeros", "one long text", "npy of zeros", "hidden: zlib of zeros", "joblib, an array of 2^60 items"),
}  # fmt: skip
LIMIT = 60
_CHILD = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
said = child.stdout.read().decode()
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
print(child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, said)
"""
_SCAN = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({LIMIT}, {LIMIT}))
from modelward.artifacts import read_artifact
found = read_artifact(sys.argv[1], whole=False)
print(found.verdict + "|" + (found.reasons or ("",))[0][:90].replace("|", " "))
"""


def scanned(path: Path) -> tuple[float, float, str, str]:
    """Return processor seconds, megabytes, verdict and the first reason of reading a file."""
    run = subprocess.run(
        [sys.executable, "-S", "-c", _CHILD, sys.executable, "-c", _SCAN, str(path)],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    _, seconds, megabytes, *said = run.stdout.strip().split(" ", 3)
    verdict, _, reason = said[0].partition("|") if said and said[0] else ("none", "", "its process was ended")
    return float(seconds), float(megabytes), verdict, reason


def main() -> None:
    """Print the table."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its byte code beside it
    until = time.monotonic() + (float(sys.argv[1]) if len(sys.argv) > 1 else 1e9)
    wanted = [(size, name) for size in LARGE for name in LARGE[size]]
    wanted = [*((SMALL, name) for name in SHAPES), *wanted]
    kept = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept and kept.exists() else []
    done = {(row[-1], row[-2]) for row in rows}
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        for i, (size, name) in enumerate(wanted):
            if (size, name) in done:
                continue
            if time.monotonic() > until:
                missed.append(f"{name} ({size} MB)")
                continue
            made = [(size, name, SHAPES[name](size * 1_000_000))]
            if not rows:
                path.write_bytes(b"N.")
                scanned(path)  # now byte code is there
            if i % 20 == 0:
                made.append((0, f"honest, {i}", pickle.dumps([{"an": "honest", "file": [1, 2.0, None]}], 4)))
            for size_, name_, data in made:
                path.write_bytes(data)
                rows.append([*scanned(path), len(data) / 1e6, name_, size_])
                if kept:
                    with kept.open("a") as file:
                        print(json.dumps(rows[-1]), file=file)
    honest = [row[0] for row in rows if row[-1] == 0]
    rows = [row for row in rows if row[-1]]
    small = [row[0] for row in rows if row[-1] == SMALL]
    print(
        f"# Files made to be slow to read\n\nPython {platform.python_version()}, numpy {np.__version__}; "
        f"`python benchmarks/hostile.py`; processor seconds of whole processes, the start of Python included; "
        f"an honest file of 60 bytes, one after every 20: {min(honest):.2f} to {max(honest):.2f} s. Of {SMALL} MB, "
        f"{sum(seconds > 1 for seconds in small)} of {len(small)} take over 1 s.\n\n"
        "| file | MB | seconds | MB of memory | verdict | why |\n|---|---|---|---|---|---|"
    )
    for seconds, megabytes, verdict, reason, size, name, _ in sorted(
        rows, key=lambda row: (row[-1], -row[0])
    ):
        print(f"| {name} | {size:.1f} | {seconds:.2f} | {megabytes:,.0f} | {verdict} | {reason} |")
    if missed:
        print(f"\nNot reached: {', '.join(missed)}.")


if __name__ == "__main__":
    main()
