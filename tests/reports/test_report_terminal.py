"""The terminal: one screen, all seventeen rows, words beside colours, and no control characters."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from modelward.findings import Measure
from modelward.reports import Page, render_page_terminal, render_terminal
from modelward.reports._text import figure

NEXT = "modelward assess model.pkl --data test.csv --target default --project ."


def shown(report, *, width=100, next_step=NEXT, **console) -> str:
    file = io.StringIO()
    render_terminal(report, Console(file=file, width=width, **console), next_step=next_step)
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_fits_one_screen(report, width):
    text = shown(report, width=width)
    lines = text.splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= max(width, len(NEXT) + 10)


def test_seventeen_rows_worst_first_with_words(gallery):
    text = shown(gallery.realistic(), width=160)
    states = [
        "fail",
        "inconclusive",
        "skipped",
        "warn",
        "measured",
        "pass",
        "ignored",
        "not checked",
        "not applicable",
    ]
    table = text[text.index("verdict ") :]
    at = [table.index(f" {state} ") for state in states]
    assert at == sorted(at)
    rows = [line for line in table.splitlines() if line[:1] and line[0] in "✖?»▲◆✔◌○–"]
    assert len(rows) == 17
    assert "10 of 17 checked" in text
    assert "exit 1: fail at severity high or over: MW041, MW101" in text
    assert "7.3 % [6.4 – 8.3] TPR at 1 % FPR" in text.replace("\u00a0", " ")
    assert "needs --project DIR" in text
    assert text.rstrip().endswith(NEXT)


def test_no_colour_says_the_same(gallery, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in shown(gallery.realistic(), force_terminal=True)
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" in shown(gallery.realistic(), force_terminal=True, color_system="truecolor")
    assert "\x1b[" not in shown(gallery.realistic())


def test_an_ascii_terminal_gets_ascii(report):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    render_terminal(report, Console(file=file, width=80), next_step="→ café")
    file.flush()
    text = raw.getvalue().decode("ascii")
    assert "17 checked" in text and "-> Next" in text


def test_names_cannot_steer_the_terminal(gallery):
    evil = "AGE\x1b[2J\x1b]0;owned\x07\r\x9b31m\u202e"
    report = gallery.make_report(
        (gallery.finding(1, "fail", "high", evil, measures=(gallery.measure(evil, 0.2, 0.1, 0.3, verdict="fail"),)),),
        {2: ("error", evil)}, subject={"name": evil}, warnings=(evil,), assumptions=(evil,),
    )  # fmt: skip
    text = shown(report, next_step=evil)
    assert not set(text) & set("\x1b\x07\r\x9b\u202e")


def test_markup_of_the_terminal_is_text(gallery):
    report = gallery.make_report((), {}, subject={"name": "[bold red]x[/] [link=file:///etc]y[/link]"})
    assert "[bold red]x[/] [link=file:///etc]y[/link]" in shown(report)


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, "and 1 more"), (1_500, "and 1,490 more")])
def test_a_page_says_how_many_findings_it_leaves_out(gallery, count, more):
    file = io.StringIO()
    one = gallery.realistic().findings[0]
    findings = (one,) * count
    page = Page("t", "h", "", "", (), findings, 1, "0")
    render_page_terminal(page, Console(file=file, width=100))
    assert file.getvalue().count(f"{one.severity} {one.code} ") == 10
    assert (more in file.getvalue()) and ("more;" in file.getvalue()) == bool(more)


@pytest.mark.parametrize(
    ("value", "half", "told"),
    [(-1.1e-16, 0.305, "0 [−0.305 – 0.305]"), (-7e-6, 0.0834, "0 [−0.0834 – 0.0834]"), (0.01, 0.3, "0.0100 [−0.300 – 0.300]")],
)  # fmt: skip
def test_a_figure_that_is_nothing_beside_its_interval_is_zero(value, half, told):
    measure = Measure(
        "pull", value, -half, half, "", 100, 0.95, "t", None, "higher", None, "measured", 0.95, -half, half
    )
    assert figure(measure).replace("\u00a0", " ").startswith(told)
