"""The page: complete, closed against hostile strings, self-contained, small, and the same every time."""

from __future__ import annotations

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.findings import (
    Cost,
    Countermeasure,
    Coverage,
    Finding,
    Ignored,
    Measure,
    Report,
    Series,
    Table,
)
from modelward.reports import render_html
from modelward.reports._text import clean

VOID = {"meta", "br", "hr", "img", "input", "link"}
TAGS = """html head meta title style body header main section article footer p h1 h2 h3 h4 h5 b small cite span a
    code pre ul li dl dt dd div details summary figure figcaption table thead tbody tr th td
    svg g line rect circle polygon polyline text"""
SAFE_TAGS = frozenset(re.findall(r"\w+", TAGS))


class Page(HTMLParser):
    """Reads a page strictly: every tag is closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def is_closed(page: Page) -> None:
    """Assert that the page reaches for nothing and runs nothing."""
    assert set(page.tags) <= SAFE_TAGS
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "srcset", "style", "xlink:href", "action", "data", "background")
        if name == "href":
            assert (value or "").startswith("#")


def test_every_page_is_well_formed_and_closed(report):
    page = Page(render_html(report))
    is_closed(page)
    assert len(page.ids) == len(set(page.ids))
    targets = {(v or "")[1:] for n, v in page.attributes if n == "href"}
    assert targets <= set(page.ids)


def test_every_row_and_every_finding_is_there(report):
    page = Page(render_html(report))
    for row in report.coverage:
        assert page.ids.count(f"row-{row.number}") == 1
        assert row.failure_mode in page.text
    for finding in report.findings:
        assert finding.code in page.text
        assert " ".join(clean(finding.title, 300).split()) in page.text
        for advice in finding.countermeasures:
            assert advice.title in page.text
    assert report.headline in page.text


def test_what_was_not_checked_says_why_and_what_supplies_it(gallery):
    report = gallery.realistic()
    source = render_html(report)
    page = Page(source)
    for row in report.coverage:
        if row.status != "checked":
            assert row.reason.replace("`", "") in page.text
    assert "<code>--project DIR</code>" in source
    glance = source.split('id="glance"')[1].split('id="findings"')[0]
    for row in report.coverage:
        if row.status == "not_given":
            assert f'<a class="row not_given" href="#row-{row.number}">' in glance


def test_rows_outside_the_exposure_come_last(gallery):
    source = render_html(gallery.realistic())
    order = [int(n) for n in re.findall(r'<a class="row [a-z_]+" href="#row-(\d+)">', source)]
    assert sorted(order) == list(range(1, 18))
    assert order[-1] == 8
    assert order[:2] == [10, 4]


def test_a_row_that_was_checked_in_part_says_what_was_left_out(gallery):
    text = Page(render_html(gallery.realistic())).text
    assert text.count("MW042: needs --train FILE with the rows that it was trained on") == 2
    assert "0.821 [0.807 – 0.835], n = 3,000" in text


def test_a_row_with_one_check_inside_the_exposure_is_inside(gallery):
    reason = "MW081: outside the declared exposure; MW082: a linear model keeps no rows"
    source = render_html(gallery.make_report((), {8: ("not_applicable", reason)}))
    assert "Outside the declared exposure" not in source


def test_ignored_findings_show_reason_and_until(gallery):
    text = Page(render_html(gallery.realistic())).text
    assert "Ignored until 2027-01-31: The test set is from the next quarter; agreed in RISK-12." in text


def test_an_open_question_never_wears_the_dress_of_a_pass(gallery):
    report = gallery.make_report((gallery.finding(17, "inconclusive", "medium"),), {})
    source = render_html(report)
    assert 'class="badge pass' not in source
    assert 'class="finding inconclusive"' in source


def test_stays_under_two_megabytes_whatever_it_is_given(report):
    assert len(render_html(report).encode()) < 2_000_000


def test_a_page_that_leaves_something_out_says_so(gallery):
    text = Page(render_html(gallery.enormous())).text
    assert "the JSON report has all" in text or "in the JSON report" in text


def test_same_report_same_bytes(gallery):
    assert render_html(gallery.realistic()) == render_html(gallery.realistic())


def test_policy_forbids_everything_but_the_page_s_own_style(gallery):
    source = render_html(gallery.realistic())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', source)
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert policy and style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in policy[1]
    assert "unsafe" not in policy[1]
    assert "url(" not in style[1] and "@import" not in style[1]
    assert not re.search(r"https?://", source)


def test_every_drawing_is_xml(report):
    drawings = re.findall(r"<svg.*?</svg>", render_html(report), re.DOTALL)
    for drawing in drawings:
        for node in ET.fromstring(drawing).iter():  # noqa: S314 - our own output
            for name, value in node.attrib.items():
                if name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"):
                    assert re.fullmatch(r"-?\d+(\.\d)?", value), (name, value)
                    if name in ("width", "height"):
                        assert float(value) >= 0


HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='alert(1)", "</svg><script>x</script>",
        "</style><script>", "</title><b>", "]]>", "-->", "<!--", "{{ 7 * 7 }}", "{% raw %}", "&lt;script&gt;", "&#60;b&#62;",
        "javascript:alert(1)", "</pre></code>", "<a href=//evil>", "\x00", "\x1b[2J", "\u202eevil", "\ud800", "\r\n<b>", "`x` <i>",
    ]
)  # fmt: skip
TEXT = st.lists(HOSTILE | st.text(st.characters(), max_size=4), min_size=1, max_size=4).map(
    lambda p: "x" + "".join(p)
)


def filled(s: str) -> Report:
    """Return a report that says the same thing in every place that takes a string."""
    measure = Measure(
        s, 0.2, 0.1, 0.3, s, 30, 0.95, s, 0.25, "higher", 0.15, "inconclusive", 0.98, 0.09, 0.31
    )
    finding = Finding(
        s, 1, s, s, "fail", "high", s, (measure,),
        (Series(s, (1.0, 2.0), (1.0, 2.0), (0.5, 1.5), (1.5, 2.5), s, s, "line", s), Series(s, (s,), (1.0,), (), (), s, s, "bar")),
        (Table(s, (s, s), ((s, 1.0), (s, 2.0))),), (Countermeasure(s, s, s),), Cost(1, 1.0), s, Ignored(s, s),
    )  # fmt: skip
    coverage = (Coverage(1, s, "checked", s), Coverage(2, s, "not_given", s), Coverage(3, s, "error", s))
    return Report(
        {"name": s, s: s},
        {s: {s: s}},
        {s: [s, s]},
        {"name": s},
        0,
        coverage,
        (finding,),
        (s,),
        (s,),
        (s, s),
        s,
    )


@settings(max_examples=40, deadline=None)
@given(TEXT)
def test_hostile_strings_are_text_and_nothing_else(hostile):
    page = Page(render_html(filled(hostile)))
    is_closed(page)
    assert "".join(clean(hostile).replace("`", "").split()) in "".join(page.text.replace("`", "").split())
    harmless = Page(render_html(filled("x")))
    assert [t for t in page.tags if t != "code"] == [t for t in harmless.tags if t != "code"]
    assert [n for n, _ in page.attributes] == [n for n, _ in harmless.attributes]


def test_the_strict_reader_can_fail():
    with pytest.raises(AssertionError):
        Page("<p><b></p>")
    with pytest.raises(AssertionError):
        is_closed(Page("<p onclick='x'></p>"))
    with pytest.raises(AssertionError):
        is_closed(Page("<script></script>"))
