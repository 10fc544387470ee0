"""The seventeen rows: complete, true to the catalogues they cite, and found by whatever people call them."""

from __future__ import annotations

import csv
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from modelward.errors import UsageError
from modelward.taxonomy import MODES, Countermeasure, find, mode

if TYPE_CHECKING:
    from modelward.taxonomy import FailureMode

ATLAS = Path(__file__).parents[3] / "shared" / "data" / "atlas-5.6.0-ids.csv"

# The two summary tables of Kumar et al. 2019.
KUMAR = (
    "Perturbation attack", "Poisoning attack", "Model Inversion", "Membership Inference", "Model Stealing",
    "Reprogramming ML system", "Adversarial Example in Physical Domain",
    "Malicious ML provider recovering training data", "Attacking the ML supply chain", "Backdoor ML",
    "Exploit Software Dependencies", "Reward Hacking", "Side Effects", "Distributional shifts",
    "Natural Adversarial Examples", "Common Corruption", "Incomplete Testing",
)  # fmt: skip

# https://owasp.org/www-project-machine-learning-security-top-10
OWASP = {
    "ML01:2023": "Input Manipulation Attack", "ML02:2023": "Data Poisoning Attack",
    "ML03:2023": "Model Inversion Attack", "ML04:2023": "Membership Inference Attack",
    "ML05:2023": "Model Theft", "ML06:2023": "AI Supply Chain Attacks",
    "ML07:2023": "Transfer Learning Attack", "ML08:2023": "Model Skewing",
    "ML09:2023": "Output Integrity Attack", "ML10:2023": "Model Poisoning",
}  # fmt: skip

# The index of attacks of NIST AI 100-2e2025.
NIST = {
    "NISTAML.012": "Clean-label Poisoning", "NISTAML.013": "Data Poisoning", "NISTAML.018": "Prompt Injection",
    "NISTAML.021": "Clean-label Backdoor", "NISTAML.022": "Evasion", "NISTAML.023": "Backdoor Poisoning",
    "NISTAML.024": "Targeted Poisoning", "NISTAML.025": "Black-box Evasion", "NISTAML.026": "Model Poisoning",
    "NISTAML.031": "Model Extraction", "NISTAML.032": "Reconstruction", "NISTAML.033": "Membership Inference",
    "NISTAML.034": "Property Inference", "NISTAML.05": "Supply Chain Attacks", "NISTAML.051": "Model Poisoning",
}  # fmt: skip

LOCKS = [(row, lock) for row in MODES for lock in row.countermeasures]


def _name(value: Any) -> str | None:
    return value.title if isinstance(value, Countermeasure) else getattr(value, "slug", None)


def test_rows_are_the_seventeen_of_the_paper() -> None:
    assert [row.number for row in MODES] == list(range(1, 18))
    assert [row.name.casefold() for row in MODES] == [name.casefold() for name in KUMAR]
    assert all(mode(row.number) is row for row in MODES)


@pytest.mark.parametrize("row", MODES, ids=_name)
def test_every_row_says_what_it_is_and_what_helps(row: FailureMode) -> None:
    assert 60 <= len(row.explanation.split()) <= 130
    assert "  " not in row.explanation
    assert row.explanation.endswith(".")
    assert row.countermeasures
    assert any(lock.code for lock in row.countermeasures)
    assert row.intentional == (row.number <= 11)


@pytest.mark.parametrize("row", [row for row in MODES if row.intentional], ids=_name)
def test_an_attack_has_an_attacker(row: FailureMode) -> None:
    assert row.breaks
    assert row.access
    assert row.atlas
    assert row.nist


@pytest.mark.parametrize("row", [row for row in MODES if not row.intentional], ids=_name)
def test_what_goes_wrong_by_itself_has_no_attacker(row: FailureMode) -> None:
    assert (row.breaks, row.access, row.atlas, row.owasp, row.nist) == ((), (), (), (), ())


