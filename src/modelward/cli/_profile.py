"""`modelward profile`: a table as a small file of counts that can be merged and compared."""

from __future__ import annotations

from pathlib import Path

import click

_BATCH = 100_000


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("file", metavar="FILE", type=click.Path(path_type=str))
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="PROFILE",
    type=click.Path(path_type=str),
    help="Where to write it (JSON).",
)
@click.option(
    "--schema",
    "schema_file",
    metavar="FILE",
    help="What a legal row is.  [default: inferred from the first rows]",
)
@click.option(
    "--like", metavar="PROFILE", help="Count in the bins of this profile, so that the two can be compared."
)
def profile(file: str, out: str, schema_file: str | None, like: str | None) -> None:
    """Summarise FILE (CSV, Parquet or Arrow) in one pass: counts, missing, illegal, moments, histogram, distinct.

    Bins are those of the first 100,000 rows, or of another profile (--like). No row is in the file that is
    written. It holds the schema, with the lowest and highest value of each column, and beside it no value
    that fewer than ten rows have.

    \b
        modelward profile june.csv -o june.json
        modelward profile july.csv -o july.json --like june.json
    """
    from modelward import reports
    from modelward.errors import InputError, UsageError
    from modelward.profiles import Layout, Profile, read_profile
    from modelward.schema import read_schema
    from modelward.tables import read_batches

    if schema_file is not None and like is not None:
        raise UsageError("--schema and --like exclude each other: a profile has a schema of its own")
    layout = read_profile(like).layout if like is not None else None
    schema = read_schema(schema_file) if schema_file is not None else None
    made: Profile | None = None
    notes: dict[str, str] = {}
    for batch in read_batches(file, _BATCH, what="FILE"):
        layout = layout or Layout.fit(batch, schema)
        made = made or Profile(layout)
        X, problems = layout.encode(batch)
        notes |= problems
        made.update(X, layout.texts_of(batch))
    if made is None:
        raise InputError(f"{file} has no rows: add rows")
    reports.write_text(Path(out), made.to_json() + "\n")
    for name, what in sorted(notes.items())[:20]:
        click.echo(f"column {name!r}: {what}")
    illegal = int(made.illegal.sum())
    click.echo(
        f"{out}: {made.rows:,} rows, {len(made.layout.names)} columns, {int(made.missing.sum()):,} values missing, "
        f"{illegal:,} outside the schema"
    )
