"""Attribute inference: does the model tell a hidden column of a known row?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.privacy._rows import one_per_group
from modelward.privacy._secret import Secret, secret_of
from modelward.privacy._signals import ask
from modelward.stats import Mean, learn_and_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.privacy._rows import Labelled
    from modelward.schema import FeatureSchema

_FEWEST = 50
_TINY = 1e-3


@dataclass(frozen=True)
class AttributeResult:
    """What the model adds to guessing one hidden column.

    Parameters
    ----------
    name : str
        The column.
    advantage : Mean
        Balanced accuracy of the attack minus that of the imputation without the model, paired by row.
    without, with_model : Mean
        Both balanced accuracies.
    labels_only : Mean
        The advantage when the model returns labels only, with that attack's own choice.
    attack : {"learned", "posterior"}
        Which attack was chosen, on rows other than those measured.
    candidates : int
        Number of values or bins.
    n : int
        Rows measured.
    """

    name: str
    advantage: Mean
    without: Mean
    with_model: Mean
    labels_only: Mean
    attack: str
    candidates: int
    n: int


@dataclass(frozen=True)
class AttributeInference:
    """Guess a hidden column from the others, the label and the model's answers to each candidate value.

    The attacker has auxiliary rows of the same population that the model was not trained on, and learns two
    imputers from them: one from the other columns and the label, one that also sees the model's answers
    ("learned"; Jayaraman & Evans 2022). A second attack ("posterior") multiplies the first imputer's probability
    of a value by the probability that the model gives to the true label with it (Fredrikson et al. 2014). The
    better one is chosen on one half of the target rows and measured on the other. What the population tells
    anyway is thereby removed: only what the model adds counts.

    Parameters
    ----------
    rows : int
        Target rows at most, half of which choose the attack.
    auxiliary : int
        Auxiliary rows at most.
    """

    rows: int = 4_000
    auxiliary: int = 3_000

    def run(
        self,
        subject: Subject,
        targets: Labelled,
        auxiliary: Labelled,
        *,
        schema: FeatureSchema,
        name: str,
        random_state: int | np.random.Generator,
    ) -> AttributeResult:
        """Attack one column.

        Parameters
        ----------
        subject : Subject
            The model under test.
        targets : Labelled
            Rows whose column is guessed: training rows where there are any.
        auxiliary : Labelled
            Rows that the attacker owns, none of them a target.
        schema : FeatureSchema
            Of both.
        name : str
            A column, or the name, prefix or any member of a one-hot group.
        random_state : int or Generator
            Draws rows and halves.

        Raises
        ------
        ValueError
            If the column has no two values with enough rows, or too few rows are left.
        SchemaError
            If there is no such column.
        BudgetExhausted
            If the meter does not cover the rows × candidates.
        """
        rng = np.random.default_rng(random_state)
        own = rng.permutation(len(auxiliary.X))[: self.auxiliary]
        aim = one_per_group(np.arange(len(targets.X)), targets.groups, rng)[: self.rows]
        secret = secret_of(schema, name, auxiliary.X[own])
        if secret is None:
            raise ValueError(f"{name} has no two values with ten rows each")
        own = own[secret.codes(auxiliary.X[own]) >= 0]
        aim = aim[secret.codes(targets.X[aim]) >= 0]
        if min(len(own), len(aim)) < _FEWEST:
            raise ValueError(f"{name}: fewer than {_FEWEST} rows have a known value")
        guesses = _guess(
            subject, secret,
            auxiliary.X[own], auxiliary.y[own], targets.X[aim], targets.y[aim],
            seed=int(rng.integers(2**31 - 1)),
        )  # fmt: skip
        return _measure(secret, secret.codes(targets.X[aim]), guesses)


def _answers(
    subject: Subject, secret: Secret, X: NDArray[np.float64], y: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the true label's signal and whether it is right, each of shape (n, k), from one batch."""
    k, n = len(secret.candidates), len(X)
    batch = np.vstack([secret.filled(X, code) for code in range(k)])
    signals = ask(subject, batch, np.tile(y, k))
    return signals.confidence.reshape(k, n).T, signals.correct.astype(np.float64).reshape(k, n).T


