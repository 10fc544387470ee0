"""Bandit's own example files: is any of its findings lost?

    python benchmarks/bandit_examples.py bandit-1.9.4.tar.gz > benchmarks/bandit_examples.md

The archive is bandit's source distribution (pip download --no-deps --no-binary :all: bandit==1.9.4). Its command and
`read_code` look at the same folder of examples. A finding is a file, a line and a code; of each as many must be found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from importlib import metadata
from pathlib import Path

from modelward.dependencies import CodeRead, read_code

Found = Counter[tuple[str, int, str]]


def theirs(folder: Path) -> tuple[Found, set[str]]:
    """Return bandit's findings, and the files that it gave up on."""
    command = [sys.executable, "-m", "bandit", "-q", "-f", "json", "-r", str(folder)]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    found = Counter(
        (Path(r["filename"]).relative_to(folder).as_posix(), r["line_number"], r["test_id"])
        for r in said["results"]
    )
    return found, {Path(e["filename"]).relative_to(folder).as_posix() for e in said["errors"]}


def ours(read: CodeRead) -> Found:
    """Return the same of our findings, under bandit's codes."""
    codes = (
        (h, code)
        for h in read.hazards
        for code in (h.rule, *h.also)
        if code[:1] == "B" and code[1:].isdigit()
    )
    return Counter((h.path, h.line, code) for h, code in codes)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sys.argv[1]) as archive:
            archive.extractall(folder, filter="data")
        (examples,) = Path(folder).glob("bandit-*/examples")
        wanted, given_up = theirs(examples)
        read = read_code(examples)
    found = ours(read)
    lost, more = wanted - found, found - wanted
    unread = {p.path for p in read.problems}
    mine = [h for h in read.hazards if not (h.rule[:1] == "B" and h.rule[1:].isdigit())]
    print("# Bandit's own example files\n")
    versions = f"modelward {metadata.version('modelward')}, bandit {metadata.version('bandit')}"
    print(f"{versions}, Python {sys.version.split()[0]}; examples of {Path(sys.argv[1]).name}.")
    print(
        "Made by `python benchmarks/bandit_examples.py bandit-1.9.4.tar.gz > benchmarks/bandit_examples.md`.\n"
    )
    print("| | count |\n|---|---|")
    print(f"| files looked at | {len(read.files)} |")
    print(f"| findings of bandit | {wanted.total()} |")
    print(f"| of these found by modelward, same file, line and code | {(wanted & found).total()} |")
    print(f"| lost | {lost.total()} |")
    print(f"| under bandit's codes, and not bandit's | {more.total()} |")
    print(f"| findings of modelward's own rules | {len(mine)} |")
    print(
        f"| of these in the place of one of bandit's, whose code is named | {sum(bool(h.also) for h in mine)} |"
    )
    print(f"| files that bandit gives up on | {len(given_up)} |")
    print(f"| of these told by modelward | {len(given_up & unread)} |")
    print(f"| files that modelward alone calls unread | {len(unread - given_up)} |")
    for name, rest in (("Lost", lost), ("Beyond bandit", more)):
        if rest:
            print(f"\n{name}: {', '.join(f'{p}:{line} {code}' for p, line, code in sorted(rest))}.")
    rules = Counter(h.rule for h in mine if not h.also)
    print(
        "\nOwn rules that took no finding of bandit's in: "
        + (", ".join(f"{r} × {n}" for r, n in rules.most_common()) or "none")
        + "."
    )
    exit_code = "exits with 0 where it gives up on a file"
    print(
        f"\nBandit {exit_code} and finds nothing else; `modelward deps` then exits with 3 and names the file."
    )


if __name__ == "__main__":
    main()
