"""What a smaller package or the standard library replaces, each with its reason.

Sources: the packages' own pages and the "What's New" pages of Python, where a module came into the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Smaller:
    """A replacement: what, and why.

    Parameters
    ----------
    instead : str
    why : str
    """

    instead: str
    why: str


_LIBRARY = {
    "argparse": "argparse, since 3.2", "asyncio": "asyncio, since 3.4",
    "backports-zoneinfo": "zoneinfo, since 3.9", "configparser": "configparser, since 3.0",
    "contextlib2": "contextlib, since 3.7", "contextvars": "contextvars, since 3.7",
    "dataclasses": "dataclasses, since 3.7", "enum34": "enum, since 3.4", "functools32": "functools, since 3.2",
    "futures": "concurrent.futures, since 3.2", "importlib-resources": "importlib.resources, since 3.7",
    "ipaddress": "ipaddress, since 3.3", "mock": "unittest.mock, since 3.3",
    "ordereddict": "collections.OrderedDict, since 3.1", "pathlib": "pathlib, since 3.4",
    "pathlib2": "pathlib, since 3.4", "pytz": "zoneinfo, since 3.9",
    "singledispatch": "functools.singledispatch, since 3.4", "statistics": "statistics, since 3.4",
    "subprocess32": "subprocess, since 3.2", "toml": "tomllib, since 3.11", "tomli": "tomllib, since 3.11",
    "typing": "typing, since 3.5", "unittest2": "unittest, since 3.2", "uuid": "uuid, since 2.5",
}  # fmt: skip
_DEVELOP = (
    "black", "flake8", "ipykernel", "ipython", "isort", "jupyter", "jupyterlab", "mypy", "notebook", "pylint",
    "pytest", "pytest-cov", "ruff", "sphinx", "tox", "pre-commit",
)  # fmt: skip

SMALLER: dict[str, Smaller] = {
    **{name: Smaller(f"the standard library ({what})", "it does the same") for name, what in _LIBRARY.items()},
    **{
        name: Smaller("a development group", "nothing that serves needs it in the installation that is shipped")
        for name in _DEVELOP
    },
    "fbprophet": Smaller("prophet", "the old name gets no releases"),
    "flask-restplus": Smaller("flask-restx", "it is no longer looked after; the other is its continuation"),
    "future": Smaller("nothing", "it is for code that runs under Python 2, too"),
    "imblearn": Smaller("imbalanced-learn", "this name only asks for the other"),
    "keras-preprocessing": Smaller("keras.utils", "it is no longer looked after, and is part of Keras"),
    "langchain": Smaller(
        "the client of your model's provider", "it brings a framework along, and often only passes calls on"
    ),
    "lazypredict": Smaller("scikit-learn", "it fits models of libraries that can be asked without it"),
    "mlflow": Smaller("mlflow-skinny", "logging and loading need neither MLflow's server nor its database"),
    "nose": Smaller("pytest", "it has had no release since 2015"),
    "opencv-python": Smaller(
        "opencv-python-headless", "a server shows no windows, and the other brings no window library"
    ),
    "opencv-contrib-python": Smaller("opencv-contrib-python-headless", "a server shows no windows"),
    "pandas-profiling": Smaller(
        "ydata-profiling", "the old name gets no releases; profiles are not for serving"
    ),
    "pycaret": Smaller("scikit-learn", "what it trained is served by the libraries that it wraps"),
    "pycrypto": Smaller("cryptography", "it has had no release since 2013, and has known holes"),
    "retry": Smaller("a loop", "it has had no release since 2016, and brings two packages for it"),
    "simplejson": Smaller("the standard library (json)", "json comes from the same source"),
    "six": Smaller("nothing", "it is for code that runs under Python 2, too"),
    "sklearn": Smaller("scikit-learn", "this name only asks for the other, and is deprecated"),
    "tensorflow": Smaller("tensorflow-cpu, or onnxruntime", "serving needs no code for training"),
    "tensorflow-gpu": Smaller("tensorflow", "the old name gets no releases"),
    "torch": Smaller(
        "wheels without CUDA, from PyTorch's CPU index", "on Linux the usual ones bring gigabytes for GPUs"
    ),
    "ujson": Smaller(
        "the standard library (json)", "its authors only maintain it, and name orjson where speed counts"
    ),
    "wget": Smaller("the standard library (urllib.request)", "it has had no release since 2015"),
    "xgboost": Smaller("xgboost-cpu", "on Linux it brings a library for several GPUs along"),
}  # fmt: skip
"""By the name of what can be replaced."""
