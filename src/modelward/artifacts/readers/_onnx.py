"""ONNX models: the graph with its operators and tensors, and what of it lies outside the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import printable
from modelward.artifacts.readers import _onnx_fields as known
from modelward.artifacts.readers._notes import BrokenError, finish, standing
from modelward.artifacts.readers._onnx_tensors import tensor
from modelward.artifacts.readers._protobuf import Message
from modelward.artifacts.readers._signs import is_crowded_onnx

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job
    from modelward.artifacts._inert import Inert
    from modelward.artifacts.readers._notes import Notes

_STANDARD = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training"}
)
_RUNTIME = frozenset({"com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"})
"""Domains of operators that are part of ONNX Runtime itself."""
_RUNS_CODE = frozenset({"PythonOp", "PythonOpGrad", "PyOp", "PyCustomOp", "ATen", "ATenGrad", "EPContext"})
"""Operators that run Python, any function of PyTorch, or code compiled for an accelerator."""
_NODES, _NODE = 20_000, 64
"""Nodes that any model may have, and bytes that explain one more: honest ones name what they take and give."""
_MANY_NODES = "it has more nodes than its length explains"


def read(job: Job) -> Artifact:
    """Read a job as ONNX."""
    return finish(job, "ONNX", parse)


def parse(content: bytes, notes: Notes) -> Inert:
    """Return the model as a stand-in whose state has its graph, functions, operator sets and properties."""
    if is_crowded_onnx(content):
        raise BrokenError("it gives thousands of times what a model has once")
    return _Onnx(notes).model(Message(content, [(0, len(content))], known.MODEL, notes, "the model", 0))


class _Onnx:
    """Reads the messages of one model.

    Parameters
    ----------
    notes : Notes
        Told what is wrong.
    """

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.own: set[tuple[str, str]] = set()
        self._left = _NODES

    def model(self, message: Message) -> Inert:
        """Return the model; functions first, since they are what a node may call."""
        functions = list(message.inners("functions", known.FUNCTION))
        self.own = {(function.text("domain"), function.text("name")) for function in functions}
        for domain, name in self.own:
            if domain in _STANDARD:
                self.notes.suspicious(f"defines {printable(name, 80)} anew, an operator of ONNX itself")
        self._left += len(message.data) // _NODE
        graph = message.inner("graph", known.GRAPH)
        if graph is None:
            raise BrokenError("it has no graph")
        training = list(message.inners("training_info", known.TRAINING))
        return standing(
            "onnx", "ModelProto",
            {
                "ir_version": message.number("ir_version"),
                "producer_name": message.text("producer_name"),
                "producer_version": message.text("producer_version"),
                "domain": message.text("domain"),
                "model_version": message.number("model_version"),
                "doc_string": message.text("doc_string"),
                "opset_import": self._opsets(message),
                "metadata_props": self._entries(message, "metadata_props"),
                "graph": self._graph(graph),
                "functions": [self._function(function) for function in functions],
                "training_info": [self._training(info) for info in training],
            },
        )  # fmt: skip

    def _opsets(self, message: Message) -> dict[str, int]:
        found = message.inners("opset_import", known.OPSET)
        return {opset.text("domain"): opset.number("version") for opset in found}

    def _entries(self, message: Message, name: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for entry in message.inners(name, known.ENTRY):
            key = entry.text("key")
            if key in found:
                self.notes.suspicious(f"{name} names {printable(key, 80)!r} twice")
            found[key] = entry.text("value")
        return found

    def _graph(self, message: Message) -> dict[str, Any]:
        initializers: dict[str, Any] = {}
        for i, item in enumerate(message.inners("initializer", known.TENSOR)):
            name = item.text("name")
            if name in initializers:
                self.notes.suspicious(f"initializes {printable(name, 80)!r} twice")
            initializers[name] = tensor(item, self.notes, f"initializer {i}")
        return {
            "name": message.text("name"),
            "doc_string": message.text("doc_string"),
            "nodes": self._nodes(message),
            "initializers": initializers,
            "sparse_initializers": [
                self._sparse(item) for item in message.inners("sparse_initializer", known.SPARSE)
            ],
            "inputs": [item.text("name") for item in message.inners("input", known.VALUE)],
            "outputs": [item.text("name") for item in message.inners("output", known.VALUE)],
            "metadata_props": self._entries(message, "metadata_props"),
        }

    def _sparse(self, message: Message) -> dict[str, Any]:
        parts = {key: message.inner(key, known.TENSOR) for key in ("values", "indices")}
        found: dict[str, Any] = {
            key: tensor(part, self.notes, key) for key, part in parts.items() if part is not None
        }
        return found | {"dims": message.numbers("dims")}

    def _nodes(self, message: Message) -> list[dict[str, Any]]:
        if len(message.spans("node")) > self._left:
            raise BrokenError(_MANY_NODES)
        return [self._node(node) for node in message.inners("node", known.NODE)]

    def _node(self, message: Message) -> dict[str, Any]:
        self._left -= 1
        if self._left < 0:
            raise BrokenError(_MANY_NODES)
        operator, domain = message.text("op_type"), message.text("domain")
        self._judge(operator, domain)
        attributes: dict[str, Any] = {}
        for attribute in message.inners("attribute", known.ATTRIBUTE):
            name = attribute.text("name")
            if name in attributes:
                self.notes.suspicious(
                    f"{printable(operator, 80)} has the attribute {printable(name, 80)!r} twice"
                )
            attributes[name] = self._value(attribute, name)
        return {
            "op_type": operator,
            "domain": domain,
            "name": message.text("name"),
            "input": message.texts("input"),
            "output": message.texts("output"),
            "attributes": attributes,
        }

    def _judge(self, operator: str, domain: str) -> None:
        """Note an operator whose code is neither ONNX's nor in the file."""
        if domain in _STANDARD:
            return
        shown = printable(f"{domain}.{operator}" if domain else operator, 120)
        if operator in _RUNS_CODE:
            self.notes.suspicious(f"uses the operator {shown}, which runs code that ONNX does not define")
        elif domain not in _RUNTIME and (domain, operator) not in self.own:
            self.notes.suspicious(
                f"uses the operator {shown}, which is none of ONNX: its code is outside the file"
            )

    def _value(self, message: Message, name: str) -> Any:
        """Return an attribute's value, whatever field holds it."""
        found: list[Any] = [tensor(item, self.notes, name) for item in message.inners("t", known.TENSOR)]
        found += [self._graph(item) for item in message.inners("g", known.GRAPH)]
        found += [self._sparse(item) for item in message.inners("sparse_tensor", known.SPARSE)]
        for key, table, reader in (
            ("tensors", known.TENSOR, lambda item: tensor(item, self.notes, name)),
            ("graphs", known.GRAPH, self._graph),
            ("sparse_tensors", known.SPARSE, self._sparse),
        ):
            if key in message.found:
                found.append([reader(item) for item in message.inners(key, table)])
        if "i" in message.found:
            found.append(message.number("i"))
        if "ints" in message.found:
            found.append(message.numbers("ints"))
        for key in ("f", "floats"):
            if key in message.found:
                values = self._floats(message, key)
                found.append(values if key == "floats" else values[-1])
        if "s" in message.found:
            found.append(_shown(message.raw("s")))
        if "strings" in message.found:
            self.notes.spend(60 * len(message.found["strings"]))
            found.append([_shown(message.data[start:end]) for start, end in message.spans("strings")])
        if "ref_attr_name" in message.found:
            found.append({"ref_attr_name": message.text("ref_attr_name")})
        if len(found) > 1:
            self.notes.suspicious(f"the attribute {printable(name, 80)!r} has several values")
        return found[0] if len(found) == 1 else (found or None)

    def _floats(self, message: Message, key: str) -> list[float]:
        import struct

        data, start, end = message.packed(key, 4)
        self.notes.spend(8 * (end - start))
        return list(struct.unpack(f"<{(end - start) // 4}f", data[start:end]))

    def _function(self, message: Message) -> dict[str, Any]:
        return {
            "name": message.text("name"),
            "domain": message.text("domain"),
            "input": message.texts("input"),
            "output": message.texts("output"),
            "nodes": self._nodes(message),
            "attributes": {
                item.text("name"): self._value(item, item.text("name"))
                for item in message.inners("attribute_proto", known.ATTRIBUTE)
            },
        }

    def _training(self, message: Message) -> dict[str, Any]:
        parts = {key: message.inner(key, known.GRAPH) for key in ("initialization", "algorithm")}
        return {key: self._graph(part) for key, part in parts.items() if part is not None}


def _shown(raw: bytes) -> Any:
    """Return bytes as text where they are text."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
