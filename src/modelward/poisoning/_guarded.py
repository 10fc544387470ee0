"""What countermeasures do to an attack on the same model, and what they cost without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._resampled import mean_of
from modelward.poisoning._sieves import Vote, certified_flips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._sieves import Sieve
    from modelward.poisoning.attacks import Attack, Plan, World
    from modelward.stats import Bootstrap


@dataclass(frozen=True)
class Guarded:
    """One countermeasure against one attack.

    Parameters
    ----------
    sieve, attack : str
        Their names.
    share : float
        Rows that the attacker controls, of all training rows.
    before, after : Bootstrap
        Share of the asked rows that the attack moves, without and with the countermeasure; both against clean
        training in the same way.
    price : Bootstrap
        Accuracy that the countermeasure gives up where nothing is poisoned.
    caught, honest : float
        Share of the poisoned, and of the other rows, that it leaves out.
    certified : tuple of float
        Of a vote: share of the asked rows whose answer k changed labels provably cannot change, for k = 1, 2, ….
    """

    sieve: str
    attack: str
    share: float
    before: Bootstrap
    after: Bootstrap
    price: Bootstrap
    caught: float
    honest: float
    certified: tuple[float, ...] = ()


def guard(
    worlds: Sequence[World], seeds: Sequence[int], plans: Sequence[tuple[Attack, Sequence[Plan]]], share: float,
    sieves: Sequence[Sieve],
) -> tuple[Guarded, ...]:  # fmt: skip
    """Try every countermeasure on every attack that moves a subgroup or has a trigger.

    Parameters
    ----------
    worlds, seeds : sequence
        Training sets and the seeds of their models.
    plans : sequence of (Attack, plans)
        For each world one.
    share : float
        Rows that the attacker controls.
    sieves : sequence of Sieve

    Returns
    -------
    tuple of Guarded
        By countermeasure, then by attack.
    """
    return tuple(
        each
        for sieve in sieves
        for each in _one(worlds, seeds, [p for p in plans if p[0].aim != "person"], share, sieve)
    )


def _one(
    worlds: Sequence[World], seeds: Sequence[int], plans: Sequence[tuple[Attack, Sequence[Plan]]], share: float,
    sieve: Sieve,
) -> list[Guarded]:  # fmt: skip
    clean = [sieve.train(w.subject, w.X, w.y, seed) for w, seed in zip(worlds, seeds, strict=True)]
    price = [
        (w.subject.codes(w.asked) == w.asked_y).astype(float) - (made.answer(w.asked) == w.asked_y)
        for w, made in zip(worlds, clean, strict=True)
    ]
    certified = _certified(worlds[0], seeds[0], sieve) if isinstance(sieve, Vote) else ()
    out = []
    for attack, each in plans:
        before: list[NDArray[np.float64]] = []
        after: list[NDArray[np.float64]] = []
        caught, honest = [], []
        for w, seed, plan, guarded in zip(worlds, seeds, each, clean, strict=True):
            made = plan.poison(max(1, round(share * len(w.y))), np.random.default_rng(seed))
            plain, sieved = (
                w.subject.refit(made.X, made.y, seed),
                sieve.train(w.subject, made.X, made.y, seed),
            )
            for moved, first, then in (
                (before, w.subject.codes, plain.codes), (after, guarded.answer, sieved.answer),
            ):  # fmt: skip
                moved.append(_moved(w, attack, first(made.asked), then(made.asked)))
            poisoned = np.zeros(len(w.y), dtype=bool)
            poisoned[made.rows] = True
            caught.append(float((~sieved.kept)[poisoned].mean()) if poisoned.any() else 0.0)
            honest.append(float((~sieved.kept)[~poisoned].mean()))
        out.append(
            Guarded(
                sieve.name, attack.name, share, mean_of(before), mean_of(after), mean_of(price),
                float(np.mean(caught)), float(np.mean(honest)), certified,
            )
        )  # fmt: skip
    return out


def _moved(
    world: World, attack: Attack, before: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what moved of each asked row, as in the curves."""
    first, then, wanted = (
        (before, after, world.asked_y) if attack.aim == "accuracy" else (after, before, world.goal)
    )
    out: NDArray[np.float64] = np.subtract(first == wanted, then == wanted, dtype=np.float64)
    return out


def _certified(world: World, seed: int, sieve: Vote) -> tuple[float, ...]:
    flips = certified_flips(sieve.votes(world.subject, world.X, world.y, seed)(world.asked))
    return tuple(float((flips >= k).mean()) for k in range(1, sieve.parts // 2 + 1))
