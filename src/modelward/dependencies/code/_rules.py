"""What runs somebody else's code in machine learning, as data: full names of functions and how they are called.

Sources: the security notes of pickle, joblib, NumPy, PyTorch, Keras, pandas, Hugging Face and MLflow; bandit's rules,
whose codes are given where bandit looks for the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.findings import Severity

_CHECK_FIRST = "Load it with modelward.load, which checks the file first, or save it in a format without code"


@dataclass(frozen=True, slots=True)
class Rule:
    """A function that is dangerous, perhaps only with certain arguments.

    Parameters
    ----------
    name : str
        What the finding is called.
    functions : tuple of str
        Full names; ``*`` stands for any text.
    text, remedy : str
    level : {"low", "medium", "high"}
    bad : tuple of (str, object)
        Dangerous only if a keyword has this value.
    good : tuple of (str, object)
        Not dangerous if a keyword has this value; ``...`` is any value but None.
    also : tuple of str
        Bandit's codes for the same.
    """

    name: str
    functions: tuple[str, ...]
    text: str
    remedy: str = _CHECK_FIRST
    level: Severity = "medium"
    bad: tuple[tuple[str, object], ...] = ()
    good: tuple[tuple[str, object], ...] = ()
    also: tuple[str, ...] = ()


@lru_cache(maxsize=100_000)
def rules_for(name: str) -> tuple[int, ...]:
    """Return the places in `RULES` of the rules about a function.

    Examples
    --------
    >>> RULES[rules_for("joblib.load")[0]].name
    'joblib-load'
    """
    # A few hundred names make up nearly all calls of a project.
    return tuple(i for i, rule in enumerate(RULES) if _match(name, rule.functions))


@lru_cache(maxsize=100_000)
def arrives(name: str) -> bool:
    """Say whether what a name gives comes over a network."""
    return _match(name, ARRIVES)


@lru_cache(maxsize=100_000)
def brings_nothing(name: str) -> bool:
    """Say whether a name of a network's library is one over which nothing comes by itself."""
    return _match(name, ("socket.socket", "requests.Session", "requests.exceptions*"))


@lru_cache(maxsize=100_000)
def unpickles(name: str) -> bool:
    """Say whether a function unpickles what it is given."""
    return _match(name, UNPICKLERS)


@lru_cache(maxsize=100_000)
def fetches(name: str) -> bool:
    """Say whether a function fetches from an address."""
    return _match(name, FETCHERS)


