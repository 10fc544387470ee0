"""Telling people: what reaches Apprise, and what goes wrong is one line without the address."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from modelward.errors import InputError, MissingExtraError
from modelward.monitoring import People


class Fake:
    """Stands for Apprise: knows addresses that begin with json."""

    sent: list[dict[str, str]]
    works = True

    def __init__(self) -> None:
        Fake.sent = []

    def add(self, url: str) -> bool:
        return url.startswith("json")

    def notify(self, **message: str) -> bool:
        Fake.sent.append(message)
        return Fake.works


@pytest.fixture
def apprise(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Fake, "works", True)
    monkeypatch.setitem(sys.modules, "apprise", SimpleNamespace(Apprise=Fake))
    return Fake


def notices(n: int) -> list[dict[str, Any]]:
    return [{"state": "began" if k else "ended", "words": f"AGE: {k}"} for k in range(n)]


def test_alerts_are_told_in_one_message_of_bounded_length(apprise: Any) -> None:
    People("json://localhost")(notices(30))
    (message,) = apprise.sent
    assert message["title"] == "modelward: 29 alerts began, 1 over"
    lines = message["body"].splitlines()
    assert lines[:2] == ["ended: AGE: 0", "began: AGE: 1"]
    assert (len(lines), lines[-1]) == (21, "and 10 more")


def test_what_could_not_be_told_raises_so_that_it_is_sent_again(apprise: Any) -> None:
    people = People("json://localhost")
    apprise.works = False
    with pytest.raises(OSError, match="not everybody"):
        people(notices(1))


def test_addresses_are_never_quoted(apprise: Any) -> None:
    with pytest.raises(InputError, match="address 2 is none") as told:
        People("json://localhost", "nonsense://user:secret@host")
    assert "secret" not in str(told.value)
    with pytest.raises(InputError, match="nobody is told"):
        People()


def test_without_apprise_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtraError, match=r"modelward\[notify\]"):
        People("json://localhost")


class _Inbox(BaseHTTPRequestHandler):
    """Takes what Apprise posts to a json:// address."""

    got: ClassVar[list[dict[str, Any]]] = []
    answer = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if _Inbox.answer == 200:
            _Inbox.got.append(body)
        self.send_response(_Inbox.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def inbox() -> Any:
    server = HTTPServer(("127.0.0.1", 0), _Inbox)
    _Inbox.got, _Inbox.answer = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/alerts"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore:.*imghdr:DeprecationWarning")
@pytest.mark.skipif(importlib.util.find_spec("apprise") is None, reason="Apprise is not installed: [notify]")
def test_the_real_apprise_delivers_alerts_of_a_monitor(traffic: Any, inbox: str) -> None:
    monitor, first = traffic.fresh(), traffic.hours
    monitor.notify(People(inbox), every=3600.0)
    for hour in range(first, first + 6):
        frame = traffic.rows_of(np.array([hour]), hour)
        traffic.feed(monitor, hour, frame.with_columns(amount=pl.col("amount") * 9.0))
    told = monitor.alerts()
    _Inbox.answer = 500
    monitor._notifier.now()
    assert monitor.notify_problem == "alerts could not be sent: OSError"
    assert not _Inbox.got
    _Inbox.answer = 200
    monitor.close()
    assert monitor.notify_problem == ""
    (message,) = _Inbox.got
    assert message["title"].startswith(f"modelward: {len(told)} alert")
    assert sum(line.startswith("began: amount") for line in message["message"].splitlines()) == len(told) > 0


@pytest.mark.filterwarnings("ignore:.*imghdr:DeprecationWarning")
@pytest.mark.skipif(importlib.util.find_spec("apprise") is None, reason="Apprise is not installed: [notify]")
def test_the_real_apprise_refuses_what_it_does_not_know() -> None:
    with pytest.raises(InputError, match="address 1 is none"):
        People("nonsense://user:secret@host")
