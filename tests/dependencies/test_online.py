"""Advisories over the network, against servers on loopback: fetched whole or not at all, and never half an answer."""

from __future__ import annotations

import datetime
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner

import osv_server
from modelward.cli._deps import deps
from modelward.dependencies import (
    Database,
    Package,
    ask_osv,
    audit,
    bulletins,
    check_url,
    read_database,
    update_database,
)
from modelward.errors import InputError, UsageError

TODAY = datetime.datetime.now(tz=datetime.UTC).date()


def record(
    identifier: str, name: str, fixed: str, published: str = "2024-01-01", modified: object = TODAY
) -> dict:
    return {
        "id": identifier, "modified": f"{modified}T00:00:00Z", "published": f"{published}T00:00:00Z", "summary": "a hole",
        "affected": [{"package": {"ecosystem": "PyPI", "name": name},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}],
    }  # fmt: skip


def zipped(*records: dict) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i, one in enumerate(records):
            archive.writestr(f"{i}.json", json.dumps(one))
    return out.getvalue()


class Server(ThreadingHTTPServer):
    """Answers GET with `body`; `promised` bytes are promised, `status` is its status."""

    body = b""
    status = 200
    promised: int | None = None
    location = ""


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(self.server.promised or len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Answer) as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}/all.zip"


def test_a_database_is_fetched_whole_or_what_was_there_stays(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "new" / "db.zip"
    server.body = zipped(record("PYSEC-1", "a", "2", modified="2026-01-02"))
    assert str(update_database(path, url(server), today=TODAY).date) == "2026-01-02"
    kept = path.read_bytes()
    assert kept == server.body
    server.body = zipped(record("PYSEC-1", "a", "2", modified="2025-01-01"))
    with pytest.raises(InputError, match="older than db.zip"):
        update_database(path, url(server), today=TODAY)
    for body, promised, status, why in (
        (b"<html>", None, 200, "no zip"), (kept[:50], len(kept), 200, "ends after"), (b"", None, 404, "Not Found"), (zipped({"id": 1}), None, 200, "no OSV record"),
    ):  # fmt: skip
        server.body, server.promised, server.status = body, promised, status
        with pytest.raises(InputError, match=why) as error:
            update_database(path, url(server), today=TODAY)
        assert "\n" not in str(error.value)
        assert path.read_bytes() == kept
        assert [p.name for p in path.parent.iterdir()] == ["db.zip"]


def test_no_network_is_one_line_that_says_what_to_do(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bring a zip of OSV records and name it with --db"):
        update_database(tmp_path / "db.zip", "http://127.0.0.1:9/all.zip", today=TODAY)
    server.status, server.location = 302, "http://example.com/all.zip"
    with pytest.raises(UsageError, match="use https"):
        update_database(tmp_path / "db.zip", url(server), today=TODAY)
    with pytest.raises(UsageError, match="folder"):
        update_database(tmp_path, url(server), today=TODAY)


@pytest.mark.parametrize(
    "bad", ["ftp://a/b", "file:///etc/passwd", "http://example.com/x", "https://", "http://[", "x"]
)
def test_what_is_not_encrypted_is_not_asked(bad: str) -> None:
    with pytest.raises(UsageError):
        check_url(bad)


def test_deps_fetches_lists_bulletins_and_finds(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MODELWARD_ADVISORIES", raising=False)
    project = tmp_path / "p"
    project.mkdir()
    (project / "requirements.txt").write_text("a==1 --hash=sha256:00\nb==5 --hash=sha256:00\n")
    server.body = zipped(
        record("PYSEC-1", "a", "2", "2026-03-01"), record("PYSEC-2", "b", "4", "2026-02-01"), record("PYSEC-3", "c", "4", "2026-02-01"),
        record("PYSEC-4", "b", "3", "2020-02-01"),
    )  # fmt: skip

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(deps, [str(project), "--no-code", *words], catch_exceptions=False)
        return done.exit_code, done.output

    code, output = run("--update-db", "--db-url", url(server), "--since", "2026-01-01", "--format", "json")
    result = json.loads(output)
    assert code == 1
    assert [(b["package"], b["ids"], b["affected"]) for b in result["bulletins"]] == [
        ("a", ["PYSEC-1"], True),
        ("b", ["PYSEC-2"], False),
    ]
    # The next run has it from the cache and asks nobody.
    server.shutdown()
    code, output = run("--since", "2026-02-15", "--offline")
    assert code == 1 and "1 advisory since then is" in output and "PYSEC-1 (hits this version)" in output
    for words in (
        ("--offline", "--update-db"),
        ("--osv-url", "https://a.example", "--update-db"),
        ("--db-url", "https://a.example"),
    ):
        with pytest.raises(UsageError):
            run(*words)


def test_an_osv_server_gives_the_verdicts_of_the_same_database_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [
        record("PYSEC-1", "a", "2"),
        {**record("GHSA-1", "a", "3"), "aliases": ["PYSEC-1"]},
        record("PYSEC-2", "b", "9"),
        record("PYSEC-3", "b", "4"),
    ]
    (tmp_path / "db.zip").write_bytes(zipped(*records))
    packages = [
        Package("a", "1", "r.txt", 1),
        Package("b", "4", "r.txt", 2),
        Package("b", "9", "r.txt", 3),
        Package("c", "1", "r.txt", 4),
    ]
    monkeypatch.setattr(osv_server, "RECORDS", {})
    osv_server.load(str(tmp_path / "db.zip"))
    with ThreadingHTTPServer(("127.0.0.1", 0), osv_server.Handler) as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        database, online = ask_osv(packages, f"http://127.0.0.1:{one.server_port}/v1/query", today=TODAY)
        one.shutdown()
        thread.join()
    offline = audit(packages, read_database(tmp_path / "db.zip", today=TODAY))
    said = [[(v.package, set(v.ids), v.fixed, v.upgrade) for v in holes] for holes in (online, offline)]
    assert said[0] == said[1]
    assert len(online) == 2
    assert (database.name, database.date) == ("127.0.0.1", TODAY)


def test_half_an_answer_is_an_error(server: Server) -> None:
    for body, status in ((b"no json", 200), (b"{}", 500), (b'{"vulns": 7}', 200)):
        server.body, server.status = body, status
        with pytest.raises(InputError, match="did not answer about a 1"):
            ask_osv([Package("a", "1", "r.txt", 1)], url(server), today=TODAY)
    with pytest.raises(InputError, match="did not answer"):
        ask_osv([Package("a", "1", "r.txt", 1)], "http://127.0.0.1:9/", today=TODAY)


def test_bulletins_of_a_package_without_a_version_leave_it_open() -> None:
    assert bulletins([Package("a", "", "r.txt", 1)], Database("d"), TODAY) == ()
