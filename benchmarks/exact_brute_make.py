"""Small random tables with a schema, in which every legal move of a row can be listed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from modelward.schema import Column, FeatureSchema, Relation

GROUP = ("g0", "g1", "g2")


@dataclass
class World:
    """A table, its schema, and the legal values of each column by hand."""

    schema: FeatureSchema
    rows: np.ndarray
    y: np.ndarray
    values: list[np.ndarray | None]
    rng: np.random.Generator
    fades: bool
    near: list[np.ndarray] = field(default_factory=list)

    def picked(self, near: list[np.ndarray], n: int = 6) -> np.ndarray:
        """Return rows to move, with floats on and beside thresholds; remember the floats that matter."""
        self.near = near
        rows = self.rows[self.rng.permutation(len(self.rows))[:n]].copy()
        for j, values in enumerate(self.values):
            if values is None and len(near[j]):
                on = self.rng.uniform(size=n) < 0.3
                rows[on, j] = np.clip(self.rng.choice(near[j], size=n)[on], -1.0, 1.0)
        return rows

    def moves(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all legal moves of a row that can matter, and what each unit of them costs."""
        singles = [self._of(j, x[j]) for j in range(len(x) - 3)]
        members = np.array([m for m in np.eye(3) if self._switches(x[-3:], m)])
        grids = np.meshgrid(*[np.arange(len(v)) for v in [*singles, members]], indexing="ij")
        at = [g.ravel() for g in grids]
        every = np.column_stack([*[v[i] for v, i in zip(singles, at[:-1], strict=True)], members[at[-1]]])
        parts = np.column_stack(
            [*[self._price(j, every[:, j], x[j]) for j in range(len(x) - 3)],
             (np.abs(every[:, -3:] - x[-3:]) * self.schema[GROUP[0]].cost).sum(axis=1)]
        )  # fmt: skip
        for relation in self.schema.relations:
            left, right = (every[:, self.schema.index(n)] for n in (relation.left, relation.right))
            holds = (left <= right) | np.isnan(left) | np.isnan(right)
            every, parts = every[holds], parts[holds]
        return every, parts

    def _of(self, j: int, x: float) -> np.ndarray:
        column = list(self.schema)[j]
        listed = self.values[j]
        values = self.near[j] if listed is None else listed
        fades = column.missing and column.mutable and column.direction == "any"
        if not column.mutable or (np.isnan(x) and not fades):
            return np.array([x])
        low, high = (-1.0, 1.0) if listed is None else (listed[0], listed[-1])
        if listed is None and np.isnan(x):
            values = np.append(values, [low, 0.0, high])
        values = values[(values >= low) & (values <= high)]
        if column.direction == "up":
            values = values[values >= x]
        elif column.direction == "down":
            values = values[values <= x]
        return np.unique(np.concatenate([values, [x], [np.nan] if fades else []]))

    def _switches(self, before: np.ndarray, after: np.ndarray) -> bool:
        way = self.schema[GROUP[0]]
        if (before == after).all():
            return True
        return way.mutable and not (way.direction == "up" and (after < before).any())

    def _price(self, j: int, values: np.ndarray, x: float) -> np.ndarray:
        column = list(self.schema)[j]
        gap = np.abs(values - x)
        price = column.cost * ((gap > 0) if column.kind == "categorical" else gap)
        return np.where(np.isnan(values) != np.isnan(x), 1.0, np.where(np.isnan(values), 0.0, price))


def draw(seed: int, *, missing: bool) -> World:
    """Draw a world: four columns of random kinds, and a one-hot group."""
    rng = np.random.default_rng([seed, 7])
    n, classes = 120, 2 + seed % 2
    columns, values = [], []
    gaps = missing and rng.uniform() < 0.4
    for k in range(4):
        column, listed = _column(f"c{k}", rng, k, missing=gaps and rng.uniform() < 0.5)
        columns.append(column)
        values.append(listed)
    way = "up" if rng.uniform() < 0.15 else "any"
    free = rng.uniform() < 0.8
    columns += [Column(g, "integer", low=0, high=1, cost=0.5, direction=way, mutable=free) for g in GROUP]
    parts = [rng.uniform(-1, 1, size=n) if v is None else rng.choice(v, size=n) for v in values]
    relations: tuple[Relation, ...] = ()
    if seed % 8 == 7 and columns[0].kind != "categorical" and columns[1].kind != "categorical":
        relations = (Relation("c0", "<=", "c1"),)
    X = np.column_stack([*parts, np.eye(3)[rng.integers(0, 3, size=n)]])
    if relations:
        X = X[X[:, 0] <= X[:, 1]]
        if len(X) < 20:
            return draw(seed + 1_000_003, missing=missing)
    noise = rng.normal(scale=0.5, size=len(X))
    score = (X / X.std(axis=0).clip(1e-9)) @ rng.normal(size=X.shape[1]) + noise
    y = np.searchsorted(np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]), score)
    for j, column in enumerate(columns[:4]):
        if column.missing:
            X[rng.uniform(size=len(X)) < 0.15, j] = np.nan
    fades = any(c.missing and c.mutable and c.direction == "any" for c in columns)
    return World(
        FeatureSchema(tuple(columns), onehot=(GROUP,), relations=relations), X, y, values, rng, fades
    )


def _column(
    name: str, rng: np.random.Generator, k: int, *, missing: bool
) -> tuple[Column, np.ndarray | None]:
    kind = "continuous" if k == 0 else str(rng.choice(["integer", "step", "ordinal", "categorical"]))
    direction = str(rng.choice(["any", "any", "any", "up", "down"]))
    mutable = bool(rng.uniform() < 0.85)
    price = float(np.round(rng.uniform(0.2, 2.0), 2))
    top = int(rng.integers(2, 5))
    common = {"cost": price, "mutable": mutable, "missing": missing}
    if kind == "continuous":
        return Column(name, kind, low=-1.0, high=1.0, direction=direction, **common), None
    if kind == "categorical":
        return Column(name, kind, categories=tuple(range(top + 1)), **common), np.arange(top + 1.0)
    if kind == "ordinal":
        return Column(name, kind, categories=tuple(range(top + 1)), direction=direction, **common), np.arange(
            top + 1.0
        )
    step = 1.0 if kind == "integer" else float(rng.choice([0.5, 0.1]))
    grid = np.round(np.arange(-1, top) * step, 12)
    return Column(name, "integer" if kind == "integer" else "continuous", low=float(grid[0]), high=float(grid[-1]),
                  precision=step, direction=direction, **common), grid  # fmt: skip
