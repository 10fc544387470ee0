"""Our own project through its own `modelward deps`, in an environment made for it: what is found beyond its ignores?

`python benchmarks/deps_own.py [VENV]`. VENV (a temporary folder by default) gets the newest pip and this project with
all its extras, as the index gives it today; the advisories are the frozen ones, so their age is let pass. Core's
distributions are counted in the same environment: what the project asks for without extras, and what that drags in.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from deps import DATABASE

ROOT = Path(__file__).parents[1]


def make(venv: Path) -> Path:
    """Return the interpreter of an environment that has the project."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    extras = ",".join(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    )
    for words in (["--upgrade", "pip", "setuptools"], ["--editable", f"{ROOT}[{extras}]"]):
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *words], check=True)
    return python


def core(python: Path) -> list[str]:
    """Return the distributions that the project needs without extras."""
    script = (
        "import json, re\n"
        "from importlib import metadata\n"
        "from packaging.requirements import Requirement\n"
        "seen, pending = set(), ['modelward']\n"
        "while pending:\n"
        "    for text in metadata.requires(pending.pop()) or ():\n"
        "        asked = Requirement(text)\n"
        "        name = re.sub(r'[-_.]+', '-', asked.name).lower()\n"
        "        if name not in seen and (asked.marker is None or asked.marker.evaluate({'extra': ''})):\n"
        "            seen.add(name); pending.append(name)\n"
        "print(json.dumps(sorted(seen)))\n"
    )
    found: list[str] = json.loads(subprocess.check_output([str(python), "-c", script], text=True))
    return found


def run(python: Path) -> tuple[int, Any, float]:
    """Return exit code, JSON and seconds of processor time."""
    command = [str(python), "-m", "modelward", "deps", str(ROOT), "--python", str(python), "--db", str(DATABASE),
               "--max-db-age", "100000", "--format", "json"]  # fmt: skip
    main = "import sys; from modelward.cli import main; sys.argv[0] = 'modelward'; main()"
    command[1:3] = ["-c", main]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.returncode, json.loads(done.stdout), spent


def main() -> None:
    """Print the page."""
    with tempfile.TemporaryDirectory() as folder:
        python = make(Path(sys.argv[1] if len(sys.argv) > 1 else folder).absolute())
        code, found, seconds = run(python)
        versions = {p["name"]: p["version"] for p in found["packages"]}
        pip = subprocess.check_output([str(python), "-m", "pip", "--version"], text=True).split()[1]
        needed = core(python)
    told = [f for f in found["findings"] if not f["ignored"]]
    print("# Our own project through `modelward deps`\n")
    print(f"`python benchmarks/deps_own.py`, Python {platform.python_version()}, pip {pip}, bandit "
          f"{versions.get('bandit', 'not asked for')}, PyPA advisories of 2024-10-10.\n")  # fmt: skip
    print("| | |\n|---|---|")
    print(f"| exit code | {code} |")
    print(f"| packages with a version | {len(found['packages'])} |")
    print(f"| source files and notebooks | {len(found['code']['files'])} |")
    print(
        f"| findings that are ignored, each with a reason and a day | {len(found['findings']) - len(told)} |"
    )
    print(f"| findings beyond these | {len(told)} |")
    print(f"| distributions of the core (at most 20) | {len(needed)} |")
    print(f"| seconds of processor time | {seconds:.1f} |")
    print(f"\nCore: {', '.join(needed)}.")
    for f in told:
        print(f"\n- {f['verdict']} {f['code']} {f['location'] or ''}: {f['summary']}")


if __name__ == "__main__":
    main()
