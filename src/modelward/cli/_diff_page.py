"""A difference as a page: HTML that opens offline, and Markdown for a pull request."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from modelward.cli._diff import summary

if TYPE_CHECKING:
    from modelward.artifacts import Artifact, Difference

_MOST = 2_000
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem; vertical-align: top;
border-bottom: 1px solid #d8dee4; overflow-wrap: anywhere } code { font: 13px/1.5 ui-monospace, monospace }
.clean { color: #116329 } .suspicious { color: #7d4e00 } .malicious { color: #b3001b; font-weight: 700 }
.unreadable { color: #6639ba; font-weight: 700 } del { text-decoration: none; background: #ffebe9 }
ins { text-decoration: none; background: #dafbe1 }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3 } th, td { border-color: #30363d }
del { background: #67060c } ins { background: #033a16 } .clean { color: #56d364 } .suspicious { color: #e3b341 }
.malicious { color: #ff7b72 } .unreadable { color: #d2a8ff } }
"""


def html(pair: tuple[Artifact, Artifact], found: Difference) -> str:
    """Return one page; every text of the files is escaped."""
    files = "".join(
        f"<tr><td>{letter}</td><td class='{side.verdict}'>{side.verdict}</td><td><code>{_safe(side.path)}</code></td>"
        f"<td>{_safe(side.format)}</td><td>{_safe('; '.join(side.reasons[:3]))}</td></tr>"
        for letter, side in zip("AB", pair, strict=True)
    )
    rows = "".join(
        f"<tr><td><code>{_safe(c.path)}</code></td><td><del><code>{_safe(c.before)}</code></del></td>"
        f"<td><ins><code>{_safe(c.after)}</code></ins></td></tr>"
        for c in found.changes[:_MOST]
    )
    table = f"<table><tr><th>Where</th><th>Before</th><th>After</th></tr>{rows}</table>" if rows else ""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
        "content='width=device-width'><title>modelward diff</title><style>" + _STYLE + "</style></head><body>"
        f"<h1>What changed in the model</h1><p><strong>{_safe(summary(pair, found))}</strong></p>"
        f"<table><tr><th></th><th>Scan</th><th>File</th><th>Format</th><th>Why</th></tr>{files}</table>"
        f"<h2>Changes</h2>{table or '<p>None.</p>'}{_more(found)}</body></html>\n"
    )


def markdown(pair: tuple[Artifact, Artifact], found: Difference) -> str:
    """Return Markdown tables."""
    lines = ["# What changed in the model", "", _cell(summary(pair, found)), ""]
    lines += ["| | scan | file | format |", "|---|---|---|---|"]
    for letter, side in zip("AB", pair, strict=True):
        lines.append(f"| {letter} | {side.verdict} | {_code(side.path)} | {_cell(side.format)} |")
    if found.changes:
        lines += ["", "| where | before | after |", "|---|---|---|"]
        lines += [
            f"| {_code(c.path)} | {_code(c.before)} | {_code(c.after)} |" for c in found.changes[:_MOST]
        ]
    if len(found.changes) > _MOST:
        lines += ["", f"and {len(found.changes) - _MOST:,} more; the JSON has all."]
    return "\n".join(lines) + "\n"


def _more(found: Difference) -> str:
    left = len(found.changes) - _MOST
    return f"<p>and {left:,} more; the JSON has all.</p>" if left > 0 else ""


def _safe(text: str) -> str:
    return escape(text, quote=True)


def _cell(text: str) -> str:
    """Return a text that stays in its cell and is no markup."""
    out = "".join("\\" + c if c in "\\`*_[]<>|#!" else c for c in " ".join(text.split()))
    return out.replace("\\<", "&lt;").replace("\\>", "&gt;")


def _code(text: str) -> str:
    """Return a text as code; a backtick or bar within it cannot end it."""
    return "`" + " ".join(text.split()).replace("`", "ˋ").replace("|", "\\|") + "`"
