"""What the scenes play with: the bank's tables, its model, and the file that it was saved to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelward.demo._data import TARGET
from modelward.demo._model import FEATURES
from modelward.models import wrap
from modelward.schema import Codec, infer

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from modelward.findings import Finding
    from modelward.models import Subject
    from modelward.schema import FeatureSchema


@dataclass(frozen=True)
class Bank:
    """The bank before anybody attacks it.

    Parameters
    ----------
    folder : Path
        Where model.pkl, train.csv and test.csv are.
    train, test : polars.DataFrame
        Customers.
    model : object
        The fitted forest.
    """

    folder: Path
    train: pl.DataFrame
    test: pl.DataFrame
    model: Any

    @property
    def model_file(self) -> Path:
        """The saved model."""
        return self.folder / "model.pkl"

    @cached_property
    def schema(self) -> FeatureSchema:
        """What a legal row is, inferred from the training rows before anybody touched them."""
        return infer(self.train.select(FEATURES))

    @cached_property
    def codec(self) -> Codec:
        """Between tables and matrices."""
        return Codec.fit(self.schema, self.train.select(FEATURES))

    def subject(self, model: Any, name: str = "the bank's model") -> Subject:
        """Return a model as engines ask it."""
        return wrap(model, self.codec, [0, 1], name=name)

    def check(self, code: str, model: Any, *, train: pl.DataFrame | None = None) -> Finding:
        """Run one check of `modelward assess` on a model, with the test rows as those that are trusted."""
        from modelward.assessment import assess

        source = str(model) if hasattr(model, "suffix") else model
        report = assess(source, self.test, target=TARGET, train=train, select=[code], n_jobs=1)
        return report.findings[0]
