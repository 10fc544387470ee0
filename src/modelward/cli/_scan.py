"""`modelward scan`: is a model file safe to load? It is read and never loaded."""

from __future__ import annotations

import itertools
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from modelward.cli._scan_output import OUTPUTS, Output, Tally, lines, spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.artifacts import Artifact

_LOOK_AHEAD = 2_000
"""Files whose length is looked up before the first is read."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip
@click.option(
    "-o", "--out", "outs", metavar="FILE", multiple=True, type=click.Path(path_type=str),
    help="Also write it to FILE (.json, .html, .md, .sarif or .txt); may be repeated.",
)  # fmt: skip
def scan(paths: tuple[str, ...], form: str, outs: tuple[str, ...]) -> int:
    """Say whether model files are safe to load, without loading them.

    PATH is a file, or a directory to walk; a link in it to another directory is named, not followed. What is read
    is decided by content, never by name, and containers are read with all that they hold; anything else is called
    unreadable, by name, and never clean.

    Exit codes: 0 all clean; 1 malicious or suspicious; 2 no such file; 3 something could not be read, or there
    was nothing to scan.
    """
    from modelward.errors import InputError, UsageError

    for out in outs:
        if Path(out).suffix not in OUTPUTS:
            raise UsageError(f"-o {out}: the format goes by the suffix; use {', '.join(OUTPUTS)}")
    with ExitStack() as stack:
        # Written to files of their own once all is read: a folder that is scanned may be where they go.
        suffixes = [Path(out).suffix for out in outs] + ([".json"] if form == "json" else [])
        outputs = [OUTPUTS[suffix](spool(stack), stack) for suffix in suffixes]
        tally = _scan_all(paths, outputs, text=form == "text")
        if tally.all_missing:
            raise InputError("; ".join(tally.problems))
        for out, output in zip(outs, outputs, strict=False):
            _write(Path(out), output.stream)
        if form == "text":
            click.echo(tally.summary())
        else:
            _copy(outputs[-1].stream, sys.stdout)
    return tally.exit_code


def _scan_all(paths: tuple[str, ...], outputs: list[Output], *, text: bool) -> Tally:
    """Read file after file and hand each to the outputs."""
    tally = Tally()
    _expect(paths)
    progress = not text and sys.stderr.isatty()
    for path in _files(paths):
        artifact, problem = _read(path)
        tally.add(artifact, problem if path in paths else "")
        for output in outputs:
            output.add(artifact)
        if text:
            click.echo("\n".join(lines(artifact, colour=True)), color=_colour())
        elif progress:
            click.echo(f"\r{tally.files:,} files", nl=False, err=True)
    if progress:
        click.echo("\r", nl=False, err=True)
    for output in outputs:
        output.end(tally)
    return tally


def _expect(paths: tuple[str, ...]) -> None:
    """Say how much there is to read: many files are worth loading what is compiled before the first of them."""
    from modelward.artifacts._container import LARGE
    from modelward.artifacts._effort import Effort

    sizes = itertools.islice(itertools.chain.from_iterable(map(_sizes, paths)), _LOOK_AHEAD)
    Effort.expect(sum(size for size in sizes if size < LARGE))


def _sizes(path: str) -> Iterator[int]:
    """Yield lengths of files as they come; whatever is wrong with one shows when it is read."""
    pending = [path]
    while pending:
        try:
            path = pending.pop()
            if not Path(path).is_dir():
                yield os.lstat(path).st_size
                continue
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue


def _copy(source: IO[str], target: IO[str]) -> None:
    source.seek(0)
    while chunk := source.read(1 << 20):
        target.write(chunk)


def _write(out: Path, content: IO[str]) -> None:
    from modelward.errors import UsageError

    try:
        with out.open("w", encoding="utf-8") as file:
            _copy(content, file)
    except OSError as error:
        raise UsageError(f"-o {out}: cannot be written: {os.strerror(error.errno or 5)}") from None


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def _files(paths: tuple[str, ...]) -> Iterator[str]:
    """Yield the files of every path in a stable order.

    Directories are walked. A link to a directory is not followed, and is yielded itself, to be named as not looked
    at, unless it leads to what is walked anyway.
    """
    walked = [os.path.realpath(path) for path in paths if Path(path).is_dir()]
    for path in paths:
        if not Path(path).is_dir():
            yield path
            continue
        unreadable: list[str] = []
        for folder, inner, names in os.walk(path, onerror=lambda e: unreadable.append(str(e.filename))):  # noqa: B023
            inner.sort()
            outside = {
                name
                for name in inner
                if _leads_outside(os.path.join(folder, name), walked)  # noqa: PTH118
            }
            for name in sorted({*names, *outside}):
                yield os.path.join(folder, name)  # noqa: PTH118 - names need not be UTF-8
        yield from unreadable


def _leads_outside(folder: str, walked: list[str]) -> bool:
    """Say whether a directory is a link to one that is not walked."""
    if not os.path.islink(folder):  # noqa: PTH114 - names need not be UTF-8
        return False
    target = os.path.realpath(folder)
    return not any(target == root or target.startswith(root.rstrip(os.sep) + os.sep) for root in walked)


def _read(path: str) -> tuple[Artifact, str]:
    """Read one file; whatever is wrong with it is its own verdict and never stops the rest."""
    from modelward.artifacts import Artifact, read_artifact
    from modelward.artifacts._container import printable
    from modelward.errors import InputError

    try:
        # A directory may hold many files: what was read of each goes at once.
        return _bare(read_artifact(path, whole=False)), ""
    except InputError as error:
        reason = _folder(path) or str(error).removeprefix(f"{printable(path)}: ")
        return Artifact(printable(path, 4096), "none", b"", "unreadable", (reason,)), str(error)
    except MemoryError:
        return Artifact(
            path, "unknown", b"", "unreadable", ("reading it takes more memory than there is",)
        ), ""


def _folder(path: str) -> str:
    """Return why a directory that was met was not walked; empty for what is none."""
    if not Path(path).is_dir():
        return ""
    if Path(path).is_symlink():
        return "a link to a directory, which is not followed; give that directory as well"
    return "a directory that cannot be read"


def _bare(artifact: Artifact) -> Artifact:
    """Return an artifact and its members without their content."""
    from dataclasses import replace

    return replace(artifact, data=b"", root=None, members=tuple(_bare(member) for member in artifact.members))
