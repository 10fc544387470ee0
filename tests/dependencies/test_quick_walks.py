"""Walks that leave out what changes nothing find what the whole walks find: bandit's own, and every expression."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from modelward.dependencies.code import _bandit
from modelward.dependencies.code._bandit import Settings, run_bandit
from modelward.dependencies.code._bandit_quick import make_manager
from modelward.dependencies.reach import _imports

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from bandit.core.config import BanditConfig
    from bandit.core.manager import BanditManager

ROOT = Path(__file__).parents[2]
DANGEROUS = """
import os, pickle, hashlib, subprocess as sp, ssl, requests, yaml, tempfile, random
from Crypto.Cipher import DES
PASSWORD = "swordfish"
def f(secret="x", *, token="y", q=None):
    try:
        assert q
        sp.Popen("ls " + q, shell=True)
    except Exception:
        pass
    for _ in q:
        try:
            os.system(f"rm {q}")
        except:
            continue
    return "SELECT a FROM b WHERE c = '%s'" % q, "SELECT * FROM t " + "WHERE x = " + q
class A:
    key = {"password": "z", b"password": b"z"}
    async def g(self):
        eval(self.x); exec("y")  # nosec B102
        pickle.loads(self.x)  # nosec
        hashlib.md5(b"x"); hashlib.new("md5", usedforsecurity=False)  # nosec B324
        requests.get("https://x", verify=False)
        yaml.load(self.x); tempfile.mktemp(); random.random()
        if self.token == "secret": ssl.wrap_socket()
        return [lambda: open("/tmp/x", "w"), "0.0.0.0"]
"""
SOURCES = (
    DANGEROUS,
    DANGEROUS.replace("nosec", "no"),
    "x = " + " + ".join(["'a'"] * 400),
    "def f(:\n",
    "",
    "\ufeffimport telnetlib\n",
    *(p.read_text() for p in sorted((ROOT / "src" / "modelward" / "dependencies").glob("_[a-d]*.py"))),
)
TRICKS = (
    "import a\nif x:\n    import b\nelif y:\n    import c\nelse:\n    import d\n",
    "try:\n    import a\nexcept ImportError:\n    import b\nelse:\n    import c\nfinally:\n    import d\n",
    "try:\n    import a\nexcept* ValueError:\n    import b\n",
    "match x:\n    case 1:\n        import a\n    case _:\n        from . import b\n",
    "with x:\n    for i in y:\n        while z:\n            from a.b import *\n        else:\n            import c\n",
    "async def f():\n    async with x:\n        import a\n    class B:\n        import b\n        def g(self): import d, e.f as g\n",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\nelse:\n    import b\n",
    "from importlib import import_module as load\nload('a.b')\nif 1:\n    f = lambda: __import__('c')\n",
    "import importlib\ngetattr(importlib, 'import\\x5fmodule')('a')\n",
    "import importlib\nimportlib.ｉmport_module('a')\n",
    "# coding: utf-7\nimport importlib\nimportlib.+AGkAbQBwAG8AcgB0AF8AbQBvAGQAdQBsAGU-('a')\n",
    "import fastapi as f\nx = f.FastAPI()\n",
)  # fmt: skip


@pytest.mark.parametrize(
    "profile",
    [
        Settings(),
        Settings(skips=frozenset({"B101", "B608"})),
        Settings(only=frozenset({"B105", "B602"})),
    ],
)
def test_bandit_finds_the_same(profile: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    data = [text.encode() for text in SOURCES]
    quick = run_bandit(data, profile)
    monkeypatch.setattr(
        _bandit,
        "make_manager",
        lambda config, chosen: BanditManager(config, "file", profile=chosen, quiet=True),
    )
    assert run_bandit(data, profile) == quick
    assert quick.hazards and list(quick.failures) == [3]
    if not profile.only:
        assert len({hazard.rule for _, hazard in quick.hazards}) > 15
        assert quick.silenced >= 3


def test_a_rule_that_crashes_is_told_in_the_quick_walk_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from bandit.core.extension_loader import MANAGER

    plugin = MANAGER.plugins_by_id["B101"].plugin

    def crash(context: object) -> None:
        raise RuntimeError("boom")

    kept = ("_takes_config", "_config")
    crash.__dict__.update({key: value for key, value in vars(plugin).items() if key not in kept})
    monkeypatch.setattr(MANAGER.plugins_by_id["B101"], "plugin", crash)
    assert "crashed at line 1" in run_bandit([b"assert x\n"], Settings()).failures[0]


def test_an_unknown_release_walks_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    import bandit

    assert type(make_manager(BanditConfig(), {})) is not BanditManager
    monkeypatch.setattr(bandit, "__version__", "9.0.0")
    assert type(make_manager(BanditConfig(), {})) is BanditManager


@pytest.mark.parametrize("text", [*TRICKS, *SOURCES[:2], *SOURCES[6:]])
def test_imports_are_those_of_a_walk_over_every_expression(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = _imports.imports_of(text.encode())
    monkeypatch.setattr(_imports, "_may_call", lambda data: True)
    whole = _imports.imports_of(text.encode())
    order = _order
    assert (sorted(quick.found, key=order), quick.dynamic, quick.server) == (
        sorted(whole.found, key=order), whole.dynamic, whole.server,
    )  # fmt: skip
    assert whole.found or text not in TRICKS


def _order(one: _imports.Import) -> tuple[object, ...]:
    return one.line, one.name, one.lazy, one.level, one.optional
