"""Signatures: is it the file that we made? In the format of the model-signing library, with keys of our own."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.artifacts._container import TooLargeError, printable, read_file
from modelward.artifacts._files import whole_file
from modelward.artifacts._read import MAX_BYTES
from modelward.errors import (
    InputError,
    MissingExtraError,
    SignatureError,
    UnreadableError,
    UnsignedError,
    UsageError,
    WrongKeyError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_SIGNATURE = 64 << 20
_MOST_KEY = 1 << 16
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds.

    Parameters
    ----------
    key : str
        The name under which the caller gave the key.
    signed_at : datetime or None
        When it was signed, as the signature itself says; None if it does not (another tool made it).
    """

    key: str
    signed_at: datetime.datetime | None


def signature_path(path: str | Path) -> Path:
    """Return where the signature of a file or folder is kept: beside it, with ``.sig`` added.

    Examples
    --------
    >>> signature_path("models/credit.pkl").as_posix()
    'models/credit.pkl.sig'
    """
    path = Path(path)
    return path.with_name(f"{path.resolve().name if not path.name else path.name}.sig")


def new_key(path: str | Path, *, password: str | None = None, force: bool = False) -> Path:
    """Make a key pair to sign with.

    Parameters
    ----------
    path : path
        Where the private key goes (PEM, readable by its owner alone); the public one goes beside it, with
        ``.pub`` added.
    password : str or None
        Encrypts the private key.
    force : bool
        Whether keys that are there may be replaced.

    Returns
    -------
    Path
        Of the public key, to be given to whoever verifies.
    """
    _library()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    lock = form.BestAvailableEncryption(password.encode()) if password else form.NoEncryption()
    public = Path(f"{path}.pub")
    if public.exists() and not force:
        raise InputError(f"{printable(str(public))}: is there already; --force replaces it")
    with whole_file(path, force=force) as file:
        file.write(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, lock))
    with whole_file(public, mode=0o644, force=force) as file:
        file.write(key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    return public


def sign(
    path: str | Path, key: str | Path, *, password: str | None = None, signature: str | Path | None = None,
    force: bool = False,
) -> Path:  # fmt: skip
    """Sign a file or a folder.

    Parameters
    ----------
    path : path
        What to sign; no symbolic link.
    key : path
        Private key on an elliptic curve (P-256, P-384 or P-521), PEM.
    password : str or None
        Of the key.
    signature : path or None
        Where the signature goes; beside the file by default.
    force : bool
        Whether a signature that is there may be replaced.

    Returns
    -------
    Path
        Of the signature.

    Raises
    ------
    InputError
        If the file, the key or the signature's place cannot be used.
    MissingExtraError
        Without the extra ``sign``.
    """
    _library()
    from model_signing import signing

    from modelward.artifacts._signing_format import dated

    _regular(path)
    target = Path(signature) if signature is not None else signature_path(path)
    shown = printable(str(key))
    key_bytes = _small(key, _MOST_KEY)
    with _folder() as folder:
        copy = folder / "key"
        copy.touch(0o600)
        copy.write_bytes(key_bytes)
        try:
            # The library hands the password on to cryptography, which takes bytes.
            secret: Any = password.encode() if password else None
            config = signing.Config().use_elliptic_key_signer(private_key=copy, password=secret)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{shown}: no private key on a supported curve ({_line(error)})") from None
        copy.unlink()
        now = datetime.datetime.now(datetime.UTC).strftime(_TIME)
        try:
            config.set_hashing_config(dated(now)).sign(path, folder / "signature")
        except (ValueError, OSError) as error:
            raise InputError(f"{printable(str(path))}: cannot be signed: {_line(error)}") from None
        content = (folder / "signature").read_bytes()
    with whole_file(target, mode=0o644, force=force) as file:
        file.write(content)
    return target


def verify(path: str | Path, keys: Mapping[str, bytes], *, signature: str | Path | None = None) -> Signed:
    """Verify a file or folder against its signature.

    Parameters
    ----------
    path : path
        What was signed.
    keys : mapping of str to bytes
        Public keys (PEM) that are trusted, by any name.
    signature : path or None
        Beside the file by default.

    Returns
    -------
    Signed

    Raises
    ------
    InputError
        If there is no such file.
    UnsignedError
        If there is no signature.
    WrongKeyError
        If another key made it.
    SignatureError
        If it is damaged, or of another file.
    """
    _regular(path)
    place = Path(signature) if signature is not None else signature_path(path)
    return _verified(printable(str(path)), read_signature(path, place), keys, model=path)


def read_signature(path: str | Path, place: Path | None = None) -> bytes:
    """Return the bytes of a file's signature.

    Raises
    ------
    UnsignedError
        If there is none.
    """
    place = place or signature_path(path)
    shown = printable(str(path))
    if not place.exists():
        raise UnsignedError(f"{shown}: not signed (there is no {printable(str(place))})")
    try:
        return read_file(place, _MOST_SIGNATURE, "a signature file")
    except TooLargeError:
        raise SignatureError(f"{printable(str(place))}: too large for a signature") from None


def file_bytes(path: str | Path) -> tuple[bytes, str]:
    """Return the bytes of a model file, to be verified and then read, and its name for display.

    Raises
    ------
    InputError
        If there is no such file, or it may not be read.
    UnreadableError
        If it is longer than what is read.
    """
    shown = printable(str(path), 4096)
    try:
        return read_file(path, MAX_BYTES), shown
    except TooLargeError:
        raise UnreadableError(f"{shown}: longer than {MAX_BYTES:,} bytes") from None


def verify_bytes(data: bytes, shown: str, signature: bytes, keys: Mapping[str, bytes]) -> Signed:
    """Verify a file that is already in memory; see `verify`."""
    return _verified(shown, signature, keys, data=data)


def read_public_key(path: str | Path) -> bytes:
    """Return a public key's PEM.

    Raises
    ------
    InputError
        If it is none on a supported curve.
    """
    _library()
    pem = _small(path, _MOST_KEY)
    if not key_hint(pem):
        raise InputError(
            f"{printable(str(path))}: no public key on a supported curve (PEM, P-256, P-384 or P-521)"
        )
    return pem


def _verified(
    shown: str,
    signature: bytes,
    keys: Mapping[str, bytes],
    *,
    model: str | Path | None = None,
    data: bytes = b"",
) -> Signed:
    _library()
    from model_signing import verifying

    from modelward.artifacts._signing_format import InMemory

    predicate, hint = _peek(shown, signature)
    names = [name for name, pem in keys.items() if hint in (None, key_hint(pem))]
    if not names:
        raise WrongKeyError(f"{shown}: signed with another key than {_listed(keys)}")
    failure: SignatureError | None = None
    for name in names:
        with _folder() as folder:
            (folder / "signature").write_bytes(signature)
            (folder / "key").write_bytes(keys[name])
            try:
                # The library prints a warning about old signatures; what we print is ours.
                with contextlib.redirect_stdout(io.StringIO()):
                    config = verifying.Config().use_elliptic_key_verifier(public_key=folder / "key")
                    if model is None:
                        config = config.set_hashing_config(InMemory(data, predicate))
                    config.verify(Path("model") if model is None else Path(model), folder / "signature")
            except Exception as error:  # noqa: BLE001 - whatever it raises about a hostile signature, it does not hold
                failure = _failure(shown, error)
                continue
        return Signed(name, _signed_at(predicate))
    raise failure or SignatureError(f"{shown}: its signature does not hold")


def _failure(shown: str, error: Exception) -> SignatureError:
    text = _line(error)
    if text.startswith("Signature mismatch"):
        return SignatureError(f"{shown}: changed since it was signed, or the signature is of another file")
    if "symbolic link" in text or "symlink" in text.lower():
        return SignatureError(f"{shown}: holds a symbolic link, which a signature does not cover")
    if type(error).__name__ == "InvalidSignature":
        return SignatureError(f"{shown}: its signature is forged or damaged")
    return SignatureError(f"{shown}: its signature cannot be used ({text})")


def _peek(shown: str, signature: bytes) -> tuple[dict[str, Any], str | None]:
    """Return what a signature says of itself; nothing of it is believed before it is verified."""
    try:
        bundle = json.loads(signature)
        hint = bundle["verificationMaterial"].get("publicKey", {}).get("hint") or None
        payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        predicate = payload.get("predicate", {})
        if not isinstance(predicate, dict) or not (hint is None or isinstance(hint, str)):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SignatureError(f"{shown}: its signature is cut off or damaged") from None
    return predicate, hint


def _signed_at(predicate: dict[str, Any]) -> datetime.datetime | None:
    try:
        text = predicate["serialization"]["modelward"]["signed_at"]
        return datetime.datetime.strptime(text, _TIME).replace(tzinfo=datetime.UTC)
    except (KeyError, TypeError, ValueError):
        return None


def key_hint(pem: bytes) -> str:
    """Return how a signature names a public key; empty if it is none that is supported."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = form.load_pem_public_key(pem)
    except (ValueError, TypeError) as _:
        return ""
    except Exception:  # noqa: BLE001 - cryptography has errors of its own for keys that it does not know
        return ""
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in (
        "secp256r1",
        "secp384r1",
        "secp521r1",
    ):
        return ""
    spki = key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _listed(keys: Mapping[str, bytes]) -> str:
    names = [printable(str(name), 80) for name in keys]
    return ", ".join(names[:5]) or "those that are trusted (none)"


def _library() -> None:
    try:
        import model_signing  # noqa: F401
    except ImportError:
        raise MissingExtraError("model-signing", "sign") from None


@contextlib.contextmanager
def _folder() -> Any:
    with tempfile.TemporaryDirectory(prefix="modelward-") as name:
        yield Path(name)


def _regular(path: str | Path) -> None:
    path = Path(path)
    shown = printable(str(path))
    if path.is_symlink():
        raise SignatureError(f"{shown}: a symbolic link; give the file that it points to")
    if not path.exists():
        raise InputError(f"{shown}: no such file")
    if not path.is_file() and not path.is_dir():
        raise InputError(f"{shown}: neither a file nor a folder")


def _small(path: str | Path, most: int) -> bytes:
    try:
        return read_file(path, most, "a key file")
    except TooLargeError:
        raise UsageError(f"{printable(str(path))}: too large for a key") from None


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return printable(lines[0] if lines else type(error).__name__, 200)
