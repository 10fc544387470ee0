"""Whether a version is one that a project may have: another one shows that the project is installed elsewhere."""

from __future__ import annotations

import re

from modelward.dependencies._extra import need

_SHORT = re.compile(r"([\^~]?)\s*(\d+(?:\.\d+)*)")
_FUZZY = re.compile(r"=\s*(\d+(?:\.\d+)*)(?:\.\*)?(?:=\S+)?")  # conda names the build after it


def fits(asked: str, version: str) -> bool:
    """Tell whether a version is among those asked for, in the words of pip, poetry or conda.

    Parameters
    ----------
    asked : str
        As the file has it. What cannot be read excludes nothing.
    version : str

    Examples
    --------
    >>> fits(">=2,<3", "2.4.1"), fits("^2.0", "3.1"), fits("=1.2", "1.2.9"), fits("^1 || ^3", "3.1")
    (True, False, True, True)
    """
    specifiers, versions = (need(f"packaging.{part}", "packaging") for part in ("specifiers", "version"))
    try:
        return any(
            specifiers.SpecifierSet(_plain(one)).contains(versions.Version(version), prereleases=True)
            for one in asked.replace("||", "|").split("|")
        )
    except specifiers.InvalidSpecifier:
        return True
    except versions.InvalidVersion:
        return False


def _plain(asked: str) -> str:
    """Write one set of conditions as PEP 440 does."""
    parts = [part.strip() for part in re.split(r",|\s+(?=[<>=!^~])", asked.strip())]
    return ",".join(_one(part) for part in parts if part not in ("", "*"))


def _one(part: str) -> str:
    if fuzzy := _FUZZY.fullmatch(part):
        return f"=={fuzzy[1]}.*"
    short = _SHORT.fullmatch(part)
    if not short:
        return part
    if not short[1]:
        return f"=={part}"
    numbers = [int(n) for n in short[2].split(".")]
    if short[1] == "~":
        last = min(1, len(numbers) - 1)
    else:  # a caret goes up to the next change of the first number that is not zero
        last = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
    upper = [*numbers[:last], numbers[last] + 1]
    return f">={short[2]},<{'.'.join(map(str, upper))}"