def _match(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


_B3 = ("B301",)
UNPICKLERS = (
    "pickle.load", "pickle.loads", "pickle.Unpickler", "_pickle.load*", "cPickle.load*", "dill.load*",
    "cloudpickle.load*", "joblib.load", "*.externals.joblib.load", "pandas.read_pickle", "torch.load", "marshal.load*",
    "jsonpickle.decode", "shelve.open", "compress_pickle.load*",
)  # fmt: skip
"""Functions that run what a pickle says, whatever their arguments."""

RULES: tuple[Rule, ...] = (
    Rule("joblib-load", ("joblib.load", "*.externals.joblib.load"),
         "joblib.load runs whatever code the file holds"),
    Rule("pickle-load", ("pickle.load", "pickle.loads", "pickle.Unpickler", "_pickle.load*", "cPickle.load*",
                         "dill.load*", "cloudpickle.load*", "compress_pickle.load*"),
         "unpickling runs whatever code the file holds", also=_B3),
    Rule("pandas-read-pickle", ("pandas.read_pickle",), "pandas.read_pickle runs whatever code the file holds",
         "Keep tables as Parquet, or load the file with modelward.load, which checks it first", also=_B3),
    Rule("torch-load", ("torch.load",), "torch.load with weights_only=False runs whatever code the file holds",
         "Pass weights_only=True, or keep weights as safetensors", bad=(("weights_only", False),), also=("B614",)),
    Rule("torch-load", ("torch.load",), "torch.load without weights_only runs code of the file before PyTorch 2.6",
         "Pass weights_only=True", good=(("weights_only", ...),), also=("B614",)),
    Rule("torch-load-old", ("torch.load",),
         "weights_only=True can be got round with PyTorch (CVE-2025-32434, up to 2.5.1)",
         "Upgrade torch to 2.6 or later", bad=(("weights_only", True),)),
    Rule("torch-hub", ("torch.hub.load",), "torch.hub.load fetches a repository and runs it",
         "Name a release by its commit, and keep a reviewed copy", level="high", good=(("source", "local"),)),
    Rule("fetched-without-hash", ("torch.hub.load_state_dict_from_url", "torch.utils.model_zoo.load_url"),
         "weights are fetched and their hash is not checked", "Pass check_hash=True", good=(("check_hash", True),)),
    Rule("fetched-without-hash", ("pooch.retrieve",), "a file is fetched and its hash is not checked",
         "Pass known_hash", bad=(("known_hash", None),)),
    Rule("fetched-without-hash", ("*keras.utils.get_file",), "a file is fetched and its hash is not checked",
         "Pass file_hash", good=(("file_hash", ...), ("md5_hash", ...))),
    Rule("numpy-allow-pickle", ("numpy.load", "numpy.lib.*load", "numpy.lib.format.read_array"),
         "numpy.load with allow_pickle=True runs whatever code the file holds",
         "Save arrays of numbers, and load them without allow_pickle", bad=(("allow_pickle", True),)),
    Rule("yaml-load", ("yaml.load", "yaml.load_all"), "yaml.load builds any Python object that the text names",
         "Use yaml.safe_load", good=(("Loader", "safe"),), also=("B506",)),
    Rule("yaml-load", ("yaml.unsafe_load*", "yaml.full_load*"), "this builds Python objects that the text names",
         "Use yaml.safe_load", also=("B506",)),
    Rule("trust-remote-code", ("*",), "trust_remote_code=True runs the Python files of the model's repository",
         "Use a model that the library knows itself, or pin revision= to a commit that you have read", level="high",
         bad=(("trust_remote_code", True),)),
    Rule("pickle-weights", ("*",), "use_safetensors=False loads the weights as a pickle, which runs code",
         "Leave use_safetensors out, or pass True", bad=(("use_safetensors", False),)),
    Rule("keras-unsafe", ("*load_model", "*.from_config", "*model_from_json"),
         "safe_mode=False lets a Keras file bring code of its own (Lambda layers)", "Leave safe_mode on",
         level="high", bad=(("safe_mode", False),)),
    Rule("keras-unsafe", ("*keras.config.enable_unsafe_deserialization",),
         "Keras files may bring code of their own from here on", "Leave it out", level="high"),
    Rule("keras-load", ("tensorflow.keras.models.load_model", "keras.models.load_model", "keras.saving.load_model"),
         "an older Keras file (.h5, SavedModel) can bring code of its own", "Save as .keras, and load with safe_mode"),
    Rule("mlflow-load", ("mlflow.*load_model",), "an MLflow model is unpickled, and brings code of its own",
         "Check it with modelward scan first, and load it by its exact version"),
    Rule("library-load", ("fastai.*load_learner", "gensim.*.load", "autogluon.*Predictor.load", "flair.*.load",
                          "statsmodels.*load_pickle", "statsmodels.*.load", "bentoml.*load_model",
                          "stable_baselines3.*.load", "sktime.*load", "surprise.dump.load", "ultralytics.YOLO"),
         "this library keeps its models as pickles, which run code"),
    Rule("pickle-socket", ("*.recv_pyobj", "zmq.*recv_pyobj", "multiprocessing.connection.Listener",
                           "multiprocessing.connection.Client", "multiprocessing.managers.BaseManager",
                           "*BaseManager().connect"),
         "whoever reaches the other end of this connection has code run here: it unpickles what arrives",
         "Send JSON or Arrow, or keep the connection on this machine with a key", level="high"),
    Rule("http-server", ("flask.*().run", "*Flask().run"), "debug=True gives a console to whoever reaches the server",
         "Leave debug out", level="high", bad=(("debug", True),), also=("B201",)),
)  # fmt: skip

WEIGHTS = (
    ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".h5", ".hdf5", ".keras", ".onnx", ".npz", ".npy",
    ".safetensors", ".tflite", ".cbm", ".ubj", ".rds", ".gguf", ".skops", ".mar", ".dill", ".pb",
)  # fmt: skip
"""Ends of the names of model files."""

FETCHERS = (
    "urllib.request.urlretrieve", "urllib.request.urlopen", "requests.get", "requests.*.get", "httpx.get",
    "httpx.stream", "wget.download", "urllib3.request", "gdown.download", "fsspec.open", "requests.request",
    "urllib.request.Request",
)  # fmt: skip

ARRIVES = (
    "*.recv", "*.recvfrom", "*.recv_bytes", "*.makefile", "*.get_data", "requests.*", "urllib.request.urlopen*",
    "httpx.*", "urllib3.*", "*.request.data", "flask.request.*", "*.rfile.read", "*.receive", "socket.*", "boto3.*",
)  # fmt: skip
"""Where bytes come from somebody else."""
