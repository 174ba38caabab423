"""What can go wrong, as types: a caller, a chain and a retry each decide by the type alone."""

from __future__ import annotations

import sys
import threading
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from types import TracebackType


class AlicredError(Exception):
    """Base of everything that alicred raises.

    Args:
        message: What was being done, what came back and what to do about it. It must hold no secret.
        provider: Name of the provider that failed, for example ``"profile/ram_role_arn"``.
        code: A short word for what went wrong, for the label of a metric, such as the service's ``"NoPermission"``.

    Errors can be pickled and copied; both keep every detail.

    Attributes:
        origin: Where the credential would have come from, in words, as far as the source had found out; else empty.
        obtained_with: The identity that a role was to be assumed with, if the source had got that far.
    """

    origin: str = ""
    obtained_with: SourceReport | None = None

    def __init__(self, message: str, *, provider: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.provider = provider
        self.code = code

    @property
    def message(self) -> str:
        """The text without the details that ``str()`` adds."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return f"{self.provider}: {self.message}" if self.provider else self.message


class ConfigurationError(AlicredError, ValueError):
    """A parameter, a variable or a file is wrong. The text names it and says what to do."""


class NotConfiguredError(AlicredError):
    """This source is not set up here, and the text says what would set it up. A chain moves on to its next source.

    Args:
        message: What is not set up, and what would set it up. It must hold no secret.
        provider: Name of the provider.
        code: A short word for it, for the label of a metric.
        answered: Whether a service has said so when it was asked: a cache then pauses before it asks again, as after any other failure.
    """

    def __init__(self, message: str, *, provider: str = "", code: str | None = None, answered: bool = False) -> None:
        super().__init__(message, provider=provider, code=code)
        self.answered = answered


class ProviderError(AlicredError):
    """A source is set up, but no credential came.

    Args:
        message: What was being done, what came back and what to do about it. It must hold no secret.
        provider: Name of the provider that failed.
        code: The service's own error code, such as ``"NoPermission"``.
        request_id: The service's id of the request, for its support.
        status: HTTP status of the answer.
        retryable: Whether the same request may succeed if it is sent again soon; ``None`` is the class's own default.
        retry_after: How long the service asked to be left alone.
    """

    _retryable = False

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
        retryable: bool | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message, provider=provider, code=code)
        self.request_id = request_id
        self.status = status
        self.retryable = self._retryable if retryable is None else retryable
        self.retry_after = retry_after

    def __str__(self) -> str:
        details = (self.code, self.status and f"HTTP {self.status}", self.request_id and f"request {self.request_id}")
        shown = ", ".join(str(detail) for detail in details if detail)
        return f"{super().__str__()} [{shown}]" if shown else super().__str__()


class TransientError(ProviderError):
    """Trying again may help: the network, a time-out, a 5xx answer, throttling. ``retryable`` is true."""

    _retryable = True


class DeniedError(ProviderError):
    """The service said no: no permission, no such role, a wrong signature, an unknown key. Trying again does not help."""


class MalformedResponseError(ProviderError):
    """The answer is not what the service promises, or what it handed out has expired already."""


class RefreshTimeoutError(ProviderError, TimeoutError):
    """A caller waited ``max_wait`` for a refresh that is still under way. The refresh itself goes on."""

    _retryable = True


class SourceOutcome(Enum):
    """How asking one source ended."""

    FOUND = "found"
    NOT_CONFIGURED = "not configured"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class SourceReport:
    """What one source of a chain answered. A value; ``str()`` is a few readable lines without a secret.

    Args:
        name: Name of the source.
        outcome: Whether it had a credential, is not set up here, or is broken.
        detail: One line: what was found, what would set the source up, or how it is broken.
        chosen: Whether ``get()`` uses this source.
        origin: Where its credential comes from, or would: variables, the profile with its file and mode, the role. May be empty.
        access_key_id: The id of the access key that was found.
        expires_at: When that ends; ``None`` if it does not, or nothing was found.
        obtained_with: The identity that a role was assumed with, or was to be.
        error: The error, unless a credential was found.
        seconds: How long the source took to answer.
    """

    name: str
    outcome: SourceOutcome
    detail: str
    chosen: bool = False
    origin: str = ""
    access_key_id: str | None = None
    expires_at: datetime | None = None
    obtained_with: SourceReport | None = None
    error: AlicredError | None = None
    seconds: float = 0.0

    @property
    def headline(self) -> str:
        """The first line of ``str()``: name, outcome and detail."""
        return f"{self.name}: {self.outcome.value}: {self.detail}"

    def __str__(self) -> str:
        lines = [self.headline]
        # Where nothing is set up, the detail says what would set it up, and has said where.
        if self.origin and self.outcome is not SourceOutcome.NOT_CONFIGURED:
            lines.append(f"from {self.origin}")
        if self.obtained_with is not None:
            lines += f"obtained with {self.obtained_with}".splitlines()
        return "\n      ".join(lines)


class ChainError(ProviderError):
    """No source of a chain had a credential. The text lists every source and what it said, one on a line.

    Args:
        message: What was looked for.
        reports: What each source answered, in the order in which they were asked.
        provider: Name of the chain.
        retryable: As in `ProviderError`; ``None`` means: if one of the sources may succeed soon.
    """

    def __init__(
        self,
        message: str,
        *,
        reports: tuple[SourceReport, ...] = (),
        provider: str = "",
        code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
        retryable: bool | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        if retryable is None:
            retryable = any(report.error is not None and is_transient(report.error) for report in reports)
        super().__init__(
            message, provider=provider, code=code, request_id=request_id, status=status, retryable=retryable, retry_after=retry_after
        )
        self.reports = reports

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  - {report.headline}" for report in self.reports)])


class ClosedError(AlicredError):
    """The provider has been closed."""


def is_transient(error: AlicredError) -> bool:
    """Whether trying again soon may help: ``retryable`` of the error."""
    return isinstance(error, ProviderError) and error.retryable


def is_not_configured(error: AlicredError) -> bool:
    """Whether nothing is set up: a `NotConfiguredError`, or a `ChainError` of nothing else."""
    if isinstance(error, ChainError):
        return bool(error.reports) and all(report.outcome is SourceOutcome.NOT_CONFIGURED for report in error.reports)
    return isinstance(error, NotConfiguredError)


def is_local(error: AlicredError) -> bool:
    """Whether the failure never left the machine (`NotConfiguredError`, `ConfigurationError`, a chain of nothing else)."""
    if isinstance(error, ChainError):
        return all(report.error is None or is_local(report.error) for report in error.reports)
    return isinstance(error, ConfigurationError) or (isinstance(error, NotConfiguredError) and not error.answered)


def one_line(error: AlicredError, *, without: str) -> str:
    """The text of *error* on one line, for a place where the provider's name, *without*, stands already."""
    return " ".join(str(error).removeprefix(f"{without}: ").split())


def copy_for_caller(error: AlicredError, remark: str = "") -> AlicredError:
    """A new error of the same type with the same details, caused by *error*: one for each caller that shares it.

    The constructor of a user's own subclass may ask for anything, so it is not called. A subclass that cannot be made without it is
    stood in for by the nearest of alicred's own types.

    Args:
        error: What to copy.
        remark: What is said at the end of the copy's message.
    """
    try:
        twin = _unmade(type(error), error.args)
    except TypeError:
        twin = _unmade(next(base for base in type(error).__mro__ if base.__module__ in (AlicredError.__module__, __name__)), error.args)
    slots = [name for base in type(twin).__mro__ for name in getattr(base, "__slots__", ()) if hasattr(error, name)]
    state = {**error.__dict__, **{name: getattr(error, name) for name in slots}}
    if "__notes__" in state:
        state["__notes__"] = [*state["__notes__"]]  # else a note that one caller adds would be on every copy
    for name, value in state.items():
        setattr(twin, name, value)
    twin.args = (f"{error.message}{remark}", *error.args[1:]) if remark else error.args
    twin.__cause__ = error
    return twin


def _unmade(kind: type[AlicredError], arguments: tuple[object, ...]) -> AlicredError:
    return kind.__new__(kind, *arguments)


def without_traceback(error: AlicredError) -> AlicredError:
    """*error*, without its traceback, and so are the errors of alicred's own that led to it.

    What outlives the call that raised it, and is given to other callers, keeps no local variable of alicred's frames alive. The frames of
    a user's code stay as they are: what it raised loses only those of alicred's that called it.
    """
    seen: set[int] = set()
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        if not isinstance(link, AlicredError):
            link.__traceback__ = _beyond_alicred(link.__traceback__)
            continue
        link.__traceback__ = None
        links += [link.__cause__, link.__context__]
        if isinstance(link, ChainError):
            links += [report.error for report in link.reports]
    return error


def _beyond_alicred(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("alicred."):
        trace = trace.tb_next
    return trace


def is_of_user_code(error: BaseException, *, at_once: bool = False) -> bool:
    """Whether *error* was raised by the code that was called: an `Exception`, `SystemExit`, a cancellation, `GeneratorExit`.

    An interrupt was not, nor what another thread has set in this one, as task queues do to tasks that are over their time, nor a
    `SystemExit` on the main thread, where the handler of a signal may have raised it.

    Args:
        error: What was raised.
        at_once: Whether all but an interrupt counts: for code that takes a moment, in which hardly a signal comes.
    """
    if at_once:
        return not isinstance(error, KeyboardInterrupt)
    if isinstance(error, SystemExit):
        return threading.current_thread() is not threading.main_thread()
    cancelled: object = getattr(sys.modules.get("asyncio"), "CancelledError", GeneratorExit)
    return isinstance(error, (Exception, GeneratorExit, cancelled if isinstance(cancelled, type) else GeneratorExit))


# As `alicred._internal.public` does elsewhere; this module stands below that one, on the ground.
for _public in (
    AlicredError,
    ConfigurationError,
    NotConfiguredError,
    ProviderError,
    TransientError,
    DeniedError,
    MalformedResponseError,
    RefreshTimeoutError,
    SourceReport,
    ChainError,
    ClosedError,
    is_transient,
):
    _public.__module__ = "alicred"
