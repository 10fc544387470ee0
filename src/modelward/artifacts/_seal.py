"""Sealing: a file that only its named recipients can open, in the age format (age-encryption.org/v1)."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelward.artifacts._container import TooLargeError, printable, read_file
from modelward.artifacts._files import whole_file
from modelward.errors import InputError, MissingExtraError, SealError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_KEYS = 1 << 20


def new_identity(path: str | Path, *, force: bool = False) -> str:
    """Make an identity, and return the recipient that belongs to it.

    Parameters
    ----------
    path : path
        Where the identity goes, in the form of ``age-keygen``, readable by its owner alone.
    force : bool
        Whether a file that is there may be replaced; what was sealed for it can never be opened again.

    Returns
    -------
    str
        The recipient, ``age1…``, to be given to whoever seals.
    """
    age = _library()
    identity = age.x25519.Identity.generate()
    recipient = str(identity.to_public())
    with whole_file(path, force=force) as file:
        file.write(f"# public key: {recipient}\n{identity}\n".encode())
    return recipient


def recipient(text: str) -> Any:
    """Read a recipient: ``age1…``, or an SSH public key (ed25519 or RSA).

    Raises
    ------
    UsageError
        If it is neither.
    """
    age = _library()
    text = text.strip()
    kind = age.ssh if text.startswith("ssh-") else age.x25519
    try:
        return kind.Recipient.from_str(text)
    except age.RecipientError:
        hint = " (that is a secret identity: tell nobody)" if text.startswith("AGE-SECRET-KEY-") else ""
        shown = "" if hint else f" {printable(text, 80)!r}"
        raise UsageError(f"no recipient{shown}{hint}: give age1… or an SSH public key") from None


def read_recipients(path: str | Path) -> list[Any]:
    """Read a file of recipients, one a line; ``#`` begins a comment."""
    shown = printable(str(path))
    found = []
    for number, line in _lines(path):
        try:
            found.append(recipient(line))
        except UsageError as error:
            # What stands there may be a secret: the line is named and not quoted.
            hint = " (that is a secret identity: tell nobody)" if "secret" in str(error) else ""
            raise UsageError(
                f"{shown}: line {number} is no recipient{hint}: give age1… or an SSH public key"
            ) from None
    if not found:
        raise UsageError(f"{shown}: holds no recipient")
    return found


def read_identities(path: str | Path) -> list[Any]:
    """Read a file of identities: ``AGE-SECRET-KEY-…`` lines, or an SSH private key without a password.

    Raises
    ------
    UsageError
        If it holds none.
    """
    age = _library()
    shown = printable(str(path))
    content = _keys(path)
    try:
        if b"PRIVATE KEY" in content:
            return [age.ssh.Identity.from_buffer(content)]
        found = [age.x25519.Identity.from_str(line) for _, line in _lines(path)]
    except (age.IdentityError, ValueError):
        hint = "; that is a public key" if content.startswith((b"age1", b"ssh-", b"ecdsa-")) else ""
        raise UsageError(
            f"{shown}: no identity that can be read{hint}: give AGE-SECRET-KEY-… or an SSH private key (ed25519 or "
            "RSA) without a password"
        ) from None
    if not found:
        raise UsageError(f"{shown}: holds no identity")
    return found


def seal(
    path: str | Path, recipients: Sequence[Any], *, out: str | Path | None = None, force: bool = False
) -> Path:
    """Encrypt a file to its recipients.

    Parameters
    ----------
    path : path
        A regular file; it stays where it is.
    recipients : sequence
        At least one, from `recipient` or `read_recipients`.
    out : path or None
        Where the sealed file goes; beside the file with ``.age`` added by default.
    force : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    Path
        Of the sealed file, complete and on the disk.

    Raises
    ------
    InputError
        If a file cannot be read or written.
    UsageError
        If there is no recipient.
    MissingExtraError
        Without the extra ``seal``.
    """
    age = _library()
    if not recipients:
        raise UsageError("nobody could open it: name at least one recipient")
    target = Path(out) if out is not None else Path(f"{path}.age")
    advice = "seal the files in a folder one by one, or an archive of it"
    with _opened(path, advice) as source, whole_file(target, force=force) as file:
        try:
            age.encrypt_io(source, file, list(recipients))
        except age.EncryptError as error:
            raise SealError(f"{printable(str(path))}: cannot be sealed: {printable(str(error))}") from None
    return target


def unseal(
    path: str | Path, identities: Sequence[Any], *, out: str | Path | None = None, force: bool = False
) -> Path:
    """Decrypt a sealed file.

    Parameters
    ----------
    path : path
        A file in the age format.
    identities : sequence
        From `read_identities`.
    out : path or None
        Where the content goes; by default the name without ``.age``.
    force : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    Path
        Of the file, complete and on the disk; nothing is left behind if it does not open to its end.

    Raises
    ------
    SealError
        If no identity opens it, or it is cut off, changed, or no sealed file.
    """
    age = _library()
    shown = printable(str(path))
    if out is None and Path(path).suffix != ".age":
        raise UsageError(f"{shown}: does not end in .age: say with -o where its content goes")
    target = Path(out) if out is not None else Path(path).with_suffix("")
    with _opened(path, "give a sealed file") as source, whole_file(target, force=force) as file:
        try:
            age.decrypt_io(source, file, list(identities))
        except age.DecryptError as error:
            text = str(error)
            if "No matching keys" in text:
                raise SealError(f"{shown}: sealed for other recipients than these identities") from None
            raise SealError(f"{shown}: no sealed file, or cut off or changed ({printable(text)})") from None
        except OSError as error:
            raise SealError(f"{shown}: cut off or changed ({printable(str(error))})") from None
    return target


def _opened(path: str | Path, advice: str) -> IO[bytes]:
    """Open a regular file; pipes and devices are refused."""
    source = Path(path)
    shown = printable(str(path))
    if not source.exists():
        raise InputError(f"{shown}: no such file")
    if not source.is_file():
        raise InputError(f"{shown}: not a regular file; {advice}")
    try:
        return source.open("rb")
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {(error.strerror or 'input error').lower()}") from None


def _keys(path: str | Path) -> bytes:
    try:
        return read_file(path, _MOST_KEYS, "a key file")
    except TooLargeError:
        raise UsageError(f"{printable(str(path))}: too large for keys") from None


def _lines(path: str | Path) -> list[tuple[int, str]]:
    """Return the lines of a key file that are no comments, with their numbers."""
    lines = [line.strip() for line in _keys(path).decode("utf-8", "replace").splitlines()]
    return [(i, line) for i, line in enumerate(lines, 1) if line and not line.startswith("#")]


def _library() -> Any:
    try:
        import pyrage
    except ImportError:
        raise MissingExtraError("pyrage", "seal") from None
    return pyrage
