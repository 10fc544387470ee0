"""Read a schema from TOML that people edited: every mistake is one line that says where it is."""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from modelward.errors import SchemaError
from modelward.schema._schema import Column, Direction, FeatureSchema, Kind, Operator, Relation, Role
from modelward.schema._toml import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOP = ("version", "assumed", "onehot", "relations", "columns")
_SETTINGS = tuple(field.name for field in fields(Column) if field.name != "name")
_WORDS: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "direction": get_args(Direction),
    "role": get_args(Role),
}


def read_schema(path: str | Path) -> FeatureSchema:
    """Return the schema of a TOML file.

    Raises
    ------
    SchemaError
        In one line what is wrong in the file, where, and what would be right.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SchemaError(f"schema {path} does not exist: `modelward schema infer` writes one") from None
    except IsADirectoryError:
        raise SchemaError(f"schema {path} is a directory: name a file in it") from None
    except UnicodeDecodeError:
        raise SchemaError(f"schema {path} is not UTF-8 text: it should be TOML") from None
    except (OSError, ValueError) as error:
        raise SchemaError(
            f"schema {path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    return from_toml(text, what=str(path))


def from_toml(text: str, *, what: str = "schema") -> FeatureSchema:
    """Return the schema that a TOML text describes.

    Parameters
    ----------
    text : str
    what : str
        How errors call it.

    Raises
    ------
    SchemaError
        As `read_schema`.

    Examples
    --------
    >>> from_toml('[columns]\\nAGE = { kind = "integer", hihg = 79 }')
    Traceback (most recent call last):
    ...
    modelward.errors.SchemaError: schema: column 'AGE': unknown key 'hihg', did you mean 'high'?
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SchemaError(f"{what} is not TOML: {error}") from None
    try:
        return _schema(table)
    except SchemaError as error:
        # Rules of the schema itself begin with that word.
        raise SchemaError(f"{what}: {str(error).removeprefix('schema: ')}") from None


def _schema(table: Mapping[str, Any]) -> FeatureSchema:
    _known_keys(table, _TOP, "")
    version = table.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise SchemaError(f"version {version!r} is not {VERSION}, the only one that this modelward reads")
    columns = table.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise SchemaError("it has no columns: add a table [columns] with a line for each")
    return FeatureSchema(
        columns=tuple(_column(name, settings) for name, settings in columns.items()),
        onehot=tuple(_group(group) for group in _list(table, "onehot")),
        relations=tuple(_relation(relation) for relation in _list(table, "relations")),
        assumed=tuple(_text("assumed", item) for item in _list(table, "assumed")),
    )


def _column(name: str, settings: Any) -> Column:
    where = f"column {name!r}: "
    if not isinstance(settings, dict):
        raise SchemaError(f'{where}its settings must stand in braces, such as {{ kind = "integer" }}')
    _known_keys(settings, _SETTINGS, where)
    if "kind" not in settings:
        raise SchemaError(f"{where}kind is missing, one of {', '.join(_WORDS['kind'])}")
    kind = settings["kind"]
    checked = {key: _setting(key, value, kind, where) for key, value in settings.items()}
    column = Column(name, **checked)
    if kind in ("ordinal", "categorical") and not column.categories:
        raise SchemaError(f"{where}categories are missing, which a column of kind {kind} lists")
    if kind not in ("ordinal", "categorical") and column.categories:
        raise SchemaError(
            f"{where}categories are listed, but its kind is {kind}: make it categorical or ordinal"
        )
    if column.coded and not (column.low is column.high is column.precision is None):
        raise SchemaError(f"{where}low, high and precision are for numbers and dates, and its kind is {kind}")
    return column


def _setting(key: str, value: Any, kind: Any, where: str) -> Any:
    if key in _WORDS:
        if value not in _WORDS[key]:
            raise SchemaError(
                f"{where}{key} {value!r} is none of {', '.join(_WORDS[key])}{_hint(value, _WORDS[key])}"
            )
        return value
    if key in ("missing", "mutable"):
        if not isinstance(value, bool):
            raise SchemaError(f"{where}{key} must be true or false, not {value!r}")
        return value
    if key == "categories":
        if not isinstance(value, list) or not all(isinstance(v, str | bool | int | float) for v in value):
            raise SchemaError(f"{where}categories must be a list of texts, numbers or true and false")
        return tuple(value)
    if key in ("low", "high") and kind == "datetime" and isinstance(value, dt.date):
        return _seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        wanted = "a date or seconds" if key in ("low", "high") and kind == "datetime" else "a number"
        raise SchemaError(f"{where}{key} must be {wanted}, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise SchemaError(f"{where}{key} must be a finite number") from None


def _seconds(moment: dt.date) -> float:
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _group(group: Any) -> tuple[str, ...]:
    if not isinstance(group, list) or not all(isinstance(name, str) for name in group):
        raise SchemaError('onehot must be a list of groups, such as [["SEX_1", "SEX_2"]]')
    return tuple(group)


def _relation(relation: Any) -> Relation:
    parts = relation.split() if isinstance(relation, str) else relation
    if not isinstance(parts, list) or len(parts) != 3 or not all(isinstance(part, str) for part in parts):
        raise SchemaError(
            f'relation {relation!r} must be a column, an operator and a column, such as "A <= B"'
        )
    left, operator, right = parts
    if operator not in get_args(Operator):
        raise SchemaError(f"relation {relation!r}: {operator!r} is none of {' '.join(get_args(Operator))}")
    return Relation(left, cast("Operator", operator), right)


def _list(table: Mapping[str, Any], key: str) -> list[Any]:
    items = table.get(key, [])
    if not isinstance(items, list):
        raise SchemaError(f"{key} must be a list")
    return items


def _text(key: str, item: Any) -> str:
    if not isinstance(item, str):
        raise SchemaError(f"{key} must be a list of texts, not of {item!r}")
    return item


def _known_keys(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise SchemaError(f"{where}unknown key {key!r}{_hint(key, known)}")


def _hint(word: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
