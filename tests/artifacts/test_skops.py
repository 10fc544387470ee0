"""skops files: every name that its schema reaches is judged, and the graph is that of the object."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelward.artifacts import as_array, class_name, read_artifact, read_bytes
from modelward.artifacts._graph import numbers, walk_graph

HERE = Path(__file__).parent / "data" / "skops"


def test_a_pipeline() -> None:
    artifact = read_artifact(HERE / "pipeline.skops")
    assert (artifact.format, artifact.verdict, artifact.reasons) == ("skops", "clean", ())
    assert class_name(artifact) == "sklearn.pipeline.Pipeline"
    found = {node.value.type_name.rpartition(".")[2]: node.value for node in walk_graph(artifact.root)}
    assert found["RandomForestClassifier"].attributes["n_estimators"] == 2
    nodes = numbers(found["Tree"].attributes["nodes"])
    assert {"left_child", "threshold"} <= set(nodes.dtype.names)
    assert found["Tree"].args[0] == 4


def test_values() -> None:
    root = read_artifact(HERE / "values.skops").root
    assert root["objects"] == ["a", None]
    assert root["bytes"] == b"abc"
    assert root["scalar"] == 2.5
    assert root[7] == (1, [2.0, "x"], {"k": None})
    np.testing.assert_array_equal(as_array(root["numbers"]).to_numpy(), [0, 1, 2])
    assert root["matrix"].attributes["_shape"] == (3, 3)


def test_evil() -> None:
    artifact = read_artifact(HERE / "evil.skops")
    assert artifact.verdict == "malicious"
    assert "system" in artifact.reasons[0]


def packed(schema: Any, **files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
        archive.writestr("schema.json", schema if isinstance(schema, str) else json.dumps(schema))
    return buffer.getvalue()


def node(module: str, name: str, loader: str, **more: object) -> dict[str, object]:
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": id(name), **more}


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


OBJECTS = io.BytesIO()
np.save(OBJECTS, np.array([Evil()], dtype=object))
ONE = node("builtins", "str", "JsonNode", content='"x"')
TRICKS = {
    "function": (node("os", "system", "FunctionNode"), {}, "malicious"),
    "function of protocol 0": (
        node("builtins", "str", "FunctionNode", content={"module_path": "os", "function": "system"}), {}, "malicious",
    ),
    "type": (node("subprocess", "Popen", "TypeNode"), {}, "malicious"),
    "constructor": (node("subprocess", "Popen", "ConstructorFromReduceNode", content=ONE), {}, "malicious"),
    "list of another class": (node("builtins", "eval", "ListNode", content=[ONE]), {}, "malicious"),
    "operator": (node("operator", "methodcaller", "OperatorFuncNode", attrs=ONE), {}, "malicious"),
    "partial": (
        node("functools", "partial", "PartialNode", content={
            "func": node("builtins", "exec", "TypeNode"), "args": ONE, "kwds": ONE, "namespace": ONE,
        }), {}, "malicious",
    ),
    "method": (
        node("sklearn.pipeline", "Pipeline", "MethodNode", content={
            "func": "__reduce_ex__", "obj": node("sklearn.pipeline", "Pipeline", "ObjectNode"),
        }), {}, "malicious",
    ),
    "generator": (
        node("numpy.random._generator", "Generator", "RandomGeneratorNode", content={
            "bit_generator_state": node("builtins", "dict", "DictNode", content={
                "bit_generator": node("builtins", "str", "JsonNode", content='"bytes"'),
            }),
        }), {}, "suspicious",
    ),
    "unknown class": (node("bank", "Model", "ObjectNode"), {}, "suspicious"),
    "unknown loader": (node("builtins", "list", "StrangeNode"), {}, "suspicious"),
    "array of objects": (node("numpy", "ndarray", "NdArrayNode", type="numpy", file="a.npy"), {"a_npy": OBJECTS.getvalue()}, "malicious"),
    "pickle in bytes": (node("builtins", "bytes", "BytesNode", file="a.bin"), {"a_bin": pickle.dumps(Evil())}, "malicious"),
    "pickle beside": (node("builtins", "list", "ListNode", content=[]), {"a_bin": pickle.dumps(Evil())}, "malicious"),
    "missing file": (node("numpy", "ndarray", "NdArrayNode", type="numpy", file="../a.npy"), {}, "unreadable"),
    "no class": ({"__loader__": "ObjectNode", "__module__": "os"}, {}, "unreadable"),
    "no JSON": ("{", {}, "unreadable"),
    "nested without end": ('{"__loader__":"ListNode","__class__":"list","__module__":"builtins","content":' + "[" * 400 + "]" * 400 + "}", {}, "unreadable"),
    "nested beyond JSON": ("[" * 200_000, {}, "unreadable"),
    "honest": (node("builtins", "list", "ListNode", content=[ONE]), {}, "clean"),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "files", "verdict"), TRICKS.values(), ids=TRICKS)
def test_tricks(schema: Any, files: dict[str, bytes], verdict: str) -> None:
    assert read_bytes(packed(schema, **files)).verdict == verdict


def test_with_the_real_library() -> None:
    skops = pytest.importorskip("skops.io")
    from sklearn.datasets import make_classification
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    X, y = make_classification(60, 4, random_state=0)
    for model in (
        LogisticRegression(),
        GradientBoostingClassifier(n_estimators=2),
        HistGradientBoostingClassifier(max_iter=2),
        KNeighborsClassifier(),
        SVC(),
    ):
        artifact = read_bytes(skops.dumps(model.fit(X, y)))
        assert (artifact.verdict, artifact.reasons) == ("clean", ())
        kind = type(model)
        assert class_name(artifact) == f"{kind.__module__}.{kind.__name__}"


def test_a_state_that_scipy_would_execute_is_not_clean():
    def plain(value):
        return {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": json.dumps(value),
        }

    def schema(attribute):
        state = {
            "__class__": "dict", "__module__": "builtins", "__loader__": "DictNode",
            "content": {attribute: plain("import os")}, "key_types": [],
        }  # fmt: skip
        return {
            "__class__": "norm_gen", "__module__": "scipy.stats._continuous_distns", "__loader__": "ObjectNode",
            "content": state, "__id__": 1, "protocol": 2, "_skops_version": "0.11.0",
        }  # fmt: skip

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema("_parse_arg_template")))
    artifact = read_bytes(buffer.getvalue())
    assert artifact.verdict != "clean"
    assert any("gives code as text" in reason for reason in artifact.reasons)
