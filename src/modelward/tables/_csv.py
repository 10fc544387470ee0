"""CSV files: header and separator, types over the whole file, and errors that name the line."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SEPARATORS = ",;\t|"
NULLS = [
    "", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A", "#NA", "-nan", "-NaN", "nil",
]  # fmt: skip
"""What stands for a missing value: the words that pandas takes for one, and "nil"."""

FIRST_LOOK = 1_000
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_INTEGER = r"^\s*[+-]?\d{1,18}\s*$"


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose header was read.

    Parameters
    ----------
    path : Path
        Where it is.
    what : str
        How errors call it.
    gzipped : bool
        Whether it is packed.
    separator : str
        Between cells.
    names : tuple of str
        The columns' names.
    """

    path: Path
    what: str
    gzipped: bool
    separator: str
    names: tuple[str, ...]

    @classmethod
    def probe(cls, path: Path, head: bytes, what: str, *, gzipped: bool) -> CsvFile:
        """Read the header from a file's first bytes.

        Raises
        ------
        InputError
            If it is no header: repeated names, numbers, markup, one column of text.
        """
        text = head.decode("utf-8-sig", errors="replace")
        lines = text.split("\n")
        first = next((line for line in lines if line.strip()), "").rstrip("\r")
        if not first:
            raise InputError(f"{what} {path} is empty: it needs a line of column names and rows")
        if "\r" in first:
            raise InputError(f"{what} {path} ends its lines with carriage returns: save it with line feeds")
        if first.lstrip()[:1] in ("{", "[", "<"):
            raise InputError(f"{what} {path} looks like JSON or markup, not CSV: save it as CSV or Parquet")
        if "\ufffd" in first:
            raise InputError(_undecodable(path, what, gzipped=gzipped))
        separator = max(SEPARATORS, key=first.count)
        cells = _header((line + "\n" for line in lines), separator)
        repeated = [name for name, times in Counter(cells).items() if times > 1]
        if repeated:
            raise InputError(f"{what} {path} has column {repeated[0]!r} more than once: rename one of them")
        if all(_is_number(cell) for cell in cells) and cells != [str(i) for i in range(len(cells))]:
            raise InputError(f"{what} {path} begins with numbers: put the column names in its first line")
        names = tuple(cell or f"Unnamed: {i}" for i, cell in enumerate(cells))
        return cls(path, what, gzipped, separator, names)

    def frame(self) -> pl.DataFrame:
        """Return the whole file.

        Raises
        ------
        InputError
            If it has ragged rows, bytes that are not UTF-8, or no rows.
        """
        try:
            frame = self._polars(FIRST_LOOK).collect()
        except (pl.exceptions.PolarsError, OSError):
            frame = self._whole_inference()
        else:
            # A column whose first cells are all missing was taken for text without having been seen.
            unseen = frame.head(FIRST_LOOK).null_count().row(0)
            height = min(FIRST_LOOK, frame.height)
            blind = [n == height for n in unseen]
            if any(b and d == pl.String for b, d in zip(blind, frame.dtypes, strict=True)):
                frame = self._whole_inference()
        return self._checked(frame)

    def scan(self) -> pl.LazyFrame:
        """Return the file as a lazy frame with the types that `frame` gives, for reading it in batches."""
        lazy = self._polars(None)
        try:
            schema = lazy.collect_schema()
            texts = [n for n, d in schema.items() if d == pl.String]
            tests = [_all_match(pl.col(n), p).alias(f"{k}{n}") for n in texts for k, p in _TESTS.items()]
            last = pl.col(schema.names()[-1]).null_count().alias("last")
            facts = lazy.select(pl.len().alias("rows"), last, *tests).collect().row(0, named=True)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self.explain(error) from None
        if facts["last"]:
            self._check_ragged()
        casts = {n: k for n in texts for k in reversed(_TESTS) if facts[f"{k}{n}"]}
        if not facts["rows"]:
            raise self._rowless()
        if len(schema) == 1 and texts and not casts:
            raise self._textual()
        wide = [n for n, d in schema.items() if d == pl.Int128]
        lazy = lazy.with_columns(
            *(_cast(pl.col(n), kind) for n, kind in casts.items()), pl.col(wide).cast(pl.Float64)
        )
        return self._dressed(lazy)

    def _polars(self, infer: int | None) -> pl.LazyFrame:
        return pl.scan_csv(
            self.path,
            separator=self.separator,
            infer_schema_length=infer,
            try_parse_dates=True,
            null_values=NULLS,
        )

    def _whole_inference(self) -> pl.DataFrame:
        try:
            return self._polars(None).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self.explain(error) from None

    def _dressed(self, lazy: pl.LazyFrame) -> pl.LazyFrame:
        """Give the header's names, and drop lines with nothing in them."""
        lazy = lazy.rename(self._names_of(lazy.collect_schema()))
        return lazy.filter(~pl.all_horizontal(pl.all().is_null())) if len(self.names) > 1 else lazy

    def _names_of(self, columns: Iterable[str] | pl.DataFrame) -> dict[str, str]:
        own = columns.columns if isinstance(columns, pl.DataFrame) else columns
        return dict(zip(own, self.names, strict=True))

    def _checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        gaps = frame.height and frame.get_column(frame.columns[-1]).null_count()
        if gaps:
            self._check_ragged()
        for name, dtype in frame.schema.items():
            if dtype == pl.Int128:
                frame = frame.with_columns(pl.col(name).cast(pl.Float64))
            elif dtype == pl.String:
                frame = frame.with_columns(_recognised(frame.get_column(name)))
        frame = self._dressed(frame.lazy()).collect() if gaps else frame.rename(self._names_of(frame))
        if not frame.height:
            raise self._rowless()
        if frame.width == 1 and frame.dtypes[0] == pl.String:
            raise self._textual()
        return frame

    def _rowless(self) -> InputError:
        return InputError(f"{self.what} {self.path} has column names but no rows: add rows")

    def _textual(self) -> InputError:
        return InputError(
            f"{self.what} {self.path} has one column of text only: is it a CSV with , ; tab or | between cells?"
        )

    def _check_ragged(self) -> None:
        """Raise if a line has more or fewer cells than the header (blank lines are nothing)."""
        opener: Any = gzip.open if self.gzipped else open
        try:
            with opener(self.path, "rt", encoding="utf-8-sig", newline="") as text:
                rows = csv.reader(text, delimiter=self.separator)
                for row in rows:
                    if row and len(row) != len(self.names):
                        raise InputError(
                            f"{self.what} {self.path} line {rows.line_num} has {len(row)} cells, the header has "
                            f"{len(self.names)}: repair that line"
                        )
        except UnicodeDecodeError:
            raise InputError(_undecodable(self.path, self.what, gzipped=self.gzipped)) from None
        except csv.Error as error:
            raise InputError(f"{self.what} {self.path} line {rows.line_num} is not CSV: {error}") from None

    def explain(self, error: Exception) -> InputError:
        """Return the plainest error that can be found for a file that polars could not read."""
        try:
            if "utf-8" in str(error).lower():
                return InputError(_undecodable(self.path, self.what, gzipped=self.gzipped))
            self._check_ragged()
        except InputError as found:
            return found
        except (OSError, EOFError, zlib.error) as damaged:
            return InputError(f"{self.what} {self.path} is damaged: {damaged}")
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if '"' in reason:
            reason = "a quotation mark is opened and never closed"
        return InputError(f"{self.what} {self.path} cannot be read as CSV: {reason}")


