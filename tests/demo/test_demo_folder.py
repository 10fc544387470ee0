"""The demo's folder: never over somebody's files, never half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelward.demo._folder import ABOUT, FILES, building, check_place
from modelward.errors import InputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path, text: str) -> None:
    for name in FILES:
        if name != ABOUT:
            (folder / name).write_text(text)


def test_a_demo_may_be_written_over_a_former_one(tmp_path: Path) -> None:
    place = tmp_path / "a" / "demo"
    for text in ("first", "second"):
        with building(place) as fresh:
            assert fresh.parent == place.parent
            fill(fresh, text)
    assert sorted(path.name for path in place.iterdir()) == sorted(FILES)
    assert (place / "model.pkl").read_text() == "second"
    assert [path.name for path in place.parent.iterdir()] == ["demo"]


@pytest.mark.parametrize("name", ["thesis.txt", "model.pkl", ABOUT])
def test_other_peoples_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="--out DIR"), building(tmp_path):
        pass
    assert (tmp_path / name).read_text() == "mine"


def test_a_former_demo_with_a_file_added_is_refused(tmp_path: Path) -> None:
    with building(tmp_path / "demo") as fresh:
        fill(fresh, "x")
    (tmp_path / "demo" / "notes.md").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.md"):
        check_place(tmp_path / "demo")


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(UsageError, match="is a file"), building(tmp_path / "demo"):
        pass


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), building(tmp_path / "file" / "demo"):
        pass


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), building(tmp_path / "demo") as fresh:
        (fresh / "model.pkl").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
