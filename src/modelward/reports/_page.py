"""A page about one file: sections of facts, pictures and words, drawn alike in a terminal, HTML and Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.findings import Finding, Series, Table


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of a drawn tree.

    Parameters
    ----------
    text : str
        The question, or the answer of a leaf.
    note : str
        Such as how many rows came here.
    tone : int
        Number of the answer, for its colour.
    yes, no : Branch or None
        What follows; both or neither.
    more : bool
        Whether the tree goes on below, undrawn.
    """

    text: str
    note: str = ""
    tone: int = 0
    yes: Branch | None = None
    no: Branch | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """One line of a drawn rule: which part of a column's range it allows.

    Parameters
    ----------
    name, words : str
        The column, and the condition in words.
    low, high : float
        What is allowed; −∞ and ∞ where there is no end.
    start, end : float
        The range that is drawn.
    """

    name: str
    words: str
    low: float
    high: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class RuleCard:
    """A rule with its answer: words, what stands behind it, and its drawn conditions."""

    title: str
    words: str
    note: str
    spans: tuple[Span, ...] = ()
    tone: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a hierarchy."""

    depth: int
    name: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a time line, in seconds since 1970, with what it is: "alert" or "event"."""

    start: float
    end: float
    words: str
    kind: str = "alert"


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Values at equal steps of time, the band in which they were expected, and marked stretches.

    Parameters
    ----------
    title : str
    start, step : float
        Of the first value, seconds since 1970, and from one to the next.
    value, low, high : tuple of float
        NaN where there is none.
    marks : tuple of Mark
    percent : bool
        Whether values are shares.
    note : str
        A line below it.
    """

    title: str
    start: float
    step: float
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    marks: tuple[Mark, ...] = ()
    percent: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page, with whatever of these it has.

    Parameters
    ----------
    title, lead : str
    facts : tuple of (str, str)
    items : tuple of Item
        A hierarchy.
    rules : tuple of RuleCard
    series : tuple of Series
        Pictures.
    tree : Branch or None
    tree_title : str
    tables : tuple of Table
    folded : bool
        Whether the section is for reference: folded in HTML, absent from the terminal.
    code : str
        Code to be copied; shown as it is, absent from the terminal.
    half : bool
        Whether it may stand beside another such section where the page is wide.
    lines : tuple of TimeLine
        One below the other on one time axis; absent from the terminal and Markdown.
    """

    title: str
    lead: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    items: tuple[Item, ...] = ()
    rules: tuple[RuleCard, ...] = ()
    series: tuple[Series, ...] = ()
    tree: Branch | None = None
    tree_title: str = ""
    tables: tuple[Table, ...] = ()
    folded: bool = False
    code: str = ""
    half: bool = False
    lines: tuple[TimeLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page about one file.

    Parameters
    ----------
    title : str
        What it is about.
    headline : str
        The first sentence.
    alarm : str
        What must be read before anything else; empty if nothing.
    calm : str
        The same place where nothing is wrong.
    sections : tuple of Section
    findings : tuple of Finding
    exit_code : int
    version : str
        Of modelward.
    foot : tuple of str
        How to read it.
    brand : str
        What kind of page it is, after the version.
    closing : str
        The last words in Markdown.
    """

    title: str
    headline: str
    alarm: str
    calm: str
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...]
    exit_code: int
    version: str
    foot: tuple[str, ...] = ()
    brand: str = "what a model file gives away, read without loading it"
    closing: str = "Read without loading it."

    @property
    def rows(self) -> list[list[tuple[int, Section]]]:
        """Sections with their numbers, those that stand beside each other together."""
        found: list[list[tuple[int, Section]]] = []
        for number, section in enumerate(self.sections, 1):
            last = found[-1] if found else []
            if section.half and len(last) == 1 and last[0][1].half:
                last.append((number, section))
            else:
                found.append([(number, section)])
        return found
