"""All code of a project read once: sources and notebooks, by bandit and by the rules for machine learning."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from modelward.dependencies._packages import Problem
from modelward.dependencies._walk import walk
from modelward.dependencies.code._bandit import read_settings, run_bandit
from modelward.dependencies.code._hazard import CodeRead, Hazard
from modelward.dependencies.code._notebooks import Notebook, read_notebook
from modelward.dependencies.code._secrets import secrets_in
from modelward.dependencies.code._torch import judge
from modelward.dependencies.code._visit import hazards_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelward.dependencies._packages import Package
    from modelward.dependencies.code._bandit import Found

MAX_SOURCE = 4_000_000
MAX_NOTEBOOK = 100_000_000
_NOSEC = re.compile(r"#\s*nosec\b:?\s*([^#]*)")
_PIP = re.compile(r"[!%]\s*(?:\w+\s+-m\s+)?(?:pip3?|conda|mamba|uv\s+pip)\s+install\s+(.+)")
_PIPED = re.compile(r"\b(curl|wget)\b[^|;]*\|\s*(sudo\s+)?(ba|z|da)?sh\b")


@dataclass
class _Source:
    """One file's Python, and where its lines are in the file."""

    path: str
    data: bytes
    book: Notebook | None = None
    own: list[Hazard] = field(default_factory=list)


def read_code(project: Path, packages: Sequence[Package] = ()) -> CodeRead:
    """Look for dangerous code in a project's Python files and notebooks.

    Nothing of it is imported or run. Comments ``# nosec`` and the table ``[tool.bandit]`` of pyproject.toml are
    followed, and what they silence is counted.

    Parameters
    ----------
    project : Path
        A folder.
    packages : sequence of Package
        What comes along with it: some calls are dangerous in some versions only.

    Returns
    -------
    CodeRead
    """
    settings = read_settings(project)
    files, unread = walk(project, lambda name: name.endswith((".py", ".pyw", ".ipynb")))
    problems = [*settings.problems, *unread]
    sources: list[_Source] = []
    left_out = 0
    for file in files:
        path = file.relative_to(project).as_posix()
        if settings.leaves_out(path):
            left_out += 1
            continue
        source = _open(file, path, project, problems)
        if source is not None:
            sources.append(source)
    silenced = sum(_ours(source, settings.skips, problems) for source in sources)
    found = run_bandit([source.data for source in sources], settings)
    hazards = judge(_joined(sources, found), packages)
    problems += [
        Problem(sources[i].path, 0, why)
        for i, why in sorted(found.failures.items())
        if not any(p.path == sources[i].path for p in problems)
    ]
    return CodeRead(
        tuple(sorted(hazards, key=lambda h: (h.path, h.line, h.rule))), tuple(problems),
        tuple(source.path for source in sources), silenced + found.silenced, left_out,
    )  # fmt: skip


