"""Rows 9 and 11: what comes along from outside.

Sources: Gu, Dolan-Gavitt, Garg 2017 (models that others trained); the warning of Python's own `pickle`
documentation; Xiao et al. 2018 (security risks in deep learning implementations); pip's documentation
of its hash-checking mode.
"""

from __future__ import annotations

from modelward.taxonomy._mode import Countermeasure, ExternalId, FailureMode

SUPPLY_CHAIN = FailureMode(
    number=9,
    slug="supply-chain",
    name="Attacking the ML supply chain",
    explanation=(
        "Somebody changes the model on its way to you: in a public model zoo, on a share, in the artefact "
        "store of the build. A pickle is a program: it runs whatever its author wished at the "
        "moment it is loaded, before anything is predicted. It takes no code to do harm, either: one byte "
        "of a credit model, its list of answers turned from [0, 1] into [1, 1], and every customer is a "
        "defaulter, while file name, size and library version stay the same."
    ),
    intentional=True,
    breaks=("confidentiality", "integrity", "availability"),
    access=("supply chain",),
    aliases=("supply chain", "ml supply chain", "pickle", "malicious file", "tampered file", "model file"),
    atlas=(
        ExternalId("AML.T0010", "AI Supply Chain Compromise"),
        ExternalId("AML.T0010.003", "Model"),
        ExternalId("AML.T0011.000", "Unsafe AI Artifacts"),
        ExternalId("AML.T0018.002", "Embed Malware"),
        ExternalId("AML.T0058", "Publish Poisoned Models"),
    ),
    owasp=(
        ExternalId("ML06:2023", "AI Supply Chain Attacks"),
        ExternalId("ML10:2023", "Model Poisoning"),
    ),
    nist=(
        ExternalId("NISTAML.05", "Supply Chain Attacks"),
        ExternalId("NISTAML.051", "Model Poisoning"),
    ),
    countermeasures=(
        Countermeasure(
            title="Write down the hash where it was trained, check it where it runs",
            how=(
                "Any change, if only of one byte, changes the hash. Keep the list where whoever can "
                "write the model cannot write: in the repository, not beside the file."
            ),
            code="sha256sum model.pkl > model.pkl.sha256     # where it was trained\n"
            "sha256sum --check model.pkl.sha256         # where it runs, before loading\n",
            language="shell",
        ),
        Countermeasure(
            title="Read a file before you load it",
            how=(
                "A pickle names the functions that it will call. They can be listed without calling any. "
                "Load only what names nothing but the library's own classes."
            ),
            measured_by="modelward assess MODEL.pkl …: MW09; a dangerous file is refused and not loaded",
        ),
        Countermeasure(
            title="Ask the loaded model ten questions that you know the answers to",
            how=(
                "Keep a handful of invented rows and the model's answers from the day of training. Compare "
                "after each load. A file with altered answers fails at once, whatever its hash."
            ),
            code="""\
import numpy as np

rng = np.random.default_rng(0)
known_rows = X_train.apply(lambda column: rng.permutation(column)).head(200)
known_scores = model.predict_proba(known_rows)      # store both where the model was trained

assert np.allclose(model.predict_proba(known_rows), known_scores, atol=1e-9)   # where it runs
assert len(set(model.classes_)) == len(model.classes_), "two answers of the model are the same"
""",
        ),
    ),
)

DEPENDENCIES = FailureMode(
    number=11,
    slug="dependencies",
    name="Exploit software dependencies",
    explanation=(
        "The attack does not touch the model at all but the software around it: a known hole in an image "
        "decoder, a package whose name is one letter off, a maintainer's account that was taken over. "
        "Training and serving environments pull in hundreds of packages, and each of them may run code "
        "when it is installed or imported, with the rights of the model server: on the customer "
        "database, say."
    ),
    intentional=True,
    breaks=("confidentiality", "integrity", "availability"),
    access=("supply chain",),
    aliases=(
        "software dependencies",
        "exploiting software dependencies",
        "typosquatting",
        "malicious package",
    ),
    atlas=(
        ExternalId("AML.T0010.001", "AI Software"),
        ExternalId("AML.T0011.001", "Malicious Package"),
        ExternalId("AML.T0049", "Exploit Public-Facing Application"),
    ),
    owasp=(ExternalId("ML06:2023", "AI Supply Chain Attacks"),),
    nist=(ExternalId("NISTAML.05", "Supply Chain Attacks"),),
    countermeasures=(
        Countermeasure(
            title="Pin every package with its hash",
            how=(
                "Resolve once, write versions and hashes down, and install nothing else. A package that was "
                "replaced under the same version number is refused."
            ),
            code="uv pip compile --generate-hashes pyproject.toml -o requirements.txt\n"
            "pip install --require-hashes -r requirements.txt\n",
            language="shell",
        ),
        Countermeasure(
            title="Look up known holes on every build",
            how="Compare the pinned versions with an advisory database, and fail the build on a hit.",
            code="pip-audit -r requirements.txt --require-hashes\n",
            language="shell",
        ),
        Countermeasure(
            title="Have less, and give it fewer rights",
            how=(
                "Serve with the few packages that predicting needs, not with the notebook environment. Run "
                "as a user who can read the model and nothing else, without a way out to the internet."
            ),
        ),
    ),
)

MODES = (SUPPLY_CHAIN, DEPENDENCIES)
