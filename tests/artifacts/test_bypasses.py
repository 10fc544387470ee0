"""Known ways round pickle scanners, each with a harmless payload, named by its advisory."""

from __future__ import annotations

import io
import pickle
import struct

import joblib
import numpy as np
import pytest

from modelward.artifacts import read_bytes
from modelward.artifacts._names import judge_name


def call(module: str, name: str, *args: object) -> bytes:
    """Write a protocol-4 pickle that calls a name."""
    body = b"\x80\x04" + text(module) + text(name) + b"\x93" + b"("
    for arg in args:
        body += pickle.dumps(arg, 2)[2:-1]
    return body + b"tR."


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value.encode())]) + value.encode()


REACHED = [
    ("CVE-2025-1716 pip.main", "pip", "main"),
    ("CVE-2025-1889 torch.load of another file", "torch", "load"),
    ("CVE-2025-10155 loader under another suffix", "os", "system"),
    ("CVE-2025-10156 zip CRC: os in any container", "posix", "system"),
    (
        "CVE-2025-10157 subpackage of a listed module",
        "asyncio.unix_events",
        "_UnixSubprocessTransport._start",
    ),
    ("GHSA pkgutil.resolve_name", "pkgutil", "resolve_name"),
    ("GHSA operator.methodcaller", "operator", "methodcaller"),
    ("GHSA operator.attrgetter", "_operator", "attrgetter"),
    ("GHSA numpy.f2py.crackfortran.getlincoef", "numpy.f2py.crackfortran", "getlincoef"),
    ("GHSA numpy.f2py.crackfortran.myeval", "numpy.f2py.crackfortran", "myeval"),
    ("GHSA numpy.testing runstring", "numpy.testing._private.utils", "runstring"),
    ("GHSA distutils.file_util.write_file", "distutils.file_util", "write_file"),
    ("GHSA cProfile.runctx", "cProfile", "runctx"),
    ("GHSA profile.Profile.run", "profile", "Profile.run"),
    ("GHSA pty.spawn", "pty", "spawn"),
    ("GHSA ctypes.CDLL", "ctypes", "CDLL"),
    ("GHSA asyncio subprocess", "asyncio.subprocess", "create_subprocess_shell"),
    ("GHSA logging.config.listen", "logging.config", "_install_handlers"),
    ("CVE-2026-56304 logging.FileHandler", "logging", "FileHandler"),
    ("CVE-2026-56315 GHSA-g38g-8gr9-h9xp uuid._get_command_stdout", "uuid", "_get_command_stdout"),
    ("CVE-2026-56315 GHSA-g38g-8gr9-h9xp imaplib.IMAP4_stream", "imaplib", "IMAP4_stream"),
    ("CVE-2026-56315 GHSA-g38g-8gr9-h9xp _pyrepl.pager", "_pyrepl.pager", "pipe_pager"),
    ("CVE-2026-56315 GHSA-g38g-8gr9-h9xp _osx_support", "_osx_support", "_read_output"),
    ("CVE-2026-56315 GHSA-g38g-8gr9-h9xp _osx_support's tools", "_osx_support", "_find_build_tool"),
    ("CVE-2026-56315 GHSA-g38g-8gr9-h9xp _aix_support", "_aix_support", "_read_cmd_output"),
    ("GHSA idlelib.autocomplete get_entity", "idlelib.autocomplete", "AutoComplete.get_entity"),
    ("GHSA idlelib.pyshell ModifiedInterpreter.runcode", "idlelib.pyshell", "ModifiedInterpreter.runcode"),
    ("GHSA lib2to3.pgen2.grammar loads", "lib2to3.pgen2.grammar", "Grammar.loads"),
    ("GHSA lib2to3 main", "lib2to3.pgen2.pgen", "ParserGenerator.make_label"),
    ("GHSA torch.utils collect_env.run", "torch.utils.collect_env", "run"),
    ("GHSA torch._dynamo GuardBuilder.get", "torch._dynamo.guards", "GuardBuilder.get"),
    (
        "GHSA torch.fx ShapeEnv.evaluate",
        "torch.fx.experimental.symbolic_shapes",
        "ShapeEnv.evaluate_guards_expression",
    ),
    ("GHSA code.InteractiveInterpreter.runcode", "code", "InteractiveInterpreter.runcode"),
    ("GHSA timeit.timeit", "timeit", "timeit"),
    ("GHSA trace.Trace.runctx", "trace", "Trace.runctx"),
    ("GHSA bdb.Bdb.run", "bdb", "Bdb.run"),
    ("GHSA pdb.run", "pdb", "run"),
    ("GHSA doctest.debug_script", "doctest", "debug_script"),
    ("GHSA ensurepip._run_pip", "ensurepip", "_run_pip"),
    ("GHSA-655q-fx9r-782v pip._internal", "pip._internal.cli.main", "main"),
    ("GHSA-vqmv-47xg-9wpr venv.create", "venv", "create"),
    ("GHSA-hgrh-qx5j-jfwx http.client", "http.client", "HTTPConnection"),
    ("GHSA-84r2-jw7c-4r5q _pickle.loads", "_pickle", "loads"),
    ("fickling CVE private stdlib modules", "_posixsubprocess", "fork_exec"),
    ("fickling CVE marshal.loads", "marshal", "loads"),
    ("fickling CVE types.FunctionType", "types", "FunctionType"),
    ("fickling CVE types.CodeType", "types", "CodeType"),
    ("fickling CVE runpy.run_path", "runpy", "run_path"),
    ("modelscan #330 importlib", "importlib", "import_module"),
    ("modelscan #331 webbrowser.open", "webbrowser", "open"),
    ("modelscan #338 shutil.rmtree", "shutil", "rmtree"),
    ("modelscan #354 socket", "socket", "create_connection"),
    ("functools.reduce", "functools", "reduce"),
    ("builtins.eval", "builtins", "eval"),
    ("Python 2's name for it", "__builtin__", "eval"),
    ("Python 2's commands", "commands", "getoutput"),
    ("numpy.load", "numpy", "load"),
    ("numpy.memmap", "numpy", "memmap"),
    ("numpy's ufunc import", "numpy.core", "_ufunc_reconstruct"),
    ("joblib.load", "joblib", "load"),
    ("sklearn loaders", "sklearn.datasets._base", "load_files"),
    ("cloudpickle", "cloudpickle.cloudpickle", "_make_function"),
    ("multiprocessing", "multiprocessing.popen_fork", "Popen"),
    ("exception-oriented gadget: warnings of code", "traceback", "walk_tb"),
]


