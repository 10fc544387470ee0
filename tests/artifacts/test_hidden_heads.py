"""Where a search for hidden pickles looks: the compiled pass against the plain one, and both against `re`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.artifacts._hidden_budget import Budget
from modelward.artifacts._hidden_compiled import CompiledHeads
from modelward.artifacts._hidden_heads import _PATTERNS, ANY, HEADS, Heads, matches
from modelward.artifacts._hidden_places import _STACKED, _STACKED_LONGEST, _stacked, places

_PIECES = [
    b"\x80\x04K", b"cos\nsystem\n", b"(ios\nsystem\n", b"\x8c\x02os\x94\x8c\x06system\x94\x93", b"\x8c\x02os\x8c\x06system\x93", b"x\x9c",
    b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ", b"]\0\0", b"PK\3\4", b"gAS", b"eJy", b"H4s", b"UEs", b"800", b"\xc2\x80\4", b"x\xc2\x9c",
    b"x\xc3\x9a", b"\x1f\xc2\x8b", b"\xc3\xbd7", b"\\x41", b"\\u0041", b"\r\n", b"\n", b"c", b"i", b"a1_.", b"\x94", b"\x93", b"c" * 105,
    b"(I1\n", b"S'a'\n",
]  # fmt: skip
DATA = st.lists(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=3)), max_size=30).map(b"".join)
_TURNED_AWAY = ("line", "stacked")


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    CompiledHeads.load()


@given(DATA, st.integers(0, 2))
@settings(max_examples=200, deadline=None)
def test_the_compiled_pass_finds_what_the_plain_one_finds(data: bytes, first: int) -> None:
    plain, compiled = Heads(data), CompiledHeads(data)
    for kind in HEADS:
        places_, others = list(plain.at(kind, first)), compiled.at(kind, first)
        assert set(others) <= set(places_) if kind in _TURNED_AWAY else others == places_, kind
    found = [
        list(places(data, heads, first, Budget(), lambda _module, _name: True)) for heads in (plain, compiled)
    ]
    assert found[0] == found[1]


@given(DATA, st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_the_plain_pass_finds_what_its_table_says(data: bytes, first: int) -> None:
    for kind, (before, letter, second, third) in HEADS.items():
        classes = (before, bytes([letter]), second, third)
        expected = [
            at
            for at in range(first, len(data))
            if all(
                some == ANY or (0 <= at + i < len(data) and data[at + i] in some)
                for i, some in zip((-1, 0, 1, 2), classes, strict=True)
            )
        ]
        for _ in range(2):  # without its pattern, and with it
            assert list(Heads(data).at(kind, first)) == expected, kind
    _PATTERNS.clear()


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_no_name_in_lines_or_on_the_stack_is_missed(data: bytes) -> None:
    # Any position at which an opcode that names something can be read, tried one by one.
    name = rb"[A-Za-z_][\w.]{0,100}"
    line = re.compile(rb"c(%b)\r?\n(%b)\r?\n" % (name, name))
    stacked = re.compile(rb"\x8c[\x01-\xc8]%b\x94?\x8c[\x01-\xc8]%b\x94?\x93" % (name, name))
    inst = re.compile(rb"\(i%b\n%b\n" % (name, name))
    expected = {at for at in range(len(data)) if any(one.match(data, at) for one in (line, stacked, inst))}
    assert expected <= set(places(data, CompiledHeads(data), 0, Budget(), lambda _module, _name: True))


@pytest.mark.parametrize("size", [1_000, 5_000, 40_000])
def test_more_heads_than_there_is_room_for(size: int) -> None:
    data = b"x\x9c" * size + b"\x80\x04N" * size
    compiled = CompiledHeads(data)
    assert compiled.at("zlib") == list(range(0, 2 * size, 2))
    assert compiled.at("pickle") == list(range(2 * size, 5 * size, 3))


@given(DATA)
@settings(max_examples=100, deadline=None)
def test_matches_are_those_of_finditer(data: bytes) -> None:
    pattern = rb"c[\w.]*\n?"
    every = [at for at in range(len(data)) if data[at : at + 1] == b"c"]
    assert [match.span() for match in matches(pattern, data, every)] == [
        match.span() for match in re.finditer(pattern, data)
    ]


@given(
    st.lists(
        st.sampled_from([b"\x8c", b"\x01", b"a", b"B.c", b"\x94", b"\x93", b"\x8c\x8c", b"a" * 101, b"-"]),
        max_size=14,
    )
)
@settings(max_examples=400, deadline=None)
def test_names_on_the_stack_are_found_from_behind(pieces: list[bytes]) -> None:
    data = b"".join(pieces) + b"\x93"
    for at in [i for i, byte in enumerate(data) if byte == 0x93]:
        found = _stacked(data, at)
        expected = _STACKED.search(data, max(0, at + 1 - _STACKED_LONGEST), at + 1)
        assert (found and found.span()) == (expected and expected.span())
