"""What `modelward assess` shows on standard error while its checks run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WIDTH = 70
COMPILING = "compiling the search, once after an installation"


@contextmanager
def checks_progress() -> Iterator[Callable[[str, str], None] | None]:
    """Show a bar while the checks run, if somebody is looking.

    Yields
    ------
    callable or None
        Is told of every check's code and what becomes of it; None where there is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from modelward.checks import all_checks

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    titles = {check.code: check.title for check in all_checks()}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[done]}"),
        TimeElapsedColumn(),
    )
    running: list[str] = []
    compiling, ended = False, 0
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading model and data", total=None, done="")

        def show() -> None:
            names = ", ".join(f"{code} {titles[code]}" for code in running[-2:])
            if compiling:
                names = f"{', '.join(running[-2:])}: {COMPILING}"
            bar.update(task, description=names[:_WIDTH] or "writing the report")

        def tell(code: str, state: str) -> None:
            nonlocal ended
            if state == "start":
                running.append(code)
            else:
                running.remove(code)
                ended += 1
                bar.advance(task)
            bar.update(task, total=len(titles), done=f"{ended} of {len(titles)}")
            show()

        def compiles(now: bool) -> None:
            nonlocal compiling
            compiling = now
            show()

        with _while_compiling(compiles):
            yield tell


@contextmanager
def _while_compiling(tell: Callable[[bool], None]) -> Iterator[None]:
    """Tell when numba begins and ends to compile: the first search takes a minute of it, and then never again."""
    from numba.core import event

    class Compiling(event.Listener):
        depth = 0

        def on_start(self, event: object) -> None:  # noqa: ARG002 - numba's signature
            self.depth += 1
            tell(self.depth > 0)

        def on_end(self, event: object) -> None:  # noqa: ARG002 - numba's signature
            self.depth -= 1
            tell(self.depth > 0)

    with event.install_listener("numba:compile", Compiling()):
        yield
