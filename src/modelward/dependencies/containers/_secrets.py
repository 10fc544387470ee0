"""Rules on secrets: in ENV, ARG and RUN, and as files that are copied. A secret is never quoted."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from modelward.dependencies.code._secrets import secrets_in
from modelward.dependencies.containers._context import secret_file
from modelward.dependencies.containers._dockerfile import expand, pairs
from modelward.dependencies.containers._flaws import flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.dependencies.containers._flaws import Flaw
    from modelward.dependencies.containers._layers import Layer
    from modelward.findings import Severity

_ALONE = {
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "PWD",
    "PAT",
}
_TWO = {("API", "KEY"), ("ACCESS", "KEY"), ("SECRET", "KEY"), ("PRIVATE", "KEY"), ("ACCOUNT", "KEY"),
        ("ENCRYPTION", "KEY"),
        ("SIGNING", "KEY")}  # fmt: skip
_ABOUT = {"FILE", "PATH", "DIR", "URL", "URI", "NAME", "ID", "TTL", "EXPIRY", "TIMEOUT", "LENGTH", "LEN",
          "TYPE", "HEADER", "LIMIT",
          "COUNT", "ARN", "ENABLED", "PREFIX", "FIELD", "ENDPOINT", "HOST", "ISSUER", "ALGORITHM", "MOUNT"}  # fmt: skip
_NONE = {"", "true", "false", "yes", "no", "none", "null", "on", "off"}


def secret_name(name: str) -> bool:
    """Say whether a variable of this name holds a secret.

    Examples
    --------
    >>> [secret_name(n) for n in ("DB_PASSWORD", "hfToken", "AWS_SECRET_ACCESS_KEY", "TOKENIZERS_PARALLELISM")]
    [True, True, True, False]
    >>> [secret_name(n) for n in ("PASSWORD_FILE", "MAX_TOKENS", "PWD", "SECRET_NAME")]
    [False, False, False, False]
    """
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).upper().replace("-", "_").split("_")
    if words[-1] in _ABOUT or words == ["PWD"]:
        return False
    return bool(set(words) & _ALONE) or any(pair in _TWO for pair in itertools.pairwise(words))


def secret_value(name: str, value: str) -> bool:
    """Say whether a value is a secret itself, not where one is to be found."""
    text = value.strip().strip("\"'")
    if text.lower() in _NONE or text.startswith(("/", "$", "file:", "arn:")):
        return False
    if re.fullmatch(r"[\d.]+", text):
        return "PASS" in name.upper() or "PWD" in name.upper()
    return not re.fullmatch(r"<[^>]*>", text)


def secret_flaws(found: list[Layer]) -> Iterator[Flaw]:
    """Yield secrets in layers and in the history of an image."""
    for layer in found:
        here = list(_in_variables(layer))
        yield from here
        if not here:
            kinds = dict.fromkeys(kind for _, kind in secrets_in(layer.text))
            for kind in kinds:
                yield flaw(
                    "secret-in-layer",
                    layer.one,
                    f"{layer.one.word} holds a secret ({kind}){_where(layer)}",
                    level=_level(layer),
                )
        if layer.one.word in ("COPY", "ADD") and layer.one.flag("from") is None:
            for source in layer.files()[0]:
                if secret_file(source) and "://" not in source:
                    yield flaw(
                        "secret-file-copied",
                        layer.one,
                        f"{source} holds secrets by its name{_where(layer)}",
                        level=_level(layer),
                    )


def _in_variables(layer: Layer) -> Iterator[Flaw]:
    one = layer.one
    given: list[tuple[str, str | None]] = []
    if one.word in ("ENV", "ARG"):
        given = list(pairs(one.value).items())
    elif one.word == "RUN":
        given = [tuple(a.split("=", 1)) for c in layer.runs for a in _assignments(c.words, c.assigned)]  # type: ignore[misc]
    for name, value in given:
        if not secret_name(name):
            continue
        if value is None:
            yield flaw(
                "secret-in-argument",
                one,
                f"the argument {name} holds a secret, and is seen by docker history",
            )
            continue
        text, known = expand(value, layer.environment)
        if one.word == "ENV" and (not known or (value.startswith("$") and text)):
            yield flaw(
                "secret-in-layer", one, f"ENV {name} keeps a secret{_where(layer)}", level=_level(layer)
            )
        elif known and secret_value(name, text) and "$(" not in text and "`" not in text:
            yield flaw(
                "secret-in-layer",
                one,
                f"{one.word} sets {name} to a secret{_where(layer)}",
                level=_level(layer),
            )


def _assignments(words: tuple[str, ...], assigned: tuple[str, ...]) -> list[str]:
    exported = words[1:] if words[0] in ("export", "declare", "set") else ()
    return [word for word in (*assigned, *exported) if re.match(r"[A-Za-z_]\w*=", word)]


def _where(layer: Layer) -> str:
    return (
        ", in a layer that everybody who pulls the image can read"
        if layer.shipped
        else ", in a stage that stays in the build cache"
    )


def _level(layer: Layer) -> Severity:
    return "high" if layer.shipped else "medium"
