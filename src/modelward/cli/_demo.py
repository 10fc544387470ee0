"""`modelward demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from modelward.demo import Scene

_WIDEST = 96


@click.command(short_help="Watch six attacks on a credit model, and the locks that catch them.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("modelward-demo"), show_default=True,
              metavar="DIR", help="Folder for the model, the data and the report.")  # fmt: skip
@click.option("--open", "browse", is_flag=True, help="Open the report in a browser at the end.")
def demo(out: Path, browse: bool) -> None:
    """Watch six attacks on a small credit model, and the locks that catch them.

    Everything is done for real, on generated customers, in under a minute. It leaves model.pkl, train.csv,
    test.csv and report.html in DIR, and ends with the command to try next.
    """
    from rich.console import Console

    from modelward.demo import next_command, tell

    console = Console(highlight=False)
    console.width = min(console.width, _WIDEST)
    story = tell(
        out,
        on_start=lambda _folder, rows, score: _opening(rows, score, console),
        on_scene=lambda scene: _scene(scene, console),
    )
    console.print()
    console.print(f"The whole report: {story.report.headline}. Open {out / 'report.html'}", soft_wrap=True)
    if browse:
        import webbrowser

        webbrowser.open((out / "report.html").resolve().as_uri())
    console.print("Your next command:", style="bold")
    click.echo(next_command(out))


def _opening(rows: tuple[int, int], score: float, console: Console) -> None:
    console.print("modelward demo: a bank, its model, six attacks, six locks", style="bold")
    _wrapped(
        f"Generated customers: {rows[0]:,} to train on, {rows[1]:,} to test. The model, five shallow trees, says "
        f"who will default and is right for {score:.0%} of them.",
        console, 0,
    )  # fmt: skip


def _scene(scene: Scene, console: Console) -> None:
    console.print()
    console.print(f"{scene.number}  {scene.title}", style="bold")
    for sentence in scene.attack:
        _wrapped(sentence, console, 3, "red", "attack ")
    for sentence in scene.lock:
        _wrapped(sentence, console, 3, "green", "lock   ")


def _wrapped(text: str, console: Console, left: int, style: str = "", label: str = "") -> None:
    """Print a paragraph with a hanging indent, without blanks at the ends of its lines."""
    from rich.text import Text

    margin = left + len(label)
    for number, line in enumerate(Text(text).wrap(console, console.width - margin)):
        line.rstrip()
        head = Text(" " * left).append(label, style) if number == 0 else Text(" " * margin)
        console.print(head.append_text(line), soft_wrap=True)
