"""Rows 1, 6 and 7: what an attacker does to the input.

Sources: Goodfellow, Shlens, Szegedy 2015 (adversarial examples); Elsayed, Goodfellow, Sohl-Dickstein 2019
(adversarial reprogramming); Kurakin, Goodfellow, Bengio 2017 and Athalye et al. 2018 (physical examples);
Kantchelian, Tygar, Joseph 2016 (cheapest change of tree ensembles).
"""

from __future__ import annotations

from modelward.taxonomy._mode import Countermeasure, ExternalId, FailureMode

_BANDS = """\
low, high = X_train.quantile(0.001), X_train.quantile(0.999)

def strange_columns(row):
    \"\"\"Name the columns of a request that lie outside what training has seen.\"\"\"
    return [name for name in X_train.columns if not low[name] <= row[name] <= high[name]]
"""

PERTURBATION = FailureMode(
    number=1,
    slug="perturbation",
    name="Perturbation attack",
    explanation=(
        "Somebody changes an input a little until the model gives the answer they want, while "
        "everything that matters stays the same. With pictures this is noise that no eye sees; with "
        "tables it is any field that the caller fills in or can influence. An applicant whom the credit "
        "model turns down pays one small bill earlier, or waits for the next birthday, and is accepted: "
        "nothing about the ability to repay has changed, only the side of a threshold. Trying things "
        "out through the service is enough. Whoever holds the model file can calculate the cheapest "
        "change exactly."
    ),
    intentional=True,
    breaks=("integrity",),
    access=("black box", "white box"),
    aliases=("evasion", "adversarial example", "adversarial examples", "perturbation", "input manipulation"),
    atlas=(
        ExternalId("AML.T0015", "Evade AI Model"),
        ExternalId("AML.T0043", "Craft Adversarial Data"),
        ExternalId("AML.T0043.000", "White-Box Optimization"),
        ExternalId("AML.T0043.001", "Black-Box Optimization"),
        ExternalId("AML.T0043.002", "Black-Box Transfer"),
    ),
    owasp=(ExternalId("ML01:2023", "Input Manipulation Attack"),),
    nist=(ExternalId("NISTAML.022", "Evasion"), ExternalId("NISTAML.025", "Black-box Evasion")),
    countermeasures=(
        Countermeasure(
            title="Refuse what no honest caller sends",
            how=(
                "Check every request against the ranges and categories of the training data before the "
                "model sees it, and put what is outside in front of a person. It costs a few lines. It stops "
                "attacks that wander outside the data; it does not stop a small step inside it."
            ),
            code=_BANDS,
            measured_by=(
                "modelward assess replays the rows of every attack through these bands and prints the share "
                "that they catch"
            ),
        ),
        Countermeasure(
            title="Do not let one field decide",
            how=(
                "Where a single field that callers control can turn the answer, take it from a source "
                "that they do not control, or smooth its influence: larger leaves, more trees, a smaller "
                "depth, a monotonic constraint where the business knows the direction."
            ),
            code="""\
from sklearn.ensemble import HistGradientBoostingClassifier

# 1: more of it may only raise the risk; -1: only lower it; 0: free
rules = {"PAY_0": 1, "LIMIT_BAL": -1}
constrained = HistGradientBoostingClassifier(
    monotonic_cst=[rules.get(name, 0) for name in X_train.columns], random_state=0
).fit(X_train, y_train)
""",
            measured_by="modelward assess: MW011, share of rows moved, before and after",
        ),
        Countermeasure(
            title="Look again near the threshold",
            how=(
                "An attack stops as soon as it has won, so its rows lie just beyond the boundary. Send "
                "applications whose score is close to the cut to a second look, and log how often one "
                "caller comes back with almost the same row."
            ),
            code="""\
score = model.predict_proba(X_test)[:, 1]
second_look = abs(score - 0.5) < 0.05
""",
        ),
    ),
)

REPROGRAMMING = FailureMode(
    number=6,
    slug="reprogramming",
    name="Reprogramming ML system",
    explanation=(
        "Somebody makes a model do a job that it was not built for, by sending it inputs in which another "
        "task is wrapped. An image classifier was made to count squares in this way; a chat assistant of a "
        "shop writes somebody's homework. The owner pays for the work, and the system may do what they would "
        "have forbidden. It takes inputs with much room in them. A credit model with ten columns and two "
        "answers leaves hardly any; a model of text or images leaves a lot."
    ),
    intentional=True,
    breaks=("integrity",),
    access=("black box", "white box"),
    aliases=("adversarial reprogramming", "repurposing", "reprogramming the ML system", "misuse"),
    atlas=(
        ExternalId("AML.T0043", "Craft Adversarial Data"),
        ExternalId("AML.T0051", "LLM Prompt Injection"),
        ExternalId("AML.T0054", "LLM Jailbreak"),
    ),
    nist=(ExternalId("NISTAML.018", "Prompt Injection"),),
    countermeasures=(
        Countermeasure(
            title="Know your callers and meter them",
            how=(
                "Reprogramming needs many calls by a few. Give each caller a key, and each key a daily "
                "number of rows that honest use does not reach."
            ),
            code="""\
from collections import Counter

spent = Counter()

def allowed(caller, rows, budget=500):
    \"\"\"Say whether a caller's rows are still within today's budget.\"\"\"
    spent[caller] += rows
    return spent[caller] <= budget
""",
        ),
        Countermeasure(
            title="Accept only inputs of your own task",
            how=(
                "Check requests against a schema: columns, types, ranges, length of text, size of images. "
                "What is left has little room for a second task."
            ),
            code=_BANDS,
        ),
    ),
)

PHYSICAL = FailureMode(
    number=7,
    slug="physical",
    name="Adversarial example in physical domain",
    explanation=(
        "The attacker does not touch the data but the world that a sensor looks at: a sticker on a road "
        "sign, a pair of printed glasses, a sound that a microphone takes for a command. It is a "
        "perturbation attack that survives distance, angle, light and paper. In a lender's systems it "
        "meets whatever reads documents: a printed pattern on a payslip that makes a scanner read another "
        "number. A model that only receives columns from a database has no such door of its own, but the "
        "device that filled the database may."
    ),
    intentional=True,
    breaks=("integrity",),
    access=("black box", "white box"),
    aliases=(
        "physical attack", "adversarial patch", "physical domain",
        "adversarial example in the physical domain",
    ),
    atlas=(
        ExternalId("AML.T0041", "Physical Environment Access"),
        ExternalId("AML.T0043", "Craft Adversarial Data"),
        ExternalId("AML.T0015", "Evade AI Model"),
    ),
    owasp=(ExternalId("ML01:2023", "Input Manipulation Attack"),),
    nist=(ExternalId("NISTAML.022", "Evasion"),),
    countermeasures=(
        Countermeasure(
            title="Ask a second sensor",
            how=(
                "Compare what was read with a source of another kind: the scanned income with the bank "
                "statement, the sign with the map. One sticker does not fool both."
            ),
            code="""\
def believable(read, reported, tolerance=0.05):
    \"\"\"Say whether a scanned number agrees with the one reported elsewhere.\"\"\"
    return abs(read - reported) <= tolerance * max(abs(reported), 1)
""",
        ),
        Countermeasure(
            title="Train and test with what the world does to a picture",
            how=(
                "Print and photograph, rotate, crop, darken, blur; keep these in the test set for good, "
                "so that each release is measured on them."
            ),
        ),
    ),
)  # fmt: skip

MODES = (PERTURBATION, REPROGRAMMING, PHYSICAL)
