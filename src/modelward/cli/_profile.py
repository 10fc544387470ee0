"""`modelward profile`: a table or pictures as a small file of counts that can be merged and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.profiles import Layout, Profile
    from modelward.reports import Page

_BATCH = 100_000


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("file", metavar="FILE", type=click.Path(path_type=str))
@click.option("-o", "--output", multiple=True, required=True, metavar="FILE",
              help="A page if it ends in .html or .md, else the profile (JSON); repeatable.")  # fmt: skip
@click.option(
    "--schema",
    "schema_file",
    metavar="FILE",
    help="What a legal row is.  [default: inferred from the first rows]",
)
@click.option("--like", metavar="PROFILE",
              help="Count in the bins and words of this profile, and say what moved beside it.")  # fmt: skip
@click.option("--text", multiple=True, metavar="COL",
              help="A column whose words are counted; repeatable.  [default: columns of sentences]")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
def profile(
    file: str,
    output: tuple[str, ...],
    schema_file: str | None,
    like: str | None,
    text: tuple[str, ...],
    form: str,
) -> None:
    """Summarise FILE in one pass: a table (CSV, Parquet or Arrow), a folder of pictures (PNG, JPEG, WebP, BMP, with
    the extra `images`), or pictures as an array (.npy).

    Of a table: counts, missing, illegal and infinite values, moments, histogram, quantiles, distinct values, and
    the words of columns of sentences. Of pictures: red, green, blue, hue, saturation, brightness, sharpness. Bins
    and words are those of the first 100,000 rows, or of another profile (--like).

    No row is in the file that is written. It holds the schema, with the lowest and highest value of each column,
    and beside it no value and no word that fewer than ten rows have.

    \b
        modelward profile june.csv -o june.json
        modelward profile july.csv -o july.json --like june.json -o july.html
        modelward profile uploads/ -o uploads.json
    """
    from modelward.cli._deliver import deliver

    paths = [Path(name) for name in output]
    if Path(file).is_dir() or file.lower().endswith(".npy"):
        page, as_json = _pictures(file, like, (schema_file, *text))
    else:
        page, as_json = _table(file, schema_file, like, text)
    deliver(page, as_json + "\n", paths, form=form, hint="")


def _pictures(file: str, like: str | None, others: Sequence[str | None]) -> tuple[Page, str]:
    from modelward.cli._profile_pictures import page_of, read_pictures
    from modelward.errors import UsageError
    from modelward.profiles import read_image_profile

    if any(others):
        raise UsageError("--schema and --text are for tables, and these are pictures: leave them out")
    before = read_image_profile(like) if like is not None else None
    made, notes = read_pictures(file)
    return page_of(made, before, file, notes), made.to_json()


def _table(file: str, schema_file: str | None, like: str | None, text: tuple[str, ...]) -> tuple[Page, str]:
    from modelward.cli._profile_page import page_of
    from modelward.errors import InputError, UsageError
    from modelward.profiles import Profile, read_profile
    from modelward.tables import read_batches

    if like is not None and (schema_file is not None or text):
        raise UsageError("--like excludes --schema and --text: a profile has a schema and words of its own")
    before = read_profile(like) if like is not None else None
    layout: Layout | None = before.layout if before is not None else None
    made: Profile | None = None
    notes: dict[str, str] = {}
    for batch in read_batches(file, _BATCH, what="FILE"):
        if layout is None:
            layout = _layout(batch, schema_file, text)
        made = made or Profile(layout)
        X, problems = layout.encode(batch)
        notes |= problems
        made.update(X, layout.texts_of(batch))
    if made is None:
        raise InputError(f"{file} has no rows: add rows")
    return page_of(made, before, file, notes), made.to_json()


def _layout(batch: object, schema_file: str | None, text: tuple[str, ...]) -> Layout:
    from modelward.errors import InputError
    from modelward.profiles import Layout
    from modelward.schema import read_schema
    from modelward.tables import read_table

    frame = read_table(batch)
    for name in text:
        if name not in frame.columns:
            raise InputError(
                f"--text {name}: FILE has no such column; it has {', '.join(frame.columns[:12])}"
            )
    schema = read_schema(schema_file) if schema_file is not None else None
    return Layout.fit(frame, schema, texts=text or None)
