"""The seventeen failure modes of Kumar et al. 2019, in order, and how to find one.

Names are those of the two summary tables of *Failure Modes in Machine Learning* (Kumar, O'Brien, Albert,
Viljöen, Snover 2019, arXiv:1911.11034), in sentence case. Explanations are our own. The catalogues referred
to are MITRE ATLAS 5.6.0, the OWASP Machine Learning Security Top 10 (2023 edition, draft) and NIST AI
100-2e2025, *Adversarial Machine Learning: A Taxonomy and Terminology of Attacks and Mitigations*, where a row
is given the nearest entries; a row that has none there has none here.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from modelward.errors import UsageError
from modelward.taxonomy import _input, _privacy, _supply, _training, _unintended

if TYPE_CHECKING:
    from modelward.taxonomy._mode import FailureMode

MODES: tuple[FailureMode, ...] = tuple(
    sorted(
        _input.MODES + _training.MODES + _privacy.MODES + _supply.MODES + _unintended.MODES,
        key=lambda row: row.number,
    )
)

_CODE = re.compile(r"mw(\d\d)\d?")
_LIST = ": `modelward explain` lists all of them"


def mode(number: int) -> FailureMode:
    """Return a row by its number, 1 to 17."""
    return MODES[number - 1]


def find(text: str) -> FailureMode:
    """Return the row that a person means.

    Parameters
    ----------
    text : str
        A number, a code (``MW05`` or ``MW051``), a slug, a name, an alias, or an identifier of ATLAS, OWASP
        or NIST that only one row has. Case, hyphens and blanks do not matter.

    Raises
    ------
    UsageError
        If nothing fits; the message names what comes close.

    Examples
    --------
    >>> find("stealing").number, find("MW051").number, find("trojan").number
    (5, 5, 10)
    >>> find("stealin")
    Traceback (most recent call last):
    modelward.errors.UsageError: no failure mode is called 'stealin'; did you mean 'stealing'?
    """
    wanted = _plain(text)
    code = _CODE.fullmatch(wanted)
    if code or (wanted.isdecimal() and len(wanted) < 5):
        number = int(code[1] if code else wanted)
        if 1 <= number <= len(MODES):
            return mode(number)
        raise UsageError(f"there is no failure mode {text!r}: they are numbered 1 to {len(MODES)}")
    names = _names()
    if wanted in names:
        return mode(names[wanted])
    near: dict[int, str] = {}
    for name in difflib.get_close_matches(wanted, names, n=8, cutoff=0.6):
        near.setdefault(names[name], name)
    hint = f"; did you mean {' or '.join(map(repr, near.values()))}?" if near else _LIST
    raise UsageError(f"no failure mode is called {text!r}{hint}")


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").split())


def _names() -> dict[str, int]:
    """Return what each plain name means; a name of several rows belongs to none of them."""
    meanings: dict[str, set[int]] = {}
    for row in MODES:
        ids = [x.id for x in (*row.atlas, *row.owasp, *row.nist)]
        for name in (row.slug, row.name, *row.aliases, *ids, *(i.partition(":")[0] for i in ids)):
            meanings.setdefault(_plain(name), set()).add(row.number)
    return {name: next(iter(rows)) for name, rows in meanings.items() if len(rows) == 1}
