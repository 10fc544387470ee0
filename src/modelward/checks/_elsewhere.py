"""Findings that other commands than `assess` give, alone or as well: so every command knows all codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.findings import Severity


@dataclass(frozen=True)
class Elsewhere:
    """A kind of finding that another command than `assess` gives; some are those of a check as well.

    Parameters
    ----------
    code : str
        Such as ``MW112``.
    number : int
        Row of the taxonomy.
    title : str
        What was found, in a few words.
    severity : str
        Of a failure.
    command : str
        What finds it.
    """

    code: str
    number: int
    title: str
    severity: Severity
    command: str


def elsewhere(code: str) -> Elsewhere:
    """Return the kind of finding that has a code.

    Raises
    ------
    KeyError
        If there is none.
    """
    return _BY_CODE[code]


ELSEWHERE = (
    Elsewhere("MW025", 2, "Tampered rows", "critical", "modelward data NEW --reference OLD --target COL"),
    Elsewhere("MW094", 9, "Files that differ", "high", "modelward diff A B"),
    Elsewhere(
        "MW095",
        9,
        "Files that are not those that were signed",
        "critical",
        "modelward verify PATH --key FILE",
    ),
    Elsewhere("MW111", 11, "Dependencies with known vulnerabilities", "high", "modelward deps PROJECT"),
    Elsewhere("MW112", 11, "Dangerous code", "high", "modelward deps PROJECT"),
    Elsewhere("MW113", 11, "How dependencies are asked for", "medium", "modelward deps PROJECT"),
    Elsewhere("MW114", 11, "Container files", "high", "modelward deps PROJECT"),
    Elsewhere(
        "MW132", 13, "A business figure left its normal", "medium", "modelward monitor FILE --time COL"
    ),
    Elsewhere("MW145", 14, "Rows that drifted", "medium", "modelward data NEW --reference OLD --target COL"),
    Elsewhere("MW146", 14, "Traffic left its normal", "medium", "modelward monitor FILE --time COL"),
    Elsewhere(
        "MW147",
        14,
        "A declared tolerance was broken",
        "high",
        "modelward monitor FILE --time COL --declared FILE",
    ),
    Elsewhere("MW148", 14, "Traffic that looks like an attack", "high", "modelward monitor FILE --time COL"),
)
_BY_CODE = {kind.code: kind for kind in ELSEWHERE}
