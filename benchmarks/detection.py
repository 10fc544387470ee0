"""What modelward and other scanners say of the generated corpus, and print the table.

    python benchmarks/detection.py CORPUS CACHE > benchmarks/detection.md

CORPUS is written by `corpus.py` and checked by `corpus_check.py`. CACHE holds an environment for each peer
(`CACHE/picklescan` and so on), made with venv and pip where it is missing. Every tool sees the same files in the
same run, through its Python interface, one process each. *Detected*: it reports an issue (modelward: malicious or
suspicious). *Refused*: an error, or nothing was scanned (modelward: unreadable), or a peer
took longer than `SECONDS` over one file. *Missed*: it says that nothing
is wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

from modelward.artifacts import read_artifact

SECONDS = 20
COMMON = (
    f"SECONDS = {SECONDS}"
    """
import json, sys, warnings, logging, io, contextlib, signal
warnings.simplefilter("ignore"); logging.disable(50)
paths = json.load(sys.stdin); found = {}
def late(*_): raise TimeoutError
signal.signal(signal.SIGALRM, late)
def say(path, scan):
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found[path] = scan(path)
    except BaseException as error:
        found[path] = "refused"
    finally:
        signal.alarm(0)
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
NEEDS = {"fickling": ["typing_extensions"]}


def python_of(tool: str, cache: Path) -> Path:
    """Return the Python of a tool's own environment, made if it is missing."""
    python = cache / tool / "bin" / "python"
    if not python.exists():
        venv.create(cache / tool, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", tool, *NEEDS.get(tool, [])], check=True)
    return python


def peer(tool: str, cache: Path, paths: list[str]) -> tuple[str, dict[str, str]]:
    """Return a tool's version and what it says of each path."""
    end = "\nfor p in paths: say(p, scan)\nfrom importlib.metadata import version\n"
    end += f'print("\\n" + json.dumps([version("{tool}"), found]))'
    quiet = {**os.environ, "PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [python_of(tool, cache), "-c", COMMON + PEERS[tool] + end],
        input=json.dumps(paths), capture_output=True, text=True, env=quiet, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    if not lines:
        raise SystemExit(f"{tool}: {done.stderr[-2000:]}")
    release, found = json.loads(lines[-1])
    return release, found


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
    print("Each cell: detected / missed (called clean) / refused (an error, or skipped).\n")
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
            cells.append(f"{count['detected']} / {count['missed']} / {count['refused']}")
        print(f"| {name} | {len(members)} | " + " | ".join(cells) + " |")
    mine = next(iter(said.values()))
    left = [row["trick"] for row, path in zip(rows, paths, strict=True) if mine[path] == "missed"]
    print("\nmodelward calls clean: " + (", ".join(left) or "none") + ".")


if __name__ == "__main__":
    main()
