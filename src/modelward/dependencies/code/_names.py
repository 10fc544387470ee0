"""What a name in a source file stands for: imports and plain assignments followed, nothing run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Names:
    """Full names of expressions.

    One table a file: a name that stands for several things in different places stands for all of them, so a rule
    may say too much and does not say too little.

    Examples
    --------
    >>> tree = ast.parse("import numpy as np\\nload = np.load")
    >>> names = Names(tree)
    >>> sorted(names.of(ast.parse("load", mode="eval").body))
    ['numpy.load']
    """

    def __init__(self, tree: ast.AST, nodes: Sequence[ast.AST] | None = None) -> None:
        self._stands: dict[str, set[str]] = {}
        self._stars: set[str] = set()
        nodes = nodes or list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._take_import(node)
        for node in nodes:
            if isinstance(node, ast.Assign | ast.NamedExpr):
                self._take_assignment(node)

    def _take_import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    self._stands.setdefault(alias.asname, set()).add(alias.name)
                else:
                    first = alias.name.partition(".")[0]
                    self._stands.setdefault(first, set()).add(first)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name == "*":
                    self._stars.add(module)
                else:
                    self._stands.setdefault(alias.asname or alias.name, set()).add(f"{module}.{alias.name}")

    def _take_assignment(self, node: ast.AST) -> None:
        if isinstance(node, ast.NamedExpr):
            targets, value = [node.target], node.value
        elif isinstance(node, ast.Assign):
            targets, value = [t for t in node.targets if isinstance(t, ast.Name)], node.value
        else:
            return
        found = self.of(value)
        if isinstance(value, ast.Call):
            # An instance is written as its class with brackets, so that a rule can name its methods.
            found = {name if name.startswith("module ") else f"{name}()" for name in self.of(value.func)}
            found |= self.of(value)
        for target in targets:
            self._stands.setdefault(target.id, set()).update(n for n in found if n.count(".") < 12)

    def of(self, node: ast.expr) -> set[str]:
        """Return the dotted names that an expression may stand for; none if it is no name."""
        if isinstance(node, ast.Name):
            stars = {f"{module}.{node.id}" for module in self._stars}
            return self._stands.get(node.id, set()) | stars or {node.id}
        if isinstance(node, ast.Attribute):
            return {f"{name}.{node.attr}" for name in self.of(node.value)}
        if isinstance(node, ast.Call):
            return self._made(node)
        return set()

    def _made(self, node: ast.Call) -> set[str]:
        """Return what ``getattr``, ``import_module`` and a constructor give."""
        words = [
            a.value if isinstance(a, ast.Constant) and isinstance(a.value, str) else None for a in node.args
        ]
        found = self.of(node.func)
        if found & {"getattr", "builtins.getattr"} and len(words) > 1 and words[1]:
            return {f"{name}.{words[1]}" for name in self.of(node.args[0])}
        if found & {"importlib.import_module", "__import__", "builtins.__import__"} and words and words[0]:
            return {words[0]}
        return {f"{name}()" for name in found}
