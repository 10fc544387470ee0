"""Pickles hidden in the data of a file: in bytes, text, arrays or weights that loading the file does not run.

A program that unpickles those bytes later would run them. The content is searched as a whole, at any offset, since
byte strings, texts and arrays stand in one piece in every format: for pickles that begin with their PROTO opcode,
for opcodes that name and call something, and for the same in the clothes of `_hidden_forms`. What is found is read
inertly; random bytes that happen to open as a pickle name nothing, and say nothing here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelward.artifacts._artifact import Artifact, GlobalUse
from modelward.artifacts._content import Content
from modelward.artifacts._formats import MAX_DEPTH, gathered, rank
from modelward.artifacts._hidden_budget import AGAIN_BYTE, LOOK, NAME, NEW_BYTE, READ, READ_BYTE, VISIT, WALK
from modelward.artifacts._hidden_forms import decoded, gathered_texts
from modelward.artifacts._hidden_heads import Heads, heads_of
from modelward.artifacts._hidden_opcodes import first_look
from modelward.artifacts._hidden_packed import unpacked
from modelward.artifacts._hidden_places import places
from modelward.artifacts._hidden_where import place_of
from modelward.artifacts._opcodes import MESSAGES, NO_LINE
from modelward.artifacts._walk import Walker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.artifacts._formats import Job

MAX_FOUND = 20
"""How many hidden pickles of one content are told apart."""
_VISITS = 400_000
_LEAST = 9
"""Content of fewer bytes holds nothing that names something, the pickle of one number around it."""
_STEP, _OVERLAP = 16 << 20, 2 << 20
"""How far apart windows of a large file begin, and how far each reaches into the next.

