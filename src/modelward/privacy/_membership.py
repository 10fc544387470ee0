"""Membership inference: was this row in the training data?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.privacy._exchange import Exchangeability, exchangeability
from modelward.privacy._lira import lira
from modelward.privacy._rows import Labelled, Sides, one_per_group, separate
from modelward.privacy._shadows import ShadowModels, train_shadows
from modelward.privacy._signals import Signals, ask
from modelward.privacy._tpr import TprAtFpr
from modelward.stats import Auc, Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject

FEWEST = 50
"""Rows of each side below which nothing is measured."""


@dataclass(frozen=True)
class AttackOutcome:
    """One attack on one target.

    Parameters
    ----------
    name : str
        ``"confidence"`` or ``"shadow models"``.
    members, others : ndarray of float64
        The attack's score of each row; higher is likelier a member.
    auc : Auc
        Members against non-members.
    tpr : TprAtFpr
        At the false-positive rate asked for; the threshold comes from one half of the non-members.
    realised_fpr : Proportion
        What that threshold lets through of the other half.
    """

    name: str
    members: NDArray[np.float64]
    others: NDArray[np.float64]
    auc: Auc
    tpr: TprAtFpr
    realised_fpr: Proportion


@dataclass(frozen=True)
class Effect:
    """What a countermeasure did to an attack."""

    title: str
    attack: str
    before: Auc
    after: Auc


@dataclass(frozen=True)
class MembershipResult:
    """What membership inference found.

    Parameters
    ----------
    exchangeability : Exchangeability
        Asked before the model was.
    sides : Sides
        What was left out.
    outcomes : tuple of AttackOutcome
        One for each attack that could be run; none was chosen by its result.
    effects : tuple of Effect
        What showing less of the scores would change.
    shadows : ShadowModels or None
        The shadow models, over the evaluated members and then the non-members; None if none could be trained.
    shadow_reason : str
        Why there are none; else empty.
    member_rows, other_rows : ndarray of int64
        Positions of the evaluated rows.
    """

    exchangeability: Exchangeability
    sides: Sides
    outcomes: tuple[AttackOutcome, ...]
    effects: tuple[Effect, ...]
    shadows: ShadowModels | None
    shadow_reason: str
    member_rows: NDArray[np.int64]
    other_rows: NDArray[np.int64]


@dataclass(frozen=True)
class MembershipInference:
    """Tell members from non-members by the model's answers.

    Two attacks, each measured on all rows, so that nothing is picked by its own result:

    *confidence*: the score of the true label (Yeom et al. 2018); without scores, whether the label is right.

    *shadow models*: LiRA (Carlini et al. 2022) with shrunk variance. The shadow models are trained on random
    halves of a pool of train and test rows alike. A row's in- and out-scores then come from the same number of
    models, and nothing in them knows which side it came from. The price: the target has seen all of train, and
    a shadow model half of the pool, at most `fit_rows` rows. Where test is small or `fit_rows` binds, shadow
    models see fewer rows than the target did; the attack is then weaker than that of an attacker with more
    data, never unfair to the model.

    Parameters
    ----------
    shadows : int
        Shadow models, in pairs with complementary halves; an odd one is dropped, 0 is without them.
    fit_rows : int
        Rows that one shadow model is trained on at most.
    rows : int
        Rows of each side that are measured at most.
    fpr : float
        The false-positive rate of the main figure.
    clip : float
        How far probabilities are kept from 0 and 1 before the logit of the shadow attack.
    """

    shadows: int = 4
    fit_rows: int = 8_000
    rows: int = 5_000
    fpr: float = 0.01
    clip: float = 0.05

    def run(
        self,
        subject: Subject,
        members: Labelled,
        others: Labelled,
        *,
        random_state: int | np.random.Generator,
    ) -> MembershipResult:
        """Attack.

        Parameters
        ----------
        subject : Subject
            The model under test, trained on the members.
        members, others : Labelled
            Rows of train and of test.
        random_state : int or Generator
            Draws rows, halves and coins.

        Raises
        ------
        ValueError
            If fewer than `FEWEST` rows of a side remain.
        BudgetExhausted
            If the meter does not cover the rows.
        """
        rng = np.random.default_rng(random_state)
        sides = separate(members, others)
        ours = one_per_group(sides.members, members.groups, rng)[: self.rows]
        theirs = one_per_group(sides.others, others.groups, rng)[: self.rows]
        if min(len(ours), len(theirs)) < FEWEST:
            raise ValueError(
                f"only {len(ours)} train and {len(theirs)} test rows belong to one side only; "
                f"{FEWEST} of each are needed"
            )
        apart = exchangeability(
            members.X[ours], members.y[ours], others.X[theirs], others.y[theirs], random_state=rng
        )
        X = np.vstack([members.X[ours], others.X[theirs]])
        y = np.concatenate([members.y[ours], others.y[theirs]])
        target = ask(subject, X, y)
        half = rng.permutation(len(theirs))
        judge = _Judge(len(ours), half[: len(half) // 2], half[len(half) // 2 :], self.fpr, rng)
        outcomes = [judge.outcome("confidence", target.confidence)]
        effects = _lock_effects("confidence", outcomes[0].auc, target, judge)
        trained = train_shadows(
            subject,
            members,
            others,
            ours,
            theirs,
            shadows=self.shadows,
            fit_rows=self.fit_rows,
            random_state=rng,
        )
        shadows, reason = (None, trained) if isinstance(trained, str) else (trained, "")
        if shadows is not None:
            apart = replace(apart, unseen=judge.auc(_unseen(shadows, self.clip)))
            scores = self._likelihood(target, shadows, None)
            outcomes.append(judge.outcome("shadow models", scores))
            if target.probability:
                rounded = judge.auc(self._likelihood(target, shadows, 1))
                effects.append(Effect("round scores", "shadow models", outcomes[1].auc, rounded))
        return MembershipResult(apart, sides, tuple(outcomes), tuple(effects), shadows, reason, ours, theirs)

    def _likelihood(
        self, target: Signals, shadows: ShadowModels, decimals: int | None
    ) -> NDArray[np.float64]:
        own = target.logit(self.clip, decimals)
        theirs = np.stack([s.logit(self.clip, decimals) for s in shadows.signals])
        return lira(own, theirs, shadows.seen)


def _unseen(shadows: ShadowModels, clip: float) -> NDArray[np.float64]:
    """Return the mean score of each row's label over the shadow models that have not seen the row."""
    scores = np.stack([s.logit(clip) for s in shadows.signals])
    return np.asarray(np.where(shadows.seen, 0.0, scores).sum(axis=0) / (~shadows.seen).sum(axis=0))