def _open(file: Path, path: str, root: Path, problems: list[Problem]) -> _Source | None:
    notebook = path.endswith(".ipynb")
    most = MAX_NOTEBOOK if notebook else MAX_SOURCE
    try:
        if not file.resolve().is_relative_to(root.resolve()):
            problems.append(Problem(path, 0, "is a link to a file outside the project, which is not read"))
            return None
        if file.stat().st_size > most:
            problems.append(Problem(path, 0, f"has over {most:,} bytes and is not read"))
            return None
        data = file.read_bytes()
    except OSError as error:
        problems.append(Problem(path, 0, f"cannot be read: {(error.strerror or '').lower()}"))
        return None
    if not notebook:
        return _Source(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(Problem(path, 0, f"is not UTF-8 (byte {error.start:,})"))
        return None
    book = read_notebook(text, path)
    problems += book.problems
    source = _Source(path, book.source.encode("utf-8", "surrogatepass"), book)
    source.own += _around(book, path)
    return source


def _ours(source: _Source, skips: frozenset[str], problems: list[Problem]) -> int:
    """Apply our rules; return how many findings a comment silenced."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.data)
        found = hazards_of(tree, source.path)
    except SyntaxError as error:
        why = f"is no Python that can be parsed: {error.msg}"
        problems.append(Problem(source.path, _line(source, error.lineno or 0), why))
        return 0
    except (ValueError, RecursionError, MemoryError):
        problems.append(Problem(source.path, 0, "is no Python that can be parsed"))
        return 0
    quiet = _nosec(source.data)
    kept = [h for h in found if h.rule not in skips and not _silenced(h, quiet)]
    source.own += [_placed(h, source) for h in kept]
    return sum(_silenced(h, quiet) and not h.also for h in found)


def _nosec(data: bytes) -> dict[int, str]:
    quiet: dict[int, str] = {}
    if b"nosec" not in data:
        return quiet
    try:
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            if token.type == tokenize.COMMENT and (said := _NOSEC.search(token.string)):
                quiet[token.start[0]] = said[1].strip()
    except (tokenize.TokenError, SyntaxError):
        pass
    return quiet


def _silenced(hazard: Hazard, quiet: dict[int, str]) -> bool:
    for line in range(hazard.line, max(hazard.line, hazard.end) + 1):
        if line in quiet:
            named = re.findall(r"[\w-]+", quiet[line])
            codes = [word for word in named if re.fullmatch(r"B\d{3}", word) or "-" in word]
            if not codes or hazard.rule in codes or set(hazard.also) & set(codes):
                return True
    return False


def _line(source: _Source, line: int) -> int:
    if source.book is None:
        return line
    return source.book.lines[line - 1] if 0 < line <= len(source.book.lines) else 0


def _placed(hazard: Hazard, source: _Source) -> Hazard:
    """Give a finding its place in the file."""
    book = source.book
    if book is None:
        return replace(hazard, path=source.path)
    cell = book.cells[hazard.line - 1] if 0 < hazard.line <= len(book.cells) else 0
    return replace(hazard, path=source.path, line=_line(source, hazard.line), cell=cell)


def _joined(sources: list[_Source], found: Found) -> list[Hazard]:
    """Join bandit's findings with ours: of two for one thing ours stays and names bandit's code."""
    theirs: dict[tuple[str, int], list[Hazard]] = defaultdict(list)
    for i, hazard in found.hazards:
        placed = _placed(hazard, sources[i])
        theirs[placed.path, placed.line].append(placed)
    joined: list[Hazard] = []
    for source in sources:
        for own in source.own:
            here = theirs[own.path, own.line]
            # Bandit finds each of two calls on one line, so each of ours takes in one.
            twin = next((h for h in here if h.rule in own.also), None)
            if twin is None:
                joined.append(replace(own, also=()))
            else:
                here.remove(twin)
                joined.append(
                    replace(own, also=(twin.rule,), level="high" if twin.level == "high" else own.level)
                )
    return joined + [h for group in theirs.values() for h in group]


def _around(book: Notebook, path: str) -> list[Hazard]:
    """Return what is in a notebook beside its Python: shell lines, and secrets in cells and outputs."""
    found: list[Hazard] = []
    for line, cell, text in book.shell:
        asked = _PIP.search(text)
        if asked and not re.search(r"==|\s-r\s|--requirement|--require-hashes|@", f" {asked[1]}"):
            found.append(
                Hazard("notebook-install", path, line, "packages are installed without a version each time it runs",
                       "Put them into the project's lock file", "low", cell)
            )  # fmt: skip
        if _PIPED.search(text):
            found.append(
                Hazard("piped-to-shell", path, line, "what is fetched is run as it comes",
                       "Fetch it, compare its hash, then run it", "high", cell)
            )  # fmt: skip
    kept = "Take it out (jupyter nbconvert --clear-output), and revoke it: it is in the history of the repository, too"
    for line, cell, text in book.outputs:
        found += [
            Hazard(
                "secret-in-output",
                path,
                line,
                f"an output of the notebook shows a secret ({kind})",
                kept,
                "high",
                cell,
            )
            for kind in dict.fromkeys(kind for _, kind in secrets_in(text))
        ]
    for number, kind in secrets_in(book.source):
        if number <= len(book.lines):
            found.append(
                Hazard("secret-in-cell", path, book.lines[number - 1], f"a cell holds a secret ({kind})",
                       "Read it from the environment, and revoke this one", "high", book.cells[number - 1])
            )  # fmt: skip
    return found
