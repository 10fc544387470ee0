"""A small run of `benchmarks/fuzz.py`: what CPython's own unpicklers reach is never called clean unless it is allowed."""

from __future__ import annotations

import pickle
from collections import Counter

from fuzz import ORACLE_MEMORY, Process, asked, failure, fuzz, scan
from fuzz_oracle import reach
from fuzz_streams import CLASSES


def test_no_stream_is_better_judged_than_what_it_reaches() -> None:
    verdicts, reached, _, failures = fuzz(11, 2400, scan, Process(asked, ORACLE_MEMORY))
    assert [(kind, why, data.hex()) for kind, why, data in failures] == []
    by_verdict = Counter(dict.fromkeys(("clean", "suspicious", "malicious", "unreadable"), 0))
    for (_, verdict), n in verdicts.items():
        by_verdict[verdict] += n
    assert min(by_verdict.values()) > 50
    assert all(reached[kind] > 50 for kind in CLASSES)


def test_the_oracle_sees_and_the_comparison_tells() -> None:
    evil = b"\x80\x02cos\nsystem\nV:\n\x85R."
    names = reach(evil)
    assert {(module, name) for _, module, name in names} == {("os", "system")}
    assert failure("clean", [], names)
    assert failure("clean", [("os.system", "dangerous")], names)
    assert failure("suspicious", [], names)
    assert not failure("malicious", [("os.system", "dangerous")], names)
    assert not failure(
        "clean", [("collections.OrderedDict", "known")], reach(b"ccollections\nOrderedDict\n)R.")
    )
    assert reach(pickle.dumps([1, "a"])) == []
