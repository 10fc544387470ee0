"""Files made to be slow to read are given up, whatever their size; honest files that look alike are read."""

from __future__ import annotations

import io
import itertools
import pickle

import joblib
import numpy as np
import pytest

from hostile_shapes import SHAPES, colliding
from modelward.artifacts import read_bytes
from modelward.artifacts._dtype_state import MAX_FIELDS
from modelward.artifacts._log import MAX_OUTSIDE
from modelward.artifacts._opcodes import COMPARE_BUDGET, HAND_BUDGET


def test_numbers_with_one_hash_are_what_they_are_called() -> None:
    assert len({hash(pair) for pair in itertools.islice(colliding(), 100)}) == 1


@pytest.mark.parametrize("name", [name for name in SHAPES if "two numbers" in name])
def test_keys_with_one_hash_are_refused(name: str) -> None:
    # So many that comparing each with each would take longer than is allowed: CPython itself takes minutes at 3 MB.
    found = read_bytes(SHAPES[name](100_000))
    assert found.verdict == "unreadable"
    assert "same hash" in found.reasons[0]


@pytest.mark.parametrize("protocol", range(6))
def test_many_honest_tuples_are_read_as_keys(protocol: int) -> None:
    grid = {key: i for i, key in enumerate(itertools.product(range(-2, 3), repeat=5))}
    pairs = {(i, f"w{i}"): i for i in range(4000)}
    nested = {((i, i), frozenset({i, (i, 1)})): i for i in range(500)}
    shared = [{(0, 1): i} for i in range(4000)]
    value = [grid, pairs, nested, {(i, 0) for i in range(3000)}, shared, np.arange(3)]
    # All of them together cost more than plain comparing may.
    assert len(pairs) ** 2 > COMPARE_BUDGET
    found = read_bytes(pickle.dumps(value, protocol))
    assert found.verdict == "clean", found.reasons
    assert found.root[:2] == value[:2]
    assert found.root[4] == shared
    assert protocol < 4 or found.root[2:4] == value[2:4]  # older ones make sets by calls


def test_states_given_again_are_merged_and_leave_the_file_s_own_alone() -> None:
    # One dict is the state of two objects; the first is given another state on top.
    data = (
        b"\x80\x04(}\x94\x8c\x01aK\x01s0cm\nC\n\x94)\x81h\0b}\x8c\x01bK\x02sb}\x8c\x01aK\x03sb"
        b"h\x01)\x81h\0bh\0l."
    )
    first, second, shared = read_bytes(data).root
    assert first.attributes == {"a": 3, "b": 2}
    assert second.attributes == shared == {"a": 1}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("states, in pairs", "one state after the other"),
        ("a large state, built again and again", "one state after the other"),
        ("dtypes of dtypes", "without end"),
        ("dtypes of dtypes, joblib", "without end"),
        ("persistent ids, binary", "objects outside the file without end"),
        ("a long tuple, called with again and again", "long tuples"),
    ],
)
def test_work_without_end_is_given_up(name: str, reason: str) -> None:
    found = read_bytes(SHAPES[name](300_000))
    assert found.verdict == "unreadable"
    assert reason in found.reasons[0]


def test_the_bounds_are_far_above_what_honest_files_need() -> None:
    arrays = [np.zeros(2, dtype=[(f"f{i}", "<i8") for i in range(500)]) for _ in range(20)]
    assert MAX_FIELDS > 20 * 500 * 4
    assert read_bytes(pickle.dumps([pickle.loads(pickle.dumps(one)) for one in arrays])).verdict == "clean"
    assert HAND_BUDGET >= 1_000_000
    assert MAX_OUTSIDE > 1_000


def test_what_a_call_returned_may_be_called_again_and_is_said() -> None:
    found = read_bytes(b"\x80\x04cm\nf\n)R)R)R.")
    assert found.verdict == "suspicious"
    assert any("calls what" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (b"\x80\x04})" + b"2\x86" * 20 + b"Ns.", "hash"),
        (b"Nr\xff\xff\0\0.", "memo entry 65535"),
        (b"\x80\x04cm\nC\n(" + b"N" * 2000 + b"t\x94" + b"0cm\nC\nh\0R" * 20 + b".", "long tuples"),
    ],
)
def test_many_pickles_share_what_one_may_cost(piece: bytes, reason: str) -> None:
    few = read_bytes(piece)
    assert few.verdict in ("clean", "suspicious")
    found = read_bytes(piece * 300)
    assert found.verdict == "unreadable"
    assert any(reason in why for why in found.reasons)


def test_many_tuples_as_keys_are_read_whatever_stands_around_them() -> None:
    keyed = {(f"w{i}", f"v{i % 77}"): i for i in range(6_000)}
    one, buffer = pickle.dumps(keyed, 4), io.BytesIO()
    joblib.dump([np.zeros(5), keyed], buffer)
    for data in (one, one + one, buffer.getvalue()):
        assert read_bytes(data).verdict == "clean"


def test_what_reads_as_scalars_of_a_model_is_not_looked_through() -> None:
    found = read_bytes(SHAPES["lists, nested and closed"](60_000))
    assert found.verdict == "unreadable"
    assert any("thousands of times" in reason for reason in found.reasons)
    assert read_bytes(SHAPES["lists, nested and closed"](2_000)).verdict == "clean"


def test_calls_of_results_come_to_an_end() -> None:
    found = read_bytes(SHAPES["calls of a result"](60_000))
    assert found.verdict == "unreadable"
    assert any("without end" in reason for reason in found.reasons)
