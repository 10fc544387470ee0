"""Real servers on loopback: good, slow, broken, lying."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.errors import BudgetExhausted, EndpointError, NotRefittable, UsageError
from modelward.models import Endpoint, Subject, wrap
from modelward.models._answers import Reader
from modelward.models._endpoint import EndpointBackend, _pause
from modelward.models._endpoint_answer import parse_answer
from modelward.schema import Codec, Column, FeatureSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA = FeatureSchema((Column("age", "integer"), Column("home", "categorical", categories=("rent", "own"))))
FRAME = pl.DataFrame({"age": [20, 45, 60, 33, None], "home": ["rent", "own", "rent", None, "own"]})
CODEC = Codec.fit(SCHEMA, FRAME)
X = CODEC.encode(FRAME)


def rule(record: dict[str, Any]) -> int:
    return int((record["age"] or 0) > 40)


EXPECTED = [rule(r) for r in FRAME.to_dicts()]


@contextmanager
def serving(answer: Callable[[Any, BaseHTTPRequestHandler], Any]) -> Iterator[tuple[str, list[Any]]]:
    """Run a server; `answer` returns JSON, bytes, or (status, headers, bytes), or writes by itself (None)."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(body["records"])
            result = answer(body["records"], self)
            if result is None:
                return
            status, headers, data = result if isinstance(result, tuple) else (200, {}, result)
            data = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(status)
            for key, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/predict", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def subject_at(url: str, *, budget: int | None = None, labels: Any = (0, 1), **options: Any) -> Subject:
    """Return a subject whose pauses take no time."""
    whole = wrap(Endpoint(url, **{"timeout": 5, **options}), CODEC, labels)
    quick = EndpointBackend(
        Endpoint(url, **{"timeout": 5, **options}), CODEC, whole.classes, sleep=lambda s: None
    )
    return Subject("endpoint", quick, whole.classes, CODEC).with_budget(budget)


def test_records_and_labels() -> None:
    with serving(lambda records, _: {"labels": [rule(r) for r in records]}) as (url, seen):
        subject = subject_at(url, batch=2)
        assert subject.predict(X).tolist() == EXPECTED
        assert seen == [FRAME.to_dicts()[:2], FRAME.to_dicts()[2:4], FRAME.to_dicts()[4:]]
        assert subject.scores(X) is None
        assert subject.meter.rows == 2 * len(X) == sum(map(len, seen))
        with pytest.raises(NotRefittable):
            subject.refit(X, np.zeros(5, dtype=np.int64), 0)


