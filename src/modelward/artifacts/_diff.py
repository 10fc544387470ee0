"""What changed between two model files, by path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._canonical import Digests, TooMuchError, View, view
from modelward.artifacts._cells import array_lines
from modelward.artifacts._container import printable
from modelward.artifacts._embedded import embedded
from modelward.artifacts._leaks import training_rows
from modelward.artifacts._paths import Chain, shown, walked
from modelward.artifacts._showing import show, show_view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.artifacts._artifact import Artifact

MOST_CHANGES = 100_000
_MOST_PAIRS = 5_000_000
_LONG_TEXT = 200
_AROUND = 40
_NOTHING = "(absent)"
_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Parameters
    ----------
    path : str
        Where, such as ``classes_`` or ``steps[1][1].trees[3].threshold[7]``; ``(model)`` is the whole.
    before, after : str
        In a few words; cells that may be rows of training data are counted and not shown.
    """

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two files.

    Parameters
    ----------
    same : bool
        Whether both hold the same model; never true unless both were compared to their end, or their bytes
        are the same.
    complete : bool
        Whether both files were read, and compared, to their end.
    changes : tuple of Change
    reason : str
        Why it is not complete.
    """

    same: bool
    complete: bool
    changes: tuple[Change, ...]
    reason: str = ""


def diff(a: Artifact, b: Artifact) -> Difference:
    """Return what changed from one model file to another.

    Ways of writing are no change: protocol, joblib or pickle, compression, memo and dict order, the order of an
    array's bytes, what is shared. Everything else is: classes, versions, attributes, values by their bits.

    Parameters
    ----------
    a, b : Artifact
        Before and after, as `read_artifact` returned them.

    Returns
    -------
    Difference

    Examples
    --------
    >>> import pickle
    >>> from modelward.artifacts import read_bytes
    >>> before = read_bytes(pickle.dumps({"classes_": [0, 1]}, protocol=2))
    >>> diff(before, read_bytes(pickle.dumps({"classes_": [0, 1]}, protocol=5))).same
    True
    >>> diff(before, read_bytes(pickle.dumps({"classes_": [1, 1]}))).changes
    (Change(path="['classes_'][0]", before='0', after='1'),)
    """
    equal = a.data == b.data and bool(a.data)
    reason = unread(a) or unread(b)
    if equal:
        return Difference(True, not reason, (), reason)
    comparison = _Comparison()
    if not reason:
        comparison.private = [*_private(a), *_private(b)]
        comparison.run(a.root, b.root, ())
        reason = comparison.stopped
    for name, before, after in _members(a, b):
        if before is None or after is None:
            comparison.note_text(
                name, *(_NOTHING if m is None else printable(m.format) for m in (before, after))
            )
            continue
        inner = diff(before, after)
        reason = reason or inner.reason
        for change in inner.changes:
            comparison.note_text(f"{name}: {change.path}", change.before, change.after)
    changes = tuple(comparison.changes)
    return Difference(not changes and not reason, not reason, changes, reason)


def unread(artifact: Artifact) -> str:
    """Say why a file was not read to its end; empty if it was."""
    broken = [why for why in artifact.reasons if "cannot be read to its end" in why]
    nothing = artifact.root is None and not artifact.members and artifact.verdict != "clean"
    if artifact.verdict != "unreadable" and not broken and not nothing:
        return ""
    why = (*broken, *artifact.reasons, "nothing in it could be read")[0]
    return f"{artifact.path} could not be read to its end: {why}"


def _members(a: Artifact, b: Artifact) -> list[tuple[str, Artifact | None, Artifact | None]]:
    """Return the members of two containers side by side, by name."""
    first, second = ({m.path.rpartition("!/")[2]: m for m in side.members} for side in (a, b))
    names = [
        name
        for name in {**first, **second}
        if not (_in_root(a, first.get(name)) and _in_root(b, second.get(name)))
    ]
    return [(printable(name), first.get(name), second.get(name)) for name in names]


def _in_root(container: Artifact, member: Artifact | None) -> bool:
    """Say whether the container's own graph holds a member's, so that it is compared there."""
    if member is None:
        return True
    if member.root is None or member.members or not isinstance(container.root, dict):
        return False
    return any(value is member.root for value in container.root.values())


def _private(artifact: Artifact) -> list[tuple[str, int]]:
    """Return where rows of training data lie, and how many."""
    return [(rows.path, rows.rows) for rows in training_rows(artifact)]


class _Comparison:
    """A walk over two graphs side by side."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.private: list[tuple[str, int]] = []
        self.stopped = ""
        self._digests = Digests()
        self._seen: dict[tuple[int, int], tuple[Any, Any]] = {}
        self._pending: list[tuple[Chain, Any, Any]] = []

    def run(self, a: Any, b: Any, chain: Chain) -> None:
        self._pending.append((chain, a, b))
        left = _MOST_PAIRS
        try:
            while self._pending and len(self.changes) < MOST_CHANGES:
                left -= 1
                if left < 0:
                    raise TooMuchError
                self._compare(*self._pending.pop())
        except TooMuchError:
            self.stopped = "there is more in the files than can be compared"
        if self._pending and not self.stopped:
            self.stopped = f"more than {MOST_CHANGES:,} changes; the rest was not compared"

    def note_text(self, path: str, before: str, after: str) -> None:
        self.changes.append(Change(path, before, after))

    def _note(self, chain: Chain, before: str, after: str, tail: str = "") -> None:
        self.note_text(shown(chain, tail) or "(model)", before, after)

    def _compare(self, chain: Chain, a: Any, b: Any) -> None:
        if a is b:
            return
        if (
            type(a) is type(b)
            and isinstance(a, _SCALARS)
            and a == b
            and not (isinstance(a, float) and a == 0)
        ):
            return
        if not isinstance(a, _SCALARS) and not isinstance(b, _SCALARS):
            pair = (id(a), id(b))
            if pair in self._seen:
                return
            self._seen[pair] = (a, b)
        x, y = view(a), view(b)
        if x.kind != y.kind:
            self._note(chain, self._say(chain, x), self._say(chain, y))
            return
        compare = {
            "scalar": self._leaf, "bytes": self._leaf, "class": self._leaf, "array": self._array,
            "sequence": self._sequence, "mapping": self._parts, "set": self._set, "object": self._object,
        }[x.kind]  # fmt: skip
        compare(chain, x, y)

    def _say(self, chain: Chain, one: View) -> str:
        if self._is_private(chain, one):
            return "not shown"
        return show_view(one)

    def _is_private(self, chain: Chain, one: View | None = None) -> bool:
        """Say whether what is here may be rows of training data, or a value for each of them."""
        if not self.private:
            return False
        path = walked(chain)
        for place, rows in self.private:
            if path == place or path.startswith((f"{place}.", f"{place}[", f"{place}{{")):
                return True
            holder = place.rpartition(".")[0]
            near = not holder or path == holder or path.startswith((f"{holder}.", f"{holder}["))
            if near and one is not None and rows in _sizes(one):
                return True
        return False

    def _leaf(self, chain: Chain, x: View, y: View) -> None:
        if x.label == y.label:
            return
        inner = embedded(x), embedded(y)
        if inner[0] is not None and inner[1] is not None:
            self._pending.append((chain, inner[0], inner[1]))
            return
        before, after = x.value, y.value
        long = (
            isinstance(before, str) and isinstance(after, str) and min(len(before), len(after)) > _LONG_TEXT
        )
        if long and not self._is_private(chain):
            self._lines(chain, before.split("\n"), after.split("\n"))
            return
        self._note(chain, self._say(chain, x), self._say(chain, y))

    def _lines(self, chain: Chain, before: list[str], after: list[str]) -> None:
        """Compare long texts by their lines."""
        if len(before) != len(after):
            self._note(chain, f"{len(before):,} lines", f"{len(after):,} lines", ".length")
        first = [i for i, (x, y) in enumerate(zip(before, after, strict=False)) if x != y]
        if len(first) > 5:
            self._note(chain, f"{len(before):,} lines", f"{len(first):,} of them changed")
        for i in first[:5]:
            x, y = _window(before[i], after[i])
            self._note(chain, x, y, f"(line {i + 1})")

    def _array(self, chain: Chain, x: View, y: View) -> None:
        private = self._is_private(chain, x) or self._is_private(chain, y)
        for tail, before, after in array_lines(x, y, private=private):
            self._note(chain, before, after, tail)
        if x.array is None and y.array is None and x.label[2] == y.label[2]:
            self._descend(chain, x, y, list(x.parts))

    def _sequence(self, chain: Chain, x: View, y: View) -> None:
        if x.label[0] != y.label[0]:
            self._note(chain, x.label[0], y.label[0], ".type")
        if x.label[1] == y.label[1]:
            self._descend(chain, x, y, list(x.parts))
            return
        self._note(chain, str(x.label[1]), str(y.label[1]), ".length")
        self._aligned(chain, list(x.parts.values()), list(y.parts.values()))

    def _aligned(self, chain: Chain, before: list[Any], after: list[Any]) -> None:
        """Compare lists of different length: what they share at both ends is the same, the middle differs."""
        same = self._same
        start = 0
        while start < min(len(before), len(after)) and same(before[start], after[start]):
            start += 1
        end = 0
        while end < min(len(before), len(after)) - start and same(before[-1 - end], after[-1 - end]):
            end += 1
        x, y = before[start : len(before) - end], after[start : len(after) - end]
        todo = []
        for i in range(max(len(x), len(y))):
            here = (chain, ("item", start + i))
            if i < len(x) and i < len(y):
                todo.append((here, x[i], y[i]))
            elif i < len(x):
                self._note(here, self._say(here, view(x[i])), _NOTHING)
            else:
                self._note(here, _NOTHING, self._say(here, view(y[i])))
        self._pending.extend(reversed(todo))

    def _same(self, a: Any, b: Any) -> bool:
        return self._digests.of(a) == self._digests.of(b)

    def _set(self, chain: Chain, x: View, y: View) -> None:
        if x.label != y.label:
            self._note(chain, x.label[0], y.label[0], ".type")
        first = {self._digests.of(item): item for item in x.loose}
        second = {self._digests.of(item): item for item in y.loose}
        here = (chain, ("loose", ""))
        for digest in sorted(first.keys() - second.keys()):
            self._note(here, self._say(here, view(first[digest])), _NOTHING)
        for digest in sorted(second.keys() - first.keys()):
            self._note(here, _NOTHING, self._say(here, view(second[digest])))

    def _object(self, chain: Chain, x: View, y: View) -> None:
        if x.label[0] != y.label[0]:
            self._note(
                chain, printable(str(x.label[0])), printable(str(y.label[0])), ".class" if chain else "class"
            )
            if str(x.label[0]).rpartition(".")[2] != str(y.label[0]).rpartition(".")[2]:
                return
        elif x.label != y.label and x.parts.keys() == y.parts.keys():
            self._note(chain, "keys in one order", "keys in another order", ".order")
        self._parts(chain, x, y)

    def _parts(self, chain: Chain, x: View, y: View) -> None:
        for step in [s for s in x.parts if s not in y.parts]:
            self._note((chain, step), self._say((chain, step), view(x.parts[step])), _NOTHING)
        for step in [s for s in y.parts if s not in x.parts]:
            self._note((chain, step), _NOTHING, self._say((chain, step), view(y.parts[step])))
        self._descend(chain, x, y, [s for s in x.parts if s in y.parts])

    def _descend(self, chain: Chain, x: View, y: View, steps: Iterable[Any]) -> None:
        self._pending.extend([((chain, step), x.parts[step], y.parts[step]) for step in steps][::-1])


def _window(before: str, after: str) -> tuple[str, str]:
    """Return the parts of two lines around the first character that differs."""
    at = next(
        (i for i, (x, y) in enumerate(zip(before, after, strict=False)) if x != y),
        min(len(before), len(after)),
    )
    start = max(0, at - _AROUND)
    cut = "…" if start else ""
    return tuple(cut + show(line[start : at + _AROUND]) for line in (before, after))  # type: ignore[return-value]


def _sizes(one: View) -> tuple[int, ...]:
    if one.kind == "array":
        return tuple(one.label[2])
    return (one.label[1],) if one.kind == "sequence" else ()
