"""Scene 6: tell who was in the training data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks import Sample
from modelward.demo._model import FEATURES, accuracy, labels, matrix
from modelward.demo._scene import Scene
from modelward.privacy import MembershipInference

if TYPE_CHECKING:
    from typing import Any

    from modelward.demo._bank import Bank
    from modelward.privacy import AttackOutcome

ROWS = 3_000


def infer_members(bank: Bank) -> Scene:
    """Attack a forest that learned its customers by heart, then the bank's own with its larger leaves."""
    from sklearn.ensemble import RandomForestClassifier

    eager = RandomForestClassifier(n_estimators=40, random_state=6, n_jobs=1)
    eager.fit(bank.train.select(FEATURES), labels(bank.train))
    before, after = _attack(bank, eager), _attack(bank, bank.model)
    scores = accuracy(eager, bank.test), accuracy(bank.model, bank.test)
    return Scene(
        6, "A caller finds out who was in the training data", 4,
        attack=(
            (f"A colleague prefers a deeper forest: full trees, {scores[0]:.0%} accuracy. Its confidence tells "
            f"customers that it was trained on from others with AUC {before.auc.value:.2f} (0.5 is a guess) and "
            f"names {before.tpr.value:.1%} of them at 1 % false accusations."),
        ),
        lock=(
            (f"Leaves of a hundred customers, as in the bank's forest: AUC {after.auc.value:.2f}, "
            f"{after.tpr.value:.1%} at 1 %, and {scores[1]:.0%} accuracy. Nothing learned by heart, nothing to "
            "tell."),
        ),
        figures={
            "AUC before": before.auc.value, "AUC after": after.auc.value, "TPR before": before.tpr.value,
            "TPR after": after.tpr.value, "accuracy before": scores[0], "accuracy after": scores[1],
        },
    )  # fmt: skip


def _attack(bank: Bank, model: Any) -> AttackOutcome:
    rows = np.random.default_rng(6).permutation(bank.train.height)[:ROWS]
    inside = bank.train[rows]
    result = MembershipInference(shadows=0, rows=ROWS).run(
        bank.subject(model), Sample(matrix(inside), labels(inside)), Sample(matrix(bank.test), labels(bank.test)),
        random_state=6,
    )  # fmt: skip
    return result.outcomes[0]
