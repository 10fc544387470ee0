"""What a file imports, by its syntax tree: nothing is imported to find out."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field

from modelward.dependencies.code._names import Names

_IMPORTERS = {"importlib.import_module", "__import__", "builtins.__import__", "import_module"}
# What these import is written in the metadata of installed packages, in a folder or in a text.
_PLUGINS = {
    "importlib.metadata.entry_points",
    "pkg_resources.iter_entry_points",
    "pkgutil.iter_modules",
    "pkgutil.walk_packages",
    "runpy.run_module",
    "runpy.run_path",
    "importlib.util.spec_from_file_location",
}
SERVERS = {
    "fastapi.FastAPI", "flask.Flask", "starlette.applications.Starlette", "litestar.Litestar", "sanic.Sanic",
    "aiohttp.web.Application", "tornado.web.Application", "bottle.Bottle", "falcon.App", "falcon.asgi.App",
    "gradio.Interface", "gradio.Blocks", "bentoml.Service", "ray.serve.deployment", "grpc.server", "quart.Quart",
    "django.core.wsgi.get_wsgi_application", "django.core.asgi.get_asgi_application",
}  # fmt: skip
"""Calls that make a service."""
_WORDS = tuple(
    {name.rpartition(".")[2].encode() for name in (*_IMPORTERS, *_PLUGINS, *SERVERS)}
    | {b"getattr", b"__import__"}
)
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name.

    Parameters
    ----------
    name : str
        In full, such as ``"sklearn.pipeline.Pipeline"``: packages, module and perhaps a name within it.
    line : int
    lazy : bool
        Whether it stands in a function, so that it is imported when that is called.
    level : int
        Dots of a relative import.
    optional : bool
        Whether the file does without it where it is absent.
    begins : bool
        Whether `name` is only how the imported name begins: the rest is known at run time.
    """

    name: str
    line: int
    lazy: bool = False
    level: int = 0
    optional: bool = False
    begins: bool = False


@dataclass
class Imports:
    """What one file imports.

    `dynamic` are the lines on which the imported name is known at run time only, `server` the line on which a
    web application is made, 0 if none is.
    """

    found: list[Import] = field(default_factory=list)
    dynamic: list[int] = field(default_factory=list)
    server: int = 0


def imports_of(data: bytes) -> Imports:
    """Return what a source imports when it is run; imports for type checkers alone are left out.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        If it is no Python that can be parsed.

    Examples
    --------
    >>> [i.name for i in imports_of(b"import numpy as np\\nfrom sklearn import svm").found]
    ['numpy', 'sklearn.svm']
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(data)
    result = Imports()
    names = Names(tree) if _may_call(data) else None
    pending: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while pending:
        node, lazy, optional = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            result.found += _imported(node, lazy=lazy, optional=optional)
            continue
        if names is not None and isinstance(node, ast.Call):
            _take_call(node, result, names, lazy=lazy, optional=optional)
        inner = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        children = list(ast.iter_child_nodes(node)) if names is not None else _statements(node)
        if isinstance(node, ast.If) and _for_checkers(node.test):
            children = list(node.orelse)
        tried = optional or (isinstance(node, ast.Try) and any(map(_catches, node.handlers)))
        pending += [(child, inner, tried) for child in children]
    result.found.sort(key=lambda i: (i.line, i.name))
    result.dynamic.sort()
    return result


def _may_call(data: bytes) -> bool:
    """Say whether a source may call what imports by name, or make a service: whether expressions need be looked at.

    Names are written out in a source of plain characters, and put together by ``getattr`` alone; an encoding of its
    own may hide them.
    """
    head = b"".join(data.splitlines()[:2])
    return not data.isascii() or b"coding" in head or any(word in data for word in _WORDS)


def _statements(node: ast.AST) -> list[ast.AST]:
    return [child for part in _BODIES for child in getattr(node, part, ())]


def _catches(handler: ast.ExceptHandler) -> bool:
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    caught = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    return any(one is None or (isinstance(one, ast.Name) and one.id in caught) for one in named)


def _for_checkers(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _imported(node: ast.Import | ast.ImportFrom, *, lazy: bool, optional: bool) -> list[Import]:
    if isinstance(node, ast.Import):
        return [Import(alias.name, node.lineno, lazy, optional=optional) for alias in node.names]
    module = node.module or ""
    names = [module if a.name == "*" else f"{module}.{a.name}" if module else a.name for a in node.names]
    return [Import(name, node.lineno, lazy, node.level, optional) for name in names]


def _take_call(node: ast.Call, result: Imports, names: Names, *, lazy: bool, optional: bool) -> None:
    own = names.of(node.func)
    if own & SERVERS:
        result.server = min(result.server or node.lineno, node.lineno)
    if own & _PLUGINS:
        result.dynamic.append(node.lineno)
    if own & _IMPORTERS:
        asked = node.args[0] if node.args else next((w.value for w in node.keywords if w.arg == "name"), None)
        begins = _beginning(asked)
        text = asked.value if isinstance(asked, ast.Constant) else begins
        if isinstance(text, str) and text:
            dots = len(text) - len(text.lstrip("."))
            result.found.append(Import(text[dots:], node.lineno, lazy, dots, optional, bool(begins)))
        else:
            result.dynamic.append(node.lineno)


def _beginning(asked: ast.expr | None) -> str:
    """Return how a name that is put together begins, as far as it holds a whole package; empty if it does not."""
    parts = asked.values if isinstance(asked, ast.JoinedStr) else []
    first = parts[0] if parts else asked.left if isinstance(asked, ast.BinOp) else None
    text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    return text if "." in text else ""
