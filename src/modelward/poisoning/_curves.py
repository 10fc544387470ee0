"""How many rows an attacker must control: each attack at several numbers of rows, over several trainings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._exposure import rarest, worst_subgroup
from modelward.poisoning._guarded import Guarded, guard
from modelward.poisoning._resampled import mean_of
from modelward.poisoning._trainings import Trainings
from modelward.poisoning.attacks import World, all_attacks
from modelward.stats import Proportion
from modelward.subgroups import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.poisoning._sieves import Sieve
    from modelward.poisoning.attacks import Attack, Plan
    from modelward.stats import Bootstrap

LEVELS = (0.001, 0.005, 0.01, 0.02, 0.05)
_OWN_ROWS = 4_000


@dataclass(frozen=True)
class Reached:
    """What an attack did with one number of rows, against clean trainings on the same rows with the same seeds.

    Parameters
    ----------
    share : float
        Rows that the attacker was given, of all training rows.
    rows : int
        Rows that it wrote in the end, at most of all trainings: not more than there are of the kind that it needs.
    moved : Bootstrap or Proportion
        Share of the asked rows whose answer became the goal (for the aim "accuracy": that became wrong), minus
        those that left it. For persons: the share of them that got the goal.
    lost : Bootstrap
        Accuracy on the asked rows as they are, clean minus poisoned.
    """

    share: float
    rows: int
    moved: Bootstrap | Proportion
    lost: Bootstrap


@dataclass(frozen=True)
class Needed:
    """How many rows must be controlled; infinite if more than were tried.

    Parameters
    ----------
    value, low, high : float
        Share of the training rows, between the tried ones on a straight line; the ends are where the edges of the
        95 % band get there.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """An attack at all numbers of rows.

    Parameters
    ----------
    name, aim : str
    words : tuple of str
        What it did in each training, such as the trigger.
    points : tuple of Reached
    """

    name: str
    aim: str
    words: tuple[str, ...]
    points: tuple[Reached, ...]

    def needed(self, moved: float) -> Needed:
        """Return the share of rows that moves the aim by as much.

        Parameters
        ----------
        moved : float
            Such as 0.1 for ten points.
        """
        bands = [(p.share, *p.moved.interval(0.95), p.moved.value) for p in self.points]
        lines = [[(0.0, 0.0)] + [(band[0], band[i]) for band in bands] for i in (3, 2, 1)]
        value, low, high = (_crossing(line, moved) for line in lines)
        return Needed(value, min(low, value), max(high, value))


@dataclass(frozen=True)
class AttackCurves:
    """All curves.

    Parameters
    ----------
    curves : tuple of Curve
    left : tuple of (str, str)
        Attacks that have no place here, and why.
    subgroup : Rule
        Without conditions, so every row, where no attack is aimed at a subgroup.
    goal : int
    clean : Bootstrap
        Accuracy of the clean trainings.
    rate : float
        The subgroup's share of the goal after clean training.
    fits, fit_rows : int
        Models trained for the curves (searches not counted), and rows that each was trained on.
    guarded : tuple of Guarded
        Countermeasures, each against each attack.
    """

    curves: tuple[Curve, ...]
    left: tuple[tuple[str, str], ...]
    subgroup: Rule
    goal: int
    clean: Bootstrap
    rate: float
    fits: int
    fit_rows: int
    guarded: tuple[Guarded, ...] = ()


