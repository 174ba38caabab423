"""What fails: `CredentialException`, with alicred's own error as its cause."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from alicred.compat.naming import in_our_words
from alicred.errors import AlicredError, ConfigurationError, copy_for_caller


class CredentialException(AlicredError):
    """No credential came, or none can come. It can be pickled and copied; its text holds no secret.

    ``__cause__`` is the error that alicred raised (`alicred.DeniedError`, `alicred.ChainError`, ...), with all its details.

    Args:
        message: What was being done, what came back and what to do about it.
        code: The service's own error code, such as ``"NoPermission"``.
        request_id: The service's id of the request, for its support.
    """

    def __init__(self, message: str, code: str | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        return self.message


class CredentialValueError(CredentialException, ConfigurationError):
    """A parameter, a variable or a file is wrong. Also a ``ValueError``, which is what the official package raises for a parameter."""


def explained(error: AlicredError, text: str | None = None) -> CredentialException:
    """What a user of the façade gets for *error*, which becomes the cause of it; with *text* in place of the text of *error*."""
    if isinstance(error, CredentialException):
        return error
    kind = CredentialValueError if isinstance(error, ConfigurationError) else CredentialException
    made = kind(str(error) if text is None else text, _text(error, "code"), _text(error, "request_id"))
    made.provider = error.provider
    made.__cause__ = error
    return made


def native_error(error: CredentialException) -> AlicredError:
    """The way back: a new error like the one of alicred's own that *error* was made of."""
    cause = error.__cause__
    return copy_for_caller(cause if isinstance(cause, AlicredError) else error)


@contextmanager
def checking() -> Generator[None]:
    """For constructors: every error of alicred's becomes a `CredentialValueError`, which names the façade's parameter."""
    try:
        yield
    except CredentialException:
        raise
    except AlicredError as error:
        raise explained(error, in_our_words(str(error))) from error


def _text(error: AlicredError, name: str) -> str | None:
    value = getattr(error, name, None)
    return value if isinstance(value, str) else None


__all__ = ["CredentialException", "CredentialValueError"]
