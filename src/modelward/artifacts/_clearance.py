"""clearance.toml: who may sign models for which stage, how old a signature may be, and what a scan must say."""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import TooLargeError, printable, read_file
from modelward.artifacts._names import judge_name
from modelward.artifacts._sign import key_hint, read_public_key
from modelward.errors import InputError, StageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOP = {"version", "log", "expires", "keys", "stages"}
_STAGE = {"keys", "max_age_days", "verdict", "trust"}
_VERDICTS = ("clean", "suspicious")
_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage asks of a model.

    Parameters
    ----------
    name : str
    keys : tuple of str
        Names of the keys that may sign for it.
    max_age_days : float or None
        How old a signature may be; None for any age.
    verdict : {"clean", "suspicious"}
        The worst verdict of a scan that is let in, once the trusted names are taken away.
    trust : frozenset of str
        Exact names that the stage vouches for.
    """

    name: str
    keys: tuple[str, ...]
    max_age_days: float | None = None
    verdict: str = "clean"
    trust: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Clearance:
    """A clearance file that was read and is valid.

    Parameters
    ----------
    path : Path
    keys : mapping of str to bytes
        Public keys (PEM) by name.
    stages : mapping of str to Stage
    log : Path
        Audit log; beside the clearance file unless it says otherwise.
    expires : datetime or None
        When the clearance itself stops to hold.
    """

    path: Path
    keys: Mapping[str, bytes]
    stages: Mapping[str, Stage]
    log: Path
    expires: datetime.datetime | None = None

    def stage(self, name: str) -> Stage:
        """Return a stage by its name.

        Raises
        ------
        StageError
            If there is no such stage.
        """
        if name not in self.stages:
            known = ", ".join(printable(n, 80) for n in self.stages)
            raise StageError(
                f"{printable(str(self.path))}: no stage {printable(name, 80)!r}; there are: {known}"
            )
        return self.stages[name]


def read_clearance(path: str | Path) -> Clearance:
    """Read a clearance file.

    Parameters
    ----------
    path : path
        TOML. Paths of keys and log in it are relative to its folder::

            version = 1
            log = "audit.jsonl"          # who loaded what; this is the default
            expires = 2027-01-31         # optional

            [keys]
            science = "science.pub"
            release = "release.pub"

            [stages.production]
            keys = ["release"]
            max_age_days = 90            # optional
            verdict = "clean"            # or "suspicious"; this is the default
            trust = ["ourlib.Scaler"]    # optional

            [stages.staging]
            keys = ["science", "release"]

    Returns
    -------
    Clearance

    Raises
    ------
    InputError
        If it cannot be read.
    UsageError
        If it is not valid; the message names every mistake.
    """
    path = Path(path)
    shown = printable(str(path))
    try:
        table = tomllib.loads(read_file(path, _MOST, "a clearance file").decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{shown}: not TOML: {printable(str(error))}") from None
    except TooLargeError:
        raise UsageError(f"{shown}: too large for a clearance file") from None
    check = _Check(path.parent)
    found = check.clearance(path, table)
    if check.mistakes or found is None:
        raise UsageError("; ".join(f"{shown}: {mistake}" for mistake in check.mistakes))
    return found


@dataclass
class _Check:
    """A reading that goes on after a mistake, so that all of them are named at once."""

    folder: Path
    mistakes: list[str] = field(default_factory=list)

    def wrong(self, what: str) -> None:
        self.mistakes.append(printable(what))

    def clearance(self, path: Path, table: dict[str, Any]) -> Clearance | None:
        self._unknown(table, _TOP, "")
        if type(table.get("version")) is not int or table["version"] != 1:
            self.wrong("version = 1 is missing" if "version" not in table else "version must be 1")
        log = table.get("log", "audit.jsonl")
        if not isinstance(log, str) or not log:
            self.wrong("log must be the path of a file")
            log = "audit.jsonl"
        keys = self._keys(table.get("keys"))
        stages = table.get("stages")
        if not isinstance(stages, dict) or not stages:
            self.wrong("[stages.NAME] is missing: name at least one stage")
            stages = {}
        found = {name: self._stage(name, content, keys) for name, content in stages.items()}
        expires = self._expires(table.get("expires"))
        return None if self.mistakes else Clearance(path, keys, found, self.folder / log, expires)

    def _unknown(self, table: dict[str, Any], known: set[str], where: str) -> None:
        for key in table:
            if key not in known:
                self.wrong(f"{where}{key} is not known; there are: {', '.join(sorted(known))}")

    def _keys(self, table: Any) -> dict[str, bytes]:
        if not isinstance(table, dict) or not table:
            self.wrong('[keys] is missing: name = "file.pub"')
            return {}
        found = {}
        for name, file in table.items():
            if not isinstance(file, str) or not file:
                self.wrong(f"keys.{name} must be the path of a public key")
                continue
            try:
                found[name] = read_public_key(self.folder / file)
            except (InputError, UsageError) as error:
                self.wrong(f"keys.{name}: {error}")
        # Which of two names signed would be a matter of order, and a stage could be refused what it was promised.
        first: dict[str, str] = {}
        for name, pem in found.items():
            other = first.setdefault(key_hint(pem), name)
            if other != name:
                self.wrong(f"keys.{name} is the same key as keys.{other}: give it one name")
        # A name whose key is broken is a mistake already; its stages need not complain again.
        return {name: found.get(name, b"") for name in table}

    def _stage(self, name: str, table: Any, keys: dict[str, bytes]) -> Stage:
        where = f"stages.{name}."
        if not isinstance(table, dict):
            self.wrong(f"stages.{name} must be a table: [stages.{name}]")
            return Stage(name, ())
        self._unknown(table, _STAGE, where)
        signers = self._texts(table.get("keys"), where + "keys")
        if not signers:
            self.wrong(f"{where}keys must name at least one key")
        for signer in signers:
            if signer not in keys:
                self.wrong(f"{where}keys: there is no key {signer!r} in [keys]")
        age = table.get("max_age_days")
        if age is not None and (
            isinstance(age, bool) or not isinstance(age, int | float) or not 0 < age < 1e6
        ):
            self.wrong(f"{where}max_age_days must be a positive number of days")
            age = None
        verdict = table.get("verdict", "clean")
        if verdict not in _VERDICTS:
            self.wrong(f"{where}verdict must be one of {', '.join(_VERDICTS)}")
        trust = self._texts(table.get("trust", []), where + "trust")
        for full in trust:
            module, _, last = full.rpartition(".")
            if not module:
                self.wrong(f"{where}trust: {full!r} is no full name, such as ourlib.Scaler")
            elif judge_name(module, last)[0] == "dangerous":
                self.wrong(f"{where}trust: {full} is dangerous, and is never trusted")
        return Stage(name, tuple(signers), age, str(verdict), frozenset(trust))

    def _texts(self, value: Any, where: str) -> list[str]:
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(f"{where} must be a list of texts")
            return []
        return value

    def _expires(self, value: Any) -> datetime.datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime.datetime):
            return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
        if isinstance(value, datetime.date):
            # The whole of that day still counts.
            return datetime.datetime.combine(value, datetime.time.max, datetime.UTC)
        self.wrong("expires must be a date, such as 2027-01-31")
        return None
