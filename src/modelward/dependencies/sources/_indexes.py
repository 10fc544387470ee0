"""Where uv and poetry are told to look for packages: an index beside another lets somebody else's package in.

Sources: uv's documentation, "Package indexes"; poetry's, "Repositories".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.dependencies._packages import Doubt, Read
from modelward.dependencies.sources._parts import Malformed, bare, line_of, problem, text_of, toml, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read(text: str, path: str, root: Path) -> Read:  # noqa: ARG001 - nothing else is opened
    """Read uv.toml, which names no package and says where uv looks for them."""
    try:
        return Read(doubts=tuple(uv_doubts(toml(text), text, path)))
    except Malformed as error:
        return Read(problems=(problem(path, error),))


def uv_doubts(uv: dict[str, Any], text: str, path: str) -> Iterator[Doubt]:
    """Yield what is careless in the settings of uv."""
    for settings in (uv, _table(uv.get("pip"))):
        if str(settings.get("index-strategy", "")).startswith("unsafe"):
            why = "uv may take a package from any index that has it: remove index-strategy"
            yield Doubt("extra-index", path, line_of(text, "index-strategy"), why, severe=True)
        extra = settings.get("extra-index-url")
        for url in words([extra] if isinstance(extra, str) else extra):
            yield _beside(url, text, path)
        for url in (text_of(settings, "index-url"), *words(extra)):
            yield from _plain(url, text, path)
    for index in _list(uv.get("index")):
        url = text_of(index, "url")
        yield from _plain(url, text, path)
        if index.get("explicit") is not True and index.get("default") is not True:
            yield _beside(url, text, path)


def _beside(url: str, text: str, path: str) -> Doubt:
    # uv takes the first index that has a name, so a name that only the default one has is still taken from there.
    return Doubt(
        "extra-index", path, line_of(text, url),
        f"{bare(url)} is asked for every package before the default index, which has whatever it lacks: write it as "
        "[[tool.uv.index]] with explicit = true, and name its packages in [tool.uv.sources]",
    )  # fmt: skip


def poetry_doubts(poetry: dict[str, Any], text: str, path: str) -> Iterator[Doubt]:
    """Yield what is careless in the sources of poetry."""
    sources = _list(poetry.get("source"))
    searched = [s for s in sources if s.get("priority", "primary") in ("primary", "default") and not _old(s)]
    for source in sources:
        url = text_of(source, "url")
        yield from _plain(url, text, path)
        supplements = source.get("priority") in ("supplemental", "secondary") or _old(source)
        if supplements or (len(searched) > 1 and source in searched and url):
            yield Doubt(
                "extra-index", path, line_of(text, url),
                f'{bare(url)} and another index are asked for the same names: set priority = "explicit", and name it '
                "as source of its packages", severe=True,
            )  # fmt: skip


def _old(source: dict[str, Any]) -> bool:
    return source.get("secondary") is True


def _plain(url: str, text: str, path: str) -> Iterator[Doubt]:
    if url.startswith("http://"):
        yield Doubt("plain-http", path, line_of(text, url),
                    f"{bare(url)} is not encrypted: anybody on the way can replace packages", severe=True)  # fmt: skip


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
