"""Where advisories are published, and where this machine keeps them."""

from __future__ import annotations

import os
from pathlib import Path

DATABASE_URL = "https://storage.googleapis.com/osv-vulnerabilities/PyPI/all.zip"
"""Where OSV publishes its records for PyPI."""


def cache_folder() -> Path | None:
    """Return where modelward may keep what can be made again; None for a user without a home."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "modelward" if base.is_absolute() else None


def cached_database() -> Path | None:
    """Return where `update_database` keeps a database for which no place was named; None without a home."""
    folder = cache_folder()
    return folder / "osv-pypi.zip" if folder else None
