"""What an index tells of releases, against one on loopback: yanked, archived, held back, gone, quiet for years."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from modelward.cli._deps import deps
from modelward.dependencies import Doubt, Inventory, Package, ask_index
from modelward.dependencies._simple import ProjectPage, read_page
from modelward.dependencies.sources import read_source
from modelward.errors import InputError, UsageError

TODAY = datetime.date(2026, 11, 30)
JSON = "application/vnd.pypi.simple.v1+json"


class Index(ThreadingHTTPServer):
    """Answers with `pages` by name: a body and its type, or a status."""

    pages: dict[str, tuple[bytes, str] | int]
    seen: list[tuple[str, str]]


class Answer(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        name = self.path.split("/")[-2]
        self.server.seen.append((self.path, self.headers.get("Authorization", "")))
        page = self.server.pages.get(name, 404)
        status, (body, kind) = (page, (b"", "text/plain")) if isinstance(page, int) else (200, page)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[Index]:
    with Index(("127.0.0.1", 0), Answer) as one:
        one.pages, one.seen = {}, []
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def url(index: Index, user: str = "") -> str:
    return f"http://{user}127.0.0.1:{index.server_port}/simple/"


def page(
    *files: tuple[str, Any], status: str = "", reason: str = "", day: str = "2026-01-01"
) -> tuple[bytes, str]:
    document: dict[str, Any] = {
        "meta": {"api-version": "1.4"}, "name": "x",
        "files": [{"filename": name, "url": name, "hashes": {}, "yanked": yanked, "upload-time": f"{day}T00:00:00Z"}
                  for name, yanked in files],
    }  # fmt: skip
    if status:
        document["project-status"] = {"status": status, "reason": reason}
    return json.dumps(document).encode(), JSON


def asked(index: Index, *packages: Package, doubts: tuple[Doubt, ...] = ()) -> dict[str, Doubt]:
    answer = ask_index(Inventory(packages, doubts=doubts), url(index), today=TODAY)
    assert answer.name == "127.0.0.1" and answer.asked == len({p.name for p in packages if p.kind == "index"})
    found = {f"{d.path} {d.rule}": d for d in answer.doubts}
    assert len(found) == len(answer.doubts)
    return found


def of(name: str, version: str = "1.0", **more: Any) -> Package:
    return Package(name, version, name, 1, **more)


def test_what_is_planted_is_told_and_nothing_else(index: Index) -> None:
    index.pages = {
        "fine": page(("fine-1.0.tar.gz", False), ("fine-0.9.tar.gz", "old")),
        "yanked": page(("yanked-1.0.tar.gz", "breaks\nmodels"), ("yanked-1.0-py3-none-any.whl", True)),
        "half": page(("half-1.0.tar.gz", "no"), ("half-1.0-py3-none-any.whl", False)),
        "kept": page(("kept-1.0.tar.gz", False), status="archived", reason="use fine"),
        "old": page(("old-1.0.tar.gz", False), status="deprecated"),
        "bad": page(status="quarantined", reason="malware"),
        "quiet": page(("quiet-1.0.tar.gz", False), day="2020-01-01"),
        "gone": page(("gone-2.0.tar.gz", False)),
        "open": page(("open-2.0.tar.gz", True)),
        "new-word": page(("new_word-1.0.tar.gz", False), status="resting"),
        "egg": page(("egg-1.0-py2.7.egg", False), ("egg-2.0.tar.bz2", False)),
    }  # fmt: skip
    found = asked(index, *(of(name) for name in index.pages if name != "open"), of("open", ""), of("absent"),
                  of("here", kind="path"))  # fmt: skip
    assert sorted(found) == [
        "absent not-on-index", "bad quarantined", "gone not-on-index", "kept archived", "old deprecated", "quiet abandoned",
        "yanked yanked",
    ]  # fmt: skip
    assert [key for key, d in found.items() if d.severe] == ["yanked yanked", "bad quarantined"]
    assert [key for key, d in found.items() if d.minor] == ["quiet abandoned"]
    assert "breaks models" in found["yanked yanked"].text and "use fine" in found["kept archived"].text
    assert not any("here" in path for path, _ in index.seen)


def test_a_name_that_nobody_has_is_worse_beside_an_extra_index(index: Index) -> None:
    extra = Doubt("extra-index", "requirements.txt", 1, "", severe=True)
    found = asked(index, of("acme-private"), doubts=(extra,))["acme-private not-on-index"]
    assert found.severe and "whoever registers the name" in found.text


def test_pages_of_html_alone_are_read_and_make_nothing_abandoned(index: Index) -> None:
    links = (
        '<a href="../../f/a-1.0.tar.gz#sha256=0" data-yanked="broken &amp; gone">a-1.0.tar.gz</a>'
        '<a href="https://x/f/a-0.9%2Bcpu-py3-none-any.whl">w</a>'
    )
    head = (
        '<html><meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" '
        'content="done">'
    )
    index.pages = {"a": (f"{head}{links}</html>".encode(), "text/html; charset=utf-8")}
    found = asked(index, of("a"))
    assert sorted(found) == ["a archived", "a yanked"]
    assert "broken & gone" in found["a yanked"].text and "done" in found["a archived"].text
    assert not asked(index, Package("a", "0.9+cpu", "b", 1)).keys() - {"b archived"}
    assert not ask_index(Inventory((of("a"),)), url(index), today=TODAY).dated


@pytest.mark.parametrize(
    ("page", "why"),
    [(500, "500"), (403, "403"), ((b"{", JSON), "did not answer"), ((b"[]", JSON), "PEP 691"),
     ((b'{"files": 7}', JSON), "PEP 691"), ((b"<html>log in</html>", "text/html"), "no link of it"), ((b"\x00", ""), "no page")],
)  # fmt: skip
def test_an_index_that_does_not_answer_is_never_a_clean_one(index: Index, page: Any, why: str) -> None:
    index.pages = {"a": page}
    with pytest.raises(InputError, match=why) as error:
        ask_index(Inventory((of("a"),)), url(index), today=TODAY)
    assert "\n" not in str(error.value) and "leave --index out" in str(error.value)


def test_a_password_goes_to_the_index_alone_and_into_no_message(index: Index) -> None:
    index.pages = {"a": page(("a-1.0.tar.gz", False))}
    ask_index(Inventory((of("a"),)), url(index, "me:p%40ss@"), today=TODAY)
    assert index.seen == [("/simple/a/", "Basic " + base64.b64encode(b"me:p@ss").decode())]
    index.pages = {"a": 401}
    for bad in (url(index, "me:p%40ss@"), "http://me:p%40ss@example.com/simple", "ftp://me:p%40ss@x"):
        with pytest.raises((InputError, UsageError)) as error:
            ask_index(Inventory((of("a"),)), bad, today=TODAY)
        assert "ss" not in str(error.value).partition("leave")[0].replace("use https", "")


@given(st.binary(max_size=60), st.sampled_from([JSON, "text/html"]))
def test_no_page_breaks_the_reader(body: bytes, kind: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read_page(body, kind), ProjectPage)


def test_deps_says_what_the_index_said_or_that_none_was_asked(index: Index, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1 --hash=sha256:00\n")
    index.pages = {"a": page(("a-1.tar.gz", "broken"), day="2001-01-01")}

    def run(*words: str) -> Any:
        return CliRunner().invoke(deps, [str(tmp_path), "--no-code", *words], catch_exceptions=False)

    assert "not checked, no index was asked (--index URL)" in run().output
    said = run("--index", url(index)).output
    assert (
        "127.0.0.1 was asked about 1 packages" in said
        and "a 1 was yanked" in said
        and "abandoned × 1" in said
    )
    result = json.loads(run("--index", url(index), "--format", "json").output)
    assert result["index"] == {"name": "127.0.0.1", "asked": 1, "dated": True}
    assert {f["title"]: f["severity"] for f in result["findings"] if f["code"] == "MW113"} == {
        "How dependencies are asked for: yanked": "medium", "How dependencies are asked for: abandoned": "low",
    }  # fmt: skip
    assert json.loads(run("--format", "json").output)["index"] is None
    run("--index", url(index), "-o", str(tmp_path / "page.html"))
    assert "was asked about 1 packages" in (tmp_path / "page.html").read_text()
    with pytest.raises(UsageError, match="--index"):
        run("--offline", "--index", url(index))


UV = '[project]\nname = "p"\ndependencies = []\n'


@pytest.mark.parametrize(
    ("name", "text", "severe"),
    [
        ("pyproject.toml", UV + '[[tool.uv.index]]\nurl = "https://in.corp/simple"\n', False),
        ("pyproject.toml", UV + '[[tool.uv.index]]\nurl = "https://in.corp/simple"\nexplicit = true\n', None),
        ("pyproject.toml", UV + '[[tool.uv.index]]\nurl = "https://in.corp/simple"\ndefault = true\n', None),
        ("pyproject.toml", UV + '[tool.uv]\nextra-index-url = ["https://in.corp/simple"]\n', False),
        ("pyproject.toml", UV + '[tool.uv.pip]\nindex-strategy = "unsafe-best-match"\n', True),
        ("uv.toml", '[[index]]\nurl = "https://in.corp/simple"\n', False),
        ("pyproject.toml", '[[tool.poetry.source]]\nname = "in"\nurl = "https://in.corp/simple"\n', None),
        ("pyproject.toml", '[[tool.poetry.source]]\nname = "in"\nurl = "https://in.corp/simple"\npriority = "explicit"\n', None),
        ("pyproject.toml", '[[tool.poetry.source]]\nname = "in"\nurl = "https://in.corp/simple"\npriority = "supplemental"\n', True),
        ("pyproject.toml", '[[tool.poetry.source]]\nname = "PyPI"\n[[tool.poetry.source]]\nname = "in"\nurl = "https://in.corp/simple"\n', True),
        ("requirements.txt", "--extra-index-url https://in.corp/simple\na==1\n", True),
        ("requirements.txt", "--extra-index-url https://in.corp/simple\na==1 --hash=sha256:00\n", False),
    ],
)  # fmt: skip
def test_an_index_beside_another(name: str, text: str, severe: bool | None, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    read = read_source(tmp_path / name, tmp_path)
    found = [d for d in read.doubts if d.rule == "extra-index"]
    assert not read.problems
    assert [d.severe for d in found] == ([] if severe is None else [severe])
    assert all(text.splitlines()[d.line - 1].strip() for d in found)