@pytest.mark.parametrize(
    ("module", "name"), [case[1:] for case in REACHED], ids=[case[0] for case in REACHED]
)
def test_dangerous_name_is_malicious(module: str, name: str) -> None:
    assert read_bytes(call(module, name, "true")).verdict == "malicious"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn", "os.system"),
        ("sklearn.utils", "_pprint.inspect.os.system"),
        ("random", "_os.system"),
        ("sklearn.tree", "DecisionTreeClassifier.__init__.__globals__"),
        ("numpy", "ndarray.__class__.__subclasses__"),
        ("collections", "_sys.modules"),
    ],
)
def test_a_name_reached_through_a_harmless_module_is_what_it_resolves_to(module: str, name: str) -> None:
    artifact = read_bytes(call(module, name, "true"))
    assert artifact.verdict == "malicious"
    assert artifact.globals[0].status == "dangerous"


def test_no_dotted_name_is_ever_known() -> None:
    assert judge_name("sklearn.tree._classes", "DecisionTreeClassifier")[0] == "known"
    assert judge_name("sklearn.tree._classes", "DecisionTreeClassifier.fit")[0] != "known"
    assert judge_name("sklearn.tree", "_classes.DecisionTreeClassifier")[0] != "known"


def test_unknown_name_is_suspicious() -> None:
    assert read_bytes(call("bank.models", "Scorer")).verdict == "suspicious"


