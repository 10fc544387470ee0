"""Rows 3, 4, 5 and 8: what an attacker takes out of a model.

Sources: Fredrikson, Jha, Ristenpart 2015 (inversion); Jayaraman, Evans 2022 (attribute inference against
imputation); Shokri et al. 2017 and Carlini et al. 2022 (membership inference); Tramèr et al. 2016 (stealing);
Song, Ristenpart, Shmatikov 2017 (models that remember too much).
"""

from __future__ import annotations

from modelward.taxonomy._mode import Countermeasure, ExternalId, FailureMode

_LABEL_ONLY = """\
def answer(row):
    \"\"\"Give the decision, and no more of it than the caller needs.\"\"\"
    return int(model.predict(row)[0])
"""

_LARGER_LEAVES = """\
from sklearn.base import clone

calmer = clone(model).set_params(min_samples_leaf=200).fit(X_train, y_train)
print("accuracy", model.score(X_test, y_test), "->", calmer.score(X_test, y_test))
print("on its own training rows", model.score(X_train, y_train), "->", calmer.score(X_train, y_train))
"""

INVERSION = FailureMode(
    number=3,
    slug="inversion",
    name="Model inversion",
    explanation=(
        "Somebody who knows part of a record asks the model questions to fill in the rest. They "
        "know a neighbour's age and limit, and that the bank refused, try each possible payment history, "
        "and keep the one that fits the model's answer best. What counts is what the model tells beyond what "
        "anybody could guess from the population. The model file can be worse than its answers: "
        "nearest-neighbour models and support vector machines carry training rows as they were."
    ),
    intentional=True,
    breaks=("confidentiality",),
    access=("black box", "white box"),
    aliases=("attribute inference", "model inversion attack", "data reconstruction", "property inference"),
    atlas=(ExternalId("AML.T0024.001", "Invert AI Model"),),
    owasp=(ExternalId("ML03:2023", "Model Inversion Attack"),),
    nist=(
        ExternalId("NISTAML.032", "Reconstruction"),
        ExternalId("NISTAML.034", "Property Inference"),
    ),
    countermeasures=(
        Countermeasure(
            title="Answer with a label, not with a score",
            how=(
                "Inversion reads the score's digits. Where callers need a decision, send the decision; "
                "where they need a score, round it to two digits. This slows the attack, it does not end it."
            ),
            code=_LABEL_ONLY,
            measured_by="modelward assess --sensitive COLS: MW03, advantage over guessing without the model",
        ),
        Countermeasure(
            title="Leave out what you would not want guessed",
            how=(
                "Train without the sensitive column and compare the accuracy. Where nothing is lost, "
                "leave it out. Mind that other columns may stand in for it."
            ),
            code="""\
from sklearn.base import clone

without = clone(model).fit(X_train.drop(columns="SEX"), y_train)
print(model.score(X_test, y_test), "->", without.score(X_test.drop(columns="SEX"), y_test))
""",
            measured_by="modelward assess --sensitive COLS: MW03 before and after",
        ),
    ),
)

MEMBERSHIP = FailureMode(
    number=4,
    slug="membership",
    name="Membership inference",
    explanation=(
        "Somebody holds a record and asks whether the model was trained on it. Models are surer of rows "
        "that they have seen, so the confidence gives it away. If the model was trained on people who had "
        "trouble with debt, knowing that a colleague was among them is the harm already. A model that fits "
        "its training rows much better than others leaks most; what matters is not the average but how "
        "many people can be named with hardly any false accusation."
    ),
    intentional=True,
    breaks=("confidentiality",),
    access=("black box", "white box"),
    aliases=("membership inference attack", "mia", "training data membership"),
    atlas=(ExternalId("AML.T0024.000", "Infer Training Data Membership"),),
    owasp=(ExternalId("ML04:2023", "Membership Inference Attack"),),
    nist=(ExternalId("NISTAML.033", "Membership Inference"),),
    countermeasures=(
        Countermeasure(
            title="Fit less: larger leaves, fewer rounds",
            how=(
                "What the model does not learn by heart it cannot give away. Raise min_samples_leaf (or "
                "regularise) until training and test accuracy meet, and see what it costs on the test rows."
            ),
            code=_LARGER_LEAVES,
            measured_by="modelward assess --train FILE: MW04, true positives at 1 % false positives",
        ),
        Countermeasure(
            title="Answer with a label, not with a score",
            how="Most attacks read the score. Those that need only labels are weaker and need many calls.",
            code=_LABEL_ONLY,
        ),
    ),
)

