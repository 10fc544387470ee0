"""`modelward schema`: what a legal row is."""

from __future__ import annotations

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def schema() -> None:
    """Say what a legal row is, and what a caller may change in it."""


@schema.command()
@click.argument("file", type=click.Path(path_type=str))
@click.option("--target", metavar="COL", help="The label column, which is no part of a row.")
@click.option("--sensitive", metavar="COLS", help="Sensitive columns, with commas between them.")
@click.option("--group", metavar="COL", help="The column that says whose row it is.")
@click.option("--time", metavar="COL", help="The column that says when.")
@click.option("--ignore", metavar="COLS", help="Columns to leave out, with commas between them.")
@click.option("-o", "--out", metavar="OUT.toml", type=click.Path(path_type=str), help="Where to write it.")
@click.option("--force", is_flag=True, help="Replace OUT.toml if it is there.")
def infer(
    file: str,
    target: str | None,
    sensitive: str | None,
    group: str | None,
    time: str | None,
    ignore: str | None,
    out: str | None,
    *,
    force: bool,
) -> None:
    """Infer a schema from FILE (CSV, Parquet or Arrow), and print it as TOML for you to edit.

    Ranges, steps and categories are those of the table; what else was assumed stands at the top. Give the
    edited file to `modelward assess --schema`.
    """
    from modelward import schema as room
    from modelward.tables import read_table

    inferred = room.infer(
        read_table(file, what="FILE"), target=target, ignore=_names(ignore), sensitive=_names(sensitive),
        group=group, time=time,
    )  # fmt: skip
    if out is None:
        click.echo(room.to_toml(inferred), nl=False)
        return
    room.write_schema(inferred, out, force=force)
    click.echo(
        f"{out}: {len(inferred)} columns. Read it, correct it, then: modelward assess … --schema {out}"
    )


def _names(listed: str | None) -> list[str]:
    return [name.strip() for name in (listed or "").split(",") if name.strip()]