_TESTS = {"bool": r"^(true|false|True|False|TRUE|FALSE)$", "int": _INTEGER, "float": _NUMBER}


def _all_match(column: pl.Expr, pattern: str) -> pl.Expr:
    """Whether every value matches, and there is one."""
    return column.str.contains(pattern).all() & (column.count() > 0)


def _cast(column: pl.Expr, kind: str) -> pl.Expr:
    if kind == "bool":
        return column.str.to_lowercase() == "true"
    plain = column.str.strip_chars().str.strip_prefix("+")
    return plain.cast(pl.Int64 if kind == "int" else pl.Float64)


def _recognised(series: pl.Series) -> pl.Series:
    """Return booleans and padded or signed numbers that polars left as text."""
    few = series.drop_nulls().head(100).to_frame()
    for kind, pattern in _TESTS.items():
        test = _all_match(pl.col(series.name), pattern)
        if few.select(test).item() and series.to_frame().select(test).item():
            return series.to_frame().select(_cast(pl.col(series.name), kind)).to_series()
    return series


def _header(lines: Iterator[str], separator: str) -> list[str]:
    """Return the cells of the first line that has any."""
    try:
        return next((row for row in csv.reader(lines, delimiter=separator) if row), [])
    except csv.Error:
        return []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _undecodable(path: Path, what: str, *, gzipped: bool) -> str:
    """Say where the first byte is that is not UTF-8."""
    opener: Any = gzip.open if gzipped else open
    with opener(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return (
                    f"{what} {path} line {number} has byte 0x{byte:02x}, which is not UTF-8: save it as UTF-8"
                )
    return f"{what} {path} is not UTF-8 text: save it as UTF-8"
