"""FailureMode: what one row of the taxonomy says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Property = Literal["confidentiality", "integrity", "availability"]
Access = Literal["black box", "white box", "data", "supply chain"]
Language = Literal["python", "shell"]


@dataclass(frozen=True, slots=True)
class ExternalId:
    """An entry of somebody else's catalogue, by its identifier and its exact name there."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


@dataclass(frozen=True, slots=True)
class Countermeasure:
    """A lock, and how to fit it.

    Parameters
    ----------
    title : str
        What to do, as an order.
    how : str
        What it takes, what it stops and what it does not, in a few sentences.
    code : str
        A few lines to paste; empty where it is not a matter of code. Python takes `model`, `X_train`,
        `y_train`, `X_test`, `y_test` (data frames and their label columns) for granted.
    language : {"python", "shell"}
        Of the code.
    measured_by : str
        How to see what it does for your own model; empty where nothing measures it yet.
    """

    title: str
    how: str
    code: str = ""
    language: Language = "python"
    measured_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureMode:
    """One row of the taxonomy.

    Parameters
    ----------
    number : int
        1 to 17, as in Kumar et al. 2019.
    slug : str
        One short word for the command line.
    name : str
        Name of the row.
    explanation : str
        What it is, in one paragraph.
    intentional : bool
        Whether somebody does it on purpose.
    breaks : tuple of str
        Which of confidentiality, integrity and availability an attack breaks.
    access : tuple of str
        What an attacker needs; each one alone is enough.
    aliases : tuple of str
        Other names that people use.
    atlas : tuple of ExternalId
        Techniques of MITRE ATLAS 5.6.0.
    owasp : tuple of ExternalId
        Entries of the OWASP Machine Learning Security Top 10, 2023.
    nist : tuple of ExternalId
        Attacks of NIST AI 100-2e2025.
    countermeasures : tuple of Countermeasure
        What helps, the cheapest first.
    """

    number: int
    slug: str
    name: str
    explanation: str
    intentional: bool
    breaks: tuple[Property, ...] = ()
    access: tuple[Access, ...] = ()
    aliases: tuple[str, ...] = ()
    atlas: tuple[ExternalId, ...] = ()
    owasp: tuple[ExternalId, ...] = ()
    nist: tuple[ExternalId, ...] = ()
    countermeasures: tuple[Countermeasure, ...] = ()

    @property
    def prefix(self) -> str:
        """The first four characters of the codes of its checks, such as ``"MW05"``."""
        return f"MW{self.number:02d}"
