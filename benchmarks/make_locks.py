"""Make real lock files with the tools that people lock with, in each tool's own format.

`python benchmarks/make_locks.py FOLDER`, with TOOLS the `bin` folder of an environment that has uv, poetry with its
export plugin, and pip-tools; INDEX names an index's simple pages for poetry where it cannot reach the one it knows.
Each lock is of what one release of a public project asks for, by Python 3.10 or 3.11; uv resolves as on a day in the
past, so that its releases are old enough for holes. A lock that is there already is left alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TOOLS = Path(os.environ.get("TOOLS", Path(sys.executable).parent))
INDEX = os.environ.get("INDEX", "")
DAY = "2023-06-01"
LOCKS = (
    ("uv", "mlflow==2.3.1"), ("uv", "kedro==0.18.8"), ("uv", "bentoml==1.0.20"), ("uv", "streamlit==1.22.0"),
    ("uv", "jupyterlab==3.6.3"), ("uv-pylock", "feast==0.31.0"), ("uv-pylock", "dvc==2.58.1"),
    ("poetry", "wagtail==4.2.2"), ("poetry", "datasette==0.64.3"), ("pip-compile", "dagster==1.3.5"),
    ("uv-compile", "prefect==2.10.9"), ("uv-compile", "superset==0.30.1"),
)  # fmt: skip
FILES = {
    "uv": "uv.lock", "uv-pylock": "pylock.toml", "poetry": "poetry.lock",
    "pip-compile": "requirements.txt", "uv-compile": "requirements.txt",
}  # fmt: skip
PROJECT = """\
[project]
name = "locked"
version = "1"
requires-python = ">=3.10,<3.12"
dependencies = ["{asked}"]
"""


def make(folder: Path, tool: str, asked: str) -> str:
    """Write one lock, and beside it a requirements file that the tool itself exports; return what went wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / FILES[tool]).exists() and (folder / "exported.txt").exists():
        return ""
    text = PROJECT.format(asked=asked)
    if tool == "poetry" and INDEX:
        text += f'\n[[tool.poetry.source]]\nname = "index"\nurl = "{INDEX}"\n'
    (folder / "pyproject.toml").write_text(text)
    (folder / "asked.in").write_text(f"{asked}\n")
    frozen = ["uv", "export", "--frozen", "--no-emit-project"]
    export = [*frozen, "-o", "exported.txt"]
    compiled = ["--generate-hashes", "asked.in", "-o", "requirements.txt"]
    steps = {
        "uv": [["uv", "lock", "--exclude-newer", DAY], export],
        "uv-pylock": [["uv", "lock", "--exclude-newer", DAY], export,
                      [*frozen, "--format", "pylock.toml", "-o", "pylock.toml"]],
        "poetry": [["poetry", "lock"], ["poetry", "export", "-o", "exported.txt"]],
        "pip-compile": [["pip-compile", "--allow-unsafe", *compiled]],
        "uv-compile": [["uv", "pip", "compile", "--exclude-newer", DAY, *compiled]],
    }[tool]  # fmt: skip
    for program, *words in steps:
        done = subprocess.run(
            [str(TOOLS / program), *words], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"{program}: {' '.join(done.stderr.split())[-300:]}"
    if tool in ("pip-compile", "uv-compile"):
        (folder / "exported.txt").write_text((folder / "requirements.txt").read_text())
    return ""


def main() -> None:
    """Make all of them."""
    for tool, asked in LOCKS:
        wrong = make(Path(sys.argv[1]) / f"{tool}-{asked.partition('==')[0]}", tool, asked)
        print(f"{tool:12} {asked:24} {wrong or 'made'}", flush=True)


if __name__ == "__main__":
    main()
