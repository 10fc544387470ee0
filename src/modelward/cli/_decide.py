"""`modelward decide`: what a person says of an alert, on record, followed by the monitor that writes to the store."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from modelward.monitoring import Standing, Verdict

_MOST = 200
_VERDICTS: dict[str, Verdict] = {
    "new-normal": "new normal",
    "false-alarm": "false alarm",
    "incident": "incident",
}
_NEXT = {
    "new-normal": "the series is judged from its present level on",
    "false-alarm": "it no longer counts as open",
    "incident": "it stays open, with your note",
}


@click.command(
    short_help="Put on record what you say of an alert.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("store")
@click.argument("alert", required=False)
@click.argument("verdict", required=False, type=click.Choice(tuple(_NEXT)))
@click.option("--by", metavar="NAME", help="Who says it.")
@click.option("--note", default="", metavar="TEXT", help="Why.")
def decide(store: str, alert: str | None, verdict: str | None, by: str | None, note: str) -> None:
    """Put VERDICT on record for ALERT of the monitor in STORE; without ALERT, list the alerts that are open.

    \b
        modelward decide watch.db
        modelward decide watch.db 3f2a91c07b1e new-normal --by ada --note "new market since May"

    new-normal: from now on the series is judged from the level that it has now. false-alarm: it no longer counts
    as open. incident: it stays open. A service that writes to STORE goes on meanwhile, and follows the decision at
    its next write; a new normal waits until three hours since the alert began were judged.
    """
    from modelward.errors import UsageError
    from modelward.monitoring import Decision, Store, read_standing

    if alert is None:
        _list(read_standing(store))
        return
    if verdict is None or not by or not by.strip():
        raise UsageError(f"say what and who: modelward decide STORE ALERT {'|'.join(_NEXT)} --by NAME")
    standing = read_standing(store)
    found = [a for a in standing.alerts if a.id.startswith(alert)]
    if len(found) != 1:
        what = "no alert of the last four weeks" if not found else f"{len(found)} alerts"
        raise UsageError(
            f"{what} begins with {alert!r}: `modelward decide {store}` lists those that are open"
        )
    if verdict == "new-normal" and found[0].detector == "declared":
        raise UsageError("a declared tolerance is changed in the file that declares it")
    held = Store(store)
    try:
        held.ask(Decision(found[0].id, _VERDICTS[verdict], by.strip(), note, time.time()))
    finally:
        held.close()
    click.echo(
        f"{found[0].id}: {verdict} by {by.strip()}, on record; {_NEXT[verdict]} when the monitor next writes"
    )


def _list(standing: Standing) -> None:
    from modelward.checks import looks_like

    found = standing.open_alerts
    causes = standing.causes(found, standing.windows)
    for a in found[-_MOST:]:
        near = standing.suggestion(a)
        more = "; ".join(part for part in (looks_like(causes.get(a.id)), near.words if near else "") if part)
        click.echo(
            f"{a.id}  {datetime.fromtimestamp(a.start, UTC):%Y-%m-%d %H:%M}  {a.hours:>4} h  {a.words}"
        )
        if more:
            click.echo(f"{'':14}{more}")
    hidden = len(found) - _MOST
    shown = f", the newest {_MOST} of them above" if hidden > 0 else ""
    click.echo(f"{len(found)} alert{'s' if len(found) != 1 else ''} open{shown}")