def attack_curves(
    subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], test_X: NDArray[np.float64],
    test_y: NDArray[np.int64], *, attacks: Sequence[Attack] | None = None, levels: Sequence[float] = LEVELS,
    goal: int | None = None, sensitive: Sequence[str] = (), controlled: NDArray[np.bool_] | None = None,
    sieves: Sequence[Sieve] = (), sieve_share: float = 0.02, fit_rows: int = 4_000, repeats: int = 3,
    random_state: int = 0,
) -> AttackCurves:  # fmt: skip
    """Attack the training rows with growing numbers of rows, train again, and measure.

    Parameters
    ----------
    subject : Subject
        The model; it must be possible to train it again.
    X, y : ndarray of shape (n, d) and (n,)
        Training rows, encoded, and labels as indices. Some are set aside as the attacker's own.
    test_X, test_y : ndarray of shape (m, d) and (m,)
        Rows that measure.
    attacks : sequence of Attack, optional
        `all_attacks` without it.
    levels : sequence of float
        Shares of the training rows that the attacker controls, rising.
    goal : int, optional
        Class that the attacker wants; the rarest without it.
    sensitive : sequence of str
        Columns whose values are subgroups to be tried first.
    controlled : ndarray of bool, shape (n,), optional
        Rows that the attacker can write at all, such as those of one supplier; all without it.
    sieves : sequence of Sieve
        Countermeasures to be tried against each attack that is not aimed at persons, such as `all_sieves()`.
    sieve_share : float
        Share of the training rows that the attacker controls while they are tried.
    fit_rows, repeats : int
        Rows of each training, and trainings for each point.
    random_state : int
        Draws rows, triggers, persons and the models' seeds.

    Returns
    -------
    AttackCurves

    Raises
    ------
    NotRefittable
        If the model cannot be trained again.
    ValueError
        If there are too few rows, or no subgroup with 5 % of them.
    """
    if len(X) < 200 or len(test_X) < 100:
        raise ValueError("poisoning needs 200 training and 100 test rows")
    if not levels or any(not 0 < a < 1 for a in levels) or list(levels) != sorted(set(levels)):
        raise ValueError("levels must rise, and be over 0 and under 1")
    rng = np.random.default_rng(random_state)
    order = rng.permutation(len(X))
    own, rest = order[: min(len(X) // 3, _OWN_ROWS)], order[min(len(X) // 3, _OWN_ROWS) :]
    if goal is None:
        goal = rarest(y, subject.n_classes)
    tried = all_attacks() if attacks is None else attacks
    # Choosing a subgroup costs a hundred small trainings.
    aimed = any(attack.aim == "subgroup" for attack in tried)
    rule = worst_subgroup(subject, X[own], y[own], test_X, goal, sensitive, rng) if aimed else Rule(())
    writable = np.ones(len(X), dtype=bool) if controlled is None else np.asarray(controlled, dtype=bool)
    worlds, seeds = [], [int(s) for s in rng.integers(2**31 - 1, size=repeats)]
    shared, trainings = Trainings.of(subject)
    for seed in seeds:
        rows = rng.permutation(rest)[:fit_rows]
        model = shared.refit(X[rows], y[rows], seed)
        worlds.append(
            World(model, X[rows], y[rows], writable[rows], X[own], y[own], test_X, test_y, rule, goal)
        )
    bench = _Bench(worlds, seeds)
    curves, left, fits, ready = [], [], repeats, []
    for number, attack in enumerate(tried):
        try:
            plans = [
                attack.prepare(w, np.random.default_rng([s, number]))
                for w, s in zip(worlds, seeds, strict=True)
            ]
        except ValueError as error:
            left.append((attack.name, str(error)))
            continue
        points = []
        for share in levels:
            if trainings is not None:  # countermeasures are held against these models alone
                trainings.keeping = share == sieve_share and attack.aim != "person"
            points.append(bench.point(attack, plans, share))
        fits += repeats * len(levels)
        ready.append((attack, plans))
        curves.append(
            Curve(attack.name, attack.aim, tuple(dict.fromkeys(p.words for p in plans)), tuple(points))
        )
    if trainings is not None:
        trainings.keeping = False
    guarded = guard(worlds, seeds, ready, sieve_share, sieves)
    return AttackCurves(
        tuple(curves),
        tuple(left),
        rule,
        goal,
        mean_of(bench.right),
        bench.rate,
        fits,
        len(worlds[0].y),
        guarded,
    )


@dataclass(frozen=True)
class _Bench:
    """Clean models, and what differs from them."""

    worlds: list[World]
    seeds: list[int]

    @cached_property
    def clean(self) -> list[NDArray[np.int64]]:
        """The clean models' answers."""
        return [world.subject.codes(world.asked) for world in self.worlds]

    @cached_property
    def right(self) -> list[NDArray[np.float64]]:
        """Where they are right."""
        return [(c == w.asked_y).astype(float) for c, w in zip(self.clean, self.worlds, strict=True)]

    @property
    def rate(self) -> float:
        """The subgroup's share of the goal."""
        return float(
            np.mean(
                [
                    (c[w.rule.mask(w.asked)] == w.goal).mean()
                    for c, w in zip(self.clean, self.worlds, strict=True)
                ]
            )
        )

    def point(self, attack: Attack, plans: Sequence[Plan], share: float) -> Reached:
        """Poison, train and compare."""
        moved, lost, written, persons = [], [], 0, 0
        for world, seed, plan, clean, right in zip(
            self.worlds, self.seeds, plans, self.clean, self.right, strict=True
        ):
            k = max(1, round(share * len(world.y)))
            made = plan.poison(k, np.random.default_rng(seed))
            model = world.subject.refit(made.X, made.y, seed)
            now = model.codes(world.asked)
            lost.append(right - (now == world.asked_y))
            persons = max(persons, len(made.asked) if attack.aim == "person" else 1)
            written = max(written, len(made.rows) // max(persons, 1))
            if attack.aim == "accuracy":
                moved.append(lost[-1])
                continue
            if attack.aim == "subgroup":
                before, after = (codes[world.rule.mask(world.asked)] for codes in (clean, now))
            else:
                before, after = world.subject.codes(made.asked), model.codes(made.asked)
            moved.append((after == world.goal).astype(float) - (before == world.goal))
        if attack.aim == "person":
            hits = np.concatenate(moved)
            return Reached(share, written, Proportion(int((hits > 0).sum()), len(hits)), mean_of(lost))
        return Reached(share, written, mean_of(moved), mean_of(lost))


def _crossing(line: list[tuple[float, float]], height: float) -> float:
    """Return where a line first gets as high; infinite if it does not."""
    for (x, y), (u, v) in _steps(line):
        if v >= height:
            return u if v == y else x + (u - x) * max(height - y, 0.0) / (v - y)
    return math.inf


def _steps(line: list[tuple[float, float]]) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    yield from pairwise(line)
