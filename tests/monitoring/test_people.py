"""Telling people: what reaches Apprise, and what goes wrong is one line without the address."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from modelward.errors import InputError, MissingExtraError
from modelward.monitoring import People


class Fake:
    """Stands for Apprise: knows addresses that begin with json."""

    sent: list[dict[str, str]]
    works = True

    def __init__(self) -> None:
        Fake.sent = []

    def add(self, url: str) -> bool:
        return url.startswith("json")

    def notify(self, **message: str) -> bool:
        Fake.sent.append(message)
        return Fake.works


@pytest.fixture
def apprise(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Fake, "works", True)
    monkeypatch.setitem(sys.modules, "apprise", SimpleNamespace(Apprise=Fake))
    return Fake


def notices(n: int) -> list[dict[str, Any]]:
    return [{"state": "began" if k else "ended", "words": f"AGE: {k}"} for k in range(n)]


def test_alerts_are_told_in_one_message_of_bounded_length(apprise: Any) -> None:
    People("json://localhost")(notices(30))
    (message,) = apprise.sent
    assert message["title"] == "modelward: 29 alerts began, 1 over"
    lines = message["body"].splitlines()
    assert lines[:2] == ["ended: AGE: 0", "began: AGE: 1"]
    assert (len(lines), lines[-1]) == (21, "and 10 more")


def test_what_could_not_be_told_raises_so_that_it_is_sent_again(apprise: Any) -> None:
    people = People("json://localhost")
    apprise.works = False
    with pytest.raises(OSError, match="not everybody"):
        people(notices(1))


def test_addresses_are_never_quoted(apprise: Any) -> None:
    with pytest.raises(InputError, match="address 2 is none") as told:
        People("json://localhost", "nonsense://user:secret@host")
    assert "secret" not in str(told.value)
    with pytest.raises(InputError, match="nobody is told"):
        People()


def test_without_apprise_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtraError, match=r"modelward\[notify\]"):
        People("json://localhost")
