"""The head of a written profile: what it is, and of which version."""

from __future__ import annotations

import json
from typing import Any

from modelward.errors import InputError


def read_head(text: str, form: str, version: int, *, what: str, maker: str) -> dict[str, Any]:
    """Return the content of a written profile.

    Parameters
    ----------
    text : str
        JSON.
    form : str
        What its `format` says.
    version : int
        The one that is read.
    what, maker : str
        What it should be and what writes it, for the messages.

    Raises
    ------
    InputError
        If it is no JSON, something else, or of another version.

    Examples
    --------
    >>> read_head('{"format": "a", "version": 2}', "a", 1, what="profile", maker="`modelward profile`")
    Traceback (most recent call last):
        ...
    modelward.errors.InputError: it is a profile of version 2, this release reads 1: make it anew
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"it is not JSON: give a file that {maker} wrote") from None
    if not isinstance(raw, dict) or raw.get("format") != form:
        raise InputError(f"it is no {what}: give a file that {maker} wrote")
    if raw.get("version") != version:
        raise InputError(
            f"it is a profile of version {raw.get('version')!r}, this release reads {version}: make it anew"
        )
    return raw
