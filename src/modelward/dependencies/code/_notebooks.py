"""Notebooks: their Python as one source text, with the line of the file for every line of it, and their outputs.

Source: nbformat 4 and 3; magics as IPython's input transformer describes them.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.dependencies._packages import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_PYTHON_CELLS = {
    "time",
    "timeit",
    "capture",
    "prun",
    "python",
    "python3",
    "pypy",
    "debug",
    "memit",
    "ipytest",
}
_MAGIC = re.compile(r"^(\s*)(?:[%!?]|[\w.]+\s*\?{1,2}\s*$)")
_ASSIGNED = re.compile(r"^(\s*)([\w., ]+=\s*)[%!].*$")


@dataclass
class Notebook:
    """A notebook taken apart.

    `source` is its Python with cells that are none blanked out; `lines` and `cells` give the line of the file
    and the number of the cell for each line of `source`. `shell` holds ``(line, cell, text)`` of shell lines,
    `outputs` the texts that were printed or shown.
    """

    source: str = ""
    lines: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    shell: list[tuple[int, int, str]] = field(default_factory=list)
    outputs: list[tuple[int, int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _Finder:
    """Finds strings in the text of the file, in their order, to give them a line."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line, self.seen = text, 0, 1, 0

    def line_of(self, value: str) -> int:
        for encoded in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
            found = self.text.find(encoded, self.at) if encoded else -1
            if found >= 0:
                self.line += self.text.count("\n", self.seen, found)
                self.seen, self.at = found, found + len(encoded)
                return self.line
        return self.line


def read_notebook(text: str, path: str) -> Notebook:
    """Take a notebook apart; what is wrong with it is in `problems`."""
    book = Notebook()
    try:
        data: Any = json.loads(text)
        cells = data["cells"] if "cells" in data else [c for s in data["worksheets"] for c in s["cells"]]
        language = _language(data)
        entries = [(c, str(c.get("cell_type", ""))) for c in cells]
    except json.JSONDecodeError as error:
        book.problems.append(Problem(path, error.lineno, f"is not valid JSON: {error.msg}"))
        return book
    except (KeyError, TypeError, AttributeError, RecursionError, ValueError):
        book.problems.append(Problem(path, 0, "is no notebook: it has no list of cells"))
        return book
    if language not in ("", "python", "python3", "ipython", "python2"):
        book.problems.append(Problem(path, 0, f"is a notebook in {language[:40]!r}, and only Python is read"))
    finder = _Finder(text)
    source: list[str] = []
    for number, (cell, kind) in enumerate(entries, 1):
        lines = _joined(cell.get("source", cell.get("input", ""))).splitlines()
        places = [finder.line_of(line) for line in lines]
        if kind == "code":
            if not book.problems or not book.problems[0].text.startswith("is a notebook in"):
                source += _python(lines, places, number, path, book)
                book.lines += places
                book.cells += [number] * len(lines)
            book.outputs += [
                (finder.line_of(shown.split("\n", 1)[0]), number, shown) for shown in _shown(cell)
            ]
    book.source = "\n".join(source) + "\n"
    return book


def _language(data: Any) -> str:
    meta = data.get("metadata") or {}
    for table, key in (("language_info", "name"), ("kernelspec", "language")):
        value = (meta.get(table) or {}).get(key)
        if isinstance(value, str):
            return value.lower()
    return ""


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _python(lines: list[str], places: list[int], number: int, path: str, book: Notebook) -> list[str]:
    """Return the cell with magics replaced, line for line; blank lines if it is no Python."""
    blank = [""] * len(lines)
    filled = next((i for i, line in enumerate(lines) if line.strip()), 0)
    plain = list(lines)
    if lines and lines[filled].startswith("%%"):
        word = re.match(r"%%(\S*)", lines[filled])
        if word and word[1] not in _PYTHON_CELLS:
            if word[1] in ("bash", "sh", "script", "!", "system", "sx"):
                book.shell += [(at, number, line) for at, line in zip(places, lines, strict=True)]
            return blank
        plain[filled] = ""
    for i, line in enumerate(plain):
        # A percent sign within an expression or a string of several lines is no magic: Python is tried first.
        if _MAGIC.match(line) or _ASSIGNED.match(line):
            if _parses("\n".join(plain)):
                break
            book.shell += [(places[i], number, line)] if "!" in line or "pip" in line else []
            plain[i] = (
                _ASSIGNED.sub(r"\1\2None", line) if _ASSIGNED.match(line) else _MAGIC.sub(r"\1pass #", line)
            )
    error = _error("\n".join(plain))
    if error is None:
        return plain
    at = places[min(error, len(places)) - 1] if places else 0
    book.problems.append(Problem(path, at, f"cell {number} is no Python that can be parsed"))
    return blank


def _parses(text: str) -> bool:
    return _error(text) is None


def _error(text: str) -> int | None:
    """Return the line at which a text stops being Python; None if it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return max(1, error.lineno or 1)
    except (ValueError, RecursionError, MemoryError):
        return 1
    return None


def _shown(cell: Any) -> Iterator[str]:
    """Yield the texts of a cell's outputs; pictures are left out."""
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        texts = [output.get("text"), output.get("evalue"), output.get("traceback")]
        if isinstance(data, dict):
            texts += [v for k, v in data.items() if not str(k).startswith("image/")]
        for value in texts:
            whole = _joined(value) if not isinstance(value, dict) else json.dumps(value)
            if whole:
                yield whole
