"""A report into a file: the format by its suffix, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from modelward.errors import InputError, UsageError
from modelward.reports._html import render_html
from modelward.reports._markdown import render_markdown
from modelward.reports._sarif import render_sarif

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelward.findings import FailOn, Report


def render_json(report: Report) -> str:
    """Return the JSON contract, version 1."""
    return report.to_json()


def _json(report: Report, *, fail_on: FailOn) -> str:  # noqa: ARG001 - verdicts do not depend on it
    return render_json(report)


def _sarif(report: Report, *, fail_on: FailOn) -> str:  # noqa: ARG001 - verdicts do not depend on it
    notes = [f"{r.failure_mode}: {r.reason}" for r in report.coverage if r.status in ("skipped", "error")]
    about = str(report.inputs.get("model", {}).get("path", "")) or str(report.subject.get("name", ""))
    return render_sarif(report.findings, verb="assess", complete=report.complete, about=about, notes=notes)


_FORMATS: dict[str, Callable[..., str]] = {
    ".html": render_html, ".json": _json, ".md": render_markdown, ".sarif": _sarif,
}  # fmt: skip
SUFFIXES = tuple(_FORMATS)
"""Suffixes of the formats that `write_report` knows."""


def check_suffix(path: Path, known: tuple[str, ...] = SUFFIXES) -> None:
    """Refuse a file whose suffix names no format: to be called before the work, not after it.

    Parameters
    ----------
    path : Path
    known : tuple of str
        Suffixes that the caller can write.

    Raises
    ------
    UsageError
        It names the suffixes that are known.
    """
    if path.suffix.lower() not in known:
        raise UsageError(f"no report format for {path.name!r}: end the file name in {', '.join(known)}")


def write_report(report: Report, path: Path, *, fail_on: FailOn = "high") -> None:
    """Write a report; the suffix of the path decides the format.

    Parameters
    ----------
    report : Report
        What to write.
    path : Path
        Ends in ``.html``, ``.json``, ``.md`` or ``.sarif``. An existing file is replaced in one step.
    fail_on : {"low", "medium", "high", "critical", "never"}
        The severity from which a fail gates, for the sentence about the exit code.

    Raises
    ------
    UsageError
        If the suffix is not known.
    InputError
        If the file cannot be written; what was there before is still there.
    """
    check_suffix(path)
    write_text(path, _FORMATS[path.suffix.lower()](report, fail_on=fail_on))


def write_text(path: Path, text: str) -> None:
    """Write a text into a file, whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written; what was there before is still there.
    """
    # A lone surrogate (a file name that is not UTF-8) becomes \udcXX, which JSON reads back as it was.
    try:
        _replace(path.resolve(), text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise InputError(f"cannot write {path}: {why}; choose another folder with -o") from None


def _replace(path: Path, content: bytes) -> None:
    if path.exists() and not path.is_file():
        raise OSError(None, "it is not a regular file")
    beside = path.with_name(f".modelward-{secrets.token_hex(8)}.tmp")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
