"""Reports: findings for people (terminal, HTML, Markdown) and for machines (JSON)."""

from modelward.reports._html import render_html
from modelward.reports._markdown import render_markdown
from modelward.reports._page import Branch, Item, Mark, Page, RuleCard, Section, Span, TimeLine
from modelward.reports._page_html import render_page_html
from modelward.reports._page_markdown import render_page_markdown
from modelward.reports._page_terminal import render_page_terminal
from modelward.reports._sarif import render_sarif
from modelward.reports._terminal import render_terminal
from modelward.reports._write import SUFFIXES, check_suffix, render_json, write_report, write_text

__all__ = [
    "SUFFIXES",
    "Branch",
    "Item",
    "Mark",
    "Page",
    "RuleCard",
    "Section",
    "Span",
    "TimeLine",
    "check_suffix",
    "render_html",
    "render_json",
    "render_markdown",
    "render_page_html",
    "render_page_markdown",
    "render_page_terminal",
    "render_sarif",
    "render_terminal",
    "write_report",
    "write_text",
]