def _guess(
    subject: Subject,
    secret: Secret,
    own: NDArray[np.float64],
    own_y: NDArray[np.int64],
    aim: NDArray[np.float64],
    aim_y: NDArray[np.int64],
    *,
    seed: int,
) -> dict[str, NDArray[np.int64]]:
    """Return every attack's guesses of the target rows."""
    k, truth = len(secret.candidates), secret.codes(own)
    known = np.column_stack([secret.hidden(own), own_y])
    asked = np.column_stack([secret.hidden(aim), aim_y])
    own_scores, own_labels = _answers(subject, secret, own, own_y)
    aim_scores, aim_labels = _answers(subject, secret, aim, aim_y)
    prior = learn_and_score(known, truth, asked, k, seed=seed)
    guesses = {"without": prior.argmax(axis=1)}
    for suffix, mine, theirs in (("", own_scores, aim_scores), (" by labels", own_labels, aim_labels)):
        learned = learn_and_score(
            np.column_stack([known, _features(mine)]), truth, np.column_stack([asked, _features(theirs)]), k,
            seed=seed,
        )  # fmt: skip
        guesses["learned" + suffix] = learned.argmax(axis=1)
        guesses["posterior" + suffix] = (prior * _likelihood(theirs)).argmax(axis=1)
    return guesses


def _features(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the answers, and each less their mean: what a candidate changes is what tells."""
    return np.column_stack([answers, answers - answers.mean(axis=1, keepdims=True)])


def _likelihood(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    if answers.min() >= 0 and answers.max() <= 1:
        return answers + _TINY
    return np.asarray(1 / (1 + np.exp(-np.clip(answers, -30, 30))) + _TINY, dtype=np.float64)


def _measure(
    secret: Secret, truth: NDArray[np.int64], guesses: dict[str, NDArray[np.int64]]
) -> AttributeResult:
    """Choose an attack on the even rows (they are in random order), and measure it on the odd ones."""
    right = {name: (guess == truth).astype(np.float64) for name, guess in guesses.items()}
    odd = np.arange(len(truth)) % 2 == 1
    weights, choosing = balance(truth[odd]), balance(truth[~odd])

    def choose(suffix: str) -> str:
        names = ("learned" + suffix, "posterior" + suffix)
        return max(names, key=lambda name: float((right[name][~odd] * choosing).mean()))

    attack, by_labels = choose(""), choose(" by labels")
    base = right["without"][odd]
    return AttributeResult(
        secret.name,
        paired(right[attack][odd] - base, weights),
        Mean.of(base * weights),
        Mean.of(right[attack][odd] * weights),
        paired(right[by_labels][odd] - base, weights),
        attack,
        len(secret.candidates),
        int(odd.sum()),
    )


def balance(truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights whose weighted mean counts every class alike, shape (n,).

    Examples
    --------
    >>> balance(np.array([0, 0, 0, 1])).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    _, inverse, counts = np.unique(truth, return_inverse=True, return_counts=True)
    return np.asarray(len(truth) / (len(counts) * counts[inverse]), dtype=np.float64)


def paired(differences: NDArray[np.float64], weights: NDArray[np.float64]) -> Mean:
    """Return the weighted mean of differences in {-1, 0, 1}.

    The spread counts two more rows, one won and one lost (Agresti & Min 2005): without them hardly any
    discordant row would mean hardly any doubt.
    """
    values = differences * weights
    heaviest = float(weights.max())
    spread = math.sqrt((float(((values - values.mean()) ** 2).sum()) + 2 * heaviest**2) / (len(values) + 1))
    return Mean(
        float(values.mean()), spread, len(values), "Student t on paired rows, two pseudo-rows (Agresti & Min)"
    )
