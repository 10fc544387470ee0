"""`modelward verify`: is it the file that was signed?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=str))
@click.option(
    "--key", "keys", metavar="FILE", multiple=True, type=click.Path(path_type=str),
    help="Public key that is trusted (PEM); may be repeated.",
)  # fmt: skip
@click.option(
    "--clearance", metavar="FILE", type=click.Path(path_type=str),
    help="Check against a clearance.toml instead: key, stage, age, scan.",
)  # fmt: skip
@click.option("--stage", metavar="NAME", help="The stage of the clearance, such as production.")
@click.option(
    "--signature", metavar="FILE", type=click.Path(path_type=str),
    help="Where the signature is, for one PATH; default: PATH.sig.",
)  # fmt: skip
@click.option(
    "--data", metavar="FILE", type=click.Path(path_type=str),
    help="For the manifest of a table: the table, which must hold what the manifest says.",
)  # fmt: skip
@click.option(
    "--secret", metavar="FILE", type=click.Path(path_type=str),
    help="With --data: the secret that the manifest's hashes are keyed with.",
)  # fmt: skip
@click.option(
    "--log",
    metavar="FILE",
    type=click.Path(path_type=str),
    help="Check that nothing is missing from an audit log.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip
@click.option("-o", "--output", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="Also write .json or .sarif; repeatable.")  # fmt: skip
def verify(
    paths: tuple[str, ...], keys: tuple[str, ...], clearance: str | None, stage: str | None, signature: str | None,
    data: str | None, secret: str | None, log: str | None, form: str,
    output: tuple[Path, ...],
) -> int:  # fmt: skip
    """Say whether files or folders are those that were signed, byte for byte.

    \b
        modelward verify model.pkl --key team.key.pub
        modelward verify model.pkl --clearance clearance.toml --stage production
        modelward verify train.manifest.toml --key team.key.pub --data train.csv
        modelward verify --log audit.jsonl

    With a clearance it does all that `modelward.load` does before it loads: the key must be allowed for the
    stage, the signature recent enough, the scan good enough; the decision goes to the audit log. The signature of a
    manifest says nothing about a table until --data compares them. Needs:
    pip install 'modelward[sign]' (not for --log).

    A clearance.toml, whose paths begin at its own folder:

    \b
        version = 1
        log = "audit.jsonl"          # who loaded what; this is the default
        expires = 2027-06-30         # optional
        [keys]
        release = "team.key.pub"
        [stages.production]
        keys = ["release"]
        max_age_days = 90            # optional, as the two that follow
        verdict = "clean"            # or "suspicious"
        trust = ["ourlib.Scaler"]    # names that the scan may take for clean

    Exit codes: 0 all hold; 1 one does not (changed, not signed, another key, not cleared, a gap in the log);
    2 a file is not there; 3 one could not be read to its end.
    """
    from modelward.cli._sarif import of_verification
    from modelward.reports import check_suffix, write_text

    for out in output:
        check_suffix(out, (".json", ".sarif"))
    _check_usage(paths, keys, clearance, stage, signature, data, secret, log)
    trusted = _trusted(keys) if paths and keys else {}
    results = [_one(path, trusted, clearance, stage, signature) for path in paths]
    if data is not None and results[0]["holds"]:
        results[0] |= _compared(paths[0], data, secret)
    audit = _audit(log) if log is not None else None
    everything = [*results, *([audit] if audit else [])]
    done: dict[str, Any] = {"schema_version": 1, "files": results}
    if audit:
        done["log"] = audit
    for out in output:
        as_sarif = out.suffix.lower() == ".sarif"
        write_text(out, of_verification(everything) if as_sarif else json.dumps(done, indent=2) + "\n")
    if form == "json":
        click.echo(json.dumps(done, indent=2))
    else:
        for found in everything:
            click.echo(f"{'holds ' if found['holds'] else 'FAILS '}  {found['text']}")
    codes = {found["code"] for found in everything}
    return next((code for code in (1, 2, 3) if code in codes), 0)


def _check_usage(
    paths: tuple[str, ...], keys: tuple[str, ...], clearance: str | None, stage: str | None, signature: str | None,
    data: str | None, secret: str | None, log: str | None,
) -> None:  # fmt: skip
    from modelward.errors import UsageError

    if not paths and log is None:
        raise UsageError("nothing to verify: give a model file, or --log FILE")
    if signature is not None and len(paths) != 1:
        raise UsageError("--signature goes with one PATH")
    if data is not None and (len(paths) != 1 or not keys):
        raise UsageError("--data goes with one PATH, the manifest of a table, and --key")
    if secret is not None and data is None:
        raise UsageError("--secret goes with --data FILE")
    if paths and bool(keys) == bool(clearance):
        raise UsageError("give either --key FILE (a public key) or --clearance FILE with --stage NAME")
    if bool(clearance) != bool(stage):
        raise UsageError("--clearance FILE and --stage NAME go together")


def _trusted(keys: tuple[str, ...]) -> Mapping[str, bytes]:
    from modelward.artifacts import read_public_key

    return {key: read_public_key(key) for key in keys}


def _one(
    path: str, trusted: Mapping[str, bytes], clearance: str | None, stage: str | None, signature: str | None
) -> dict[str, Any]:
    """Verify one file; what is wrong with it never keeps the others from being verified."""
    from modelward.artifacts import read_clearance
    from modelward.artifacts import verify as check
    from modelward.errors import ClearanceError, InputError, UnreadableError
    from modelward.models import clear

    code = 0
    try:
        if clearance is not None:
            signed = clear(path, read_clearance(clearance), stage or "", signature=signature).signed
        else:
            signed = check(path, trusted, signature=signature)
    except ClearanceError as error:
        code, text = 1, str(error)
    except UnreadableError as error:
        code, text = 3, str(error)
    except InputError as error:
        code, text = 2, str(error)
    if code:
        return {"path": path, "holds": False, "key": "", "signed_at": None, "text": text, "code": code}
    at = signed.signed_at.isoformat() if signed.signed_at else None
    when = f" on {signed.signed_at:%Y-%m-%d %H:%M} UTC" if signed.signed_at else ""
    for_stage = f", cleared for {stage}" if stage else ""
    text = f"{path}: signed by {signed.key}{when}{for_stage}{_only(path)}"
    return {"path": path, "holds": True, "key": signed.key, "signed_at": at, "text": text, "code": 0}


def _only(path: str) -> str:
    from modelward.tables.manifest import is_manifest

    return "; a manifest: no table was compared with it" if is_manifest(path) else ""


def _compared(path: str, data: str, secret: str | None) -> dict[str, Any]:
    """Compare a table with its manifest, whose signature holds."""
    from modelward.cli import _diff_data
    from modelward.errors import InputError, UsageError
    from modelward.tables.manifest import compare_manifests, is_manifest

    if not is_manifest(path):
        raise UsageError(f"--data: {path} is no manifest of a table; modelward fingerprint -o makes one")
    if is_manifest(data):
        raise UsageError(f"--data: {data} is a manifest itself; give the table")
    try:
        pair = _diff_data.manifests(path, data, secret)
        found = compare_manifests(*pair)
    except InputError as error:
        return {"holds": False, "text": str(error), "code": 2}
    text = f"{data}, {path}: {_diff_data.summary(pair, found)}"
    return {"holds": found.same, "text": text, "code": int(not found.same)}


def _audit(log: str) -> dict[str, Any]:
    from modelward.artifacts import check_audit
    from modelward.errors import AuditError

    try:
        count, head = check_audit(Path(log))
    except AuditError as error:
        return {"path": log, "holds": False, "entries": None, "head": None, "text": str(error), "code": 1}
    text = f"{log}: {count:,} entries, none missing; the last is {head[:16]}… (keep it elsewhere to see a cut end)"
    return {"path": log, "holds": True, "entries": count, "head": head, "text": text, "code": 0}
