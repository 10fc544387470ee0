"""Rows 12 to 17: what goes wrong by itself.

Sources: Amodei et al. 2016 (reward hacking, side effects, distributional shift); Hendrycks et al. 2021
(natural adversarial examples); Hendrycks, Dietterich 2019 (common corruptions); Kumar et al. 2019.
"""

from __future__ import annotations

from modelward.taxonomy._mode import Countermeasure, FailureMode

REWARD_HACKING = FailureMode(
    number=12,
    slug="reward-hacking",
    name="Reward hacking",
    explanation=(
        "The system reaches the figure that it was told to reach, by a way that nobody meant. A boat in a "
        "game circled for ever through the same bonus points and never finished the race. A model that "
        "sets credit limits and is rewarded for a low default rate can have it by refusing everybody who "
        "is not rich; one rewarded for the number of contracts can have it by accepting everybody. Any "
        "figure that decides becomes a bad measure of what it stood for."
    ),
    intentional=False,
    aliases=("specification gaming", "goodhart", "proxy gaming", "reward gaming"),
    countermeasures=(
        Countermeasure(
            title="Watch a second figure that the model is not rewarded for",
            how=(
                "For each target write down what would be sacrificed to reach it without merit, and measure "
                "that too: approval rate beside default rate, complaints beside contracts. Alarm when they "
                "part."
            ),
            code="""\
answers = y_test * 0 + model.predict(X_test)
print("default rate among the accepted", y_test[answers == 0].mean())
print("share accepted", (answers == 0).mean())
""",
        ),
    ),
)

SIDE_EFFECTS = FailureMode(
    number=13,
    slug="side-effects",
    name="Side effects",
    explanation=(
        "The system does its task and breaks something beside it that nobody thought of putting into the "
        "target. A robot knocks over a vase on its shortest way. A credit model that lowers limits at the "
        "first late payment makes customers late elsewhere, and learns from defaults that it caused "
        "itself. What a model does changes the world that its next training data come from."
    ),
    intentional=False,
    aliases=("side effect", "negative side effects", "feedback loop"),
    countermeasures=(
        Countermeasure(
            title="Keep a small group that the model does not touch",
            how=(
                "Decide for one customer in a hundred by the old rule, chosen by a hash of the customer number. "
                "What differs between the groups after some months is what the model does to the world; and the "
                "small group is training data that the model has not shaped."
            ),
            code="""\
import hashlib

def left_alone(customer, share=0.01):
    \"\"\"Say whether a customer belongs to the group that the model does not decide about.\"\"\"
    digest = hashlib.sha256(f"holdout-2025:{customer}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
""",
        ),
    ),
)

SHIFT = FailureMode(
    number=14,
    slug="shift",
    name="Distributional shifts",
    explanation=(
        "The world in which the model runs is no longer the one that it was trained in. A new kind of "
        "customer arrives, a currency changes, a recession turns late payers into defaulters, a column is "
        "delivered in another unit. The model goes on answering with the same confidence. Nothing in its "
        "accuracy at training time tells, and true labels often come months later."
    ),
    intentional=False,
    aliases=(
        "drift",
        "data drift",
        "covariate shift",
        "distribution shift",
        "dataset shift",
        "concept drift",
    ),
    countermeasures=(
        Countermeasure(
            title="Compare today's inputs with those of training, column by column",
            how=(
                "Look at the size of a difference as well as at its significance: with many rows every "
                "difference is significant. A total variation over 0.1 is worth a look."
            ),
            code="""\
import numpy as np

def total_variation(before, now, bins=10):
    \"\"\"Return how far two columns' distributions are apart, from 0 to 1.\"\"\"
    edges = np.unique(np.quantile(before, np.linspace(0, 1, bins + 1)[1:-1]))
    p = np.bincount(np.searchsorted(edges, before), minlength=len(edges) + 1) / len(before)
    q = np.bincount(np.searchsorted(edges, now), minlength=len(edges) + 1) / len(now)
    return abs(p - q).sum() / 2

for name in X_train.columns:
    print(name, round(total_variation(X_train[name], X_test[name]), 3))
""",
            measured_by="modelward assess --train FILE: MW14, per column and as a two-sample classifier",
        ),
        Countermeasure(
            title="Test on the latest months, not on a random tenth",
            how=(
                "Split by time, train on the past, test on what came after. The gap to a random split is "
                "what the shift has cost you so far."
            ),
        ),
    ),
)

