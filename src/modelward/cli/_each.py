"""Several files in one call: what is wrong with one is one line, and the others are still done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from modelward.cli import complain
from modelward.errors import InputError, SealError, SubjectError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def each(
    paths: Sequence[str], do: Callable[[str], Path]
) -> tuple[list[tuple[str, Path]], list[dict[str, str]]]:
    """Do something with every file; return what came of each, and why others failed.

    A call with one file raises what is wrong with it, as any other verb does.
    """
    done: list[tuple[str, Path]] = []
    failed: list[dict[str, str]] = []
    for path in paths:
        try:
            done.append((path, do(path)))
        except (InputError, SealError, SubjectError, UsageError) as error:
            if len(paths) == 1:
                raise
            failed.append({"path": path, "reason": str(error)})
    return done, failed


def show_each(done: dict[str, object], lines: Sequence[str], failed: list[dict[str, str]], form: str) -> int:
    """Print what was done, and a line on standard error for each file that failed; return the exit code."""
    if form == "json":
        click.echo(json.dumps({**done, "failed": failed}, indent=2))
    elif lines:
        click.echo("\n".join(lines))
    for reason in dict.fromkeys(one["reason"] for one in failed):
        complain(reason)
    return 2 if failed else 0
