"""Optional packages of the extra ``[deps]``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from modelward.errors import MissingExtraError


@cache
def need(module: str, package: str) -> Any:
    """Import a module of the extra.

    Raises
    ------
    MissingExtraError
        It names the package and the extra.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(package, "deps") from None


def canonical(name: str) -> str:
    """Return a package's name in PyPI's normal form."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)
