"""What of the build context comes into an image: COPY of all of it, and what .dockerignore leaves out.

Source: Docker, "Build context", .dockerignore files.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SECRET = re.compile(
    r"(^|/)(\.env(\.(?!example|sample|template|dist)[\w-]+)?|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.pypirc|\.git-credentials|"
    r"kaggle\.json|credentials(\.json)?|client_secret[\w.-]*\.json|service[_-]?account[\w.-]*\.json|secrets?\.(toml|ya?ml|json)|"
    r"\.htpasswd|\.dockercfg|\.aws|\.ssh|\.gnupg|\.kube|[\w.-]+\.(p12|pfx|jks|keystore|key)|[\w.-]+\.pem)/?$",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r"\.pub(\.pem|\.key)?$|(^|[/_.-])(public|pub|ca|cacert|chain|fullchain|bundle|cert)([_.-]|$)",
    re.IGNORECASE,
)
_ROWS = re.compile(
    r"(^|/)(data|datasets?|raw_data|training_data)/?$|\.(csv|parquet|feather|arrow|xlsx?|sqlite3?|sas7bdat|dta|rds)(\.gz)?$",
    re.IGNORECASE,
)
ALWAYS = (".git", ".env")
MAX_IGNORE = 200_000
_LONG, _STARS = 300, 8


def secret_file(path: str) -> bool:
    """Say whether a path is that of a file that holds a secret by its name.

    Examples
    --------
    >>> secret_file("conf/.env"), secret_file(".env.example"), secret_file("certs/ca.pem")
    (True, False, False)
    """
    return _SECRET.search(path) is not None and _PUBLIC.search(PurePosixPath(path).name) is None


def rows_file(path: str) -> bool:
    """Say whether a path is that of a table or a folder of data by its name."""
    return _ROWS.search(path.rstrip("/")) is not None


class Ignored:
    """A .dockerignore.

    Examples
    --------
    >>> left = Ignored("*\\n!src\\n")
    >>> left.leaves_out(".git"), left.leaves_out("src/a.py")
    (True, False)
    """

    def __init__(self, text: str) -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
        for line in text.removeprefix("\ufeff").splitlines()[:5_000]:
            said = line.strip()
            if not said or line.startswith("#"):
                continue
            kept = said.startswith("!")
            said = said.removeprefix("!").strip().strip("/")
            parts = [part for part in said.split("/") if part not in ("", ".")]
            if len(said) > _LONG or said.count("*") > _STARS:
                # It would take too long to try: nothing counts as left out by it, and all as kept.
                parts = ["**"] if kept else []
            if parts:
                self._rules.append((not kept, _pattern(parts)))

    def leaves_out(self, path: str) -> bool:
        """Say whether a path of the context is left out: the last rule that fits it, or a folder above it, counts."""
        parts = path.split("/")
        tried = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        out = False
        for leaves_out, pattern in self._rules:
            if leaves_out != out and any(pattern.fullmatch(part) for part in tried):
                out = leaves_out
        return out


def _pattern(parts: list[str]) -> re.Pattern[str]:
    try:
        return re.compile(_regex(parts), re.DOTALL)
    except re.error:
        return re.compile(re.escape("/".join(parts)))


def _regex(parts: list[str]) -> str:
    text = ""
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            # One repetition beside another takes forever, and says the same as one.
            if i and parts[i - 1] == "**":
                continue
            text += ".*" if last else "(?:[^/]+/)*"
        else:
            text += _piece(part) + ("" if last else "/")
    return text


def _piece(part: str) -> str:
    pieces = re.findall(r"\[\^?[\w.-]+\]|.", re.sub(r"\*+", "*", part), re.DOTALL)
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(p, p if len(p) > 1 else re.escape(p)) for p in pieces)


def ignored_for(file: Path, root: Path) -> Ignored | None:
    """Return the .dockerignore that goes with a Dockerfile: its own, that of its folder, or of the project."""
    for place in (
        file.with_name(file.name + ".dockerignore"),
        file.parent / ".dockerignore",
        root / ".dockerignore",
    ):
        try:
            if place.is_file() and place.stat().st_size <= MAX_IGNORE:
                return Ignored(place.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return None


def lets_in(ignored: Ignored, folder: Path) -> list[str]:
    """Return what of a context should stay out and does not: what is always left out, and secrets that are there."""
    try:
        there = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        there = []
    names = dict.fromkeys([*ALWAYS, *(name for name in there if secret_file(name))])
    return [name for name in names if not ignored.leaves_out(name)]


def whole(source: str) -> bool:
    """Say whether a source of COPY is the whole context."""
    return source.strip("/") in ("", ".", "*", "./*", "./.", "**")
