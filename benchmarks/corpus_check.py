"""Load each file of a corpus for real, in a throw-away process in a folder of its own, and see whether it ran.

    python benchmarks/corpus_check.py FOLDER

The folder is as `corpus.write` leaves it. Payloads touch a file called `ran`; what exists afterwards is recorded,
so that a file counts as one that executes only if it did. Each has `SECONDS` of processor time, and what it started
is waited for, so that a busy machine does not change the count; libraries that are not installed do: they are printed,
with the number of files that ran in each family. Linux only (it forks).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pickle
import resource
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_gadgets import COMPANIONS

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 10
"""Of processor time that a file may take."""
LONGEST = 30
"""Seconds after which a file that only waits is given up."""
LIBRARIES = (
    "joblib",
    "numpy",
    "torch",
    "sklearn",
    "pandas",
    "scipy",
    "xgboost",
    "lightgbm",
    "cloudpickle",
    "pip",
    "mlflow",
)


def several(data: bytes) -> None:
    """Load one pickle after the other."""
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        pickle.load(stream)


def inner(data: bytes) -> None:
    """Load a pickle, and what its bytes hold."""
    for value in pickle.loads(data).values():
        pickle.loads(value)


def members(data: bytes) -> None:
    """Load the members of a zip, and of the zips in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for info in file.infolist():
            content = file.read(info)
            if content.startswith(b"PK"):
                members(content)
            with contextlib.suppress(Exception):
                pickle.loads(content)


def archived(data: bytes) -> None:
    """Load the members of a tar."""
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        for info in file.getmembers():
            pickle.loads(file.extractfile(info).read())


def by_joblib(data: bytes) -> None:
    importlib.import_module("joblib").load(io.BytesIO(data))


def by_numpy(data: bytes) -> None:
    found = importlib.import_module("numpy").load(io.BytesIO(data), allow_pickle=True)
    if hasattr(found, "files"):
        for name in found.files:
            found[name]


def by_torch(data: bytes) -> None:
    importlib.import_module("torch").load(io.BytesIO(data), weights_only=False)


LOADERS: dict[str, Callable[[bytes], Any]] = {
    "pickle": pickle.loads, "pickles": several, "inner": inner, "zip": members, "tar": archived,
    "joblib": by_joblib, "numpy": by_numpy, "torch": by_torch,
}  # fmt: skip


def runs(data: bytes, loader: str) -> bool:
    """Load content in a child process; say whether its payload ran."""
    folder = Path(tempfile.mkdtemp(prefix="corpus-"))
    for name, content in COMPANIONS.items():
        (folder / name).write_bytes(content)
    child = os.fork()
    if child == 0:
        _child(data, loader, folder)
    deadline = time.monotonic() + LONGEST
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.004)
    ran = (folder / "ran").exists()
    # What it started shares its group: wait for it to end, however slow the machine is.
    while not ran and time.monotonic() < deadline and _alive(child):
        time.sleep(0.02)
        ran = (folder / "ran").exists()
    ran = ran or (folder / "ran").exists()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    return ran


def _alive(group: int) -> bool:
    """Say whether a process of a group still runs; one that ended and was not waited for does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, owner = stat.read_text().rpartition(")")[2].split()[:3]
            if int(owner) == group and state != "Z":
                return True
    return False


def _child(data: bytes, loader: str, folder: Path) -> None:
    try:
        os.setsid()
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        warnings.simplefilter("ignore")
        LOADERS[loader](data)
    except BaseException:  # noqa: BLE001 - it ran or it did not; how it ended does not matter
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Check every file of a folder's list that a plain loader can load."""
    folder = Path(sys.argv[1])
    rows = json.loads((folder / "corpus.json").read_text())
    here = []
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            here.append(f"{library} {getattr(importlib.import_module(library), '__version__', '')}".strip())
    for row in rows:
        row["executes"] = bool(row["loader"]) and runs((folder / row["file"]).read_bytes(), row["loader"])
    (folder / "corpus.json").write_text(json.dumps(rows, indent=1))
    ran, all_of = (
        Counter(r["advisory"] for r in part) for part in ([r for r in rows if r["executes"]], rows)
    )
    for family, number in all_of.items():
        print(f"{ran[family]:4d} of {number:4d} {family}")
    print(
        f"{ran.total()} of {len(rows)} ran their payload (Python {sys.version.split()[0]}, {', '.join(here)})"
    )


if __name__ == "__main__":
    main()
