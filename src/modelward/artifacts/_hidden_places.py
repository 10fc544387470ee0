"""Where in content a pickle may begin: at its PROTO opcode, or, without one, at opcodes that name something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelward.artifacts._hidden_budget import AGAIN, LETTER, LINE, SEEN, STACKED
from modelward.artifacts._hidden_heads import IN_NAMES, NAME_STARTS
from modelward.artifacts._names import suspect_last, suspect_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from modelward.artifacts._hidden_budget import Budget
    from modelward.artifacts._hidden_heads import Heads

_LONGEST = 101
_SECOND = re.compile(rb"([A-Za-z_][\w.]{0,100}+)\r?\n")
_STACKED = re.compile(
    rb"\x8c[\x01-\xc8]([A-Za-z_][\w.]{0,100}+)\x94?\x8c[\x01-\xc8]([A-Za-z_][\w.]{0,100}+)\x94?\x93\Z"
)
_STACKED_LONGEST = 2 * (_LONGEST + 3) + 1
_LINES, _LINE = 8, 402
_BEFORE, _AFTER = _LONGEST + 4, _LONGEST + 4
"""How far around the end of a line somebody looks who asks whether it names something."""
_REMEMBERED = 20_000
_STARTS = frozenset(bytes([letter]) for letter in NAME_STARTS)


def places(
    content: bytes, heads: Heads, first: int, budget: Budget, matters: Callable[[bytes, bytes], bool]
) -> Iterator[int]:
    """Yield positions at which something may begin that an unpickler would run, until the budget is spent.

    Parameters
    ----------
    content : bytes
        What is searched.
    heads : Heads
        Where in it something stands that has to be looked at.
    first : int
        Where the search begins.
    budget : Budget
        What may be spent.
    matters : callable
        From module and name to whether a place without a PROTO opcode that names them is worth a try.
    """
    yield from heads.at("pickle", first)
    yield from _in_lines(content, heads.at("line", first), budget, matters)
    yield from _on_stack(content, heads.at("stacked", first), budget, matters)


def _in_lines(
    content: bytes, ends: Iterable[int], budget: Budget, matters: Callable[[bytes, bytes], bool]
) -> Iterator[int]:
    """Yield where a GLOBAL or INST may begin, given where lines end."""
    said: dict[tuple[bytes, bytes], list[int]] = {}
    dull, harmless = _Dull(_BEFORE, _AFTER), _HarmlessLines()
    for at in ends:
        if dull.there(content, at):
            if not budget.charge(SEEN):
                return
            continue
        lines = _two_lines(content, at)
        if lines is None:
            continue
        start, run, name = lines
        known = True
        letters = [] if harmless.before(run, name) else said.get((run, name))
        if letters is None:
            known, letters = False, _named_in_line(run, name, matters)
            if len(said) < _REMEMBERED:
                said[run, name] = letters
        if not budget.charge(AGAIN if known else LINE + LETTER * run.count(b"c")):
            return
        for letter in letters:
            yield start + letter
        opened = run[:1] == b"i" and content[start - 1 : start] in (b"(", b"\n")
        if opened and run[1:2] in _STARTS and matters(run[1:], name):
            if budget.charge(_LINES * LINE // 2):
                yield from _marks(content, start)
        elif not letters:
            dull.remember()


def _on_stack(
    content: bytes, ends: Iterable[int], budget: Budget, matters: Callable[[bytes, bytes], bool]
) -> Iterator[int]:
    """Yield where the two short strings begin that a STACK_GLOBAL looks up, given where one stands."""
    dull = _Dull(_STACKED_LONGEST, 0)
    for at in ends:
        if dull.there(content, at):
            if not budget.charge(SEEN):
                return
            continue
        if not budget.charge(STACKED):
            return
        match = _stacked(content, at)
        if match and matters(match[1], match[2]):
            yield match.start()
        else:
            dull.remember()


class _Dull:
    """Surroundings that were looked at, and in which nothing begins: they may be repeated without end.

    Parameters
    ----------
    before, after : int
        How many bytes before and after a place decide what is there.
    """

    def __init__(self, before: int, after: int) -> None:
        self._before, self._after = before, after
        self._seen: set[bytes] = set()
        self._last = b""

    def there(self, content: bytes, at: int) -> bool:
        """Say whether the same surroundings were remembered."""
        # Nearer to the beginning the same bytes may lie around another place of them.
        self._last = content[at - self._before : at + self._after] if at >= self._before else b""
        return self._last in self._seen

    def remember(self) -> None:
        """Remember the surroundings that were asked for last."""
        if self._last and len(self._seen) < _REMEMBERED:
            self._seen.add(self._last)


class _HarmlessLines:
    """Ends of lines that name no module in which there is harm: thousands of words in lines are looked at once each."""

    def __init__(self) -> None:
        self._seen: dict[bytes, bool] = {}

    def before(self, run: bytes, name: bytes) -> bool:
        """Say whether the end of a line was there before, and names no harm together with what is in the next line."""
        harmless = self._seen.get(run)
        if harmless is None:
            if len(self._seen) < _REMEMBERED:
                self._seen[run] = not any(_suspect(module) for module in _modules(run))
            return False
        return harmless and not suspect_last(name.decode("latin-1"))


def _modules(run: bytes) -> Iterator[bytes]:
    """Yield every module that the end of a line may name."""
    letter = 0 if run[:1] == b"i" else run.find(b"c")
    while letter >= 0:
        yield run[letter + 1 :]
        letter = run.find(b"c", letter + 1)


def _suspect(module: bytes) -> bool:
    return suspect_module(module.decode("latin-1"))


def _stacked(content: bytes, at: int) -> re.Match[bytes] | None:
    """Return the two short strings that a STACK_GLOBAL looks up."""
    begin = max(0, at + 1 - _STACKED_LONGEST)
    second = content.rfind(b"\x8c", begin, at)
    first = content.rfind(b"\x8c", begin, max(second, begin))
    if first < 0:
        return None
    if b"\x8c" in (content[second - 1 : second], content[first - 1 : first] if first > begin else b""):
        return _STACKED.search(content, begin, at + 1)  # one may be the length of a string
    return _STACKED.match(content, first, at + 1)


def _two_lines(content: bytes, at: int) -> tuple[int, bytes, bytes] | None:
    """Return where the end of a line begins that may name a module, that end, and the name in the next line."""
    end = at - 1 if content[at - 1 : at] == b"\r" else at
    line = content[max(0, end - _LONGEST - 1) : end]
    run = line[len(line.rstrip(IN_NAMES)) :]
    if b"c" not in run and run[:1] != b"i":
        return None
    second = _SECOND.match(content, at + 1)
    return None if second is None else (end - len(run), run, second[1])


def _named_in_line(run: bytes, name: bytes, matters: Callable[[bytes, bytes], bool]) -> list[int]:
    """Return where in the end of a line a GLOBAL may begin."""
    found = []
    letter = run.find(b"c")
    while letter >= 0:
        module = run[letter + 1 :]
        if module[:1] in _STARTS and matters(module, name):
            found.append(letter)
        letter = run.find(b"c", letter + 1)
    return found


def _marks(content: bytes, at: int) -> Iterator[int]:
    """Yield where a MARK stands before an INST, with nothing but numbers and strings of one line between."""
    for _ in range(_LINES):
        if content[at - 1 : at] == b"(":
            yield at - 1
        if content[at - 1 : at] != b"\n":
            return
        line = content.rfind(b"\n", max(0, at - _LINE), at - 1) + 1 or max(0, at - _LINE)
        mark = content.find(b"(", line, at)
        while mark >= 0:
            if content[mark + 1 : mark + 2] in (b"I", b"S"):
                yield mark
            mark = content.find(b"(", mark + 1, at)
        if content[line : line + 1] not in (b"I", b"S"):
            return
        at = line