NATURAL = FailureMode(
    number=15,
    slug="natural",
    name="Natural adversarial examples",
    explanation=(
        "Honest inputs, altered by nobody, that the model gets wrong with great confidence. They are rare "
        "in a random sample and common where the model learned a short cut: an animal recognised by the "
        "meadow behind it, a customer taken for safe because no payment was ever late, who has only "
        "had the card for a month. They show where an attacker would look first."
    ),
    intentional=False,
    aliases=("natural adversarial example", "hard examples", "confident errors", "hard negatives"),
    countermeasures=(
        Countermeasure(
            title="Read the surest mistakes of each release",
            how=(
                "Sort the test rows by how sure the model was of its wrong answer, and read the first fifty. "
                "What they have in common is a missing column or a short cut."
            ),
            code="""\
import numpy as np

score = model.predict_proba(X_test)
truth = np.searchsorted(model.classes_, y_test)
sure = score.max(axis=1) * (score.argmax(axis=1) != truth)
print(X_test.iloc[np.argsort(-sure)[:50]].describe())
""",
            measured_by="modelward assess: MW15, how often the model is sure and wrong",
        ),
        Countermeasure(
            title="Let the model say that it does not know",
            how=(
                "Give cases of middling confidence to a person, and check that the model's confidence is "
                "calibrated, so that this selects the right ones."
            ),
            code="""\
from sklearn.calibration import CalibratedClassifierCV
from sklearn.base import clone

calibrated = CalibratedClassifierCV(clone(model), method="isotonic", cv=3).fit(X_train, y_train)
ask_a_person = calibrated.predict_proba(X_test).max(axis=1) < 0.7
""",
        ),
    ),
)

CORRUPTION = FailureMode(
    number=16,
    slug="corruption",
    name="Common corruption",
    explanation=(
        "Inputs arrive damaged in everyday ways: blurred, tilted or noisy pictures; in tables a missing "
        "value, an amount in cents instead of dollars, two columns exchanged, last month's values again, "
        "a category that did not exist, a lost minus sign. No person notices in time, because the model "
        "answers as always. How far the accuracy falls for each kind of damage can be measured before it "
        "happens."
    ),
    intentional=False,
    aliases=("corruption", "common corruptions", "data quality", "noise"),
    countermeasures=(
        Countermeasure(
            title="Check units, order and staleness where data come in",
            how=(
                "Most damage is out of range or too regular. Check ranges for each row, and for each batch "
                "the median and the share of missing and of repeated values."
            ),
            code="""\
def batch_is_plausible(batch):
    \"\"\"Say whether a batch's medians lie within the middle 90 % of training.\"\"\"
    low, high = X_train.quantile(0.05), X_train.quantile(0.95)
    middle = batch.median()
    return bool(((middle >= low) & (middle <= high)).all())
""",
            measured_by="modelward assess: MW16, the drop for each kind of damage",
        ),
        Countermeasure(
            title="Decide what a missing value means before it happens",
            how=(
                "Use a model that knows missing values, or impute inside the pipeline, and train it on rows "
                "in which values were deleted at random."
            ),
            code="""\
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

sturdy = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), clone(model))
sturdy.fit(X_train, y_train)
""",
            measured_by="modelward assess: MW16 before and after",
        ),
    ),
)

TESTING = FailureMode(
    number=17,
    slug="testing",
    name="Incomplete testing",
    explanation=(
        "The model was never tried under the conditions that it meets. One figure over all rows hides that "
        "it is wrong for every third customer under twenty-five with a high limit; and no figure at all "
        "tells about combinations that the test set does not contain. "
        "A model that approves cards may never have been tried on a student, on somebody new in the "
        "country, on a bill of zero, or in December. Nobody attacked; nobody looked either."
    ),
    intentional=False,
    aliases=("incomplete testing", "test coverage", "blind spots", "error slices", "slices"),
    countermeasures=(
        Countermeasure(
            title="Look for the groups in which the model errs",
            how=(
                "Fit a small tree to the errors on one half of the test rows, and confirm the rules that it "
                "finds on the other half. Without the second half chance finds bad groups in any model."
            ),
            code="""\
from sklearn.tree import DecisionTreeClassifier, export_text

wrong = model.predict(X_test) != y_test
first = X_test.index % 2 == 0
tree = DecisionTreeClassifier(max_depth=2, min_samples_leaf=50).fit(X_test[first], wrong[first])
print(export_text(tree, feature_names=list(X_test.columns)))
print("error by leaf on the other half")
print(wrong[~first].groupby(tree.apply(X_test[~first])).agg(["mean", "size"]))
""",
            measured_by="modelward assess: MW17 searches and confirms in this way",
        ),
        Countermeasure(
            title="Write down the cases that must never go wrong, and run them with each release",
            how=(
                "Ten rows that the business agrees on, as a test of the build. They also catch a model file "
                "that was swapped."
            ),
            code="""\
def test_never_paid_late_and_rich_is_accepted():
    row = X_train.median().to_frame().T.assign(PAY_0=-1, LIMIT_BAL=500_000)
    assert model.predict(row)[0] == 0
""",
        ),
    ),
)

MODES = (REWARD_HACKING, SIDE_EFFECTS, SHIFT, NATURAL, CORRUPTION, TESTING)
