"""Fuzz the reader of model files, and print what came of it by class of stream.

    python benchmarks/fuzz.py [COUNT] [SEED] > benchmarks/fuzz.md

Scanner and oracle run in processes of their own, under a limit of memory. The oracle are CPython's unpicklers
(in C and in Python, and the latter with joblib's additions) with a class lookup that only records. A stream fails
if the scan crashes, takes over a second of the processor three times, calls it clean though an unpickler reaches a
name that is not allowed or that the scan does not list, or calls it suspicious though a dangerous name is reached.
"""

from __future__ import annotations

import _compat_pickle
import contextlib
import multiprocessing
import platform
import resource
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import sklearn

from fuzz_oracle import reach
from fuzz_streams import CLASSES, streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

SCAN_MEMORY = 6 << 30
ORACLE_MEMORY = 1 << 30
_FRESH = multiprocessing.get_context("spawn")
SECONDS = 1.0
VERDICTS = ("clean", "suspicious", "malicious", "unreadable")


def scan(data: bytes) -> tuple[str, list[tuple[str, str]], float]:
    """Return the verdict, the names and their status, and the time that it took."""
    from modelward.artifacts import read_bytes

    began = time.process_time()
    artifact = read_bytes(data)
    return artifact.verdict, [(use.name, use.status) for use in artifact.globals], time.process_time() - began


def asked(data: bytes) -> list[tuple[str, str, str]]:
    """Ask the oracle; what takes it longer than two seconds is not compared."""

    def late(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(2)
    try:
        return reach(data)
    except TimeoutError:
        return []
    finally:
        signal.alarm(0)


def _serve(run: Callable[[bytes], Any], pipe: Connection, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with contextlib.suppress(EOFError):  # the other end is closed when all is done
        while True:
            pipe.send(run(pipe.recv_bytes()))


class Process:
    """Runs a function elsewhere, so that a crash is an answer (None)."""

    def __init__(self, run: Callable[[bytes], Any], memory: int) -> None:
        self.run, self.memory = run, memory
        self.start()

    def start(self) -> None:
        """Start afresh."""
        self.pipe, theirs = _FRESH.Pipe()
        self.process = _FRESH.Process(target=_serve, args=(self.run, theirs, self.memory), daemon=True)
        self.process.start()
        theirs.close()

    def __call__(self, data: bytes) -> Any:
        """Return what the function returns; None if its process died."""
        self.pipe.send_bytes(data)
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            self.start()
            return None


def spelled(module: str, name: str) -> str:
    """Return a name as Python 3 has it."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        module, name = _compat_pickle.NAME_MAPPING[(module, name)]
    return f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}"


def failure(verdict: str, ours: list[tuple[str, str]], theirs: list[tuple[str, str, str]]) -> str:
    """Say what is wrong with a verdict, given what the unpicklers reach; nothing if it is right."""
    from modelward.artifacts._container import printable
    from modelward.artifacts._names import judge_name

    status = dict(ours)
    for _, module, name in theirs:
        full = spelled(module, name)
        judged = judge_name(*_split(full, name))[0]
        if verdict == "clean" and status.get(printable(full)) != "known":
            return f"clean, and {printable(full)} is reached"
        if verdict == "suspicious" and judged == "dangerous" and status.get(printable(full)) != "known":
            return f"suspicious, and {printable(full)} is reached"
    return ""


def _split(full: str, name: str) -> tuple[str, str]:
    last = name if full.endswith("." + name) else full.rpartition(".")[2]
    return full[: -len(last) - 1], last


def fuzz(
    seed: int, count: int, run: Callable[[bytes], Any], oracle: Callable[[bytes], Any]
) -> tuple[Any, ...]:
    """Fuzz; return counts of verdicts, of streams in which the oracle reached a name, and the failures."""
    verdicts: Counter[tuple[str, str]] = Counter()
    reached: Counter[str] = Counter()
    failures: list[tuple[str, str, bytes]] = []
    slowest: dict[str, float] = dict.fromkeys(CLASSES, 0.0)
    for kind, data in streams(seed, count):
        answer = run(data)
        if answer is None:
            failures.append((kind, "crash", data))
            continue
        verdict, names, seconds = answer
        if seconds > SECONDS:  # other programs run here, too, and share the caches
            seconds = min(seconds, *(again[2] if (again := run(data)) else SECONDS for _ in range(2)))
        if seconds > SECONDS:
            failures.append((kind, f"{seconds:.1f} s", data))
        slowest[kind] = max(slowest[kind], seconds)
        verdicts[kind, verdict] += 1
        theirs = oracle(data) or []
        reached[kind] += bool(theirs)
        wrong = failure(verdict, names, theirs)
        if wrong:
            failures.append((kind, wrong, data))
    return verdicts, reached, slowest, failures


def main() -> None:
    """Print the table; exit 1 on a failure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    verdicts, reached, slowest, failures = fuzz(
        seed, count, Process(scan, SCAN_MEMORY), Process(asked, ORACLE_MEMORY)
    )
    print(
        f"# Fuzzing the reader\n\nPython {platform.python_version()}, numpy {np.__version__}, scikit-learn "
        f"{sklearn.__version__}, joblib {joblib.__version__}; {count:,} streams, seed {seed}; "
        f'`python benchmarks/fuzz.py {count} {seed}`. "Names reached" counts streams in which CPython\'s own unpickler '
        "got as far as a name.\n\n"
        "| class | streams | clean | suspicious | malicious | unreadable | names reached | slowest, ms | failures |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for kind in CLASSES:
        row = [verdicts[kind, verdict] for verdict in VERDICTS]
        wrong = sum(failed == kind for failed, _, _ in failures)
        print(
            f"| {kind} | {sum(row):,} | " + " | ".join(f"{n:,}" for n in row) + f" | {reached[kind]:,} | "
            f"{1e3 * slowest[kind]:.0f} | {wrong} |"
        )
    for kind, why, data in failures[:50]:
        print(f"{kind}: {why}: {data[:2000].hex()}", file=sys.stderr)
    print(f"\nCrashes, hangs over a second and wrong verdicts: {len(failures)}.")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
