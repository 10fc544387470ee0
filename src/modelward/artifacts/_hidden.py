"""Pickles hidden in the data of a file: in bytes, text, arrays or weights that loading the file does not run.

A program that unpickles those bytes later would run them. The content is searched as a whole, at any offset, since
byte strings, texts and arrays stand in one piece in every format: for pickles that begin with their PROTO opcode,
for opcodes that name and call something, and for the same in the clothes of `_hidden_forms`. What is found is read
inertly; random bytes that happen to open as a pickle name nothing, and say nothing here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelward.artifacts._artifact import Artifact, GlobalUse
from modelward.artifacts._content import Content
from modelward.artifacts._formats import MAX_DEPTH, gathered
from modelward.artifacts._hidden_forms import Unpacking, decoded, unpacked
from modelward.artifacts._hidden_opcodes import may_name
from modelward.artifacts._hidden_where import place_of
from modelward.artifacts._walk import Walker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.artifacts._formats import Job

MAX_FOUND = 20
"""How many hidden pickles of one content are told apart."""
MAX_TRIES = 100_000
"""How many places of a content are tried, and one more for each 256 bytes; random bytes open one in 25,000."""
_WORK = 4
_FREE_WORK = 16 << 20
_STEP = 8 << 20
_OVERLAP = 1 << 10
_LOOK_FAR = 1_000_000

_OPCODES = re.escape(b"()]}NIJKMLFGTUVXBCSPQcijh\x8c\x8d\x8e\x8a\x8b\x88\x89\x8f\x95\x96")
_HEADED = re.compile(rb"\x80[\x00-\x05][" + _OPCODES + rb"]")
_NAME = rb"([A-Za-z_][\w.]{0,100}+)"
_GLOBAL = re.compile(rb"c" + _NAME + rb"\r?\n" + _NAME + rb"\r?\n")
_STACKED = re.compile(rb"\x8c[\x01-\xc8]" + _NAME + rb"\x94?\x8c[\x01-\xc8]" + _NAME + rb"\x94?\x93")
_INST = re.compile(rb"\((?:[IS][^\n]{0,400}\n){0,8}i" + _NAME + rb"\n" + _NAME + rb"\n")
_NAMING = re.compile(rb"[ci\x93]")
_HOLDERS = ("zip", "npz", "skops", "tar")
_OWN_ZIP = ("PyTorch", "TorchScript")
_TOO_MANY = "so many places open as a pickle that not all were looked into"


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
    search = _Search(job, {use.name for use in artifact.globals}, artifact.root)
    search.run(1, zipped=not artifact.format.startswith(_OWN_ZIP))
    if not search.found:
        return artifact
    members = (*artifact.members, *search.found.values())
    return gathered(replace(artifact, members=members), tuple(search.found.values()))


class _Search:
    """One search through one content.

    Parameters
    ----------
    job : Job
        The content, and what may be spent.
    known : set of str
        Names that the file itself reaches: they are judged already.
    root : object
        The graph in which a find is located.
    """

    def __init__(self, job: Job, known: set[str], root: Any) -> None:
        self.job = job
        self.found: dict[tuple[Any, ...], Artifact] = {}
        self._known = known
        self._root = root
        self._tries = MAX_TRIES + len(job.content) // 256
        self._work = _FREE_WORK + _WORK * len(job.content)
        self._judged: dict[tuple[str, str], bool] = {}

    def run(self, first: int, *, zipped: bool) -> None:
        """Look at every place of the content from `first` on; a large file is passed over in windows and not kept."""
        content: Any = self.job.content
        if isinstance(content, Content):
            self._pass_over(content)
            return
        for start in self._places(content, first):
            self._try(content, start, content, start)
        unpacking = Unpacking(self.job.purse, MAX_TRIES + len(content) // 256)
        for at, how, inner in unpacked(content, first, unpacking, zipped=zipped):
            self._unpacked(at, how, inner)
        for at, how, inner in decoded(content, unpacking):
            self._decoded(at, how, inner)
        if unpacking.spent:
            self._full("more data is compressed in it than may be read")

    def _pass_over(self, content: Content) -> None:
        """Try the places of a large file in windows, and keep nothing of what was read for that."""
        aside = content.aside()
        for at in range(0, len(content), _STEP):
            window = content.passing(at, at + _STEP + _OVERLAP)
            for match in _HEADED.finditer(window, 0 if at else 1):
                if match.start() >= _STEP:
                    break
                self._try(aside, at + match.start(), window, match.start())
                if aside.held > _STEP:
                    aside = content.aside()

    def _places(self, content: bytes, first: int) -> Iterator[int]:
        """Yield where a pickle may begin: at its PROTO opcode, or without one at a name that matters."""
        for match in _HEADED.finditer(content, first):
            yield match.start()
        for pattern in (_GLOBAL, _STACKED, _INST):
            for match in pattern.finditer(content, first):
                if self._matters(match[1], match[2]):
                    yield match.start()

    def _matters(self, module: bytes, name: bytes) -> bool:
        """Say whether a name is dangerous, and none that the file itself reaches."""
        from modelward.artifacts._names import judge_name

        key = module.decode("latin-1"), name.decode("latin-1")
        if key not in self._judged and len(self._judged) < MAX_TRIES:
            self._judged[key] = f"{key[0]}.{key[1]}" not in self._known and judge_name(*key)[0] == "dangerous"
        return self._judged.get(key, True)

    def _try(self, content: Any, start: int, seen: bytes, at: int) -> None:
        """Read a place as a pickle, if its opcodes name anything; it is at another position in what was seen of it."""
        if len(self.found) >= MAX_FOUND:
            return
        self._tries -= 1
        if self._tries < 0 or self._work < 0:
            self._full(_TOO_MANY)
            return
        if not may_name(seen, at, len(content) - start):
            return
        segment = Walker(content, start, max_memory=self.job.max_memory).advance()
        self._work -= segment.end - start
        if segment.end - start < 8 or not _names(content, start, segment.end):
            return
        self._read(content, start, headed=content[start] == 0x80)

    def _read(self, content: Any, start: int, *, headed: bool) -> None:
        """Read a pickle inertly and keep it if it reaches what the file itself does not."""
        from modelward.artifacts._unpickle import read_one
        from modelward.artifacts.readers._pickle import Scan

        scan = Scan(content, self.job.max_memory)
        scan.log.watch_all = not headed
        reading = read_one(content, start, scan.log, joblib=False, max_memory=self.job.max_memory)
        if reading.error and scan.log.wrapper:
            reading = read_one(content, start, scan.log, joblib=True, max_memory=self.job.max_memory)
        self._work -= max(0, reading.end - start)
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
        found = self.job.member(inner, how)
        if found.verdict == "clean" or (found.verdict == "unreadable" and not _spent(found)):
            return
        if found.verdict == "suspicious" and all(use.name in self._known for use in found.globals):
            return
        shown = replace(found, format=f"{found.format}, {how}", root=None, data=b"")
        self._keep(at, shown)

    def _decoded(self, at: int, how: str, inner: bytes) -> None:
        """Search what was encoded as text."""
        if self.job.depth >= MAX_DEPTH:
            self._full(f"data is nested more than {MAX_DEPTH} deep")
            return
        job = replace(self.job, content=inner, depth=self.job.depth + 1)
        search = _Search(job, self._known, None)
        search.run(0, zipped=True)
        for found in search.found.values():
            self._keep(at, replace(found, format=f"{found.format}, {how}"))

    def _keep(self, at: int, found: Artifact) -> None:
        key = (found.verdict, tuple(use.name for use in found.globals), found.reasons)
        if key in self.found or len(self.found) >= MAX_FOUND:
            return
        where = place_of(self._root, self.job.content, at)
        self.found[key] = replace(found, path=self.job.inside(where))

    def _full(self, reason: str) -> None:
        self._tries = -1
        path = self.job.inside("hidden")
        self.found.setdefault(
            (reason,), Artifact(path, "hidden pickle", b"", "unreadable", (reason,), pickles=0)
        )


def _names(content: Any, start: int, end: int) -> bool:
    """Say whether an opcode that names something can stand in a stretch that was walked.

    Of a large file opcodes are followed, so that what a long text or byte string holds is not read for nothing.
    """
    if isinstance(content, Content):
        return may_name(content, start, end - start, _LOOK_FAR)
    return _NAMING.search(content, start, end) is not None


def _spent(found: Artifact) -> bool:
    """Say whether content was not read because of what may be spent, and not because it is something else."""
    return any(
        "bomb" in reason or "nested more than" in reason or "holds more than" in reason
        for reason in found.reasons
    )


def _matters(use: GlobalUse, *, whole: bool) -> bool:
    """Say whether a name is news: a dangerous one always, an unknown one only where all could be read."""
    if use.status != "unknown":
        return use.status == "dangerous"
    return whole and use.name.isascii() and all(part.isidentifier() for part in use.name.split("."))
