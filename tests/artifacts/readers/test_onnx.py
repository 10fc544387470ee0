"""ONNX: what its own library reads is read, and what leads out of the file is named."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from modelward.artifacts import RawArray, class_name, library_versions, read_bytes, training_rows

FILES = Path(__file__).parent / "files"
FOREST = (FILES / "forest.onnx").read_bytes()
LINEAR = (FILES / "linear.onnx").read_bytes()


def test_committed_files() -> None:
    for data in (FOREST, LINEAR):
        artifact = read_bytes(data)
        assert (artifact.format, artifact.verdict, artifact.reasons) == ("ONNX", "clean", ())
        assert class_name(artifact) == "onnx.ModelProto"
        assert library_versions(artifact)["skl2onnx"].count(".") >= 1
        assert training_rows(artifact) == ()
    graph = read_bytes(FOREST).root.state["graph"]
    trees = next(node for node in graph["nodes"] if node["op_type"] == "TreeEnsembleClassifier")["attributes"]
    assert len(trees["nodes_featureids"]) == len(trees["nodes_values"]) == len(trees["nodes_modes"])
    assert set(trees["nodes_modes"]) == {"BRANCH_LEQ", "LEAF"}


@pytest.mark.parametrize("data", [FOREST, LINEAR], ids=["forest", "linear"])
def test_no_beginning_is_clean(data: bytes) -> None:
    # Protobuf has no end mark: what is cut between two fields after the graph is a shorter honest file.
    whole = data.rfind(b"ai.onnx")
    for end in range(1, whole, 3):
        assert read_bytes(data[:end]).verdict != "clean" or end > data.rfind(b"output")


def test_flipped_bytes_give_a_verdict() -> None:
    draw = random.Random(0)
    for _ in range(500):
        data = bytearray(LINEAR)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        assert "makes no sense" not in "; ".join(read_bytes(bytes(data)).reasons)


def field(number: int, payload: bytes) -> bytes:
    assert number < 16
    assert len(payload) < 128
    return bytes([number << 3 | 2, len(payload)]) + payload


def test_nesting_and_claims_are_bounded() -> None:
    node = b""
    for _ in range(11):
        node = (
            field(1, field(4, b"If") + field(5, field(1, b"g") + field(6, node))) if len(node) < 90 else node
        )
    assert read_bytes(b"\x08\x08" + field(7, node) + b"\x1a\x00").format == "ONNX"
    deep = b""
    for _ in range(80):
        for tag in (0x32, 0x2A, 0x0A):  # attribute's graph, node's attribute, graph's node
            size = len(deep)
            length = (
                bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
                if size > 127
                else bytes([size])
            )
            deep = bytes([tag]) + length + deep
    size = len(deep)
    deep = (
        b"\x08\x08\x12\x04onnx\x3a" + bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + deep
    )
    assert "nested more than" in "; ".join(read_bytes(deep).reasons)
    many = field(1, b"") * 60
    many = b"\x08\x08\x12\x04onnx" + (b"\x3a" + bytes([len(many)]) + many) * 2000
    assert "memory" in "; ".join(read_bytes(many, max_memory=1 << 20).reasons)
    assert (
        read_bytes(b"\x08\x08\x12\x04onnx\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").verdict
        == "unreadable"
    )


class TestMade:
    """Files made with the library itself."""

    onnx = pytest.importorskip("onnx")

    def model(self, nodes: list[object], initializers: list[object] = (), **more: object) -> object:
        helper = self.onnx.helper
        kind = helper.make_tensor_value_info("x", 1, [1])
        graph = helper.make_graph(
            nodes, "g", [kind], [helper.make_tensor_value_info("y", 1, [1])], initializers
        )
        return helper.make_model(graph, **more)

    def read(self, model: object) -> object:
        return read_bytes(model.SerializeToString())

    def test_tensors_of_every_type(self) -> None:
        helper, types = self.onnx.helper, self.onnx.TensorProto
        values = {
            types.FLOAT: [1.5, -2], types.DOUBLE: [1.5, -2], types.INT64: [-3, 1 << 40], types.INT32: [-3, 4], types.UINT8: [3, 255],
            types.INT8: [-3, 4], types.UINT16: [3, 65535], types.INT16: [-3, 4], types.UINT32: [3, 1 << 31], types.UINT64: [3, 1 << 63],
            types.BOOL: [True, False], types.FLOAT16: [1.5, -2],
        }  # fmt: skip
        from onnx import numpy_helper

        tensors = [helper.make_tensor(f"typed{kind}", kind, [2], value) for kind, value in values.items()]
        tensors += [
            numpy_helper.from_array(numpy_helper.to_array(item), f"raw{item.name}") for item in tensors
        ]
        artifact = self.read(self.model([helper.make_node("Identity", ["x"], ["y"])], tensors))
        assert artifact.verdict == "clean", artifact.reasons
        found = artifact.root.state["graph"]["initializers"]
        assert len(found) == 2 * len(values)
        for item in tensors:
            expected = numpy_helper.to_array(item)
            array = found[item.name]
            assert isinstance(array, RawArray)
            assert array.to_numpy().dtype == expected.dtype
            assert np.array_equal(array.to_numpy(), expected), item.name

    @pytest.mark.parametrize(
        ("location", "verdict"),
        [
            ("weights.bin", "unreadable"), ("sub/weights.bin", "unreadable"), ("/etc/passwd", "malicious"),
            ("../weights.bin", "malicious"), ("a/../../b", "malicious"), ("C:\\x", "malicious"), ("..\\x", "malicious"),
            ("http://host/x", "malicious"), ("", "unreadable"), ("~/x", "malicious"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "place", ["initializer", "attribute", "subgraph", "function", "sparse", "training"]
    )
    def test_external_data(self, location: str, verdict: str, place: str) -> None:
        helper = self.onnx.helper
        tensor = helper.make_tensor("w", 1, [0], [])
        tensor.data_location = 1
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location
        constant = helper.make_node("Constant", [], ["y"], value=tensor)
        inner = helper.make_graph([], "i", [], [], [tensor])
        plain = [helper.make_node("Identity", ["x"], ["y"])]
        if place == "initializer":
            model = self.model(plain, [tensor])
        elif place == "attribute":
            model = self.model([constant])
        elif place == "subgraph":
            model = self.model([helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)])
        elif place == "function":
            opsets = [helper.make_opsetid("", 18)]
            model = self.model(
                plain, functions=[helper.make_function("mine", "F", [], ["y"], [constant], opsets)]
            )
        elif place == "sparse":
            model = self.model(plain)
            sparse = model.graph.sparse_initializer.add()
            sparse.values.CopyFrom(tensor)
        else:
            model = self.model(plain)
            model.training_info.add().algorithm.CopyFrom(inner)
        artifact = self.read(model)
        assert artifact.verdict == verdict
        assert "file" in artifact.reasons[0] or "leads away" in artifact.reasons[0]

    @pytest.mark.parametrize(
        ("operator", "domain", "verdict"),
        [
            ("Identity", "", "clean"), ("Scaler", "ai.onnx.ml", "clean"), ("FusedGemm", "com.microsoft", "clean"),
            ("PythonOp", "com.microsoft", "suspicious"), ("EPContext", "com.microsoft", "suspicious"),
            ("PyOp", "ai.onnx.contrib", "suspicious"), ("Anything", "com.example", "suspicious"), ("F", "mine", "clean"),
        ],
    )  # fmt: skip
    def test_operators(self, operator: str, domain: str, verdict: str) -> None:
        helper = self.onnx.helper
        function = helper.make_function(
            "mine",
            "F",
            ["x"],
            ["y"],
            [helper.make_node("Identity", ["x"], ["y"])],
            [helper.make_opsetid("", 18)],
        )
        node = helper.make_node(operator, ["x"], ["y"], domain=domain)
        assert self.read(self.model([node], functions=[function])).verdict == verdict
        inner = helper.make_graph([node], "i", [], [])
        loop = helper.make_node("Loop", ["x"], ["y"], body=inner)
        assert self.read(self.model([loop], functions=[function])).verdict == verdict

    def test_what_does_not_fit(self) -> None:
        helper = self.onnx.helper
        nodes = [helper.make_node("Identity", ["x"], ["y"])]
        tensor = helper.make_tensor("w", 1, [2], b"\0" * 8, raw=True)
        tensor.dims[0] = 3
        assert "needs 12 bytes and has 8" in self.read(self.model(nodes, [tensor])).reasons[0]
        tensor.dims[0] = 2
        tensor.float_data.extend([1.0, 2.0])
        assert "readers differ" in self.read(self.model(nodes, [tensor])).reasons[0]
        model = self.model(nodes).SerializeToString()
        assert "field 15" in read_bytes(model + field(15, b"hidden")).reasons[0]
        assert "in 2 parts" in read_bytes(model + field(7, b"")).reasons[0]
