"""The errors of modelward. Each message is one line: what, where, what to do.

::

    ModelwardError
    ├── UsageError            the call or the configuration is wrong
    ├── InputError            a file, a table or a column cannot be used
    │   ├── UnreadableError   a model file could not be read to its end
    │   └── SchemaError       a schema is invalid or does not fit the table
    ├── SubjectError          the model under test cannot be asked
    │   ├── RefusedError      a model file was not loaded: dangerous or unknown names
    │   │   └── ClearanceError    it is not cleared to be loaded
    │   │       ├── UnsignedError     it has no signature
    │   │       ├── SignatureError    its signature is damaged, or of another file
    │   │       │   └── WrongKeyError     it was signed with another key
    │   │       ├── StageError        whoever signed it may not sign for this stage
    │   │       ├── ExpiredError      its signature, or the clearance, is too old
    │   │       └── VerdictError      its scan is worse than the clearance asks for
    │   ├── NotRefittable     the model cannot be trained again
    │   └── EndpointError     an endpoint is down, slow or answers nonsense
    ├── SealError             a file could not be sealed or unsealed
    ├── AuditError            the audit log cannot be written, or something is missing from it
    ├── BudgetExhausted       a meter's row budget does not cover the next call
    └── MissingExtraError     an optional package is not installed
"""

from __future__ import annotations


class ModelwardError(Exception):
    """Base of all errors that modelward raises on purpose."""

    @property
    def public(self) -> str:
        """The message as a report may show it."""
        return str(self)


class UsageError(ModelwardError):
    """The call or the configuration is wrong."""


class InputError(ModelwardError):
    """A file, a table or a column cannot be used."""


class UnreadableError(InputError):
    """A model file could not be read to its end."""


class SchemaError(InputError):
    """A schema is invalid or does not fit the table."""


class SubjectError(ModelwardError):
    """The model under test cannot be asked.

    Parameters
    ----------
    message : str
        What, where, what to do.
    detail : str
        What the model itself said. It may quote a row, so whoever called sees it and no report does.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(f"{message}: {detail}" if detail else message)
        self.message = message
        self.detail = detail

    @property
    def public(self) -> str:
        """The message without what the model itself said."""
        return self.message


class RefusedError(SubjectError):
    """A model file was not loaded, because of the names that it would reach."""


class ClearanceError(RefusedError):
    """A model file is not cleared to be loaded."""


class UnsignedError(ClearanceError):
    """A model file has no signature."""


class SignatureError(ClearanceError):
    """A signature is damaged, or is of another file."""


class WrongKeyError(SignatureError):
    """A model file was signed with another key than those that are trusted."""


class StageError(ClearanceError):
    """Whoever signed a model file may not sign for this stage."""


class ExpiredError(ClearanceError):
    """A signature or a clearance is too old, or says that it comes from the future."""


class VerdictError(ClearanceError):
    """The scan of a model file is worse than its clearance asks for."""


class NotRefittable(SubjectError):  # noqa: N818 - it names a property of the model
    """The model cannot be trained again."""


class EndpointError(SubjectError):
    """A prediction endpoint is down, slow or answers nonsense."""


class SealError(ModelwardError):
    """A file could not be sealed or unsealed."""


class AuditError(ModelwardError):
    """The audit log cannot be written, or something is missing from it."""


class BudgetExhausted(ModelwardError):  # noqa: N818 - it names a state of the meter
    """A meter's row budget does not cover the next call."""


class MissingExtraError(ModelwardError):
    """An optional package is not installed.

    Parameters
    ----------
    package : str
        The package that could not be imported.
    extra : str
        The extra of modelward that installs it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'modelward[{extra}]'")
