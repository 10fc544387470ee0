"""fingerprint, diff, sign and verify of tables."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from modelward.artifacts import new_key
from modelward.cli import cli
from modelward.errors import InputError, ModelwardError, UsageError


def call(*args: object) -> tuple[int, str]:
    run = CliRunner().invoke(cli, [str(a) for a in args], standalone_mode=False)
    if run.exception is not None:
        raise run.exception
    return int(run.return_value or 0), run.output


@pytest.fixture
def table(tmp_path: Path) -> Path:
    frame = pl.DataFrame({"a": range(3_000), "label": [0, 1, 1] * 1_000})
    frame.write_csv(tmp_path / "train.csv")
    frame.write_parquet(tmp_path / "same.parquet")
    frame.with_columns(label=pl.when(pl.col("a") == 2_000).then(0).otherwise("label")).write_csv(
        tmp_path / "flipped.csv"
    )
    return tmp_path


def test_a_delivery_is_compared_with_the_manifest_alone(table: Path) -> None:
    manifest = table / "m.toml"
    code, said = call(
        "fingerprint", table / "train.csv", "--target", "label", "-o", manifest, "--format", "json"
    )
    (file,) = json.loads(said)["files"]
    assert (code, file["rows"], file["labels"], file["keyed"]) == (0, 3_000, {"0": 1_000, "1": 2_000}, False)
    assert file["content"] in call("fingerprint", manifest)[1]
    assert call("diff", manifest, table / "same.parquet")[0] == 0
    code, said = call("diff", manifest, table / "flipped.csv", "-o", table / "d.html", "-o", table / "d.md")
    assert code == 1 and "1 of 2 columns differ: label" in said and "labels.0: 1,000 rows (33.33%)" in said
    assert (
        "columns differ" in (table / "d.html").read_text()
        and "columns differ" in (table / "d.md").read_text()
    )
    found = json.loads(call("diff", table / "train.csv", table / "flipped.csv", "--format", "json")[1])
    assert not found["same"] and found["changes"][0]["path"] == "columns.label" and found["complete"]
    assert call("diff", table / "train.csv", table / "same.parquet", "-o", table / "d.txt")[0] == 0


def test_keyed_manifests_need_their_secret(table: Path) -> None:
    (table / "secret").write_bytes(bytes(32))
    call("fingerprint", table / "train.csv", "--secret", table / "secret", "-o", table / "k.toml")
    assert call("diff", table / "k.toml", table / "train.csv", "--secret", table / "secret")[0] == 0
    with pytest.raises(InputError, match="different secrets"):
        call("diff", table / "k.toml", table / "train.csv")


def test_sign_and_verify_a_manifest_and_its_table(table: Path) -> None:
    pytest.importorskip("model_signing")
    manifest, key = table / "m.toml", table / "key"
    new_key(key)
    call("fingerprint", table / "train.csv", "-o", manifest)
    call("sign", manifest, "--key", key)
    trusted = ("--key", f"{key}.pub")
    code, said = call("verify", manifest, *trusted)
    assert code == 0 and "no table was compared" in said
    assert call("verify", manifest, *trusted, "--data", table / "same.parquet")[0] == 0
    code, said = call("verify", manifest, *trusted, "--data", table / "flipped.csv")
    assert code == 1 and said.startswith("FAILS") and "label" in said
    assert call("verify", manifest, *trusted, "--data", table / "none.csv")[0] == 2
    manifest.write_text(manifest.read_text().replace('target = ""', 'target = "a"'))
    assert call("verify", manifest, *trusted, "--data", table / "train.csv")[0] == 1
    call("sign", table / "train.csv", "--key", key)
    for args in (
        (table / "train.csv", *trusted, "--data", table / "train.csv"),
        (manifest, *trusted, "--secret", key),
    ):
        with pytest.raises(UsageError):
            call("verify", *args)


def test_mistakes(table: Path) -> None:
    pickled = table / "m.pkl"
    pickled.write_bytes(pickle.dumps({"a": 1}))
    assert "pickle" in call("fingerprint", pickled)[1]
    call("fingerprint", table / "train.csv", "-o", table / "m.toml")
    for args in (
        ("fingerprint", table / "train.csv", "-o", table / "m.json"),
        ("fingerprint", table / "train.csv", table / "same.parquet", "-o", table / "n.toml"),
        ("fingerprint", table / "train.csv", "-o", table / "m.toml"),
        ("fingerprint", pickled, "-o", table / "n.toml"),
        ("fingerprint", table / "train.csv", "--target", "none"),
        ("fingerprint", table / "train.csv", "--block-rows", "1000"),
        ("diff", table / "m.toml", pickled),
        ("diff", pickled, pickled, "--secret", pickled),
    ):
        with pytest.raises(ModelwardError):
            call(*args)
    assert call("fingerprint", table / "train.csv", "-o", table / "m.toml", "--force")[0] == 0


def test_a_small_table_without_a_secret_is_warned_of(table: Path) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(table / "two.parquet")
    assert "--secret" in call("fingerprint", table / "two.parquet")[1]
