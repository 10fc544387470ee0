"""A page as HTML that needs nothing else: no network, no script, no font to fetch."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from modelward.reports import _charts, _picture, _rows, _text
from modelward.reports._html import MAX_BYTES
from modelward.reports._rule_picture import rule_picture
from modelward.reports._time_line import time_line
from modelward.reports._tree_picture import tree_picture

if TYPE_CHECKING:
    from jinja2 import Environment

    from modelward.reports._page import Page

_ROWS = (200, 60, 15, 3)


def render_page_html(page: Page) -> str:
    """Return a page as one self-contained HTML document under 2 MB; every string of it is escaped."""
    css = _style()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    template = _environment().get_template("page.html")
    content = ""
    for most in _ROWS:
        content = template.render(page=page, css=css, digest=digest, states=_rows.STATES, most_rows=most)
        if len(content.encode("utf-8", "replace")) <= MAX_BYTES:
            break
    return content


@lru_cache(maxsize=1)
def _style() -> str:
    folder = files("modelward.reports").joinpath("templates")
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "page.css"))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("modelward.reports"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.globals.update(swatch=_picture.swatch)
    environment.filters.update(
        clean=_text.clean,
        block=_text.clean_block,
        cells=_text.cells,
        pictures=_charts.pictures,
        tree=tree_picture,
        spans=rule_picture,
        time_line=time_line,
    )
    return environment