p = {True: 0.9, False: 0.2}
FORMS: dict[str, tuple[Any, Any, bool]] = {
    "list": ((0, 1), lambda r: [rule(x) for x in r], False),
    "predictions": ((0, 1), lambda r: {"predictions": [rule(x) for x in r]}, False),
    "outputs as text": ((0, 1), lambda r: {"outputs": [str(rule(x)) for x in r]}, False),
    "bools": ((0, 1), lambda r: {"result": [bool(rule(x)) for x in r]}, False),
    "names": (("bad", "good"), lambda r: {"labels": [["bad", "good"][rule(x)] for x in r]}, False),
    "one score": ((0, 1), lambda r: {"predictions": [p[rule(x) == 1] for x in r]}, True),
    "scores": ((0, 1), lambda r: {"scores": [[1 - p[rule(x) == 1], p[rule(x) == 1]] for x in r]}, True),
    "margins": ((0, 1), lambda r: {"scores": [5 * rule(x) - 2.5 for x in r]}, True),
    "both": (
        ("bad", "good"),
        lambda r: {
            "labels": [["bad", "good"][rule(x)] for x in r],
            "scores": [[1 - p[rule(x) == 1], p[rule(x) == 1]] for x in r],
        },
        True,
    ),
    "by name": (
        ("bad", "good"),
        lambda r: {"probabilities": [{"good": p[rule(x) == 1], "bad": 1 - p[rule(x) == 1]} for x in r]},
        True,
    ),
    "objects": ((0, 1), lambda r: [{"label": rule(x), "probability": p[rule(x) == 1]} for x in r], True),
    "objects with confidence": (
        (0, 1),
        lambda r: [{"label": rule(x), "score": 0.9} for x in r],
        False,
    ),
    "objects by name": (
        (0, 1),
        lambda r: [{"1": p[rule(x) == 1], "0": 1 - p[rule(x) == 1]} for x in r],
        True,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_answers(form: str) -> None:
    labels, make, scored = FORMS[form]
    with serving(lambda records, _: make(records)) as (url, _):
        codes, scores = subject_at(url, labels=labels).ask(X)
        assert codes.tolist() == EXPECTED
        assert (scores is not None) == scored
        if scores is not None:
            assert np.argmax(scores.values, axis=1).tolist() == EXPECTED


NONSENSE: dict[str, tuple[Any, str]] = {
    "too few": ([0, 1], "2 answers to 5 rows"),
    "too many": ([0] * 9, "9 answers"),
    "html": ((200, {"Content-Type": "text/html"}, b"<html>"), r"no JSON \(text/html\)"),
    "empty": (b"", "no JSON"),
    "deep": (b"[" * 100_000, "no JSON"),
    "nan": (b"[0.5, NaN, 0.1, 0.2, 0.3]", "no JSON"),
    "huge": (b"[1e999, 0, 0, 0, 0]", "NaN or infinite"),
    "null": ([0, 1, None, 0, 0], "missing"),
    "unknown label": ([0, 1, 7, 0, 0], "answer 7"),
    "unknown text": (["a"] * 5, "none of the model's classes"),
    "number": (b"3", "no known form"),
    "other object": ({"ok": True}, "no known form"),
    "error object": ({"error": "no such column\nmore"}, "no such column"),
    "ragged": ([[0.1, 0.9], [0.2], [0, 1], [0, 1], [0, 1]], "no known form"),
    "three columns": ([[0.1, 0.2, 0.7]] * 5, "3 columns"),
    "500": ((500, {}, b"trace"), "answered 500 Internal Server Error"),
    "404": ((404, {}, b""), "answered 404"),
    "flood": (b"[" + b"0," * 3_000_000, "more than"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_one_line(case: str) -> None:
    answer, message = NONSENSE[case]
    with serving(lambda *_: answer) as (url, _), pytest.raises(EndpointError, match=message) as caught:
        subject_at(url).predict(X)
    assert "\n" not in str(caught.value)
    assert url in str(caught.value)


def test_busy_is_tried_again_and_counted() -> None:
    state = iter([503, 429, 200, 200, 200])

    def answer(records: Any, _: Any) -> Any:
        status = next(state)
        return (status, {"Retry-After": "1"}, b"") if status != 200 else [rule(r) for r in records]

    with serving(answer) as (url, seen):
        subject = subject_at(url, batch=2, budget=100)
        assert subject.predict(X).tolist() == EXPECTED
        assert subject.meter.rows == sum(map(len, seen)) == 5 + 2 * 2


@pytest.mark.parametrize("budget", range(5, 16))
def test_no_budget_is_ever_exceeded(budget: int) -> None:
    """An endpoint that is always busy gets no row over the budget, whatever it asks for."""
    with serving(lambda *_: (503, {}, b"")) as (url, seen):
        subject = subject_at(url, batch=2, budget=budget, retries=4)
        with pytest.raises((BudgetExhausted, EndpointError)):
            subject.predict(X)
        assert sum(map(len, seen)) <= subject.meter.rows <= budget


def test_gives_up_after_its_retries() -> None:
    with serving(lambda *_: (429, {}, b"")) as (url, seen):
        with pytest.raises(EndpointError, match="answered 429"):
            subject_at(url, retries=2).predict(X)
        assert len(seen) == 3


def test_pauses_grow_and_are_capped() -> None:
    assert [_pause(None, i) for i in range(3)] == [0.5, 1, 2]
    assert _pause("7", 0) == 7
    assert _pause("99999999999", 0) == _pause("Fri, 01 Jan 2100 00:00:00 GMT", 0) == 30
    assert _pause("Fri, 01 Jan 1999 00:00:00 GMT", 0) == _pause("soon", 0) == 0.5


def test_slow_silent_and_dripping() -> None:
    def drip(records: Any, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(60):
            handler.wfile.write(b"[")
            handler.wfile.flush()
            time.sleep(0.05)

    def drip_headers(records: Any, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(60):
            handler.wfile.write(b"X")
            handler.wfile.flush()
            time.sleep(0.05)

    def drip_and_close(records: Any, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(60):
            handler.wfile.write(b"[")
            handler.wfile.flush()
            time.sleep(0.05)

    for behaviour in (drip, drip_headers, drip_and_close, lambda *_: time.sleep(1.5)):
        with serving(behaviour) as (url, _):
            start = time.monotonic()
            with pytest.raises(EndpointError, match=r"no answer within 0\.3 s"):
                subject_at(url, timeout=0.3).predict(X)
            assert time.monotonic() - start < 2


def test_breaks_off_half_way() -> None:
    def broken(records: Any, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[0, 1")

    parts = iter(range(9))

    def later(records: Any, handler: BaseHTTPRequestHandler) -> Any:
        return [0] * len(records) if next(parts) == 0 else broken(records, handler)

    for behaviour in (broken, later):
        with serving(behaviour) as (url, _), pytest.raises(EndpointError) as caught:
            subject_at(url, batch=3).predict(X)
        assert "\n" not in str(caught.value)


def test_down() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EndpointError, match="cannot be asked: Connection refused"):
        subject_at(f"http://127.0.0.1:{port}/x?key=secret").predict(X)
    with pytest.raises(EndpointError) as caught:
        subject_at(f"http://127.0.0.1:{port}/x?key=secret").predict(X)
    assert "secret" not in str(caught.value)


def test_redirects_stay_on_the_host() -> None:
    def here(records: Any, handler: BaseHTTPRequestHandler) -> Any:
        if handler.path == "/predict":
            return 307, {"Location": "/predict/"}, b""
        return [rule(r) for r in records]

    with serving(here) as (url, seen):
        subject = subject_at(url)
        assert subject.predict(X).tolist() == EXPECTED
        assert subject.meter.rows == sum(map(len, seen)) == 10
    for where in ("http://127.0.0.2:1/", "https://127.0.0.1/", "//other.example/x", "file:///etc/hosts", ""):
        with serving(lambda *_, w=where: (302, {"Location": w}, b"")) as (url, seen):
            with pytest.raises(EndpointError, match="redirects elsewhere"):
                subject_at(url).predict(X)
            assert len(seen) == 1
    circle = serving(lambda *_: (308, {"Location": "/predict"}, b""))
    with circle as (url, _), pytest.raises(EndpointError, match="in a circle"):
        subject_at(url).predict(X)


@pytest.mark.parametrize(
    "url",
    ["ftp://host/x", "file:///etc/passwd", "http://", "http://a b/", "http://h:99999/", "http://u:p@h/"],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(UsageError):
        Endpoint(url)


def test_flask() -> None:
    flask = pytest.importorskip("flask")
    from werkzeug.serving import make_server

    app = flask.Flask("scorer")

    @app.post("/score")
    def score() -> Any:
        return {"predictions": [rule(r) for r in flask.request.get_json()["records"]]}

    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        subject = subject_at(f"http://127.0.0.1:{server.server_port}/score", batch=2)
        assert subject.predict(X).tolist() == EXPECTED
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with serving(lambda records, _: [rule(r) for r in records]) as (url, seen):
        subject = subject_at(url, batch=2)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: subject.predict(X).tolist(), range(12)))
        assert answers == [EXPECTED] * 12
        assert subject.meter.rows == 60 == sum(map(len, seen))


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
json_like = st.recursive(
    cells,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(
                ["labels", "scores", "predictions", "label", "score", "probabilities", "0", "1", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(json_like, st.sampled_from([(0, 1), ("a", "b"), (0, 1, 2), (False, True)]))
def test_any_json_is_labels_or_one_line(answer: Any, classes: tuple[Any, ...]) -> None:
    reader = Reader(np.array(classes))
    try:
        labels, scores = parse_answer(json.dumps(answer).encode(), 3, reader)
    except EndpointError as err:
        assert "\n" not in str(err)
        return
    assert labels.shape == (3,)
    assert set(labels.tolist()) <= set(classes)
    assert scores is None or (scores.values.shape == (3, len(classes)) and np.isfinite(scores.values).all())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mangled_answers_are_labels_or_one_line(data: st.DataObject) -> None:
    good = bytearray(b'{"labels": [0, 1, 1], "scores": [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]}')
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=3))
        good = good or bytearray(b" ")
    try:
        labels, _ = parse_answer(bytes(good), 3, Reader(np.array([0, 1])))
    except EndpointError as err:
        assert "\n" not in str(err)
    else:
        assert set(labels.tolist()) <= {0, 1}
