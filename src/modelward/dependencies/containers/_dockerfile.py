"""A Dockerfile as stages of instructions.

The lines are told apart by the library dockerfile-parse. What it does not know is taken out before: blank lines within
an instruction, here-documents, and an instruction that ends with the file.

Source: Docker, Dockerfile reference (parser directives, here-documents, FROM, ARG).
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field

from modelward.dependencies._extra import need

WORDS = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
_HEREDOC = re.compile(r"<<(-?)(?:\"([\w.]+)\"|'([\w.]+)'|([A-Za-z_][\w.]*))")
_PRAGMA = re.compile(r"\s*hadolint\s+(global\s+)?ignore\s*=\s*([\w, -]+)", re.IGNORECASE)
_FLAG = re.compile(r"--([\w-]+)(?:=(\S*))?\s*")


class Unreadable(Exception):  # noqa: N818 - it says what the file is
    """A place from which on the file makes no sense."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Parameters
    ----------
    word : str
        In capitals.
    value : str
        Without flags and here-documents.
    line : int
        Its first line, from 1.
    flags : tuple of (str, str)
        Such as ``("from", "build")``.
    documents : tuple of str
        Its here-documents.
    quiet : frozenset of str
        Rules that a comment above it says to ignore.
    """

    word: str
    value: str
    line: int
    flags: tuple[tuple[str, str], ...] = ()
    documents: tuple[str, ...] = ()
    quiet: frozenset[str] = frozenset()

    def flag(self, name: str) -> str | None:
        """Return a flag's value; None if it is absent."""
        return next((value for flag, value in self.flags if flag == name), None)

    def listed(self) -> list[str] | None:
        """Return the words of the form ``["a", "b"]``; None for the other form."""
        try:
            words = json.loads(self.value) if self.value.startswith("[") else None
        except (ValueError, RecursionError):
            return None
        return words if isinstance(words, list) and all(isinstance(w, str) for w in words) else None


@dataclass
class Stage:
    """What one FROM begins."""

    base: Instruction
    number: int
    image: str = ""
    name: str = ""
    platform: str = ""
    parent: Stage | None = None
    instructions: list[Instruction] = field(default_factory=list)

    def line_of_descent(self) -> list[Stage]:
        """Return the stages whose layers it has: the first one first."""
        found = [self]
        while (parent := found[-1].parent) is not None:
            found.append(parent)
        return found[::-1]


@dataclass(frozen=True)
class Dockerfile:
    """Stages, the values that ARG gives before the first of them, and rules that are to be ignored everywhere."""

    stages: tuple[Stage, ...]
    arguments: dict[str, str | None]
    quiet: frozenset[str]

    @property
    def final(self) -> tuple[Stage, ...]:
        """The stages whose layers are shipped."""
        return tuple(self.stages[-1].line_of_descent())


def read_dockerfile(text: str) -> Dockerfile:
    """Read a Dockerfile.

    Raises
    ------
    Unreadable
        With the line, for a word that is no instruction, or if there is no FROM.
    """
    instructions, everywhere = _instructions(text)
    stages: list[Stage] = []
    arguments: dict[str, str | None] = {}
    for one in instructions:
        if one.word == "FROM":
            stages.append(_stage(one, stages, arguments))
        elif stages:
            stages[-1].instructions.append(one)
        elif one.word == "ARG":
            arguments.update(pairs(one.value))
        else:
            raise Unreadable(one.line, f"has {one.word} before the first FROM")
    if not stages:
        raise Unreadable(0, "has no FROM")
    return Dockerfile(tuple(stages), arguments, everywhere)


def _stage(one: Instruction, stages: list[Stage], arguments: dict[str, str | None]) -> Stage:
    words = one.value.split()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
        raise Unreadable(one.line, "has a FROM that is not FROM IMAGE [AS NAME]")
    image, _ = expand(words[0], arguments)
    name = words[2].lower() if len(words) == 3 else ""
    parent = next((s for s in stages[::-1] if image.lower() == s.name and s.name), None)
    return Stage(one, len(stages), image, name, one.flag("platform") or "", parent)