def test_atlas_ids_and_names_are_those_of_5_6_0() -> None:
    if not ATLAS.exists():
        pytest.skip(f"the identifiers of MITRE ATLAS are not at {ATLAS}")
    with ATLAS.open(newline="", encoding="utf-8") as file:
        known = {line["id"]: line["name"] for line in csv.DictReader(file)}
    cited = {entry.id: entry.name for row in MODES for entry in row.atlas}
    assert cited == {key: known.get(key) for key in cited}


def test_owasp_and_nist_entries_are_spelled_as_published() -> None:
    owasp = {entry.id: entry.name for row in MODES for entry in row.owasp}
    nist = {entry.id: entry.name for row in MODES for entry in row.nist}
    assert owasp.items() <= OWASP.items()
    assert nist.items() <= NIST.items()


@pytest.mark.parametrize(("row", "lock"), LOCKS, ids=_name)
def test_code_of_a_countermeasure_runs(
    row: FailureMode, lock: Countermeasure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not lock.code:
        assert lock.how
        return
    if lock.language == "shell":
        subprocess.run(["bash", "-n"], input=lock.code, text=True, check=True)
        return
    rng = np.random.default_rng(0)
    n = 600
    frame = pd.DataFrame(
        {
            "LIMIT_BAL": rng.integers(1, 51, n) * 10_000,
            "AGE": rng.integers(21, 70, n),
            "SEX": rng.integers(1, 3, n),
            "PAY_0": rng.integers(-2, 4, n),
        }
    )
    y = pd.Series((frame["PAY_0"] + rng.normal(size=n) > 1).astype(int))
    model = RandomForestClassifier(n_estimators=5, max_depth=3, random_state=0).fit(frame[:400], y[:400])
    names = {
        "model": model, "X_train": frame[:400], "y_train": y[:400], "X_test": frame[400:], "y_test": y[400:],
    }  # fmt: skip
    exec(compile(lock.code, f"<{row.slug}>", "exec"), names)  # noqa: S102 - our own examples
    for key, value in list(names.items()):
        if key.startswith("test_"):
            value()


def test_shared_code_does_what_it_says() -> None:
    """The bands name the column that is off, and the budget runs out when it should."""
    names: dict[str, Any] = {"X_train": pd.DataFrame({"AGE": range(20, 80), "LIMIT": range(60)})}
    exec(find("perturbation").countermeasures[0].code, names)  # noqa: S102
    assert names["strange_columns"]({"AGE": 999, "LIMIT": 5}) == ["AGE"]
    assert names["strange_columns"]({"AGE": 30, "LIMIT": 5}) == []
    exec(find("stealing").countermeasures[0].code, names)  # noqa: S102
    assert [names["allowed"]("a", 300), names["allowed"]("a", 300), names["allowed"]("b", 300)] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("row", MODES, ids=_name)
def test_a_row_is_found_by_all_its_names(row: FailureMode) -> None:
    number = row.number
    for text in (row.slug, row.name, *row.aliases, str(number), f"MW{number:02d}", f"mw{number:02d}1"):
        assert find(text) is row
        assert find(text.upper().replace(" ", "-")) is row


@pytest.mark.parametrize(
    ("text", "number"),
    [("ML05", 5), ("ml05:2023", 5), ("AML.T0024.002", 5), ("nistaml.033", 4), ("  Model_Stealing ", 5)],
)
def test_identifiers_of_other_catalogues_find_their_row(text: str, number: int) -> None:
    assert find(text).number == number


def test_an_identifier_of_several_rows_finds_none() -> None:
    with pytest.raises(UsageError):
        find("AML.T0043")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stealin", "did you mean 'stealing'"),
        ("membrship", "'membership'"),
        ("MW181", "1 to 17"),
        ("0", "1 to 17"),
        ("quantum", "modelward explain"),
    ],
)
def test_an_unknown_name_gets_help(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        find(text)


@given(st.text(max_size=40))
def test_any_text_finds_a_row_or_says_so(text: str) -> None:
    try:
        assert find(text) in MODES
    except UsageError as error:
        assert str(error)
