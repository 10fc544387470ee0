"""Artifact: a model file as it was read, and what the reading showed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

FileVerdict = Literal["clean", "suspicious", "malicious", "unreadable"]
NameStatus = Literal["known", "unknown", "dangerous"]


@dataclass(frozen=True, slots=True)
class GlobalUse:
    """A name that loading the file would reach, fully resolved, such as ``os.system``."""

    name: str
    status: NameStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows of training data that a file carries.

    Parameters
    ----------
    path : str
        Where in the object graph, such as ``steps[1][1]._fit_X``.
    rows, columns : int
        Shape of what is carried.
    kind : str
        Why it is there, such as ``"neighbours"`` or ``"support vectors"``.
    matched : int or None
        How many of these rows occur in the training table; None if none was given, or it cannot be compared.
    share : float or None
        Share of the training table's rows that are carried here.
    """

    path: str
    rows: int
    columns: int
    kind: str
    matched: int | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """Something in the file's own content that no honest training produces."""

    path: str
    what: str


@dataclass(frozen=True)
class Artifact:
    """A model file that was read and not run.

    Parameters
    ----------
    path : str
        As the user gave it, for display.
    format : str
        Recognised by content, such as ``"pickle"`` or ``"joblib"``.
    data : bytes
        The very bytes that were read; what is loaded later is these.
    verdict : {"clean", "suspicious", "malicious", "unreadable"}
        Of the scan.
    reasons : tuple of str
        Why, one line each.
    globals : tuple of GlobalUse
        Names that loading would reach.
    root : object
        The inert object graph (stand-ins only); None if it could not be read to its end. A tuple of graphs
        if the file holds several pickles.
    pickles : int
        How many pickles the file holds.
    members : tuple of Artifact
        What a container holds, each read as a file of its own with a path such as ``a.zip!/b.pkl``. The
        container's own verdict, reasons and names include theirs.
    writer : str
        What wrote the file, where the format's own header says it, such as ``"R 4.2.2"``.
    """

    path: str
    format: str
    data: bytes = field(repr=False)
    verdict: FileVerdict
    reasons: tuple[str, ...] = ()
    globals: tuple[GlobalUse, ...] = ()
    root: Any = field(default=None, repr=False)
    pickles: int = 1
    members: tuple[Artifact, ...] = ()
    writer: str = ""
