"""Small random worlds in which every legal row can be listed."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelward.models import Scores, Subject, wrap
from modelward.schema import Codec, Column, FeatureSchema, cost, legal, project

if TYPE_CHECKING:
    from collections.abc import Callable


class Remembered:
    """Hands out what a backend answered on some rows, and asks it about all others: one call is slow."""

    def __init__(self, inner: Any, rows: np.ndarray) -> None:
        self.inner, self.kind = inner, inner.kind
        self.place = {row.tobytes(): i for i, row in enumerate(rows + 0.0)}
        self.answers, self.given = inner.ask(rows)

    def _places(self, X: np.ndarray) -> list[int] | None:
        places = [self.place.get(row.tobytes(), -1) for row in X + 0.0]
        return None if -1 in places else places

    def labels(self, X: np.ndarray) -> np.ndarray:
        places = self._places(X)
        return self.inner.labels(X) if places is None else self.answers[places]

    def scores(self, X: np.ndarray) -> Scores | None:
        places = self._places(X)
        if places is None or self.given is None:
            return self.inner.scores(X)
        return dataclasses.replace(self.given, values=self.given.values[places])

    def ask(self, X: np.ndarray) -> tuple[np.ndarray, Scores | None]:
        return self.labels(X), self.scores(X)


@dataclass
class World:
    """A schema with few legal rows, a subject, and some of the rows."""

    schema: FeatureSchema
    subject: Subject
    X: np.ndarray
    every: np.ndarray

    @cached_property
    def labels(self) -> np.ndarray:
        """The subject's answers on all legal rows."""
        return self.subject.codes(self.every)

    def cheapest(self, x: np.ndarray, code: int, goal: int | None) -> float:
        """Return the cost of the cheapest legal move by listing all rows."""
        wanted = self.labels != code if goal is None else self.labels == goal
        origin = np.broadcast_to(x, self.every.shape)
        reachable = (project(self.schema, self.every, origin) == self.every).all(axis=1)
        costs = cost(self.schema, self.every, origin)[wanted & reachable]
        return float(costs.min(initial=np.inf))

    def least(self, x: np.ndarray, code: int, goal: int | None, order: float) -> float:
        """Return the least norm of a legal move by listing all rows: three columns and a group of three."""
        origin = np.broadcast_to(x, self.every.shape)
        wanted = (self.labels != code if goal is None else self.labels == goal) & (
            project(self.schema, self.every, origin) == self.every
        ).all(axis=1)
        gap = np.abs(self.every[wanted] - x) * [c.cost for c in self.schema]
        parts = np.column_stack([gap[:, :3], gap[:, 3:].sum(axis=1)])
        return float(np.linalg.norm(parts, order, axis=1).min(initial=np.inf))


def _columns(rng: np.random.Generator) -> tuple[list[Column], list[list[float]]]:
    columns, values = [], []
    for k in range(3):
        kind = rng.choice(["integer", "continuous", "ordinal"])
        top = int(rng.integers(2, 5))
        price = float(np.round(rng.uniform(0.2, 2.0), 2))
        direction = str(rng.choice(["any", "any", "up", "down"]))
        mutable = bool(rng.uniform() < 0.8)
        if kind == "ordinal":
            columns.append(
                Column(
                    f"c{k}",
                    "ordinal",
                    categories=tuple(range(top + 1)),
                    cost=price,
                    direction=direction,
                    mutable=mutable,
                )
            )
            values.append([float(v) for v in range(top + 1)])
        else:
            step = 1.0 if kind == "integer" else float(rng.choice([0.5, 0.1]))
            columns.append(
                Column(
                    f"c{k}",
                    kind,
                    low=-step,
                    high=step * (top - 1),
                    precision=step,
                    cost=price / step,
                    direction=direction,
                    mutable=mutable,
                )
            )
            values.append([float(np.round(step * v, 12)) for v in range(-1, top)])
    return columns, values


def _world(make_model: Callable[[int], Any], seed: int, rows: int = 8, classes: int = 2) -> World:
    rng = np.random.default_rng(seed)
    columns, values = _columns(rng)
    group = tuple(f"g{k}" for k in range(3))
    held = bool(rng.uniform() < 0.2)
    columns += [
        Column(
            name,
            "integer",
            low=0,
            high=1,
            cost=0.5,
            mutable=not held,
            direction=str(rng.choice(["any", "up"])),
        )
        for name in group
    ]
    schema = FeatureSchema(tuple(columns), onehot=(group,))
    cells = itertools.product(*values, [tuple(np.eye(3)[k]) for k in range(3)])
    every = np.array([[*row[:3], *row[3]] for row in cells])
    weights = rng.normal(size=every.shape[1])
    score = every @ weights + rng.normal(scale=0.7, size=len(every))
    edges = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
    y = np.searchsorted(edges, score)
    codec = Codec.fit(schema)
    model = make_model(seed)
    model.fit(every, y)
    assert legal(schema, every).all()
    picked = every[rng.permutation(len(every))[:rows]]
    subject = wrap(model, codec, y.tolist())
    subject = dataclasses.replace(subject, backend=Remembered(subject.backend, every))
    return World(schema, subject, picked, every)


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    """Return the function that draws a world."""
    return _world
