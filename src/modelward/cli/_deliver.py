"""A page and its JSON, written to files and shown: the same for every verb that has both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from modelward.reports import Page


def deliver(
    page: Page, as_json: str, paths: Sequence[Path], *, form: str, hint: str, sarif: Callable[[], str] | None = None
) -> None:  # fmt: skip
    """Write a page to files by their suffix, and show it.

    Parameters
    ----------
    page : Page
    as_json : str
        The same as JSON.
    paths : sequence of Path
        Their suffixes have been checked: .html, .md, .json, and .sarif where there is one.
    form : str
        "text" or "json": what is shown.
    hint : str
        What the next step is, if no file was written.
    sarif : callable, optional
        Returns the findings as SARIF.
    """
    import click

    from modelward import reports

    for path in paths:
        suffix = path.suffix.lower()
        if suffix == ".html":
            text = reports.render_page_html(page)
        elif suffix == ".md":
            text = reports.render_page_markdown(page)
        else:
            text = sarif() if suffix == ".sarif" and sarif is not None else as_json
        reports.write_text(path, text)
    if form == "json":
        click.echo(as_json, nl=False)
        return
    from rich.console import Console

    written = ", ".join(str(path) for path in paths)
    reports.render_page_terminal(page, Console(), next_step=f"read {written}" if written else hint)
