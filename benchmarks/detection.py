"""What modelward and other scanners say of the generated corpus, and print the table.

    python benchmarks/detection.py CORPUS CACHE > benchmarks/detection.md

CORPUS is written by `corpus.py` and checked by `corpus_check.py`. CACHE holds an environment for each peer
(`CACHE/picklescan` and so on), made with venv and pip where it is missing. Every tool sees the same files through its
Python interface. A peer's process says each answer as soon as it has it: if it dies, the file that it was at is
*no answer* and the next process goes on with the one after. Answers are kept in CACHE, so a run that was ended goes on.
*Detected*: it reports an issue (modelward: malicious or suspicious). *Refused*: an error, or nothing was scanned
(modelward: unreadable). *Missed*: it says that nothing is wrong. *No answer*: its process died, or the file took more
than `SECONDS` of processor time or `LONGEST` altogether.
"""

from __future__ import annotations

import hashlib
import json
import os
import selectors
import subprocess
import sys
import time
import venv
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import IO

from modelward.artifacts import read_artifact

SECONDS = 30
"""Of processor time that a peer may take over a file."""
LONGEST = 300
"""Seconds altogether, for a file over which a peer only waits."""
COMMON = (
    f"SECONDS = {SECONDS}"
    """
import json, sys, warnings, logging, io, contextlib, signal, os
warnings.simplefilter("ignore"); logging.disable(50)
answers = os.fdopen(os.dup(1), "w")
nothing = os.open(os.devnull, os.O_WRONLY); os.dup2(nothing, 1); os.dup2(nothing, 2)
class Late(BaseException): pass
def late(*_): raise Late
signal.signal(signal.SIGPROF, late)
def say(path, scan):
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try: found = scan(path)
    except Late: found = "no answer"
    except (Exception, SystemExit): found = "refused"
    finally: signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps([path, found]), file=answers, flush=True)
"""
)
PEERS = {
    "picklescan": """
from picklescan.scanner import scan_file_path
def scan(path):
    r = scan_file_path(path)
    if r.infected_files or r.issues_count: return "detected"
    return "refused" if r.scan_err or not r.scanned_files else "missed"
""",
    "modelscan": """
from modelscan.modelscan import ModelScan
from modelscan.settings import DEFAULT_SETTINGS
def scan(path):
    r = ModelScan(settings=DEFAULT_SETTINGS).scan(path)
    if r["summary"]["total_issues"]: return "detected"
    return "refused" if r["errors"] or not r["summary"]["scanned"]["total_scanned"] else "missed"
""",
    "fickling": """
import fickling
def scan(path): return "missed" if fickling.is_likely_safe(path) else "detected"
""",
    "modelaudit": """
from modelaudit.core import scan_file
def scan(path):
    r = scan_file(path)
    bad = [i for i in r.issues if i.severity.name in ("WARNING", "CRITICAL")]
    return "detected" if bad else ("missed" if r.success else "refused")
""",
}
NEEDS = {"fickling": ["typing_extensions"], "modelscan": ["setuptools"]}


def python_of(tool: str, cache: Path) -> Path:
    """Return the Python of a tool's own environment, made if it is missing."""
    python = cache / tool / "bin" / "python"
    if not python.exists():
        venv.create(cache / tool, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", tool, *NEEDS.get(tool, [])], check=True)
    return python


END = """
from importlib.metadata import version
print(json.dumps(["", version(sys.argv[1])]), file=answers, flush=True)
for line in sys.stdin: say(json.loads(line), scan)
"""


def peer(tool: str, cache: Path, paths: list[str]) -> tuple[str, dict[str, str]]:
    """Return a tool's version and what it says of each path; what it said of the same files before is kept."""
    keys = {path: _key(path) for path in paths}
    release = _process(tool, cache, [])[0][1]
    kept = cache / f"{tool}-{release}.jsonl"
    known = dict(json.loads(line) for line in kept.read_text().splitlines()) if kept.exists() else {}
    with kept.open("a") as file:
        while left := [path for path in paths if keys[path] not in known]:
            said = _process(tool, cache, left, file, keys)[1:]
            known |= {keys[path]: what for path, what in said}
            if len(said) < len(left):  # its process died over the first that it did not answer
                known[keys[left[len(said)]]] = "no answer"
                print(json.dumps([keys[left[len(said)]], "no answer"]), file=file, flush=True)
    return release, {path: known[keys[path]] for path in paths}


def _key(path: str) -> str:
    """Return what tells a file from others: its name (a suffix may matter) and its content."""
    return Path(path).name + ":" + hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _process(
    tool: str, cache: Path, paths: list[str], kept: IO[str] | None = None, keys: dict[str, str] | None = None
) -> list[tuple[str, str]]:
    """Return the answers of one process, as many as it gave before it ended; the first is its version."""
    quiet = {**os.environ, "PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
    said: list[tuple[str, str]] = []
    with subprocess.Popen(
        [python_of(tool, cache), "-c", COMMON + PEERS[tool] + END, tool],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet, bufsize=1,
    ) as running, selectors.DefaultSelector() as waiting:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        waiting.register(running.stdout, selectors.EVENT_READ)
        for path in ["", *paths]:
            try:
                if path:
                    print(json.dumps(path), file=running.stdin, flush=True)
            except BrokenPipeError:
                break
            until = time.monotonic() + LONGEST
            if not waiting.select(until - time.monotonic()):
                break
            line = running.stdout.readline()
            if not line:
                break
            answer, what = json.loads(line)
            said.append((answer, what))
            if path and kept is not None and keys is not None:
                print(json.dumps([keys[path], what]), file=kept, flush=True)
        running.kill()
    if not said:
        raise SystemExit(f"{tool} does not start")
    return said


def ours(path: str) -> str:
    """Return what modelward says, in the same words."""
    verdict = read_artifact(path).verdict
    return {"clean": "missed", "unreadable": "refused"}.get(verdict, "detected")


def main() -> None:
    """Scan with all and print."""
    folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
    rows = json.loads((folder / "corpus.json").read_text())
    paths = [str(folder / row["file"]) for row in rows]
    said: dict[str, dict[str, str]] = {f"modelward {version('modelward')}": {p: ours(p) for p in paths}}
    for tool in PEERS:
        release, found = peer(tool, cache, paths)
        said[f"{tool} {release}"] = found
    print("# What scanners say of malicious files\n")
    ran = sum(row["executes"] for row in rows)
    print(
        f"{len(rows)} generated files; {ran} of them ran their payload when a plain loader loaded them here."
    )
    print(
        "Each cell: detected / missed (called clean) / refused (an error, or skipped), and without an answer.\n"
    )
    print("| files | number | " + " | ".join(said) + " |\n|" + "---|" * (len(said) + 2))
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups["**all**"].append(number)
        groups[
            "**payload ran when loaded**" if row["executes"] else "**did not run by a plain loader**"
        ].append(number)
    for number, row in enumerate(rows):
        groups[row["advisory"]].append(number)
    for name, members in groups.items():
        cells = []
        for found in said.values():
            count = Counter(found[paths[number]] for number in members)
            none = f", {count['no answer']} no answer" if count["no answer"] else ""
            cells.append(f"{count['detected']} / {count['missed']} / {count['refused']}{none}")
        print(f"| {name} | {len(members)} | " + " | ".join(cells) + " |")
    mine = next(iter(said.values()))
    left = [row["trick"] for row, path in zip(rows, paths, strict=True) if mine[path] == "missed"]
    print("\nmodelward calls clean: " + (", ".join(left) or "none") + ".")


if __name__ == "__main__":
    main()
