"""Reports: findings for people (terminal, HTML, Markdown) and for machines (JSON)."""

from modelward.reports._html import render_html
from modelward.reports._markdown import render_markdown
from modelward.reports._terminal import render_terminal
from modelward.reports._write import SUFFIXES, check_suffix, render_json, write_report

__all__ = [
    "SUFFIXES",
    "check_suffix",
    "render_html",
    "render_json",
    "render_markdown",
    "render_terminal",
    "write_report",
]
