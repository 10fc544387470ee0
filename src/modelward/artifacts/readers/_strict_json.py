"""JSON from a file that nobody trusts: one meaning, bounded depth and memory."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import printable
from modelward.artifacts.readers._notes import BrokenError

if TYPE_CHECKING:
    from modelward.artifacts.readers._notes import Notes

MAX_DEPTH = 200
"""How deep lists and objects may be nested; models need fewer than twenty levels."""
# A text without an end is taken to the end at once: trying again at each of its quotes would take for ever.
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)
_LIST, _OBJECT, _ITEM = 64, 300, 48


def read_json(data: bytes, notes: Notes, what: str) -> Any:
    """Return what JSON text says.

    Parameters
    ----------
    data : bytes
        The text, UTF-8.
    notes : Notes
        Told of names that occur twice in an object, where readers differ in which one counts.
    what : str
        Name of the text for messages, such as ``"its header"``.

    Raises
    ------
    BrokenError
        If it is no JSON, nested too deep or too large.
    """
    notes.spend(
        data.count(b"[") * _LIST + data.count(b"{") * _OBJECT + data.count(b",") * _ITEM + 2 * len(data)
    )
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _check_depth(data, what)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            seen: set[str] = set()
            twice = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            notes.suspicious(
                f"{what} names {printable(twice, 80)!r} twice: readers differ in which one counts"
            )
        return made

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise BrokenError(f"{what} is no UTF-8 at byte {error.start:,}") from None
    except json.JSONDecodeError as error:
        raise BrokenError(
            f"{what} is no JSON at character {error.pos:,}: {printable(error.msg, 80)}"
        ) from None
    except RecursionError:
        raise BrokenError(f"{what} is nested too deep") from None
    except ValueError:
        raise BrokenError(f"{what} holds a number with too many digits") from None


def _check_depth(data: bytes, what: str) -> None:
    brackets = _STRINGS.sub(b"", data).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise BrokenError(f"{what} is nested more than {MAX_DEPTH} deep")
