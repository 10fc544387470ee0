"""safetensors, XGBoost and LightGBM: honest files are clean and complete, spoilt ones say what is wrong."""

from __future__ import annotations

import copy
import json
import random
import re
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelward.artifacts import RawArray, read_bytes
from modelward.artifacts.readers._notes import Notes
from modelward.artifacts.readers._xgboost import parse_json, parse_ubj


def safetensors(header: str, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header.encode() + body


def lists(value: object) -> object:
    if isinstance(value, RawArray):
        return value.to_numpy().tolist()
    if isinstance(value, dict):
        return {key: lists(item) for key, item in value.items()}
    return [lists(item) for item in value] if isinstance(value, list) else value


def test_honest_files_are_clean(honest: dict[str, bytes]) -> None:
    formats = {
        "json": "XGBoost JSON",
        "ubj": "XGBoost UBJSON",
        "txt": "LightGBM text",
        "safetensors": "safetensors",
    }
    for name, data in honest.items():
        artifact = read_bytes(data, name)
        assert (artifact.verdict, artifact.reasons) == ("clean", ()), name
        assert artifact.format == formats[name.rpartition(".")[2]]
        assert artifact.globals == ()


def test_json_is_read_as_the_standard_library_does(honest: dict[str, bytes]) -> None:
    for name, data in honest.items():
        if name.endswith(".json"):
            assert read_bytes(data).root.state == json.loads(data), name


def test_ubjson_says_what_json_says(honest: dict[str, bytes]) -> None:
    for name, data in honest.items():
        if name.endswith(".ubj"):
            said = lists(parse_ubj(data, Notes(1 << 30)).state)
            expected = json.loads(honest[name.replace(".ubj", ".json")])
            trees = [
                m["learner"]["gradient_booster"].get("model", {}).get("trees", []) for m in (said, expected)
            ]
            for ours, theirs in zip(*trees, strict=True):
                for key, value in theirs.items():
                    # JSON writes the shortest text that gives the 32-bit number back.
                    same = isinstance(value, dict) or np.array_equal(np.float32(ours[key]), np.float32(value))
                    assert same, (name, key)


def test_safetensors_values(honest: dict[str, bytes]) -> None:
    root = read_bytes(honest["plain.safetensors"]).root
    assert root["b"].to_numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert root["a"].to_numpy().tobytes() == b"\x00\x01\x02\x03"
    assert root["__metadata__"] == {"format": "pt"}


ONE = '"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}'


@pytest.mark.parametrize(
    ("header", "body", "verdict", "says"),
    [
        ("{" + ONE + "}", b"12", "clean", ""),
        ("{" + ONE + "}", b"123", "suspicious", "1 bytes at its end belong to no tensor"),
        ("{" + ONE + "," + ONE + "}", b"12", "suspicious", "twice"),
        ("{" + ONE + ',"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', b"123", "suspicious", "shares bytes"),
        ('{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}', b"123", "suspicious", "belong to none"),
        ("{" + ONE + "}", b"1", "unreadable", "outside the file"),
        ('{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,2]}}', b"12", "unreadable", "needs 3 bytes and has 2"),
        ('{"a":{"dtype":"Q8","shape":[2],"data_offsets":[0,2]}}', b"12", "unreadable", "unknown dtype"),
        ('{"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}}', b"12", "unreadable", "shape"),
        ('{"a":{"dtype":"U8","shape":[99999999999,9999999],"data_offsets":[0,2]}}', b"12", "unreadable", "larger"),
        ('{"a":{"dtype":"U8","shape":[true],"data_offsets":[0,1]}}', b"1", "unreadable", "shape"),
        ('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1}}', b"12", "unreadable", "exactly"),
        ('{"__metadata__":{"a":[1]}}', b"", "suspicious", "not texts"),
        ("{" * 300 + "}" * 300, b"", "unreadable", "nested more"),
        ('{"a":' + "[" * 300 + "]" * 300 + "}", b"", "unreadable", "nested more than 200"),
        ('{"a":' + "9" * 5000 + "}", b"", "unreadable", "too many digits"),
    ],
)  # fmt: skip
def test_spoilt_safetensors(header: str, body: bytes, verdict: str, says: str) -> None:
    artifact = read_bytes(safetensors(header, body))
    assert artifact.format == "safetensors"
    assert artifact.verdict == verdict
    assert says in "; ".join(artifact.reasons)


def spoil(model: dict, path: str, value: object) -> bytes:
    model = copy.deepcopy(model)
    *way, last = path.split("/")
    holder: object = model["learner"]
    for key in way:
        holder = holder[int(key)] if isinstance(holder, list) else holder[key]
    holder[int(last) if isinstance(holder, list) else last] = value
    return json.dumps(model).encode()


TREE = "gradient_booster/model/trees/0/"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (TREE + "left_children/0", 999, "outside the tree"),
        (TREE + "left_children/0", 0, "reached twice"),
        (TREE + "left_children/0", -1, "one child"),
        (TREE + "split_indices/0", 4, "splits on feature 4"),
        (TREE + "split_conditions/0", float("nan"), "not finite"),
        (TREE + "split_conditions", [1.0], "split_conditions has 1 entries"),
        (TREE + "default_left", [], "default_left has 0 entries"),
        (TREE + "tree_param/num_nodes", "99999", "num_nodes says 99,999"),
        (TREE + "categories_sizes/0", 9999, "beyond their list"),
        (TREE + "categories_nodes/0", 9999, "a node that it does not have"),
        ("gradient_booster/model/tree_info/0", 5, "a class that the model does not have"),
        ("gradient_booster/model/gbtree_model_param/num_trees", "7", "num_trees says 7"),
        ("gradient_booster/model/iteration_indptr/1", 9, "goes backwards"),
        ("learner_model_param/num_feature", "1", "where the model has 1"),
        ("learner_model_param/num_feature", "-1", "is no count"),
        ("learner_model_param/base_score", "[NaN]", "base_score is not finite"),
        ("gradient_booster/name", "gbfoo", "none that is known"),
        (TREE + "left_children/0", "x", "something other than numbers"),
    ],
)
def test_spoilt_xgboost(honest: dict[str, bytes], path: str, value: object, says: str) -> None:
    artifact = read_bytes(spoil(json.loads(honest["xgboost sets.json"]), path, value))
    assert artifact.verdict in ("suspicious", "unreadable")
    assert says in "; ".join(artifact.reasons)


