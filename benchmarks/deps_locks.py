"""`modelward deps` on real locks in their tools' own formats, beside pip-audit on what the same tools export.

`python benchmarks/make_locks.py FOLDER` first, then `python benchmarks/deps_locks.py FOLDER`, PIP_AUDIT as for
`deps.py`. pip-audit reads pylock.toml itself. Of uv.lock and poetry.lock it gets the requirements that uv and poetry
export, and of those and of pip-compile's the markers are taken off: modelward looks at what is locked for any platform,
pip-audit only at what the machine that it runs on would install. "Packages apart" counts those that one of the two
alone looked at.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deps import _MAIN, DATABASE, PORT, Holes, _covered, _timed
from make_locks import FILES, LOCKS

PEER = os.environ.get("PIP_AUDIT", "pip-audit")
WORDS = [
    "-s",
    "osv",
    "--osv-url",
    f"http://127.0.0.1:{PORT}/v1/query",
    "-f",
    "json",
    "--progress-spinner",
    "off",
]
Pins = set[tuple[str, str]]


def exported(folder: Path) -> Pins:
    """Return the pins of an exported requirements file, without markers."""
    text = (folder / "exported.txt").read_text()
    found = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, re.MULTILINE)
    return {(re.sub(r"[-_.]+", "-", name).lower(), at) for name, at in found}


def theirs(folder: Path, tool: str) -> tuple[Pins, Holes]:
    """Return the packages that pip-audit looked at, and their holes."""
    if FILES[tool] == "pylock.toml":
        with tempfile.TemporaryDirectory() as alone:
            (Path(alone) / "pylock.toml").write_text((folder / "pylock.toml").read_text())
            return _read(_timed([PEER, "--locked", alone, *WORDS])[1])
    pins: Pins = set()
    holes: Holes = set()
    left = sorted(exported(folder))
    while left:
        # One file may name a package once.
        now = list({name: (name, at) for name, at in left}.values())
        left = [pin for pin in left if pin not in now]
        with tempfile.TemporaryDirectory() as alone:
            path = Path(alone) / "requirements.txt"
            path.write_text("".join(f"{name}=={at} --hash=sha256:{'0' * 64}\n" for name, at in now))
            more = _read(_timed([PEER, "-r", str(path), "--require-hashes", "--disable-pip", *WORDS])[1])
        pins, holes = pins | more[0], holes | more[1]
    return pins, holes


def _read(found: Any) -> tuple[Pins, Holes]:
    told = [p for p in found["dependencies"] if "version" in p]
    return (
        {(p["name"], p["version"]) for p in told},
        {(p["name"], frozenset([v["id"], *v["aliases"]])) for p in told for v in p.get("vulns", [])},
    )


def ours(path: Path) -> tuple[Pins, Holes, list[str]]:
    """Return the packages of modelward, their holes, and what it leaves open."""
    words = ["deps", str(path), "--db", str(DATABASE), "--max-db-age", "100000", "--format", "json"]
    _, found = _timed([sys.executable, "-c", _MAIN, *words])
    own = [f for f in found["findings"] if f["code"] == "MW111"]
    holes = {(f["title"].partition(": ")[0], frozenset(f["title"].partition(": ")[2].split()))
             for f in own if f["verdict"] == "fail"}  # fmt: skip
    opened = [f["summary"] for f in own if f["verdict"] == "inconclusive"]
    return {(p["name"], p["version"]) for p in found["packages"]}, holes, opened


def main() -> None:
    """Print the table."""
    root = Path(sys.argv[1])
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("osv_server.py")), str(DATABASE), str(PORT)],
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    server.stdout.readline()
    versions = subprocess.run([PEER, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print("# Known holes of real locks in their tools' own formats\n")
    print(
        f"`python benchmarks/deps_locks.py FOLDER`, Python {platform.python_version()}, {versions}, packaging "
        f"{version('packaging')}, PyPA advisories of 2024-10-10; the locks are those of `make_locks.py`.\n"
    )
    print(
        "| tool | file | lock of | SHA-256 | packages | holes | two records of one | disagreements | packages apart |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    said: list[str] = []
    try:
        for tool, asked in LOCKS:
            folder = root / f"{tool}-{asked.partition('==')[0]}"
            path = folder / FILES[tool]
            if not path.exists():
                print(f"| {tool} | {FILES[tool]} | {asked} | not made | | | | | |", flush=True)
                continue
            (pins, peer), (mine, own, opened) = theirs(folder, tool), ours(path)
            missing = [hole for hole in peer if not _covered(hole, own)]
            twice = [hole for hole in missing if _covered(hole, peer - {hole})]
            apart = [h for h in missing if h not in twice] + [h for h in own if not _covered(h, peer)]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            print(f"| {tool} | {FILES[tool]} | {asked} | {digest} | {len(mine)} | {len(peer)} | {len(twice)} | "
                  f"{len(apart)} | {len(mine ^ pins)} |", flush=True)  # fmt: skip
            said += [f"{tool} {asked}, apart: {name} {', '.join(sorted(ids))}" for name, ids in apart]
            said += [f"{tool} {asked}, package of one alone: {' '.join(pin)}" for pin in sorted(mine ^ pins)]
            said += [f"{tool} {asked}, left open: {text}" for text in opened]
    finally:
        server.terminate()
        server.wait()
    print("\nWhat differs, and what modelward leaves open:\n")
    print("\n".join(f"- {text}" for text in said) or "- nothing")


if __name__ == "__main__":
    main()
