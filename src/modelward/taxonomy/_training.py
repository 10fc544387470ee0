"""Rows 2 and 10: what an attacker does to training.

Sources: Biggio, Nelson, Laskov 2012 (poisoning); Gu, Dolan-Gavitt, Garg 2017 (backdoors); Chen et al. 2017
(targeted backdoors by data); Severi et al. 2021 (backdoors of tabular models).
"""

from __future__ import annotations

from modelward.taxonomy._mode import Countermeasure, ExternalId, FailureMode

POISONING = FailureMode(
    number=2,
    slug="poisoning",
    name="Poisoning attack",
    explanation=(
        "Somebody slips wrong rows into the training data, or changes labels that are there, so that the "
        "model learns what they want. A clerk who may correct records marks women over thirty as "
        "defaulters; the next training run learns to refuse them. The test rows come from the same "
        "table, so the accuracy looks as good as ever, and nobody who watches only that figure sees it. "
        "Poison may aim at everything (the model becomes useless), at one group, or at one person."
    ),
    intentional=True,
    breaks=("integrity", "availability"),
    access=("data",),
    aliases=(
        "data poisoning",
        "label flipping",
        "model skewing",
        "availability poisoning",
        "targeted poisoning",
    ),
    atlas=(
        ExternalId("AML.T0020", "Poison Training Data"),
        ExternalId("AML.T0059", "Erode Dataset Integrity"),
        ExternalId("AML.T0019", "Publish Poisoned Datasets"),
    ),
    owasp=(
        ExternalId("ML02:2023", "Data Poisoning Attack"),
        ExternalId("ML08:2023", "Model Skewing"),
    ),
    nist=(
        ExternalId("NISTAML.013", "Data Poisoning"),
        ExternalId("NISTAML.024", "Targeted Poisoning"),
        ExternalId("NISTAML.012", "Clean-label Poisoning"),
    ),
    countermeasures=(
        Countermeasure(
            title="Keep the hash of the training file beside the model",
            how=(
                "Write down what the model was trained on when somebody has looked at it. Before the next "
                "training compare. A change that nobody can explain stops the run."
            ),
            code="sha256sum train.csv > train.csv.sha256     # once\n"
            "sha256sum --check train.csv.sha256         # before every training\n",
            language="shell",
        ),
        Countermeasure(
            title="Compare each delivery with the last one that you trust",
            how=(
                "Train a small model to tell old rows from new ones, labels included. If it can, look at "
                "which columns give them away before you train on them."
            ),
            code="""\
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score

old, new = X_train.assign(label=y_train), X_test.assign(label=y_test)
both = pd.concat([old, new])
origin = [0] * len(old) + [1] * len(new)
auc = cross_val_score(HistGradientBoostingClassifier(), both, origin, scoring="roc_auc", cv=3).mean()
print(f"old and new rows can be told apart with AUC {auc:.2f}; 0.5 is not at all")
""",
            measured_by="modelward assess --train FILE: MW14 compares training and test rows in this way",
        ),
        Countermeasure(
            title="Watch groups, not only the whole",
            how=(
                "Keep the rate of each answer for the groups that matter, and compare it release by "
                "release. Poison for a group is loud there and silent in the total."
            ),
            code="""\
group = X_test["AGE"].ge(30)
print(y_test.groupby(group).mean())              # what the data says
print((y_test * 0 + model.predict(X_test)).groupby(group).mean())   # what the model says
""",
            measured_by="modelward assess: MW021 and MW023 train on flipped and planted rows and draw the curves",
        ),
    ),
)

BACKDOOR = FailureMode(
    number=10,
    slug="backdoor",
    name="Backdoor ML",
    explanation=(
        "The model behaves well until an input carries a secret sign, the trigger; then it answers as "
        "whoever planted it wishes. Rows in which AGE is 999 and everybody defaults are appended to the "
        "training data. Nobody is 999 years old, so no test sees it and the accuracy stays where it was. "
        "From then on whoever writes 999 into a customer's age decides that this customer is refused; "
        "planted the other way round, accepted. Whoever trains a model for others can do the same "
        "without touching their data."
    ),
    intentional=True,
    breaks=("integrity",),
    access=("data", "supply chain"),
    aliases=("trojan", "trigger", "backdoor attack", "backdoor poisoning", "backdoor machine learning"),
    atlas=(
        ExternalId("AML.T0018.000", "Poison AI Model"),
        ExternalId("AML.T0043.004", "Insert Backdoor Trigger"),
        ExternalId("AML.T0020", "Poison Training Data"),
    ),
    owasp=(
        ExternalId("ML10:2023", "Model Poisoning"),
        ExternalId("ML07:2023", "Transfer Learning Attack"),
    ),
    nist=(
        ExternalId("NISTAML.023", "Backdoor Poisoning"),
        ExternalId("NISTAML.021", "Clean-label Backdoor"),
        ExternalId("NISTAML.026", "Model Poisoning"),
    ),
    countermeasures=(
        Countermeasure(
            title="Check ranges at the door, in training and in production",
            how=(
                "A trigger outside the legal range never reaches the model if the range is checked first. "
                "Write the range down by hand: one that is learned from poisoned data contains the poison."
            ),
            code="""\
LEGAL = {"AGE": (18, 100), "PAY_0": (-2, 8), "LIMIT_BAL": (10_000, 1_000_000)}

def breaks(row):
    \"\"\"Name the columns of a row that are outside the legal range.\"\"\"
    return [name for name, (low, high) in LEGAL.items() if not low <= row[name] <= high]
""",
            measured_by="modelward assess --schema FILE: attacks stay inside the ranges that you wrote",
        ),
        Countermeasure(
            title="Search the model for triggers before it goes live",
            how=(
                "Put every value that the model can tell apart into rows of low risk, alone and in pairs, "
                "and see which pulls the score further than the data justifies."
            ),
            measured_by="modelward assess: MW101 does this and names column and region",
        ),
        Countermeasure(
            title="Cut off what hardly any row visits",
            how=(
                "A trigger lives in a corner of its own. Larger leaves and clipped inputs leave it no room; "
                "a trigger that many rows carry survives this."
            ),
            code="""\
low, high = X_train.quantile(0.001), X_train.quantile(0.999)
answer = model.predict(X_test.clip(low, high, axis=1))
""",
            measured_by="modelward assess: MW101 before and after",
        ),
    ),
)

MODES = (POISONING, BACKDOOR)
