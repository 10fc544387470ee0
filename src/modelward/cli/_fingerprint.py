"""`modelward fingerprint`: is it the one we made?"""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=str),
    help="Write the manifest of one table (.toml).",
)  # fmt: skip
@click.option("--target", metavar="COL", help="The label column of a table: its labels are counted.")
@click.option(
    "--secret", metavar="FILE", type=click.Path(path_type=str),
    help="Key the hashes of a table with a secret of 16 random bytes or more.",
)  # fmt: skip
@click.option(
    "--block-rows", type=int, default=1024, show_default=True,
    help="Rows of a block, on average: a power of two from 256.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a manifest that is there already.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip
def fingerprint(
    paths: tuple[str, ...], output: str | None, target: str | None, secret: str | None, block_rows: int, force: bool,
    form: str,
) -> int:  # fmt: skip
    """Print what identifies a model file and the model in it, or a table and the values in it.

    Two fingerprints are printed for each file: sha256 is that of its bytes, and changes whenever it is written
    again; content is that of the model or the values in it, and stays when they are saved in another way, such as a
    CSV as Parquet. `modelward diff` shows what changed if it does not.

    \b
        modelward fingerprint model.pkl
        modelward fingerprint train.csv --target LABEL -o train.manifest.toml
        modelward diff train.manifest.toml delivered.csv

    The manifest of a table is a text file to be committed, signed (`modelward sign`) or sent: a hash for each
    column and for each block of rows, so that two manifests tell which changed without the rows. No value is in
    it but column names, and how often labels with ten rows or more occur. Whoever knows all of a block but one row
    can find that one by trying, and whoever can guess a whole column can see that the guess is right; where that
    matters, key it with a secret (`openssl rand -out FILE 32`) that only those have who compare. Counts stay
    readable, so two manifests that differ by one row tell its label, if labels were counted.

    Exit codes: 0 done; 2 a file is not there or is no table; 3 a model could not be read to its end, so its content
    has no fingerprint.
    """
    from modelward.errors import InputError, UsageError

    if output is not None and len(paths) != 1:
        raise UsageError("-o FILE goes with one PATH: each table has a manifest of its own")
    if output is not None and not output.lower().endswith(".toml"):
        raise UsageError(f"-o {output}: a manifest is a .toml file")
    wanted = output is not None or target is not None or secret is not None
    files: list[dict[str, Any]] = []
    missing: list[str] = []
    for path in paths:
        try:
            files.append(_one(path, wanted, target, secret, block_rows, output, force))
        except InputError as error:
            if wanted:
                raise
            missing.append(str(error))
    if form == "json":
        import json

        click.echo(json.dumps({"schema_version": 1, "files": files, "errors": missing}, indent=2))
    else:
        click.echo("".join(_shown(file) for file in files), nl=False)
    if missing:
        raise InputError("; ".join(missing[:3]))
    return 0 if all(file["content"] for file in files) else 3


def _one(
    path: str, wanted: bool, target: str | None, secret: str | None, block_rows: int, output: str | None, force: bool
) -> dict[str, Any]:  # fmt: skip
    from modelward.tables import is_table
    from modelward.tables.manifest import is_manifest, make_manifest, read_manifest, read_secret

    if is_manifest(path):
        made, form = read_manifest(path), "manifest"
    elif wanted or is_table(path):
        key = read_secret(secret) if secret is not None else b""
        made, form = make_manifest(path, target=target, secret=key, block_rows=block_rows), "table"
    else:
        return _model(path)
    if output is not None:
        from modelward.artifacts import whole_file

        with whole_file(output, mode=0o644, force=force) as file:
            file.write(made.to_text().encode())
    note = ""
    if not made.secret and made.rows < block_rows // 4:
        note = "few rows: whoever guesses them can see that the guess is right; --secret FILE prevents it"
    return {
        "path": path, "format": form, "verdict": None, "sha256": made.sha256, "content": made.content, "reason": note,
        "rows": made.rows, "columns": len(made.columns), "blocks": len(made.blocks), "keyed": bool(made.secret),
        "labels": {each.label: each.rows for each in made.labels}, "manifest": output,
    }  # fmt: skip


def _model(path: str) -> dict[str, Any]:
    from modelward.artifacts import fingerprint as identify
    from modelward.artifacts import read_artifact

    artifact = read_artifact(path)
    found = identify(artifact)
    return {
        "path": artifact.path, "format": artifact.format, "verdict": artifact.verdict,
        "sha256": found.sha256, "content": found.content, "reason": found.reason,
    }  # fmt: skip


def _shown(file: dict[str, Any]) -> str:
    table = file["verdict"] is None
    what = f"{file['rows']:,} rows, {file['columns']:,} columns" if table else file["verdict"]
    lines = [
        f"{file['path']}  ({file['format']}, {what})",
        f"  sha256   {file['sha256']}",
        f"  content  {file['content'] or 'none: ' + file['reason']}",
    ]
    if table:
        labels = ", ".join(f"{label} {n / file['rows']:.2%}" for label, n in file["labels"].items())
        lines += [f"  labels   {labels}"] * bool(labels)
        lines += [f"  written  {file['manifest']}, {file['blocks']:,} blocks"] * bool(file["manifest"])
        lines += [f"  note     {file['reason']}"] * bool(file["reason"])
    return "".join("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) + "\n" for line in lines)
