"""Work on several cores: compiled kernels and numpy's own loops let other threads run beside them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

CORES = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Threads that work at once; more would share what the interpreter does between two kernels."""


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """Run independent work in threads and return what each gives, in order.

    Examples
    --------
    >>> at_once([lambda: 1, lambda: 2])
    [1, 2]
    """
    if CORES == 1 or len(works) < 2:
        return [work() for work in works]
    with ThreadPoolExecutor(CORES) as pool:
        return [each.result() for each in [pool.submit(work) for work in works]]