def _instructions(text: str) -> tuple[list[Instruction], frozenset[str]]:
    lines, documents = _prepared(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    parser = need("dockerfile_parse", "dockerfile-parse").DockerfileParser(
        fileobj=io.BytesIO("".join(lines).encode("utf-8", "surrogatepass"))
    )
    found: list[Instruction] = []
    quiet: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()
    for part in parser.structure:
        word, line = part["instruction"], part["startline"] + 1
        if word == "COMMENT":
            if pragma := _PRAGMA.match(part["value"]):
                names = frozenset(re.findall(r"[\w-]+", pragma[2]))
                everywhere, quiet = (everywhere | names, quiet) if pragma[1] else (everywhere, quiet | names)
            continue
        if word not in WORDS:
            raise Unreadable(line, f"has {word[:40]!r}, which is no instruction")
        if not part["value"].strip():
            raise Unreadable(line, f"has {word} with nothing behind it")
        found.append(_instruction(word, part["value"].strip(), line, documents.get(line, ()), quiet))
        quiet = frozenset()
    return found, everywhere


def _instruction(
    word: str, value: str, line: int, documents: tuple[str, ...], quiet: frozenset[str]
) -> Instruction:
    if word == "ONBUILD":
        inner, _, rest = value.partition(" ")
        if inner.upper() in WORDS - {"FROM", "ONBUILD", "MAINTAINER"} and rest.strip():
            word, value = inner.upper(), rest.strip()
    flags: list[tuple[str, str]] = []
    while word in ("ADD", "COPY", "FROM", "HEALTHCHECK", "RUN") and (flag := _FLAG.match(value)):
        flags.append((flag[1], flag[2] or ""))
        value = value[flag.end() :]
    return Instruction(word, value, line, tuple(flags), documents, quiet)


def _prepared(text: str) -> tuple[list[str], dict[int, tuple[str, ...]]]:
    """Return as many lines, with here-documents and blank lines inside instructions made comments."""
    escape = (
        "`"
        if re.match(r"(?:\s*#\s*syntax\s*=.*\n)?\s*#\s*escape\s*=\s*`\s*(\n|$)", text, re.IGNORECASE)
        else "\\"
    )
    lines = text.split("\n")
    out: list[str] = []
    documents: dict[int, tuple[str, ...]] = {}
    inside, start = False, 0
    waiting: list[tuple[int, tuple[str, str], list[str]]] = []
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if inside and not bare:
            out.append("#\n")
            continue
        if bare.startswith("#"):
            out.append(line + "\n")
            continue
        if waiting:
            number_of, (tabs, end), body = waiting[0]
            if (line.lstrip("\t") if tabs else line) == end:
                documents[number_of] = (*documents.get(number_of, ()), "\n".join(body))
                waiting.pop(0)
            else:
                body.append(line)
            out.append("#\n")
            continue
        start = start if inside else number
        inside = bare.endswith(escape)
        out.append(line + "\n")
        if not inside and re.match(r"\s*(?:onbuild\s+)?(?:run|copy|add)\s", lines[start - 1], re.IGNORECASE):
            said = " ".join(lines[start - 1 : number])
            waiting = [(start, (m[1], m[2] or m[3] or m[4]), []) for m in _HEREDOC.finditer(said)]
    if waiting:
        raise Unreadable(waiting[0][0], f"has a here-document without its end, {waiting[0][1][1]}")
    if inside:
        last = max(
            i for i, line in enumerate(out) if line.strip().endswith(escape) and line.strip()[:1] != "#"
        )
        out[last] = out[last].rstrip()[:-1] + "\n"
    return out, documents


def pairs(value: str) -> dict[str, str | None]:
    """Return the names and values of ARG or ENV; None for a name without a value."""
    util = need("dockerfile_parse.util", "dockerfile-parse")
    words = list(util.WordSplitter(value).split())
    if words and "=" not in words[0] and len(words) > 1:
        return {words[0]: " ".join(words[1:])}
    found: dict[str, str | None] = {}
    for word in words:
        name, equals, text = word.partition("=")
        found[name] = text if equals else None
    return found


def expand(text: str, values: dict[str, str | None]) -> tuple[str, bool]:
    """Put values in the place of ``$NAME`` and ``${NAME:-else}``, and say whether all were known."""
    known = True

    def value(found: re.Match[str]) -> str:
        nonlocal known
        name, sign, other = found[1] or found[2], found[3] or "", found[4] or ""
        here = values.get(name)
        if sign.endswith("+"):
            return other if here else ""
        if here is None or (here == "" and sign.startswith(":")):
            if not sign.endswith("-"):
                known = False
                return found[0]
            return other
        return here

    out = re.sub(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+])([^}]*))?\})", value, text)
    return out, known
