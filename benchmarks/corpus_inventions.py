"""Ways round a scanner that nobody has reported, thought up for this corpus; each runs its payload when it is loaded.

Most use names that a list of dangerous names would hardly have, a method that the unpickler itself fetches from an
object and calls, or a harmless library that calls back. What corrupts memory instead of calling something is not here
but in `tests/artifacts/test_array_states.py`, since a crash leaves no file behind.
"""

from __future__ import annotations

from corpus_gadgets import COMMAND, SYSTEM, fetched, with_state
from corpus_streams import Build, Call, Items, Name, New, call

INVENTED = "invented here"
PATH = call("pathlib", "PosixPath", "ran")
SPACE = call("types", "SimpleNamespace")
BUNCH = call("sklearn.utils._bunch", "Bunch")
RESULT = call("scipy.optimize._optimize", "OptimizeResult")

INVENTIONS: list[tuple[str, str, object]] = [
    ("copy rebuilds by what it is given", INVENTED, call("copy", "_reconstruct", SPACE, None, SYSTEM, (COMMAND,))),
    ("dataclasses: code in a default", INVENTED, call("dataclasses", "_create_fn", "f", ["a=open('ran','w')"], ["return 1"])),
    ("typing evaluates with the file's own names", INVENTED, call("typing", "_eval_type", call("typing", "ForwardRef", "f(p) or int"), {"f": Name("pathlib", "Path.touch"), "p": PATH, "int": Name("builtins", "int")}, None)),
    ("a class that calls when it is subclassed", INVENTED, call("builtins", "type", "y", (call("builtins", "type", "x", (), {"__init_subclass__": call("functools", "partial", SYSTEM, COMMAND)}),), {})),
    ("a bunch's append is a function", INVENTED, Items(Items(BUNCH, (), (("append", SYSTEM),)), (COMMAND,))),
    ("an optimiser's result as __setstate__", INVENTED, Build(Items(RESULT, (), (("__setstate__", SYSTEM),)), (COMMAND,))),
    ("an estimator's append is a function", INVENTED, Items(with_state(New(Name("sklearn.tree._classes", "DecisionTreeClassifier")), append=SYSTEM), (COMMAND,))),
    ("an object array that is reduced", INVENTED, call("numpy", "vectorize.__call__", call("numpy", "vectorize", SYSTEM), [COMMAND])),
    ("a ufunc of a known function", INVENTED, Call(call("numpy", "frompyfunc", SYSTEM, 1, 1), ([COMMAND],))),
    ("pandas applies a function", INVENTED, call("pandas.core.series", "Series.apply", call("pandas", "Series", [COMMAND]), SYSTEM)),
    ("joblib runs a batch", INVENTED, call("joblib.parallel", "BatchedCalls.__call__", with_state(New(Name("joblib.parallel", "BatchedCalls")), items=[(SYSTEM, (COMMAND,), {})], _backend="threading", _n_jobs=1))),
    ("sklearn's function transformer, transformed", INVENTED, call("sklearn.preprocessing._function_transformer", "FunctionTransformer._transform", New(Name("sklearn.preprocessing._function_transformer", "FunctionTransformer")), COMMAND, SYSTEM)),
    ("sklearn's parallel wrapper", INVENTED, call("sklearn.utils.parallel", "_FuncWrapper.__call__", with_state(New(Name("sklearn.utils.parallel", "_FuncWrapper")), function=SYSTEM, config={}, warning_filters=[]), COMMAND)),
    ("a generic function dispatches", INVENTED, Call(call("functools", "singledispatch", SYSTEM), (COMMAND,))),
    ("an lru cache", INVENTED, Call(Call(call("functools", "lru_cache", 1), (SYSTEM,)), (COMMAND,))),
    ("statistics sorts by what it is given", INVENTED, call("heapq", "nsmallest", 1, [COMMAND, "true"], SYSTEM)),
    ("itertools groups", INVENTED, call("collections", "deque", call("itertools", "groupby", [COMMAND], SYSTEM))),
    ("itertools drops while", INVENTED, call("collections", "deque", call("itertools", "dropwhile", SYSTEM, [COMMAND]))),
    ("a deque of an iterator that calls", INVENTED, New(Name("builtins", "frozenset"), (call("builtins", "map", SYSTEM, [COMMAND]),))),
    ("a counter of an iterator that calls", INVENTED, call("collections", "Counter", call("builtins", "map", SYSTEM, [COMMAND]))),
    ("enum's own builtins", INVENTED, call("enum", "bltns.open", "ran", "w")),
    ("random's own os", INVENTED, call("random", "_os.mkdir", "ran")),
    ("the module of a known class", INVENTED, call("sklearn.base", "platform.os.mkdir", "ran")),
    ("text from an iterator that calls", INVENTED, Call(fetched("", "join"), (call("builtins", "map", call("functools", "partial", Name("builtins", "open"), "ran"), ["w"]),))),
]  # fmt: skip
