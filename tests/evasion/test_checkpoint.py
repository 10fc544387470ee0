"""A search on a real local server that breaks off half-way, and goes on to the result of an unbroken run."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelward.errors import InputError, UsageError
from modelward.evasion import BoundarySearch, Checkpoint, CoordinateSearch, Outcome
from modelward.models import Endpoint, wrap
from modelward.schema import Codec, Column, FeatureSchema


class Service:
    """Serves a world's model; is down after so many requests until it is repaired."""

    def __init__(self, w):
        self.model, self.names = w.subject.model, w.schema.names
        self.served, self.rows, self.most = 0, 0, None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                records = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["records"]
                down = outer.most is not None and outer.served >= outer.most
                outer.served += not down
                outer.rows += 0 if down else len(records)
                X = np.array([[float(r[n]) for n in outer.names] for r in records])
                body = json.dumps({"labels": [] if down else outer.model.predict(X).tolist()}).encode()
                self.send_response(500 if down else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/predict"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service(world):
    w = world(lambda seed: RandomForestClassifier(5, max_depth=3, random_state=seed), 5, rows=4)
    s = Service(w)
    yield w, s
    s.close()


@pytest.mark.parametrize(
    "search", [CoordinateSearch(), BoundarySearch(steps=2)], ids=["coordinate", "boundary"]
)
def test_a_run_that_broke_off_goes_on_to_the_result_of_an_unbroken_one(service, search, tmp_path):
    w, s = service
    codes = w.subject.codes(w.X)
    options = {"schema": w.schema, "budget": 4 * 100, "random_state": 2}

    def run(path):
        with Checkpoint(path, batch=20, every=3) as kept:
            subject = wrap(Endpoint(s.url), Codec.fit(w.schema), [0, 1])
            return search.run(kept.subject(subject), w.X, codes, **options), kept

    whole, _ = run(tmp_path / "whole.npz")
    paid = s.rows
    assert whole.success.any() and not whole.stopped
    assert whole.queries == paid <= 400

    s.served, s.rows, s.most = 0, 0, 4
    broken, kept = run(tmp_path / "broken.npz")
    assert "500" in broken.stopped
    assert set(broken.outcome) <= {Outcome.MOVED, Outcome.FAILED, Outcome.ALREADY_GOAL}
    assert kept.rows == s.rows > 0

    s.most = None
    again, _ = run(tmp_path / "broken.npz")
    assert np.array_equal(again.rows, whole.rows)
    assert np.array_equal(again.cost, whole.cost)
    assert (again.outcome, again.queries, again.stopped) == (whole.outcome, whole.queries, "")
    assert s.rows == paid, "what was paid for was paid for once"

    before = s.rows
    run(tmp_path / "broken.npz")
    assert s.rows == before, "a finished run is answered from the file alone"


def test_a_file_of_another_run_or_of_something_else_is_refused(world, tmp_path):
    w = world(lambda seed: RandomForestClassifier(5, max_depth=3, random_state=seed), 5, rows=4)
    codes = w.subject.codes(w.X)
    path = tmp_path / "a.npz"
    with Checkpoint(path) as kept:
        CoordinateSearch().run(kept.subject(w.subject), w.X, codes, schema=w.schema, budget=200)
    with pytest.raises(UsageError, match="another run"):
        CoordinateSearch().run(
            Checkpoint(path).subject(w.subject), w.X[::-1], codes[::-1], schema=w.schema, budget=200
        )
    data = path.read_bytes()
    for cut in (0, 10, len(data) // 2):
        path.write_bytes(data[:cut])
        with pytest.raises(InputError, match="damaged"):
            Checkpoint(path)
    np.savez(path, x=np.array([{}], dtype=object), version=1)
    with pytest.raises(InputError, match="damaged"):
        Checkpoint(path)


def test_a_refusal_that_the_search_went_on_from_is_part_of_the_run(tmp_path):
    X = np.random.default_rng(0).integers(0, 10, size=(200, 2)).astype(float)
    schema = FeatureSchema(
        (Column("a", "integer", low=0, high=9, missing=True), Column("b", "integer", low=0, high=9))
    )
    subject = wrap(LogisticRegression().fit(X, X.sum(axis=1) > 9), Codec.fit(schema), [False, True])
    codes = subject.codes(X[:10])
    path = tmp_path / "a.npz"
    found = []
    for _ in range(2):
        with Checkpoint(path) as kept:
            found.append(
                CoordinateSearch(reference=X).run(
                    kept.subject(subject), X[:10], codes, schema=schema, budget=900
                )
            )
    assert found[0].success.all()
    assert np.array_equal(found[0].rows, found[1].rows)
    assert found[0].queries == found[1].queries
