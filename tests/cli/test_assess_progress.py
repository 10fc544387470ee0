"""What `modelward assess` shows while its checks run."""

from __future__ import annotations

import numba
import pytest
from rich.console import Console

from modelward.cli._assess_progress import COMPILING, checks_progress


def test_nothing_is_shown_where_nobody_looks() -> None:
    with checks_progress() as tell:
        assert tell is None


def test_checks_are_counted_and_compiling_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import rich.console
    import rich.progress

    shown: list[str] = []
    update = rich.progress.Progress.update

    def watch(self: object, task: object, **fields: object) -> None:
        shown.append(str(fields.get("description", fields.get("done", ""))))
        update(self, task, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(rich.progress.Progress, "update", watch)
    monkeypatch.setattr(rich.console, "Console", lambda **_: Console(stderr=True, force_terminal=True))
    with checks_progress() as tell:
        assert tell is not None
        tell("MW011", "start")
        twice = numba.njit(lambda x: x + x)
        assert twice(2) == 4
        tell("MW011", "checked")
    said = [line for line in shown if COMPILING in line]
    assert said
    assert all(line.startswith("MW011") for line in said)
    assert any(line.startswith("1 of ") for line in shown)
    assert COMPILING not in shown[-1]