STEALING = FailureMode(
    number=5,
    slug="stealing",
    name="Model stealing",
    explanation=(
        "Somebody sends many inputs, notes the answers, and trains a copy on them. No data of their "
        "own is needed: invented customers will do. The copy saves the years that went into the "
        "original, and on their own machine they can search it in peace for inputs that fool the original "
        "too. A shallow forest for credit gives itself away in a few hundred questions; each score says "
        "more than a bare label."
    ),
    intentional=True,
    breaks=("confidentiality",),
    access=("black box",),
    aliases=("model theft", "model extraction", "extraction", "stealing", "copying"),
    atlas=(
        ExternalId("AML.T0024.002", "Extract AI Model"),
        ExternalId("AML.T0005.001", "Train Proxy via Replication"),
        ExternalId("AML.T0048.004", "AI Intellectual Property Theft"),
    ),
    owasp=(ExternalId("ML05:2023", "Model Theft"),),
    nist=(ExternalId("NISTAML.031", "Model Extraction"),),
    countermeasures=(
        Countermeasure(
            title="Give each caller a budget of rows",
            how=(
                "Honest callers ask about their own customers; a thief asks thousands of times. Set the "
                "daily budget a little over the busiest honest day, and look when somebody reaches it. "
                "It helps only if new keys are not free."
            ),
            code="""\
from collections import Counter

spent = Counter()

def allowed(caller, rows, budget=500):
    \"\"\"Say whether a caller's rows are still within today's budget.\"\"\"
    spent[caller] += rows
    return spent[caller] <= budget
""",
            measured_by="modelward assess: MW05 draws how good a copy is against the rows that it cost",
        ),
        Countermeasure(
            title="Refuse invented customers",
            how=(
                "A thief without data invents rows, and invented rows break ranges and bonds between "
                "columns. Check both before the model answers, and count who sends such rows."
            ),
            code="""\
low, high = X_train.quantile(0.001), X_train.quantile(0.999)

def strange_columns(row):
    \"\"\"Name the columns of a request that lie outside what training has seen.\"\"\"
    return [name for name in X_train.columns if not low[name] <= row[name] <= high[name]]
""",
            measured_by="modelward assess prints the share of the thief's rows that the bands catch",
        ),
        Countermeasure(
            title="Answer with a label, not with a score",
            how="A label says far less than a score with sixteen digits. A patient thief still gets there.",
            code=_LABEL_ONLY,
        ),
    ),
)

PROVIDER = FailureMode(
    number=8,
    slug="provider",
    name="Malicious ML provider recovering training data",
    explanation=(
        "Whoever supplies the training code or the platform builds a model that smuggles training data "
        "out. The rows sit in the file, in an attribute that nobody prints, or in the low digits of the "
        "weights, or they come back as labels to invented inputs. The model predicts as it should. A bank "
        "that lets a contractor train on customer data and then gets the model served from the "
        "contractor's cloud has given away both. The same leak happens without malice: some models keep "
        "their training rows because they work that way."
    ),
    intentional=True,
    breaks=("confidentiality",),
    access=("supply chain",),
    aliases=("malicious provider", "malicious ml provider", "data theft", "memorisation", "data leak"),
    atlas=(
        ExternalId("AML.T0010.001", "AI Software"),
        ExternalId("AML.T0018", "Manipulate AI Model"),
        ExternalId("AML.T0024.001", "Invert AI Model"),
    ),
    owasp=(ExternalId("ML06:2023", "AI Supply Chain Attacks"),),
    nist=(
        ExternalId("NISTAML.05", "Supply Chain Attacks"),
        ExternalId("NISTAML.032", "Reconstruction"),
    ),
    countermeasures=(
        Countermeasure(
            title="Look what the file carries before it leaves the house",
            how=(
                "A model file should hold rules and weights. If it holds rows, choose another kind of model, "
                "or treat the file as the data that it contains."
            ),
            measured_by="modelward assess MODEL.pkl …: MW08 lists training rows found in the file",
        ),
        Countermeasure(
            title="Train where the data lives",
            how=(
                "Run the provider's code on your machine without a network, and take out only the model. "
                "Give a small size to the result: a thief needs bytes."
            ),
            code='docker run --rm --network none -v "$PWD/data:/data:ro" -v "$PWD/out:/out" trainer:pinned\n'
            "ls -l out/\n",
            language="shell",
        ),
    ),
)

MODES = (INVERSION, MEMBERSHIP, STEALING, PROVIDER)