What is compressed or encoded and longer than the latter may be cut by the end of a window; a plain pickle is not.
"""
_PLAIN_STEP, _PLAIN_OVERLAP = 8 << 20, 1 << 10
"""The same where only plain pickles are looked for."""
_LOOK_FAR = 1_000_000
_MAX_JUDGED = 100_000
_COMPARE = 10_000
"""What comparing the keys of one find may cost before they are looked at one by one."""

_NAMING = re.compile(rb"[ci\x93]")
_HOLDERS = ("zip", "npz", "skops", "tar")
_OWN_ZIP = ("PyTorch", "TorchScript")
_MORE_HARM = 50
"""How many places are read once a malicious one was found: nothing is worse."""
_SETTLED = "it is malicious already, so that not all places were looked into"
_SPENT = "more in it opens as a pickle, or is compressed, than may be looked into"


def with_hidden(artifact: Artifact, job: Job) -> Artifact:
    """Add the pickles that are hidden in the data of content which was read.

    Parameters
    ----------
    artifact : Artifact
        What a reader made of the content.
    job : Job
        What was read. Containers are left out: what they hold is content of its own.

    Returns
    -------
    Artifact
        The same if nothing was found; else each find is a member, its path says where it lies.
    """
    if artifact.verdict not in ("clean", "suspicious") or artifact.format.startswith(_HOLDERS):
        return artifact
    if len(job.content) < _LEAST:
        return artifact
    if not job.hidden:
        job.purse.search.grant(len(job.content))
    search = _Search(job, {use.name for use in artifact.globals})
    if isinstance(job.content, Content):
        search.pass_over(job.content, everything=artifact.format == "npy")
    else:
        search.run(1, zipped=not artifact.format.startswith(_OWN_ZIP))
    if not search.found:
        return artifact
    found = search.placed(artifact.root)
    own = replace(artifact, members=(*artifact.members, *found))
    if search.unlisted:
        more = f"{search.unlisted:,} more hidden pickles, no worse than these, are not listed"
        own = replace(own, reasons=(*own.reasons, more))
    return gathered(own, found)


@dataclass(frozen=True, slots=True)
class _Window:
    """What is looked at at once.

    Attributes
    ----------
    seen : bytes
        The bytes.
    content : bytes or Content
        What they are part of, in which a pickle that begins there may go on.
    head : bytes
        With what that begins.
    start : int
        Where they begin in that.
    step : int
        Where the next window begins, counted from there; what begins behind it is that one's.
    """

    seen: bytes
    content: Any
    head: bytes
    start: int = 0
    step: int = 1 << 62


class _Search:
    """One search through one content.

    Parameters
    ----------
    job : Job
        The content, and what may be spent.
    known : set of str
        Names that the file itself reaches: they are judged already.
    """

    def __init__(self, job: Job, known: set[str]) -> None:
        self.job = job
        self.found: dict[tuple[Any, ...], tuple[int, Artifact]] = {}
        self.unlisted = 0
        self._harm_left = -1
        self._budget = job.purse.search
        self._known = known
        self._walked = 0
        self._judged: dict[tuple[bytes, bytes], bool] = {}

    def run(self, first: int, *, zipped: bool) -> None:
        """Look at every place of the content from `first` on."""
        content = self.job.content
        heads = heads_of(content)
        window = _Window(content, content, content[:2])
        self._try_all(window, places(content, heads, first, self._budget, self._names_harm))
        self._unpack(window, heads, first, zipped=zipped)
        if self._budget.spent:
            self._unread(_SPENT)

    def pass_over(self, content: Content, *, everything: bool) -> None:
        """Look at a large file in windows, and keep nothing of what was read for that.

        Parameters
        ----------
        content : Content
            The file.
        everything : bool
            Look for what `run` looks for; else for plain pickles that begin with their PROTO opcode, which takes
            half as long.
        """
        aside, head = content.aside(), content[:2]
        step, overlap = (_STEP, _OVERLAP) if everything else (_PLAIN_STEP, _PLAIN_OVERLAP)
        for at in range(0, len(content), step):
            window = _Window(content.passing(at, at + step + overlap), aside, head, at, step)
            first = 0 if at else 1
            if everything:
                heads = heads_of(window.seen)
                found = places(window.seen, heads, first, self._budget, self._names_harm)
                self._try_all(window, found)
                self._unpack(window, heads, first, zipped=True)
            else:
                self._try_all(window, Heads(window.seen).at("pickle", first))
            if self._budget.spent:
                self._unread(_SPENT)
                return
            if aside.held > step:
                aside = content.aside()

    def _try_all(self, window: _Window, found: Iterable[int]) -> None:
        """Try places of a window."""
        for start in found:
            if start < window.step and not self._try(window, start):
                break

    def _unpack(self, window: _Window, heads: Heads, first: int, *, zipped: bool) -> None:
        """Look into what is compressed or encoded in a window."""
        seen = window.seen
        for at, how, inner in unpacked(seen, heads, first, self._budget, zipped=zipped):
            self._unpacked(window.start + at, how, inner)
        texts = decoded(seen, heads, self._budget, window.head)
        for how, inner, starts, found in gathered_texts(texts, self._budget):
            self._decoded(how, inner, starts, [window.start + at for at in found])

    def _names_harm(self, module: bytes, name: bytes) -> bool:
        """Say whether a name is dangerous, and none that the file itself reaches."""
        from modelward.artifacts._names import judge_name, may_harm

        key = module, name
        known = self._judged.get(key)
        if known is None:
            plain = module.decode("latin-1"), name.decode("latin-1")
            known = (
                may_harm(*plain)
                and self._budget.charge(NAME)
                and f"{plain[0]}.{plain[1]}" not in self._known
                and judge_name(*plain)[0] == "dangerous"
            )
            if len(self._judged) < _MAX_JUDGED:
                self._judged[key] = known
        return known

    def _try(self, window: _Window, at: int) -> bool:
        """Read a place of a window as a pickle, if its opcodes name anything; say whether the budget allows more."""
        content, start = window.content, window.start + at
        may_name, cost = first_look(window.seen, at, len(content) - start)
        if not self._budget.charge(LOOK + cost) or not may_name:
            return not self._budget.spent
        if self._harm_left == 0:
            self._unread(_SETTLED)
            return False
        self._harm_left -= self._harm_left > 0
        segment = Walker(content, start, max_memory=self.job.max_memory).advance()
        # Of a large file payloads are stepped over unread, so its opcodes are charged and not its bytes.
        large = isinstance(content, Content)
        self._charge(start, start if large else segment.end, WALK)
        if segment.error == MESSAGES[NO_LINE] and not large:
            self._budget.charge(len(content) - segment.end)
        if self._budget.spent:
            return False
        if segment.end - start >= 8 and self._names(content, start, segment.end):
            if not self._budget.charge(READ + READ_BYTE * (0 if large else segment.end - start)):
                return False
            self._read(content, start, headed=content[start] == 0x80)
        return not self._budget.spent

    def _charge(self, start: int, end: int, cost: int) -> None:
        """Charge for a walk; over bytes that were walked before it costs more, since that can be had without end."""
        new = max(0, end - max(start, self._walked))
        self._walked = max(self._walked, end)
        self._budget.charge(cost + NEW_BYTE * new + AGAIN_BYTE * (end - start - new))

    def _names(self, content: Any, start: int, end: int) -> bool:
        """Say whether an opcode that names something can stand in a stretch that was walked.

        Of a large file opcodes are followed, so that what a long text or byte string holds is not read for nothing.
        """
        if not isinstance(content, Content):
            return _NAMING.search(content, start, end) is not None
        may_name, cost = first_look(content, start, end - start, _LOOK_FAR)
        self._budget.charge(cost)
        return may_name

    def _read(self, content: Any, start: int, *, headed: bool) -> None:
        """Read a pickle inertly and keep it if it reaches what the file itself does not."""
        from modelward.artifacts._unpickle import read_one
        from modelward.artifacts.readers._pickle import Scan

        scan = Scan(content, self.job.max_memory)
        scan.log.watch_all = not headed
        bounds = scan.log.bounds
        scan.log.length, bounds.compare_left = len(content), _COMPARE
        allowed = bounds.hash_left = bounds.hand_left = max(0, self._budget.left) // VISIT
        reading = read_one(content, start, scan.log, joblib=False, max_memory=self.job.max_memory)
        if reading.error and scan.log.wrapper:
            reading = read_one(content, start, scan.log, joblib=True, max_memory=self.job.max_memory)
        self._budget.charge(
            NAME * len(scan.log.names) + VISIT * (2 * allowed - bounds.hash_left - bounds.hand_left)
        )
        names = scan.judged()
        whole = not reading.error and (headed or scan.log.acted)
        news = tuple(use for use in names if use.name not in self._known and _matters(use, whole=whole))
        verdict, reasons = scan.verdict(names)
        tampers = whole and headed and verdict == "malicious"
        if not news and not tampers:
            return
        if not headed and not (whole or scan.log.acted):
            return  # text that reads like a name
        worst = verdict if tampers or any(use.status == "dangerous" for use in news) else "suspicious"
        if worst == "suspicious":
            reasons = tuple(f"reaches {use.name}: {use.reason}" for use in news)
        self._keep(start, Artifact("", "hidden pickle", b"", worst, reasons, names))

    def _unpacked(self, at: int, how: str, inner: bytes) -> None:
        """Read what was compressed or encoded as content of its own."""
        found = replace(self.job, hidden=True).member(inner, how)
        if found.verdict == "clean" or (found.verdict == "unreadable" and not _spent(found)):
            return
        if found.verdict == "suspicious" and all(use.name in self._known for use in found.globals):
            return
        shown = replace(found, format=f"{found.format}, {how}", root=None, data=b"")
        self._keep(at, shown)

    def _decoded(self, how: str, inner: bytes, starts: list[int], places: list[int]) -> None:
        """Search what was encoded as text; the pieces of it begin at `starts`, and stood at `places`."""
        if self.job.depth >= MAX_DEPTH:
            self._unread(f"data is nested more than {MAX_DEPTH} deep")
            return
        search = _Search(replace(self.job, content=inner, depth=self.job.depth + 1, hidden=True), self._known)
        search.run(0, zipped=True)
        self.unlisted += search.unlisted
        for inside, found in search.found.values():
            at = places[max(0, bisect_right(starts, inside) - 1)]
            self._keep(at, replace(found, format=f"{found.format}, {how}"))

    def _keep(self, at: int, found: Artifact) -> None:
        """Keep a find, instead of a lesser one if there are too many."""
        key = (found.verdict, tuple(use.name for use in found.globals), found.reasons)
        if key in self.found:
            return
        if len(self.found) >= MAX_FOUND:
            self.unlisted += 1
            least = max(self.found, key=lambda one: rank(one[0]))
            if rank(found.verdict) >= rank(least[0]):
                return
            del self.found[least]
        self.found[key] = at, found
        if found.verdict == "malicious" and self._harm_left < 0:
            self._harm_left = _MORE_HARM

    def _unread(self, reason: str) -> None:
        """Note that something was not looked into."""
        self._keep(-1, Artifact("", "hidden pickle", b"", "unreadable", (reason,), pickles=0))

    def placed(self, root: Any) -> tuple[Artifact, ...]:
        """Return what was found, each with its path in the file's graph."""
        visits = _VISITS // max(1, len(self.found))
        return tuple(
            replace(found, path=self.job.inside(self._place(root, at, visits)))
            for at, found in self.found.values()
        )

    def _place(self, root: Any, at: int, visits: int) -> str:
        return "hidden" if at < 0 else place_of(root, self.job.content, at, visits)


def _spent(found: Artifact) -> bool:
    """Say whether content was not read because of what may be spent, and not because it is something else."""
    return any(
        "bomb" in reason or "nested more than" in reason or "holds more than" in reason or _SPENT in reason
        for reason in found.reasons
    )


def _matters(use: GlobalUse, *, whole: bool) -> bool:
    """Say whether a name is news: a dangerous one always, an unknown one only where all could be read."""
    if use.status != "unknown":
        return use.status == "dangerous"
    return whole and use.name.isascii() and all(part.isidentifier() for part in use.name.split("."))
