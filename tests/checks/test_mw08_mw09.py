"""Rows 8 and 9: what must fire, and what must not."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from modelward.artifacts import read_bytes
from modelward.checks import CheckNotApplicable, CheckNotGiven, conclude
from modelward.checks.mw08_provider import CarriedRows
from modelward.checks.mw09_supply_chain import DangerousNames, Tampered, UnknownNames
from modelward.findings import Cost, Policy

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = (CarriedRows, DangerousNames, UnknownNames, Tampered)


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


def verdict(check: Any, scope: Any) -> str:
    return conclude(check, check().run(scope), alpha=0.05 / 20, policy=Policy(), cost=Cost()).verdict


def with_file(
    make_scope: Callable[..., Any],
    credit: Any,
    model: Any,
    tamper: Any = None,
    data: bytes = b"",
    **options: Any,
) -> Any:
    scope = make_scope(model, *credit, **options)
    if tamper is not None:
        tamper(model)
    from dataclasses import replace

    return replace(scope, artifact=read_bytes(data or pickle.dumps(model)))


def test_honest_forest_passes(make_scope: Any, credit: Any, shallow_forest: Any) -> None:
    scope = with_file(make_scope, credit, shallow_forest)
    assert [verdict(check, scope) for check in ALL] == ["pass"] * 4


def test_neighbours_carry_their_rows(make_scope: Any, credit: Any) -> None:
    scope = with_file(make_scope, credit, KNeighborsClassifier())
    evidence = CarriedRows().run(scope)
    assert verdict(CarriedRows, scope) == "fail"
    assert "4,200 rows" in evidence.summary
    assert "100%" in evidence.summary
    assert all(c.code for c in evidence.countermeasures)
    assert verdict(DangerousNames, scope) == "pass"


def test_dangerous_and_unknown_names(make_scope: Any, credit: Any, shallow_forest: Any) -> None:
    scope = with_file(make_scope, credit, shallow_forest, data=pickle.dumps([Evil()]))
    assert verdict(DangerousNames, scope) == "fail"
    assert verdict(UnknownNames, scope) == "pass"
    unknown = b"\x80\x04\x8c\x04bank\x8c\x03Net\x93."
    scope = with_file(make_scope, credit, shallow_forest, data=unknown)
    assert verdict(DangerousNames, scope) == "pass"
    assert verdict(UnknownNames, scope) == "fail"
    trusted = with_file(make_scope, credit, shallow_forest, data=unknown, options={"trust": ("bank.Net",)})
    assert verdict(UnknownNames, trusted) == "pass"


def test_unreadable_file_is_never_a_pass(make_scope: Any, credit: Any, shallow_forest: Any) -> None:
    scope = with_file(make_scope, credit, shallow_forest, data=b"PK\x03\x04 and so on")
    assert verdict(DangerousNames, scope) == "inconclusive"
    assert verdict(UnknownNames, scope) == "inconclusive"
    with pytest.raises(CheckNotApplicable):
        CarriedRows().run(scope)


def test_repeated_label_fails(make_scope: Any, credit: Any, shallow_forest: Any) -> None:
    from sklearn.base import clone

    def same(model: Any) -> None:
        model.classes_ = np.array([1, 1])

    scope = with_file(make_scope, credit, clone(shallow_forest), same)
    assert verdict(Tampered, scope) == "fail"
    assert Tampered().run(scope).location == "classes_"


def test_swapped_labels_fail_on_their_answers(make_scope: Any, credit: Any, shallow_forest: Any) -> None:
    from sklearn.base import clone

    def swap(model: Any) -> None:
        model.classes_ = np.array([1, 0])

    scope = with_file(make_scope, credit, clone(shallow_forest), swap)
    assert verdict(Tampered, scope) == "fail"
    assert "swapped" in Tampered().run(scope).summary


def test_a_model_that_knows_nothing_is_no_fail(make_scope: Any, credit: Any) -> None:
    """A constant or guessing model lies on the limit: over many seeds it must not be called tampered."""
    fails = 0
    for seed in range(60):
        model = DummyClassifier(strategy="uniform", random_state=seed)
        fails += verdict(Tampered, with_file(make_scope, credit, model)) == "fail"
    assert fails <= 2


def test_without_a_file(make_scope: Any, credit: Any, shallow_forest: Any) -> None:
    scope = make_scope(shallow_forest, *credit)
    for check in (CarriedRows, DangerousNames, UnknownNames):
        with pytest.raises(CheckNotGiven, match="model file"):
            check().run(scope)
    assert verdict(Tampered, scope) == "pass"


def test_a_model_that_always_says_the_most_common_label_is_at_chance_and_no_other(
    make_scope: Any, credit: Any
) -> None:
    common = with_file(make_scope, credit, DummyClassifier(strategy="most_frequent"))
    assert verdict(Tampered, common) == "pass"
    rare = with_file(make_scope, credit, DummyClassifier(strategy="constant", constant=1))
    assert verdict(Tampered, rare) == "inconclusive"
