"""What reading a file has shown so far, for the formats that run no code: notes, a memory bound, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import printable
from modelward.artifacts._inert import Inert, InertType, Silent, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.artifacts._artifact import Artifact, FileVerdict
    from modelward.artifacts._formats import Job

_MAX_NOTES = 100


class BrokenError(Exception):
    """The file cannot be read any further; the message says why, already escaped."""


class Notes:
    """What is wrong with a file, worst first, and what its objects may still cost.

    Parameters
    ----------
    max_memory : int
        Bytes that the objects read from the file may take, as estimated while they are made.
    """

    def __init__(self, max_memory: int) -> None:
        self.left = max_memory
        self.limit = max_memory
        self.found: dict[str, FileVerdict] = {}

    def spend(self, count: int) -> None:
        """Take bytes from the bound.

        Raises
        ------
        BrokenError
            If nothing is left.
        """
        self.left -= count
        if self.left < 0:
            raise BrokenError(f"its objects would take more than {self.limit:,} bytes of memory")

    def malicious(self, what: str) -> None:
        """Note something that is made to do harm."""
        self._note(what, "malicious")

    def unreadable(self, what: str) -> None:
        """Note something that was not checked."""
        self._note(what, "unreadable")

    def suspicious(self, what: str) -> None:
        """Note something that no honest file has."""
        self._note(what, "suspicious")

    def _note(self, what: str, verdict: FileVerdict) -> None:
        if len(self.found) < _MAX_NOTES or verdict == "malicious":
            self.found.setdefault(printable(what, 300), verdict)

    def verdict(self) -> tuple[FileVerdict, tuple[str, ...]]:
        """Return the verdict and the reasons, worst first."""
        order: tuple[FileVerdict, ...] = ("malicious", "unreadable", "suspicious")
        reasons = [what for level in order for what, found in self.found.items() if found == level]
        verdict: FileVerdict = next((level for level in order if level in self.found.values()), "clean")
        return verdict, tuple(reasons)


def finish(job: Job, form: str, parse: Callable[[bytes, Notes], Any]) -> Artifact:
    """Read a job with a parser and make its artifact.

    Parameters
    ----------
    job : Job
        What is to be read.
    form : str
        Name of the format.
    parse : callable
        From content and notes to the graph's root; it raises `BrokenError` where it cannot go on.
    """
    notes = Notes(job.max_memory)
    root = None
    try:
        root = parse(job.content, notes)
    except BrokenError as error:
        notes.unreadable(f"cannot be read to its end: {error}")
    except MemoryError:
        notes.unreadable("cannot be read to its end: it takes more memory than there is")
    verdict, reasons = notes.verdict()
    return job.artifact(form, verdict, reasons, root=root)


def standing(module: str, name: str, state: dict[str, Any]) -> Inert:
    """Return a stand-in object of a class with a state."""
    kind: InertType = stand_in(module, name, Silent())
    made: Inert = kind()
    made.state = state
    return made
