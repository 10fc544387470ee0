"""CatBoost's own format: `CBM1`, a length, and a FlatBuffers table; the trees are checked before they are trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.artifacts._catboost import core_of_bytes, facts_of_bytes
from modelward.artifacts._catboost_trees import CatBoostError, catboost_trees
from modelward.artifacts.readers._notes import BrokenError, finish, standing

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job
    from modelward.artifacts._inert import Inert
    from modelward.artifacts.readers._notes import Notes


def read(job: Job) -> Artifact:
    """Read a job as a CatBoost model."""
    return finish(job, "CatBoost", parse)


def parse(content: bytes, notes: Notes) -> Inert:
    """Return a stand-in of a CatBoost model that holds the bytes, as pickles do."""
    notes.spend(16 * len(content))
    data = bytes(content)
    facts = facts_of_bytes(data)
    if facts is None:
        raise BrokenError("its table is cut off or damaged")
    parts, end = core_of_bytes(data).vector(3)[1], 8 + int.from_bytes(data[4:8], "little")
    if parts or end != len(data):
        notes.unreadable(
            "holds parts behind its trees, for categories, texts or embeddings, which are not read here"
        )
    else:
        try:
            catboost_trees(data)
        except CatBoostError as error:
            notes.unreadable(str(error))
    return standing("catboost.core", "CatBoostClassifier" if facts.classes else "CatBoost", {"__model": data})
