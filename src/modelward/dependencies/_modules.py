"""Which modules a distribution brings: asked of the environment, else of a table, else guessed from its name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from modelward.dependencies._environment import installed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from modelward.dependencies._environment import Environment

# Modules that are named otherwise than their distribution, for those that are not installed here.
KNOWN: dict[str, tuple[str, ...]] = {
    "absl-py": ("absl",), "antlr4-python3-runtime": ("antlr4",), "apache-airflow": ("airflow",),
    "argon2-cffi": ("argon2",), "attrs": ("attr", "attrs"), "autogluon-tabular": ("autogluon.tabular",),
    "azure-identity": ("azure.identity",), "azure-storage-blob": ("azure.storage.blob",),
    "beautifulsoup4": ("bs4",), "biopython": ("Bio",), "boolean-py": ("boolean",),
    "cffi": ("cffi", "_cffi_backend"), "cyclonedx-python-lib": ("cyclonedx",),
    "databricks-sdk": ("databricks.sdk",), "discord-py": ("discord",),
    "djangorestframework": ("rest_framework",), "dnspython": ("dns",), "docker-py": ("docker",),
    "faiss-cpu": ("faiss",), "faiss-gpu": ("faiss",), "ffmpeg-python": ("ffmpeg",), "gitpython": ("git",),
    "google-api-core": ("google.api_core",), "google-api-python-client": ("googleapiclient",),
    "google-auth": ("google.auth", "google.oauth2"),
    "google-cloud-aiplatform": ("google.cloud.aiplatform", "vertexai"),
    "google-cloud-bigquery": ("google.cloud.bigquery",), "google-cloud-storage": ("google.cloud.storage",),
    "googleapis-common-protos": ("google.api", "google.rpc"), "grpcio": ("grpc",),
    "grpcio-status": ("grpc_status",), "grpcio-tools": ("grpc_tools",), "hydra-core": ("hydra",),
    "imbalanced-learn": ("imblearn",), "intel-openmp": (), "ipython": ("IPython",),
    "jaraco-classes": ("jaraco.classes",), "kafka-python": ("kafka",), "markdown-it-py": ("markdown_it",),
    "mlflow-skinny": ("mlflow",), "msgpack-python": ("msgpack",),
    "mysql-connector-python": ("mysql.connector",), "mysqlclient": ("MySQLdb",), "nvidia-ml-py": ("pynvml",),
    "onnxruntime-gpu": ("onnxruntime",), "opencv-contrib-python": ("cv2",),
    "opencv-contrib-python-headless": ("cv2",), "opencv-python": ("cv2",), "opencv-python-headless": ("cv2",),
    "opentelemetry-api": ("opentelemetry",), "opentelemetry-sdk": ("opentelemetry.sdk",),
    "pdfminer-six": ("pdfminer",), "phonenumberslite": ("phonenumbers",), "pillow": ("PIL",),
    "pillow-simd": ("PIL",), "polars-lts-cpu": ("polars",), "protobuf": ("google.protobuf",),
    "psycopg2-binary": ("psycopg2",), "py-cpuinfo": ("cpuinfo",), "pycryptodome": ("Crypto",),
    "pycryptodomex": ("Cryptodome",), "pyjwt": ("jwt",), "pynacl": ("nacl",), "pyopenssl": ("OpenSSL",),
    "pyserial": ("serial",), "pysocks": ("socks",), "pytest": ("pytest", "_pytest"),
    "python-dateutil": ("dateutil",), "python-decouple": ("decouple",), "python-docx": ("docx",),
    "python-dotenv": ("dotenv",), "python-jose": ("jose",), "python-json-logger": ("pythonjsonlogger",),
    "python-levenshtein": ("Levenshtein",), "python-magic": ("magic",),
    "python-multipart": ("python_multipart", "multipart"), "python-pptx": ("pptx",),
    "python-slugify": ("slugify",), "pywin32": ("win32api", "win32con"), "pyyaml": ("yaml", "_yaml"),
    "pyzmq": ("zmq",), "ruamel-yaml": ("ruamel.yaml",), "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",), "scikit-learn-intelex": ("sklearnex", "daal4py"),
    "scikit-optimize": ("skopt",), "scikit-surprise": ("surprise",),
    "setuptools": ("setuptools", "pkg_resources"), "snowflake-connector-python": ("snowflake.connector",),
    "speechrecognition": ("speech_recognition",), "tensorflow-cpu": ("tensorflow",),
    "tensorflow-gpu": ("tensorflow",), "tensorflow-intel": ("tensorflow",), "torch": ("torch", "functorch"),
    "umap-learn": ("umap",), "websocket-client": ("websocket",), "xgboost-cpu": ("xgboost",),
    "zope-interface": ("zope.interface",),
}  # fmt: skip


def modules_of(names: Collection[str], environment: Environment | None = None) -> dict[str, tuple[str, ...]]:
    """Return the modules that distributions bring, each by the shortest name that is its own.

    Parameters
    ----------
    names : collection of str
        Distributions in their normal form.
    environment : Environment, optional
        The one that runs this if absent.

    Examples
    --------
    >>> modules_of(["no-such-package", "scikit-learn"])["no-such-package"]
    ('no_such_package',)
    """
    found: dict[str, tuple[str, ...]] = {}
    packages = (environment or installed()).packages
    for name in names:
        own = _of_files(file for file, _ in packages[name].files()) if name in packages else ()
        if own:
            found[name] = own
        found.setdefault(name, KNOWN.get(name, (name.replace("-", "_"),)))
    return found


def _of_files(files: Iterable[str]) -> tuple[str, ...]:
    """Return the shortest packages and modules among the files of a distribution.

    Examples
    --------
    >>> _of_files(["google/api/http.py", "six.py", "a/__init__.py", "a/b.py", "_c.abi3.so"])
    ('_c', 'a', 'google.api.http', 'six')
    """
    listed = [f for f in files if f.endswith((".py", ".so", ".pyd")) and not f.startswith(("/", "../"))]
    packages = {PurePosixPath(f).parent for f in listed if f.endswith("/__init__.py")}
    tops = [folder for folder in packages if not packages & set(folder.parents)]
    below = tuple(f"{folder}/" for folder in tops)
    found = {".".join(folder.parts) for folder in tops}
    for file in (PurePosixPath(f) for f in listed if not below or not f.startswith(below)):
        if file.stem != "__init__" and not any("-" in part for part in file.parent.parts):
            found.add(".".join((*file.parent.parts, file.name.partition(".")[0])))
    return tuple(sorted(name for name in found if re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name)))


class Owners:
    """Looks up who brings a module.

    Parameters
    ----------
    modules : dict
        From a distribution to its modules.
    first : collection of str
        Distributions that count alone where several bring a module and one of these does.

    Examples
    --------
    >>> Owners({"protobuf": ("google.protobuf",), "six": ("six",)}).of("google.protobuf.message")
    ('protobuf',)
    """

    def __init__(self, modules: dict[str, tuple[str, ...]], first: Collection[str] = ()) -> None:
        self._first = frozenset(first)
        self._by: dict[str, list[str]] = {}
        for name, own in modules.items():
            for module in own:
                self._by.setdefault(module, []).append(name)

    def of(self, name: str) -> tuple[str, ...]:
        """Return the distributions that bring a dotted name: those with the longest module of it."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            found: Any = self._by.get(".".join(parts[:length]))
            if found:
                return tuple(one for one in found if one in self._first) or tuple(found)
        return ()
