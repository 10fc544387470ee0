"""The story: a bank, its model, six attacks, six locks, and a report to take along."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.demo._bank import Bank
from modelward.demo._data import TARGET
from modelward.demo._file import flip_answers, read_rules
from modelward.demo._folder import building
from modelward.demo._members import infer_members
from modelward.demo._model import accuracy, credit_data, shallow_forest
from modelward.demo._poison import plant, poison
from modelward.demo._steal import steal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelward.demo._scene import Scene
    from modelward.findings import Report

SCENES: tuple[Callable[[Bank], Scene], ...] = (
    read_rules, flip_answers, poison, plant, steal, infer_members,
)  # fmt: skip


@dataclass(frozen=True)
class Story:
    """What the demo did.

    Parameters
    ----------
    folder : Path
        Where its files are.
    rows : tuple of int
        Training and test customers.
    accuracy : float
        Of the bank's model on the test customers.
    scenes : tuple of Scene
        The six attacks and locks.
    report : Report
        The assessment that report.html shows.
    """

    folder: Path
    rows: tuple[int, int]
    accuracy: float
    scenes: tuple[Scene, ...]
    report: Report


def tell(
    folder: Path,
    *,
    on_start: Callable[[Path, tuple[int, int], float], None] | None = None,
    on_scene: Callable[[Scene], None] | None = None,
) -> Story:
    """Run the demo.

    Parameters
    ----------
    folder : Path
        Gets model.pkl, train.csv, test.csv and a README.txt together when the scenes are over, then report.html.
    on_start : callable, optional
        Called with the folder, the numbers of rows and the accuracy when the model stands.
    on_scene : callable, optional
        Called with each scene when it is over.

    Returns
    -------
    Story

    Raises
    ------
    UsageError
        If the folder holds anything that a demo did not write.
    InputError
        If it cannot be written.
    """
    from modelward.assessment import assess
    from modelward.models import open_model
    from modelward.reports import write_report

    with building(folder) as place:
        train, test = credit_data()
        train.write_csv(place / "train.csv")
        test.write_csv(place / "test.csv")
        (place / "model.pkl").write_bytes(pickle.dumps(shallow_forest(train)))
        # From here on the bank's model is what its file says.
        bank = Bank(place, train, test, open_model(str(place / "model.pkl")).model)
        rows, score = (train.height, test.height), accuracy(bank.model, test)
        if on_start is not None:
            on_start(folder, rows, score)
        scenes = []
        for play in SCENES:
            scenes.append(play(bank))
            if on_scene is not None:
                on_scene(scenes[-1])
    # Last, and from the final place, so that the report names the files by the paths that they keep.
    report = assess(str(folder / "model.pkl"), folder / "test.csv", target=TARGET, train=folder / "train.csv")
    write_report(report, folder / "report.html")
    return Story(folder, rows, score, tuple(scenes), report)


def next_command(folder: Path) -> str:
    """Return the command that the user runs next, ready to be pasted.

    Examples
    --------
    >>> from pathlib import PurePosixPath
    >>> next_command(PurePosixPath("my demo"))
    "modelward assess 'my demo/model.pkl' --data 'my demo/test.csv' --target DEFAULT --train 'my demo/train.csv'"
    """
    from shlex import quote

    model, data, train = (quote(str(folder / name)) for name in ("model.pkl", "test.csv", "train.csv"))
    return f"modelward assess {model} --data {data} --target {TARGET} --train {train}"
