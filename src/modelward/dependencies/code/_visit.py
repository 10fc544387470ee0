"""Rules applied to one file's syntax tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from modelward.dependencies.code._hazard import Hazard
from modelward.dependencies.code._names import Names
from modelward.dependencies.code._rules import (
    RULES,
    WEIGHTS,
    Rule,
    arrives,
    brings_nothing,
    fetches,
    rules_for,
    unpickles,
)

_SAFE = {"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"}
_POSITIONS = {("numpy.load", 2): "allow_pickle", ("yaml.load", 1): "Loader", ("yaml.load_all", 1): "Loader",
              ("pooch.retrieve", 1): "known_hash"}  # fmt: skip


@dataclass(frozen=True)
class _Call:
    """A call with the names of its function and its keywords; a partial counts as the call that it prepares."""

    node: ast.Call
    names: set[str]
    words: dict[str, ast.expr]
    args: list[ast.expr]
    spread: bool


def hazards_of(tree: ast.AST, path: str) -> list[Hazard]:
    """Return what the rules find in a file, in the order of lines."""
    nodes = list(ast.walk(tree))
    names = Names(tree, nodes)
    found: list[Hazard] = []
    dirty = _dirty(nodes, names) if _brought(nodes, names) else set()
    for node in nodes:
        if isinstance(node, ast.Call):
            call = _call(node, names)
            found += _calls(call, names, dirty, path)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _plain_model(node.value):
            found.append(
                Hazard("model-over-http", path, node.lineno,
                       "a model is named by an address that is not encrypted: anybody on the way can replace it",
                       "Use https, and compare a hash", "high")
            )  # fmt: skip
    return sorted(set(found), key=lambda h: (h.line, h.rule))


def _call(node: ast.Call, names: Names) -> _Call:
    own, args = names.of(node.func), list(node.args)
    if own & {"functools.partial", "functools.partialmethod"} and args:
        own, args = names.of(args[0]), args[1:]
    words = {w.arg: w.value for w in node.keywords if w.arg}
    spread = len(words) < len(node.keywords) or any(isinstance(a, ast.Starred) for a in args)
    for (function, position), word in _POSITIONS.items():
        if function in own and len(args) > position:
            words.setdefault(word, args[position])
    return _Call(node, own, words, args, spread)


def _calls(call: _Call, names: Names, dirty: set[str], path: str) -> list[Hazard]:
    line = call.node.lineno
    found = []
    seen: set[str] = set()
    for i in sorted({i for name in call.names for i in rules_for(name)}):
        rule = RULES[i]
        if rule.name not in seen and _applies(rule, call, names):
            seen.add(rule.name)
            found.append(Hazard(rule.name, path, line, rule.text, rule.remedy, rule.level, also=rule.also))
    if any(map(unpickles, call.names)) and any(_arrived(arg, names, dirty) for arg in call.args):
        found.append(
            Hazard("pickle-from-network", path, line,
                   "what arrives over the network is unpickled: whoever sends it has code run here",
                   "Send JSON, Arrow or safetensors, and check a signature before anything is loaded", "high")
        )  # fmt: skip
    if any(map(fetches, call.names)) and any(
        _model_address(arg) for arg in (*call.args, *call.words.values())
    ):
        found.append(
            Hazard("fetched-without-hash", path, line, "a model is fetched and its hash is not checked",
                   "Compare a hash that you keep (pooch.retrieve with known_hash), or verify a signature")
        )  # fmt: skip
    return [replace(hazard, end=call.node.end_lineno or line) for hazard in found]


def _applies(rule: Rule, call: _Call, names: Names) -> bool:
    if any(_is(call.words.get(word), value, names) for word, value in rule.good):
        return False
    if not rule.bad:
        # Keywords that a dictionary brings are not known: the call may be the safe one, and nobody says so.
        return True
    return any(_is(call.words.get(word), value, names) for word, value in rule.bad)


def _is(node: ast.expr | None, value: object, names: Names) -> bool:
    if node is None:
        return False
    if value == "safe":
        return any(name.rpartition(".")[2] in _SAFE for name in names.of(node))
    constant = node.value if isinstance(node, ast.Constant) else node
    if value is ...:
        return constant is not None
    return constant is value or (isinstance(value, str) and constant == value)


def _brought(nodes: list[ast.AST], names: Names) -> bool:
    """Say whether anything of a file comes over a network: in most nothing does, and nothing is to be followed."""
    return any(
        any(map(arrives, names.of(n.func if isinstance(n, ast.Call) else n)))
        for n in nodes
        if isinstance(n, ast.Call | ast.Attribute)
    )


def _dirty(nodes: list[ast.AST], names: Names) -> set[str]:
    """Return the names that hold what arrived over a network, by assignments followed to their end."""
    pairs: list[tuple[set[str], ast.expr]] = []
    for node in nodes:
        if isinstance(node, ast.Assign):
            pairs.append(
                ({n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}, node.value)
            )
        elif isinstance(node, ast.AugAssign | ast.NamedExpr) and isinstance(node.target, ast.Name):
            pairs.append(({node.target.id}, node.value))
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            pairs.append(({node.optional_vars.id}, node.context_expr))
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            pairs.append(({node.target.id}, node.iter))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            # parts.append(connection.recv(4096)) and buffer.write(...)
            owner = node.func.value
            if node.func.attr in ("append", "extend", "write") and isinstance(owner, ast.Name):
                pairs.append(({owner.id}, node.args[0]))
    dirty: set[str] = set()
    while True:
        new = {n for targets, value in pairs if _arrived(value, names, dirty) for n in targets} - dirty
        if not new:
            return dirty
        dirty |= new


def _arrived(node: ast.expr, names: Names, dirty: set[str]) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id in dirty:
            return True
        if isinstance(part, ast.Call | ast.Attribute):
            own = names.of(part.func if isinstance(part, ast.Call) else part)
            if any(map(arrives, own)) and not any(map(brings_nothing, own)):
                return True
    return False


def _plain_model(text: str) -> bool:
    return text.lower().startswith("http://") and _model_name(text) and not _local(text)


def _model_address(node: ast.expr) -> bool:
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and _model_name(part.value)
        for part in ast.walk(node)
    )


def _model_name(text: str) -> bool:
    if len(text) > 2_000 or any(c.isspace() for c in text):
        return False
    return text.lower().partition("?")[0].partition("#")[0].endswith(WEIGHTS)


def _local(text: str) -> bool:
    try:
        return urlsplit(text).hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
