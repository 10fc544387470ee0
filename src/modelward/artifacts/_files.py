"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modelward.artifacts._container import printable
from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def whole_file(path: str | Path, *, mode: int = 0o600, force: bool = False) -> Iterator[IO[bytes]]:
    """Write a file beside its place, and move it there when it is complete and on the disk.

    Parameters
    ----------
    path : path
        Where it goes.
    mode : int
        Its permissions, from its first byte on.
    force : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    InputError
        If it is there already, is no regular file, or cannot be written; then nothing has changed.
    """
    target = Path(path)
    shown = printable(str(target), 4096)
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise InputError(f"{shown}: not a regular file; name another output")
    if target.exists() and not force:
        raise InputError(f"{shown}: is there already; --force replaces it")
    beside = target.with_name(f".modelward-{secrets.token_hex(8)}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _move(beside, target, force=force)
        finally:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
    except FileExistsError:
        raise InputError(f"{shown}: is there already; --force replaces it") from None
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise InputError(f"{shown}: cannot be written: {why}") from None


def _move(beside: Path, target: Path, *, force: bool) -> None:
    if force:
        beside.replace(target)
        return
    try:
        # A link never replaces: whoever made the file in the meantime keeps it.
        os.link(beside, target)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError, AttributeError):
        if target.exists():
            raise FileExistsError from None
        beside.rename(target)
