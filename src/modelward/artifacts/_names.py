"""Judging names: which of them loading a file may reach.

Three kinds. *Known*: on the allowlist of exact names (`_known.py`, generated from the libraries' own
published estimators, and the few below). *Dangerous*: it can run code, touch files or the network, or import.
*Unknown*: neither. The standard library is closed: what is not known to be harmless there is dangerous, so
a module that nobody thought of (a private twin, a development tool) is no way round.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from modelward.artifacts._inert import Inert, fetches_zone
from modelward.artifacts._known_former import ALL_KNOWN
from modelward.artifacts._torch_names import TORCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.artifacts._artifact import NameStatus

BUILTINS = frozenset(
    {
        "builtins.bool", "builtins.bytearray", "builtins.bytes", "builtins.complex", "builtins.dict",
        "builtins.float", "builtins.frozenset", "builtins.int", "builtins.list", "builtins.object",
        "builtins.range", "builtins.set", "builtins.slice", "builtins.str", "builtins.tuple",
        "builtins.Ellipsis", "builtins.NotImplemented", "builtins.max", "builtins.min", "builtins.sum",
        "builtins.abs", "builtins.len", "builtins.round", "builtins.ArithmeticError",
        "builtins.Exception", "builtins.KeyError", "builtins.RuntimeError", "builtins.TypeError",
        "builtins.ValueError", "builtins.ZeroDivisionError",
        "_codecs.encode", "copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__",
        "collections.OrderedDict", "collections.Counter", "collections.defaultdict", "collections.deque",
        "datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "datetime.timezone",
        "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "array._array_reconstructor",
        "functools.partial", "types.SimpleNamespace", "pathlib.PurePosixPath", "pathlib.PureWindowsPath",
        "random.Random", "math.exp", "math.log", "math.log1p", "math.sqrt",
    }
)  # fmt: skip
"""Names of the standard library that do no more than hold values (`functools.partial`: what it wraps is a
name of its own and is judged as such, and calling what it returns is reported)."""

_HALF_OPEN = frozenset(
    {
        "abc", "array", "bisect", "builtins", "calendar", "cmath", "collections", "colorsys", "copy",
        "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq", "ipaddress",
        "itertools", "keyword", "math", "numbers", "random", "re", "statistics", "string", "struct",
        "textwrap", "typing", "unicodedata", "zoneinfo", "_collections", "_datetime", "_decimal", "_struct",
    }
)  # fmt: skip
"""Modules of the standard library in which a name that is on no list is unknown, not dangerous."""

_STDLIB = frozenset(sys.stdlib_module_names) | frozenset(
    # Left the standard library, or are part of other systems' or older ones.
    {
        "__builtin__", "asynchat", "asyncore", "binhex", "commands", "distutils", "exceptions", "formatter",
        "imp", "lib2to3", "macpath", "nt", "ntpath", "os2", "parser", "posix", "smtpd", "test", "telnetlib",
        "turtledemo", "_bootlocale", "cgi", "cgitb", "pipes", "nntplib", "xdrlib", "uu", "crypt", "spwd",
        "idlelib", "msilib", "winreg", "_winapi", "_winreg", "msvcrt", "winsound", "_posixsubprocess",
        "_pyrepl", "annotationlib", "_interpreters", "_interpchannels", "_interpqueues", "_remote_debugging",
        "_osx_support", "_aix_support", "_android_support", "_apple_support", "_ios_support", "_sysconfig",
        "aifc", "audioop", "chunk", "dummy_threading", "imghdr", "mailcap", "nis", "ossaudiodev", "sndhdr", "sunau",
        "symbol", "_xxsubinterpreters", "_xxinterpchannels", "_dummy_thread", "_dummy_threading", "_msi",
    }
)  # fmt: skip

_BUILTIN_HARM = frozenset(
    {
        "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "execfile", "exit", "getattr",
        "globals", "help", "input", "locals", "memoryview", "open", "quit", "raw_input", "reload", "setattr",
        "super", "type", "vars", "dir", "map", "filter", "apply", "iter", "next", "print", "property",
        "classmethod", "staticmethod", "callable", "enumerate", "zip", "hasattr", "file", "__build_class__",
    }
)  # fmt: skip

_PREFIXES = {
    "numpy.f2py": "compiles and runs code",
    "numpy.distutils": "runs commands",
    "numpy.testing": "runs code that it is given as text",
    "numpy.ctypeslib": "loads shared libraries",
    "numpy.lib.npyio": "reads files",
    "numpy.lib._npyio_impl": "reads files",
    "numpy.lib.format": "reads files",
    "numpy.lib._datasource": "reads files and addresses",
    "numpy.core.records.fromfile": "reads files",
    "numpy._pytesttester": "runs tests",
    "scipy.io": "reads files",
    "scipy._lib._testutils": "runs commands",
    "scipy.weave": "compiles and runs code",
    "sklearn.datasets": "reads files and addresses",
    "sklearn.utils._testing": "runs code",
    "sklearn.utils.fixes": "imports and runs code",
    "sklearn.externals": "holds loaders of its own",
    "sklearn._build_utils": "compiles code",
    "joblib": "loads files, runs processes",
    "cloudpickle": "rebuilds code",
    "dill": "rebuilds code",
    "_pytest": "runs code",
    "pytest": "runs code",
    "pip": "installs packages",
    "setuptools": "runs commands",
    "pkg_resources": "imports and runs code",
    "torch.load": "loads another pickle",
    "torch.hub": "downloads and runs code",
    "torch.jit": "loads and compiles code",
    "torch.package": "loads code",
    "torch.serialization": "loads another pickle",
    "torch.utils": "runs and loads code",
    "torch._inductor": "compiles and runs code",
    "torch._dynamo": "compiles and runs code",
    "torch._functorch": "compiles code",
    "torch.fx": "compiles code",
    "torch.distributed": "opens connections, runs processes",
    "torch.multiprocessing": "runs processes",
    "torch.cuda": "runs processes",
    "torch.testing": "runs code",
    "torch.ops": "loads shared libraries",
    "torch.classes": "loads shared libraries",
    "torch._ops": "loads shared libraries",
    "pandas.io": "reads files and addresses",
    "pandas.core.computation": "evaluates code",
    "pandas.util": "runs code",
    "polars.io": "reads files",
    "tensorflow": "loads files, runs code of graphs",
    "keras": "loads files, rebuilds code",
    "transformers": "downloads and runs code",
    "yaml": "builds any object",
    "requests": "opens connections",
    "urllib3": "opens connections",
    "httpx": "opens connections",
    "aiohttp": "opens connections",
    "paramiko": "opens connections",
    "fsspec": "reads files and addresses",
    "cffi": "loads shared libraries",
    "IPython": "runs code",
    "ipykernel": "runs code",
    "jinja2": "compiles templates",
    "django": "runs code of its own",
    "sympy": "evaluates text as code",
    "numexpr": "evaluates text as code",
    "pexpect": "runs processes",
    "psutil": "reaches processes",
    "sh": "runs commands",
    "invoke": "runs commands",
    "fabric": "runs commands",
}
"""Parts of other libraries that are dangerous whole, unless a name in them is known."""

_LAST = {
    "system": "runs commands", "popen": "runs commands", "Popen": "runs commands",
    "check_output": "runs commands", "check_call": "runs commands", "exec_command": "runs commands",
    "execfile": "runs code", "exec": "runs code", "eval": "runs code", "runstring": "runs code",
    "run_module": "runs code", "run_path": "runs code", "run_code": "runs code", "compile": "compiles code",
    "__import__": "imports", "import_module": "imports", "resolve_name": "imports",
    "import_string": "imports", "_ufunc_reconstruct": "imports the module that it is given",
    "getattr": "reaches any attribute", "attrgetter": "reaches any attribute",
    "methodcaller": "calls any method", "load": "loads another file", "loads": "loads other bytes",
    "load_library": "loads shared libraries", "CDLL": "loads shared libraries", "read_pickle": "loads another file",
    "fromfile": "reads files", "loadtxt": "reads files", "genfromtxt": "reads files", "memmap": "maps files",
    "open": "opens files", "open_memmap": "maps files", "savetxt": "writes files", "save": "writes files",
    "urlopen": "opens connections", "DataSource": "reads files and addresses", "unlink": "deletes files",
    "rmtree": "deletes files", "spawn": "runs processes", "fork": "runs processes", "CodeType": "builds code",
    "FunctionType": "builds code", "_fill_function": "builds code", "_make_function": "builds code",
    "_make_skel_func": "builds code", "_builtin_type": "builds code", "subimport": "imports",
    "dynamic_subimport": "imports",
}  # fmt: skip
"""Names that say what they do, whatever module offers them."""


_SUSPECT = _STDLIB | {prefix.partition(".")[0] for prefix in _PREFIXES}


def may_harm(module: str, name: str) -> bool:
    """Say at a glance whether a name may be dangerous; `judge_name` calls no name dangerous of which this says no.

    Examples
    --------
    >>> may_harm("os", "system"), may_harm("at", "p12")
    (True, False)
    """
    return suspect_last(name) or suspect_module(module)


def suspect_module(module: str) -> bool:
    """Say at a glance whether anything dangerous may be in a module."""
    return module.partition(".")[0] in _SUSPECT


def suspect_last(name: str) -> bool:
    """Say at a glance whether a name may be dangerous in whatever module it is."""
    return "." in name or name in _LAST


def harmless_calls(calls: Sequence[tuple[Any, ...]]) -> bool:
    """Say whether all calls of `getattr` only fetch a method of an object of the file, or what makes a time zone.

    Fetching is harmless as long as nothing calls or changes what was fetched, which the reader reports.

    Parameters
    ----------
    calls : sequence of tuple
        The arguments of each call.
    """
    return bool(calls) and all(
        fetches_zone(args)
        or (
            len(args) == 2
            and isinstance(args[0], Inert)
            and type(args[1]) is str
            and args[1].isidentifier()
            and not args[1].startswith(("__", "gi_", "f_", "cr_", "ag_", "tb_", "co_"))
        )
        for args in calls
    )


def judge_name(module: str, name: str) -> tuple[NameStatus, str]:
    """Say what kind of name a file reaches, and why.

    Parameters
    ----------
    module : str
        As the stream gives it.
    name : str
        As the stream gives it; may be dotted.

    Returns
    -------
    status : {"known", "unknown", "dangerous"}
    reason : str
        Empty for known names.

    Examples
    --------
    >>> judge_name("builtins", "set")
    ('known', '')
    >>> judge_name("sklearn", "os.system")
    ('dangerous', 'reaches os through an attribute of sklearn')
    >>> judge_name("bank.models", "Scorer")
    ('unknown', 'not known to be harmless')
    """
    full = f"{module}.{name}"
    if "." not in name and (full in ALL_KNOWN or full in BUILTINS or full in TORCH):
        return "known", ""
    reason = _through(module, name) or _outright(module, name)
    if reason:
        return "dangerous", reason
    return "unknown", "not known to be harmless"


def _through(module: str, name: str) -> str:
    """Return why a dotted name is dangerous: a load would follow its attributes."""
    parts = name.split(".")
    for part in parts[:-1]:
        bare = part.lstrip("_")
        if (part in _STDLIB or bare in _STDLIB) and bare not in _HALF_OPEN:
            return f"reaches {bare} through an attribute of {module}"
    for part in parts:
        if part.startswith("__") and part.endswith("__") and len(parts) > 1:
            return f"reaches {part}, an inner part of Python objects"
    return ""


def _outright(module: str, name: str) -> str:
    top = module.partition(".")[0]
    last = name.rpartition(".")[2]
    if top == "builtins":
        return "can reach or run anything" if name.partition(".")[0] in _BUILTIN_HARM else ""
    if top == "functools" and name in ("reduce", "partialmethod", "singledispatch"):
        return "calls what it is given"
    if top in _STDLIB and top not in _HALF_OPEN:
        return "standard library, outside what only holds values: it can run code, touch files or import"
    if last in _LAST:
        return _LAST[last]
    full = f"{module}.{name}"
    dot = full.find(".")
    while dot >= 0:
        if full[:dot] in _PREFIXES:
            return _PREFIXES[full[:dot]]
        dot = full.find(".", dot + 1)
    return _PREFIXES.get(full, "")
