"""Streams with thousands of tuples as keys: read quickly and equal to a plain load, or refused where hashes collide."""

from __future__ import annotations

import pickle
import random
from itertools import islice
from typing import Any

import pytest

from hostile_shapes import colliding, number
from modelward.artifacts import read_bytes
from modelward.artifacts._careful import CarefulUnpickler
from modelward.artifacts._feed import Feed
from modelward.artifacts._keys import SAME, KeyFeed, UnsureError
from modelward.artifacts._log import Log
from modelward.artifacts._opcodes import MAX_MEMORY, NEVER, WalkError
from modelward.artifacts._unpickle import _Unpickler


def by(feed_of: type[Feed], data: bytes, kind: Any = _Unpickler) -> Any:
    log = Log()
    log.bounds.compare_left = NEVER
    log.length = len(data)
    log.bounds.grow(len(data))
    feed = log.feed = feed_of(data, 0, log, joblib=False, max_memory=MAX_MEMORY)
    try:
        return kind(feed, log).load()
    except Exception:
        assert not feed.error
        raise


def anything(draw: random.Random, depth: int = 0) -> Any:
    makers = [
        lambda: draw.randrange(-3, 1 << draw.choice((3, 20, 70))),
        lambda: draw.random(),
        lambda: "".join(draw.choices("ab\ncQtP'", k=draw.randrange(40))),
        lambda: draw.randbytes(draw.choice((0, 3, 30, 300))),
        lambda: draw.choice((None, True, False)),
        lambda: tuple(anything(draw, depth + 1) for _ in range(draw.randrange(5))),
        lambda: [anything(draw, depth + 1) for _ in range(draw.randrange(5))],
        lambda: {
            (draw.randrange(100), str(draw.random())): anything(draw, depth + 1)
            for _ in range(draw.randrange(4))
        },
        lambda: frozenset(draw.choices(range(50), k=3)),
    ]
    return draw.choice(makers[: 5 if depth > 4 else None])()


@pytest.mark.parametrize("protocol", range(6))
def test_what_is_read_with_every_tuple_looked_at_is_what_a_load_gives(protocol: int) -> None:
    for seed in range(25):
        value = [anything(random.Random(seed)) for _ in range(20)]
        data = pickle.dumps(value, protocol)
        if protocol >= 4:  # before, bytes and frozensets are written as calls
            assert by(KeyFeed, data) == value
        assert repr(by(KeyFeed, data)) == repr(by(Feed, data))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_thousands_of_honest_keys_are_read(protocol: int) -> None:
    table = {(f"a{i}", i): i for i in range(5_000)} | {(-1, i % 2, i): None for i in range(500)}
    artifact = read_bytes(pickle.dumps(table, protocol))
    assert artifact.verdict == "clean"
    assert artifact.root == table


def test_a_grid_of_ones_and_twos_below_zero_is_no_attack() -> None:
    table: dict[Any, int] = {(str(i), i): i for i in range(5_000)}
    steps = [tuple(-1 - (i >> k & 1) for k in range(7)) for i in range(128)]  # all of one hash, none a key
    artifact = read_bytes(pickle.dumps((table, steps), 4))
    assert artifact.verdict == "clean"
    assert artifact.root == (table, steps)


def test_tuples_of_one_hash_are_refused() -> None:
    made = b"".join(number(a) + number(b) + b"\x86" for a, b in islice(colliding(), 200))
    with pytest.raises(WalkError, match=SAME):
        by(KeyFeed, b"\x80\x04(" + made + b"l.")


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04(" + b"N" * 200 + b"t\x85.",  # what is inside may be there again and again
        b"\x80\x04\x8b\x00\x04\x00\x00" + b"\x7f" * 1024 + b"\x85.",  # a number that takes long to hash
    ],
)
def test_what_takes_long_to_hash_is_left_to_whoever_looks_at_keys_alone(data: bytes) -> None:
    with pytest.raises(UnsureError):
        by(KeyFeed, data)
    assert by(Feed, data, CarefulUnpickler) == pickle.loads(data)


def test_identifiers_of_the_file_are_told_from_our_own() -> None:
    data = b"\x80\x04(K\x01K\x02\x86Pa\nNQK\x03\x85l."
    log = Log(persistent=lambda pid: f"<{pid}>")
    feed = log.feed = KeyFeed(data, 0, log, joblib=False, max_memory=MAX_MEMORY)
    assert _Unpickler(feed, log).load() == [(1, 2), "<a>", "<None>", (3,)]