def test_old_binary_is_named() -> None:
    old = (
        bytes(136)
        + struct.pack("<Q", 15)
        + b"binary:logistic"
        + struct.pack("<Q", 6)
        + b"gbtree\x00\x00"
        + bytes(99)
    )
    artifact = read_bytes(old)
    assert (artifact.format, artifact.verdict) == ("XGBoost binary", "unreadable")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("right_child=", "right_child=77#", "outside the tree"),
        ("right_child=", "right_child=0#", "reached twice"),
        ("num_leaves=6", "num_leaves=7", "need 6"),
        ("num_leaves=6", "num_leaves=0", "has no leaves"),
        ("leaf_value=", "leaf_value=nan ", "does not fit"),
        ("max_feature_idx=3", "max_feature_idx=0", "where the model has 1"),
        ("tree_sizes=", "tree_sizes=1", "tree_sizes does not fit"),
        ("Tree=0", "Tree=1", "numbered 1"),
        ("end of trees", "end of tress", "ends before its trees do"),
        ("cat_boundaries=0", "cat_boundaries=1", "do not fit num_cat"),
        ("split_feature=", "split_feature=x ", "other than numbers"),
        ("end of parameters", "end of parameters\nhello", "does not belong"),
        ("num_class=1", "num_class=-1", "num_class"),
    ],
)
def test_spoilt_lightgbm(honest: dict[str, bytes], old: str, new: str, says: str) -> None:
    data = honest["lightgbm sets.txt"]
    assert old.encode() in data
    data = data.replace(old.encode(), new.encode(), 1)
    artifact = read_bytes(re.sub(rb"#-?\d+", b"", data, count=1))
    assert artifact.verdict in ("suspicious", "unreadable")
    assert says in "; ".join(artifact.reasons)


SMALL = ("xgboost onehot.ubj", "xgboost onehot.json", "lightgbm stump.txt", "plain.safetensors")


@pytest.mark.parametrize("name", SMALL)
def test_no_beginning_of_a_file_is_clean(honest: dict[str, bytes], name: str) -> None:
    data = honest[name]
    stop = data.rstrip(b"}\n").rfind(b"end of parameters") if name.endswith("txt") else len(data)
    for end in range(0, stop, max(1, stop // 400)):
        assert read_bytes(data[:end]).verdict != "clean" or (
            name.endswith("txt") and end > data.find(b"end of trees")
        )


@pytest.mark.parametrize("name", SMALL)
def test_flipped_bytes_give_a_verdict(honest: dict[str, bytes], name: str) -> None:
    draw = random.Random(0)
    for _ in range(250):
        data = bytearray(honest[name])
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        artifact = read_bytes(bytes(data))
        assert "makes no sense" not in "; ".join(artifact.reasons), artifact.reasons


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=80))
def test_ubjson_of_anything(data: bytes) -> None:
    head = b"{L" + struct.pack(">q", 7) + b"learner{L" + struct.pack(">q", 16) + b"gradient_booster"
    assert read_bytes(head + data).verdict == "unreadable"


def test_large_claims_cost_nothing() -> None:
    head = b"{L" + struct.pack(">q", 7) + b"learner{L" + struct.pack(">q", 16) + b"gradient_booster"
    for body in (
        b"[$d#L" + struct.pack(">q", 1 << 60),
        b"[#L" + struct.pack(">q", 1 << 60),
        b"S" + b"L" + b"\x7f" * 8,
    ):
        assert read_bytes(head + body).verdict == "unreadable"
    assert read_bytes(b'{"learner":{"gradient_booster":' + b"[" * 100_000).verdict == "unreadable"
    many = b'{"learner":{"gradient_booster":[' + b"{}," * 500_000 + b"{}]}}"
    assert "memory" in read_bytes(many, max_memory=1 << 20).reasons[0]


def test_parsers_share_one_model(honest: dict[str, bytes]) -> None:
    assert parse_json(honest["xgboost sets.json"], Notes(1 << 30)).type_name == "xgboost.core.Booster"


def test_scan_does_not_speak_of_names_where_there_are_none(honest: dict[str, bytes]) -> None:
    from modelward.cli._scan_output import advice, findings

    odd = read_bytes(honest["plain.safetensors"] + b"hidden")
    assert "find out who made it" in advice(odd)
    assert [finding.title for finding in findings(odd)] == ["Content that no honest file has"]
    named = read_bytes(b"cnowhere\nthing\n.")
    assert "Read the code behind these names" in advice(named)


def test_a_text_without_an_end_is_looked_at_once() -> None:
    # With a search that begins again at each quote, this takes hours.
    body = b'"' + b'\\"' * 1_000_000 + b"[" * 300
    assert read_bytes(b'{"learner":{"gradient_booster":' + body).verdict == "unreadable"
