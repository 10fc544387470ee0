"""Write a schema as TOML that people edit: one line a column, and what was assumed at the top."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from modelward.errors import InputError
from modelward.schema._schema import Column

if TYPE_CHECKING:
    from modelward.schema._schema import FeatureSchema

VERSION = 1

HEADER = """\
# What a legal row is, and what a caller may change in it. Edit it: what you correct here, attacks must obey
# and the guard will block.
#
#   kind        continuous, integer, ordinal, categorical, datetime or text
#   low, high   legal range of numbers and dates; left out where it is open
#   precision   step of the numbers: 0.01 for cents; integers go in steps of 1 unless said (dates: seconds)
#   categories  legal values; of an ordinal column in their order
#   missing     true if a value may be missing                                    (else false)
#   mutable     false if a caller cannot change it                                (else true)
#   direction   "up" or "down" if a caller can move it one way only               (else "any")
#   cost        of one unit, of one step of an ordinal, of any change of a category   (else 1)
#   role        "sensitive", "group" (whose row it is) or "time"                  (else "none")
#
# onehot: groups of 0/1 columns of which exactly one is 1. relations: such as "PAY_AMT1 <= BILL_AMT1".
"""


def to_toml(schema: FeatureSchema) -> str:
    """Return a schema as TOML; `from_toml` gives the same schema back.

    Examples
    --------
    >>> from modelward.schema import Column, FeatureSchema
    >>> text = to_toml(FeatureSchema((Column("AGE", "integer", low=21, high=79),)))
    >>> print(text.splitlines()[-1])
    AGE = { kind = "integer", low = 21, high = 79 }
    """
    lines = [HEADER, f"version = {VERSION}"]
    relations = [
        str(r) if _plain(r.left, r.right) else [r.left, r.operator, r.right] for r in schema.relations
    ]
    lines += _listed("assumed", list(schema.assumed))
    lines += _listed("onehot", [list(group) for group in schema.onehot])
    lines += _listed("relations", relations)
    lines += ["", "[columns]"]
    keys = [_key(column.name) for column in schema]
    width = min(24, max((len(key) for key in keys), default=0))
    lines += [f"{key:{width}} = {_inline(column)}" for key, column in zip(keys, schema, strict=True)]
    return "\n".join(lines) + "\n"


def write_schema(schema: FeatureSchema, path: str | Path, *, force: bool = False) -> None:
    """Write a schema as a TOML file.

    Parameters
    ----------
    schema : FeatureSchema
    path : str or Path
    force : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    InputError
        If the file exists already, or cannot be written.
    """
    file = Path(path)
    try:
        with file.open("w" if force else "x", encoding="utf-8", newline="\n") as out:
            out.write(to_toml(schema))
    except FileExistsError:
        raise InputError(f"{path} exists already: choose another name, or --force to replace it") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None


def _plain(*names: str) -> bool:
    """Whether a relation can be written as words."""
    return all(name and not any(c.isspace() for c in name) for name in names)


def _listed(key: str, items: list[Any]) -> list[str]:
    if not items:
        return []
    return [f"{key} = [", *(f"    {_value(item)}," for item in items), "]"]


def _inline(column: Column) -> str:
    parts = [f'kind = "{column.kind}"']
    for field in fields(Column)[2:]:
        value = getattr(column, field.name)
        if value != field.default:
            parts.append(f"{field.name} = {_setting(column, field.name, value)}")
    return f"{{ {', '.join(parts)} }}"


def _setting(column: Column, name: str, value: Any) -> str:
    if name in ("low", "high") and column.kind == "datetime":
        return _instant(float(value))
    if name in ("low", "high", "precision", "cost"):
        return _number(float(value))
    return _value(list(value) if isinstance(value, tuple) else value)


def _instant(seconds: float) -> str:
    """Return a date with its time where that is exact, else the seconds."""
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    except OverflowError:
        return _number(seconds)
    return moment.isoformat().replace("+00:00", "Z") if moment.timestamp() == seconds else _number(seconds)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _value(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    return tomli_w.dumps({"x": value}).removeprefix("x = ").removesuffix("\n")


def _key(name: str) -> str:
    return tomli_w.dumps({name: 0}).removesuffix(" = 0\n")