@dataclass(frozen=True)
class _Judge:
    """Measures the scores of evaluated rows: members first, then non-members."""

    n_members: int
    threshold_half: NDArray[np.int64]
    check_half: NDArray[np.int64]
    fpr: float
    rng: np.random.Generator

    def auc(self, scores: NDArray[np.float64]) -> Auc:
        return Auc.of(scores[: self.n_members], scores[self.n_members :])

    def outcome(self, name: str, scores: NDArray[np.float64]) -> AttackOutcome:
        members, others = scores[: self.n_members], scores[self.n_members :]
        threshold, check = others[self.threshold_half], others[self.check_half]
        tpr = TprAtFpr.of(members, threshold, fpr=self.fpr, random_state=self.rng)
        other = TprAtFpr.of(check, threshold, fpr=self.fpr, random_state=self.rng)
        realised = Proportion(round(other.value * len(check)), len(check))
        return AttackOutcome(name, members, others, self.auc(scores), tpr, realised)


def _lock_effects(attack: str, before: Auc, target: Signals, judge: _Judge) -> list[Effect]:
    """Measure the attack when the model shows less; where there are no scores, it shows no more already."""
    if not target.has_scores:
        return []
    effects = [Effect("labels only", attack, before, judge.auc(target.correct.astype(np.float64)))]
    if target.probability:
        effects.append(Effect("round scores", attack, before, judge.auc(np.round(target.confidence, 1))))
    return effects
