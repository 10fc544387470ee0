"""The commands of a shell line, as far as rules need them: words, and what is piped into what.

It is read and never run. Where quoting makes no sense the words are those between blanks, so nothing is skipped.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_JOINTS = frozenset({";", "&&", "||", "|", "|&", "&", "(", ")", ";;", "{", "}"})
_BEFORE = frozenset(
    {"sudo", "exec", "time", "nice", "then", "do", "else", "if", "while", "until", "!", "command", "env"}
)
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Parameters
    ----------
    words : tuple of str
        The program first; without assignments before it.
    piped : bool
        Whether its output goes into the next command.
    assigned : tuple of str
        Assignments before it.
    """

    words: tuple[str, ...]
    piped: bool = False
    assigned: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return self.words[0].rsplit("/", 1)[-1]

    @property
    def plain(self) -> tuple[str, ...]:
        """What follows the program and is no option."""
        return tuple(word for word in self.words[1:] if not word.startswith("-"))

    def has(self, *options: str) -> bool:
        """Say whether it has one of some options."""
        return any(word == o or word.startswith(o + "=") for word in self.words[1:] for o in options)


def commands(text: str, depth: int = 0) -> tuple[Command, ...]:
    """Return the commands of a text, also those that it hands to a shell as text.

    Examples
    --------
    >>> [c.words for c in commands("set -e; A=1 curl -s https://x | sudo bash -s && rm -rf /var/lib/apt/lists/*")]
    [('set', '-e'), ('curl', '-s', 'https://x'), ('bash', '-s'), ('rm', '-rf', '/var/lib/apt/lists/*')]
    >>> [c.program for c in commands("bash -lc 'pip install x && make'")]
    ['bash', 'pip', 'make']
    """
    found: list[Command] = []
    for words, joint in _split(text):
        command = _command(words, piped=joint in ("|", "|&"))
        if command is None:
            continue
        found.append(command)
        if depth < _MAX_DEPTH and command.program in SHELLS | {"eval"}:
            inner = _handed_over(command)
            found += commands(inner, depth + 1) if inner else ()
    return tuple(found)


def _split(text: str) -> list[tuple[list[str], str]]:
    parts: list[tuple[list[str], str]] = []
    words: list[str] = []
    for token in _tokens(text.replace("\n", " ; ")):
        if token in _JOINTS:
            parts.append((words, token))
            words = []
        else:
            words.append(token)
    return [*parts, (words, "")]


def _tokens(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return re.sub(r"(&&|\|\||[;|()])", r" \1 ", text).replace('"', "").replace("'", "").split()


def _command(words: list[str], *, piped: bool) -> Command | None:
    assigned: list[str] = []
    rest = list(words)
    while rest:
        if re.match(r"[A-Za-z_]\w*=", rest[0]):
            assigned.append(rest.pop(0))
        elif rest[0] in _BEFORE:
            before = rest.pop(0)
            while before in ("sudo", "env", "nice") and rest and rest[0].startswith("-"):
                rest.pop(0)
        else:
            break
    if rest and rest[0] == "$":
        return None  # of $( … ), whose inside follows
    return Command(tuple(rest), piped, tuple(assigned)) if rest and rest[0] else None


def _handed_over(command: Command) -> str:
    if command.program == "eval":
        return " ".join(command.words[1:])
    for i, word in enumerate(command.words[1:-1], 1):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return command.words[i + 1]
    return ""
