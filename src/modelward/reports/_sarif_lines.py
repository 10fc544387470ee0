"""What a result of SARIF stands on: a few bits of the text at its place, so that it is known again when lines move.

GitHub's `primaryLocationLineHash` is the model: the line and what follows it, without blanks, a hundred characters.
It is not written here, as GitHub makes it from the source by itself; and a hash of a line with a password in it would
let a guess be checked. So what is quoted is left out, lines that are found for a secret are not looked at, and sixteen
bits are kept: enough to tell the places of one file apart.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from modelward.findings import Finding

_LENGTH = 100
_LARGEST = 16_000_000
_QUOTED = re.compile(r"(['\"]).*?\1")
_SECRET = re.compile(r"secret|passw|token|credential|key|B10[567]", re.IGNORECASE)


class Lines:
    """Files that results point into, each read once.

    Examples
    --------
    >>> from pathlib import Path
    >>> Lines().at(Path("absent.py"), 3)
    ''
    """

    def __init__(self) -> None:
        self._files: dict[Path, list[str]] = {}

    def at(self, file: Path, line: int) -> str:
        """Return a few characters that stand for the text from a line on; none if there is no text."""
        if file not in self._files:
            self._files[file] = _read(file)
        lines = self._files[file]
        if not 1 <= line <= len(lines):
            return ""
        text = ""
        for one in lines[line - 1 :]:
            text += "".join(_QUOTED.sub("", one).split()) + "\n"
            if len(text) > _LENGTH:
                break
        return hashlib.sha256(text[:_LENGTH].encode("utf-8", "backslashreplace")).hexdigest()[:4]


def about_secret(finding: Finding) -> bool:
    """Say whether a finding is about a secret, which nothing may be told of."""
    return bool(_SECRET.search(finding.title))


def _read(file: Path) -> list[str]:
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            return []
        data = file.read_bytes()
    except OSError:
        return []
    return [] if b"\0" in data[:8_000] else data.decode("utf-8", "replace").splitlines()
