"""What a reader of a format is, and what one file may cost, containers in containers included."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING

from modelward.artifacts._artifact import Artifact, FileVerdict, GlobalUse
from modelward.artifacts._container import printable
from modelward.artifacts._hidden_budget import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_DEPTH = 8
"""How deep containers may be nested in one file."""
MAX_MEMBERS = 100_000
"""How many members the containers of one file may hold together."""
MAX_PICKLES = 5_000
"""How many of them may be pickles: tensors and arrays come in thousands, pickles do not."""
MAX_UNREAD = 1_000
"""How many of them are told to be unreadable, one by one."""
_WORST: tuple[FileVerdict, ...] = ("malicious", "unreadable", "suspicious", "clean")


@dataclass
class Purse:
    """What is left to spend on one file, shared by all that is nested in it.

    Attributes
    ----------
    bytes_left : int
        Bytes that members may still have, after decompression.
    members_left : int
        Members that may still be read.
    pickles_left : int
        Members that may still be pickles.
    unread_left : int
        Members that may still turn out to be unreadable before the others are not looked at.
    search : Budget
        What the search for hidden pickles may still cost.
    """

    bytes_left: int
    members_left: int = MAX_MEMBERS
    pickles_left: int = MAX_PICKLES
    unread_left: int = MAX_UNREAD
    search: Budget = field(default_factory=Budget)


@dataclass(frozen=True)
class Job:
    """Content to be read, and what may be spent on it.

    Attributes
    ----------
    content : bytes
        What is read: the file's or member's bytes, its compression undone.
    path : str
        For display, already escaped; a member's is ``a.zip!/b.pkl``.
    data : bytes
        The bytes as they were found, compression included.
    compressed : str
        Name of the compression that was undone; empty for none.
    max_bytes, max_memory : int
        As given to `read_artifact`.
    depth : int
        How many containers are around it.
    purse : Purse
        Shared by the whole file.
    hidden : bool
        Whether the content was found by the search for hidden pickles.
    """

    content: bytes = field(repr=False)
    path: str
    data: bytes = field(repr=False)
    compressed: str
    max_bytes: int
    max_memory: int
    depth: int
    purse: Purse
    hidden: bool = False

    def member(self, data: bytes, name: str) -> Artifact:
        """Read what a container holds, by its content, as a file of its own.

        Parameters
        ----------
        data : bytes
            The member's bytes.
        name : str
            As the container has it; it is only shown.
        """
        from modelward.artifacts._read import read_nested

        found = read_nested(data, self, self.inside(name))
        self.purse.pickles_left -= found.format.startswith("pickle")
        self.purse.unread_left -= found.verdict == "unreadable"
        return found

    def given_up(self) -> tuple[Artifact, ...]:
        """Return what stands for all members from here on, if they are not to be looked at."""
        if self.purse.pickles_left < 0:
            reason = f"it holds more than {MAX_PICKLES:,} pickles, and what follows was not looked at"
        elif self.purse.unread_left < 0:
            reason = (
                f"more than {MAX_UNREAD:,} of its members cannot be read, and what follows was not looked at"
            )
        else:
            return ()
        return (Artifact(self.inside("the others"), "unknown", b"", "unreadable", (reason,)),)

    def inside(self, name: str) -> str:
        """Return the path of a member for display."""
        return f"{self.path}!/{printable(name, 1024)}"

    def spend(self, count: int) -> str:
        """Take bytes of a member from the purse; return why that is too much, or nothing."""
        self.purse.members_left -= 1
        self.purse.bytes_left -= count
        if self.depth >= MAX_DEPTH:
            return f"containers are nested more than {MAX_DEPTH} deep"
        if self.purse.members_left < 0:
            return f"it holds more than {MAX_MEMBERS:,} members"
        if self.purse.bytes_left < 0:
            return "its members grow beyond what may be read: a decompression bomb?"
        return ""

    def artifact(
        self, form: str, verdict: FileVerdict, reasons: Sequence[str] = (), *, root: object = None,
        names: Sequence[GlobalUse] = (), members: Sequence[Artifact] = (), pickles: int = 0,
        writer: str = "",
    ) -> Artifact:  # fmt: skip
        """Make the artifact of this job; the compression is added to the format's name.

        A container is no better than the worst of its members, reaches what they reach, and says so.
        """
        shown = f"{form} ({self.compressed})" if self.compressed else form
        own = Artifact(
            self.path,
            shown,
            self.data,
            verdict,
            tuple(reasons),
            tuple(names),
            root,
            pickles,
            tuple(members),
            writer,
        )
        return gathered(own, members)


@dataclass(frozen=True, slots=True)
class Reader:
    """One format: how it is recognised, and how it is read.

    Attributes
    ----------
    name : str
        Of the format.
    recognise : callable
        From content to whether it is (or claims to be) of this format; it must be cheap and must not raise.
    home : str
        The module of `readers` that reads it, loaded when it is needed.
    entry : str
        The function there.
    is_pickle : bool
        Whether the format is made of pickles; content of any other is also tried as one.
    """

    name: str
    recognise: Callable[[bytes], bool]
    home: str
    entry: str = "read"
    is_pickle: bool = False

    def read(self, job: Job) -> Artifact:
        """Return the artifact of a job. It should not raise: what cannot be read is ``unreadable``."""
        module = import_module(f"modelward.artifacts.readers.{self.home}")
        artifact: Artifact = getattr(module, self.entry)(job)
        return artifact


def worst(verdicts: Iterable[FileVerdict]) -> FileVerdict:
    """Return the worst verdict; ``unreadable`` is worse than ``suspicious``, since anything may be behind it.

    Examples
    --------
    >>> worst(["clean", "suspicious", "unreadable"])
    'unreadable'
    """
    found = set(verdicts)
    return next((verdict for verdict in _WORST if verdict in found), "clean")


def rank(verdict: FileVerdict) -> int:
    """Return the place of a verdict, the worst first."""
    return _WORST.index(verdict)


def gathered(own: Artifact, members: Sequence[Artifact]) -> Artifact:
    """Return a container with its members' verdicts, reasons, names and pickles taken over."""
    if not members:
        return own
    names = {(use.name, use.status): use for use in own.globals}
    reasons = dict.fromkeys(own.reasons)
    ranked = sorted(members, key=lambda member: rank(member.verdict))
    for member in ranked:
        if member.verdict != "clean":
            short = member.path.removeprefix(own.path + "!/")
            reasons.update(dict.fromkeys(f"{short}: {reason}" for reason in member.reasons))
    for member in members:
        for use in member.globals:
            names.setdefault((use.name, use.status), use)
    return replace(
        own,
        verdict=worst([own.verdict, *(member.verdict for member in members)]),
        reasons=tuple(reasons),
        globals=tuple(names.values()),
        pickles=own.pickles + sum(member.pickles for member in members),
    )
