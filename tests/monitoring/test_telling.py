"""What leaves a monitor: metrics that Prometheus' own parser reads, and alerts to an address, once each."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from modelward.errors import InputError, UsageError
from modelward.monitoring import Monitor, Webhook
from modelward.monitoring._metrics import _family
from modelward.monitoring._webhook import SIGNATURE

KEY = "a key of the test"


def _loud(traffic, monitor, first: int, hours: int, times: float = 9.0) -> None:
    for hour in range(first, first + hours):
        frame = traffic.rows_of(np.array([hour]), hour)
        traffic.feed(monitor, hour, frame.with_columns(amount=pl.col("amount") * times))


def _read(text: str) -> dict[str, dict[tuple, float]]:
    out: dict[str, dict[tuple, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            out.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return out


def test_prometheus_reads_what_goes_on(traffic) -> None:
    monitor = traffic.fresh()
    start = traffic.hours
    _loud(traffic, monitor, start, 6)
    monitor.kpi("nobody", 1.0, start * 3600.0)
    found = _read(monitor.metrics())
    assert found["modelward_monitor_hours_total"] == {(): 4}
    assert found["modelward_monitor_rows"] == {(): traffic.rows}
    assert found["modelward_monitor_last_hour_end_timestamp_seconds"] == {(): (start + 4) * 3600}
    assert found["modelward_monitor_sufficient_history"] == {(): 1}
    assert found["modelward_monitor_store_failing"] == {(): 0}
    assert sum(found["modelward_monitor_alerts_total"].values()) == len(monitor.alerts()) > 0
    active = found["modelward_monitor_alerts_active"]
    assert sum(active.values()) == len(monitor.alerts())
    assert {dict(labels)["column"] for labels in active} == {"amount"}
    assert found["modelward_monitor_dropped_total"] == {
        (("reason", "figures of a name that was not learned"),): 1
    }
    _loud(traffic, monitor, start + 6, 40, times=1.0)
    later = _read(monitor.metrics())
    assert sum(later.get("modelward_monitor_alerts_active", {}).values()) < sum(active.values())
    with pytest.raises(InputError, match="not fitted"):
        Monitor().metrics()


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30))
def test_any_name_is_one_label(name: str) -> None:
    (family,) = text_string_to_metric_families(_family("x", "gauge", "Words.", {(("column", name),): 3}))
    (sample,) = family.samples
    assert sample.labels == {"column": name}


class _Receiver(HTTPServer):
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signed: list[str | None] = []
        self.answer = 200
        super().__init__(("127.0.0.1", 0), _Handler)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answer
        if answer == 200:  # kept before it is answered: whoever has the answer may look at once
            self.server.bodies.append(body)
            self.server.signed.append(self.headers[SIGNATURE])
        self.send_response(answer)
        if answer == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        raise AssertionError("it followed a redirect")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def receiver():
    server = _Receiver()
    yield server
    server.shutdown()
    server.thread.join()
    server.server_close()


def test_each_alert_is_told_once_when_it_begins_and_once_when_it_ends(traffic, receiver) -> None:
    monitor = traffic.fresh()
    start = traffic.hours
    _loud(traffic, monitor, start, 4)
    assert monitor.alerts()
    before = {a.id for a in monitor.alerts()}
    monitor.notify(Webhook(receiver.url, secret=KEY), every=1e6)
    _loud(traffic, monitor, start + 40, 5)
    monitor._notifier.now()
    monitor._notifier.now()
    _loud(traffic, monitor, start + 45, 60, times=1.0)
    monitor.close()
    told = [n for body in receiver.bodies for n in json.loads(body)["alerts"]]
    assert len({(n["id"], n["state"]) for n in told}) == len(told)
    new = {a.id for a in monitor.alerts()} - before
    assert {n["id"] for n in told if n["state"] == "began"} == new
    assert {n["id"] for n in told if n["state"] == "ended"} <= new
    assert any(n["state"] == "ended" for n in told)
    assert any(n["words"].startswith("amount: spread") for n in told)
    for body, signed in zip(receiver.bodies, receiver.signed, strict=True):
        assert signed == "sha256=" + hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
        assert all(
            v is None or not isinstance(v, float) or math.isfinite(v) for n in told for v in n.values()
        )


@pytest.mark.parametrize("answer", [500, 302])
def test_what_was_not_taken_is_sent_again(traffic, receiver, answer: int) -> None:
    monitor = traffic.fresh()
    receiver.answer = answer
    monitor.notify(Webhook(receiver.url), every=0.02)
    _loud(traffic, monitor, traffic.hours, 5)
    for _ in range(200):
        if monitor.notify_problem:
            break
        time.sleep(0.02)
    assert "could not be sent" in monitor.notify_problem
    receiver.answer = 200
    monitor.close()
    told = {n["id"] for body in receiver.bodies for n in json.loads(body)["alerts"]}
    assert told == {a.id for a in monitor.alerts()} != set()
    assert set(receiver.signed) == {None}


@pytest.mark.parametrize("url", ["ftp://there/x", "file:///etc/passwd", "there", "http://"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="https://"):
        Webhook(url)
