"""bandit's walk over a syntax tree without the steps that change nothing of what it finds.

bandit makes a context for every node, copies it for every rule, and asks its rules about names and operators, for which
it has none. Here only those nodes are visited that some rule asks for, or on which bandit keeps what it knows (imports,
names of functions). Rules, contexts and messages are bandit's own; a test holds both walks equal. An unknown release of
bandit walks in its own way.
"""

# ruff: noqa: SLF001 - these are the places where bandit keeps what it walks by
from __future__ import annotations

import ast
from functools import cache
from typing import Any

from modelward.dependencies._extra import need

_KNOWN = ("1.8.", "1.9.")
_KEEPS = (ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)
_SHARED = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
"""One object stands for all of a kind, so nothing can be written on it that would stay true."""


def make_manager(config: Any, profile: dict[str, set[str]]) -> Any:
    """Return bandit's manager, with the quick walk if this release of bandit is known."""
    manager = need("bandit.core.manager", "bandit").BanditManager
    if str(need("bandit", "bandit").__version__).startswith(_KNOWN):
        manager = type("QuickManager", (_Manager, manager), {})
    return manager(config, "file", profile=profile, quiet=True)


class _Tester:
    """Placed before bandit's own, which is asked only where there is something to tell."""

    nosec_lines: dict[int, Any]
    testset: Any

    def run_tests(self, raw_context: dict[str, Any], checktype: str) -> Any:
        """Ask the rules with one context; once one of them answers, let bandit do it all in its own way."""
        inherited: Any = super()
        if self.nosec_lines or self._answers(raw_context, self.testset.get_tests(checktype)):
            return inherited.run_tests(raw_context, checktype)
        return None

    @staticmethod
    def _answers(raw_context: dict[str, Any], rules: list[Any]) -> bool:
        if not rules:
            return False
        context = need("bandit.core.context", "bandit").Context(dict(raw_context))
        try:
            for rule in rules:
                settings = getattr(rule, "_config", None)
                if (rule(context) if settings is None else rule(context, settings)) is not None:
                    return True
        except Exception:  # noqa: BLE001 - a rule that crashes is told by bandit
            return True
        return False


class _Walk:
    """Placed before bandit's visitor: the same walk over fewer nodes."""

    pre_visit: Any
    visit: Any
    post_visit: Any
    wanted: frozenset[type] = frozenset()
    texts: tuple[type, ...] = ()

    def begin(self, tests: Any) -> None:
        """Say which nodes bandit's rules ask for."""
        kinds = {kind for kind in tests.tests if tests.get_tests(kind)}
        self.texts = tuple(kind for kind, name in ((str, "Str"), (bytes, "Bytes")) if name in kinds)
        nodes = (getattr(ast, name, None) for name in kinds - {"Str", "Bytes"})
        self.wanted = frozenset({*(kind for kind in nodes if isinstance(kind, type)), *_KEEPS})

    def generic_visit(self, node: ast.AST) -> None:
        """Walk below a node: one frame a level, as bandit has it, since long sums of texts are deep."""
        for field in node._fields:
            value = getattr(node, field, None)
            items: Any = value if isinstance(value, list) else (value,)
            for i, found in enumerate(items, 1):
                if not isinstance(found, ast.AST) or isinstance(found, _SHARED):
                    continue
                found.__dict__["_bandit_parent"] = node
                found.__dict__["_bandit_sibling"] = items[i] if i < len(items) else None
                text = isinstance(found, ast.Constant) and isinstance(found.value, self.texts)
                if not text and found.__class__ not in self.wanted:
                    self.generic_visit(found)
                    continue
                self.pre_visit(found)
                self.visit(found)
                self.generic_visit(found)
                self.post_visit(found)

    def update_scores(self, scores: Any) -> None:
        """Add up nothing: nobody asks for bandit's scores here."""


@cache
def _classes() -> tuple[Any, Any]:
    visitor = need("bandit.core.node_visitor", "bandit").BanditNodeVisitor
    tester = need("bandit.core.tester", "bandit").BanditTester
    return type("QuickVisitor", (_Walk, visitor), {}), type("QuickTester", (_Tester, tester), {})


class _Manager:
    """Placed before bandit's manager: gives each file the quick walk."""

    ignore_nosec: bool
    debug: Any
    b_ma: Any
    b_ts: Any
    metrics: Any
    results: list[Any]

    def _parse_file(self, fname: str, fdata: Any, new_files_list: list[str]) -> None:
        # Tokens are read for comments that silence a rule alone.
        self.ignore_nosec = b"nosec" not in fdata.read()
        fdata.seek(0)
        inherited: Any = super()
        inherited._parse_file(fname, fdata, new_files_list)

    def _execute_ast_visitor(self, fname: str, fdata: Any, data: bytes, nosec_lines: Any) -> Any:
        make_visitor, make_tester = _classes()
        visitor = make_visitor(fname, fdata, self.b_ma, self.b_ts, self.debug, nosec_lines, self.metrics)
        visitor.begin(self.b_ts)
        visitor.tester = make_tester(self.b_ts, self.debug, nosec_lines, self.metrics)
        scores = visitor.process(data)
        self.results.extend(visitor.tester.results)
        return scores