EVIL = b"cos\nsystem\n(S'true'\ntR"
SHAPES = {
    "fickling CVE: appended BUILD": EVIL + b"}b.",
    "fickling CVE: OBJ then POP": b"(cos\nsystem\nS'true'\no0N.",
    "INST": b"(S'true'\nios\nsystem\n.",
    "result dropped": EVIL + b"0N.",
    "result behind a mark": b"(" + EVIL + b"1N.",
    "kept in the memo only": EVIL + b"p0\n0N.",
    "name twice through the memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94"
    + b"0" * 2
    + b"h\x00h\x01\x93(\x8c\x04truetR.",
    "escaped name of protocol 0": b"Vo\\u0073\nVsyste\\u006d\n\x93(S'true'\ntR.",
    "fickling CVE: inside a frame": b"\x80\x04\x95" + struct.pack("<Q", len(EVIL) + 1) + EVIL + b".",
    "after the first STOP": b"N." + EVIL + b".",
    "runs, then breaks (nullifAI)": EVIL + b"\xff\xff",
    "runs, then ends without STOP": EVIL,
    "frame longer than what is sound": b"\x80\x04\x95" + struct.pack("<Q", len(EVIL) + 2) + EVIL + b"\xff.",
    "bad opcode after it in the frame": b"\x80\x04\x95"
    + struct.pack("<Q", len(EVIL) + 9)
    + EVIL
    + b"r\xff\xff\xff\x0f....",
    "patches a class": b"csklearn.tree._classes\nDecisionTreeClassifier\n}(S'predict'\ncbuiltins\nlen\nub.",
    "calls what a call returned": b"cfunctools\npartial\n(cos\nsystem\nS'true'\ntR)R.",
    "getattr on a class": b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'tofile'\ntR.",
    "getattr of an inner part": b"cbuiltins\ngetattr\n(cnumpy\nndarray\n)RS'__class__'\ntR.",
    "getattr, never called here": b"cbuiltins\ngetattr\n.",
    "dict key": b"}" + EVIL + b"Ns.",
}


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES)
def test_opcode_tricks(data: bytes) -> None:
    assert read_bytes(data).verdict == "malicious"


def test_scipy_distributions_run_the_text_in_their_state() -> None:
    state = {"_parse_arg_template": "raise SystemExit"}
    body = b"\x80\x02cscipy.stats._continuous_distns\nnorm_gen\n)\x81" + pickle.dumps(state, 2)[2:-1] + b"b."
    assert read_bytes(body).verdict == "malicious"


def test_boosters_take_paths() -> None:
    assert read_bytes(call("xgboost.core", "Booster", None, (), "/etc/passwd")).verdict == "malicious"


@pytest.mark.parametrize("code", [b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00"])
def test_extension_codes_are_refused(code: bytes) -> None:
    artifact = read_bytes(b"\x80\x02" + code + b".")
    assert artifact.verdict == "unreadable"
    assert "extension code" in artifact.reasons[0]


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"\x80\x05\x97.", "unreadable"),
        (b"\x80\x05\x97\x98.", "unreadable"),
        (b"Psomething\n.", "suspicious"),
        (b"\x80\x02NQ.", "suspicious"),
        (b"N.junk", "unreadable"),
        (b"N.N.", "clean"),
        (b"\x80\x04cbuiltins\nstr\n(S'x'\ntR\x8c\x06system\x93.", "malicious"),
    ],
)
def test_what_lies_outside_or_behind(data: bytes, verdict: str) -> None:
    assert read_bytes(data).verdict == verdict


def test_payload_after_and_inside_joblib_arrays() -> None:
    # An array whose bytes are a pickle: plain unpickling would run them, whoever unpickles the array, too.
    for padding in (True, False):
        buffer = io.BytesIO()
        if not padding:
            buffer.tell = raise_unsupported  # type: ignore[method-assign]
        joblib.dump({"w": np.frombuffer(EVIL + b"." + b"N" * 8, dtype="u1")}, buffer)
        data = buffer.getvalue()
        assert read_bytes(data).verdict == "malicious"
        assert read_bytes(data + EVIL + b".").verdict == "malicious"


def raise_unsupported() -> int:
    raise io.UnsupportedOperation


def test_object_arrays_of_joblib_are_read_to_the_bottom() -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            import os

            return os.system, ("true",)

    buffer = io.BytesIO()
    joblib.dump([np.array([1, Evil()], dtype=object), np.arange(3.0)], buffer)
    assert read_bytes(buffer.getvalue()).verdict == "malicious"


def test_reasons_cannot_drive_a_terminal() -> None:
    artifact = read_bytes(call("evil\x1b[2Jmod\n", "na\rme"))
    joined = "".join(artifact.reasons) + "".join(use.name for use in artifact.globals)
    assert joined.isprintable()
    assert "\\x1b" in joined
