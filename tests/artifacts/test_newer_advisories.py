"""Ways round other scanners that were published in late 2025 and in 2026, named by their advisory or issue."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from modelward.artifacts import read_bytes
from modelward.artifacts._names import _STDLIB

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
streams = importlib.import_module("corpus_streams")
sys.path.remove(str(BENCHMARKS))
Build, Call, Items, Name, call = (getattr(streams, n) for n in ("Build", "Call", "Items", "Name", "call"))
GAME = "modelaudit #1061"
"""The pull request in which modelaudit's authors collected what got past their own scanner."""
CODE = "open('ran','w').close()"
JOINED = Call(Name("builtins", "str.join"), ("", ["sub", "process"]))
NORM = {"_parse_arg_template": CODE, "badvalue": 0}

MALICIOUS = {
    "fickling GHSA-r7v6-mfhq-g3m2": call("pty", "spawn", "id"),
    "fickling GHSA-565g-hwwr-4pp3": Call(call("types", "FunctionType", call("marshal", "loads", b"x"), {})),
    "fickling GHSA-wfq2-52f7-7qvj": call("runpy", "run_path", "other.py"),
    "fickling GHSA-p523-jq9w-64x9": call("cProfile", "run", CODE),
    "fickling GHSA-q5qq-mvfm-j35x CVE-2026-22609 ctypes": call("ctypes", "CDLL", "libc.so.6"),
    "fickling GHSA-q5qq-mvfm-j35x code": Call(
        call("builtins", "getattr", call("code", "InteractiveInterpreter"), "runsource"), (CODE,)
    ),
    "fickling GHSA-q5qq-mvfm-j35x multiprocessing": call(
        "multiprocessing.util", "spawnv_passfds", b"/bin/true", [b"true"], ()
    ),
    "fickling GHSA-5hvc-6wx8-mvv4 pydoc": Call(call("pydoc", "locate", "os.system"), ("true",)),
    "fickling GHSA-h4rm-mm56-xf63 builtins": Call(
        call("builtins", "getattr", call("builtins", "__import__", "os"), "system"), ("true",)
    ),
    "fickling GHSA-5hwf-rc88-82xm uuid": call("uuid", "_get_command_stdout", "true"),
    "fickling GHSA-m6fh-58r7-x697 _posixsubprocess": call("_posixsubprocess", "fork_exec"),
    "fickling GHSA-m6fh-58r7-x697 site": call("site", "addpackage", ".", "other.pth", None),
    "fickling GHSA-m6fh-58r7-x697 atexit": call("atexit", "register", Name("os", "system"), "true"),
    "fickling GHSA-6ggj-6f2q-f7mx _interpreters": Build(
        call("_interpreters", "run_string", call("_interpreters", "create"), CODE), ({},)
    ),
    "fickling GHSA-6ggj-6f2q-f7mx _xxsubinterpreters": call("_xxsubinterpreters", "run_string", 0, CODE),
    "picklescan GHSA-7wx9-6375-f5wh profile": call("profile", "run", CODE),
    "picklescan #66 find_spec": call("importlib.util", "module_from_spec", call("importlib.util", "find_spec", "os")),
    "picklescan #74 importlib": Call(
        call("builtins", "getattr", call("importlib", "import_module", "os"), "system"), ("true",)
    ),
    "picklescan #74 marshal": call("marshal", "loads", b"x"),
    "picklescan GHSA-g38g-8gr9-h9xp codeop": call("codeop", "compile_command", CODE),
    f"{GAME} mailcap": call("mailcap", "findmatch", {}, "text/plain", "view", "x", []),
    f"{GAME} setuptools": call("setuptools._distutils.spawn", "spawn", ["true"]),
    f"{GAME} pipes": call("pipes", "Template.copy", call("pipes", "Template"), "a", "b"),
    f"{GAME} typing with names": call(
        "typing", "_eval_type", call("typing", "ForwardRef", "f(p) or int"),
        {"f": Name("pathlib", "Path.touch"), "p": call("pathlib", "PosixPath", "ran")}, None,
    ),
    f"{GAME} operator.call": call("operator", "call", Name("pathlib", "Path.touch"), call("pathlib", "PosixPath", "ran")),
    f"{GAME} codecs": call("codecs", "StreamReaderWriter.write", call("codecs", "open", "ran.pth", "w"), "x"),
    f"{GAME} tempfile": call("tempfile", "NamedTemporaryFile", "w", -1, None, "", ".pth"),
    f"{GAME} csv": call("csv", "DictWriter.writerow", call("csv", "DictWriter", [], ()), {}),
    f"{GAME} mailbox": call("mailbox", "mbox.add", call("mailbox", "mbox", "ran.pth"), "x"),
    f"{GAME} pydantic's registry": [
        Items(Name("pydantic", "_dynamic_imports"), (), (("Popen", ("pydantic", JOINED)),)),
        call("pydantic", "Popen", ["true"]),
    ],
    f"{GAME} pydantic's attributes": call("pydantic", "_os.system", "true"),
    f"{GAME} an alias of random": call("random", "_os.system", "true"),
    f"{GAME} scipy's singleton": Build(Name("scipy.stats", "norm"), (NORM,)),
    f"{GAME} scipy's singleton by its method": call("scipy.stats", "norm.__setstate__", NORM),
    f"{GAME} fsspec's registry": Items(Name("fsspec.registry", "known_implementations"), (), (("x", {"class": "os.system"}),)),
}  # fmt: skip
UNKNOWN = {
    f"{GAME} dataclasses": call("dataclasses", "_create_fn", "x", ["a=open('ran','w')"], ["return int"]),
    f"{GAME} type hints": call("typing", "get_type_hints", {}),
}


@pytest.mark.parametrize("what", MALICIOUS.values(), ids=MALICIOUS)
def test_it_is_malicious(what: object) -> None:
    assert read_bytes(streams.stream(what)).verdict == "malicious"


@pytest.mark.parametrize("what", UNKNOWN.values(), ids=UNKNOWN)
def test_it_is_not_clean(what: object) -> None:
    """A module that mostly holds values: what is on no list there is unknown, so the file is suspicious."""
    assert read_bytes(streams.stream(what)).verdict in ("malicious", "suspicious")


def test_modules_that_left_python_are_no_less_its_own() -> None:
    """Whoever loads may run an older Python than whoever scans."""
    gone = "aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap nis nntplib"
    more = "ossaudiodev pipes smtpd sndhdr spwd sunau symbol telnetlib uu xdrlib _xxsubinterpreters _interpreters"
    assert [name for name in (gone + " " + more).split() if name not in _STDLIB] == []
