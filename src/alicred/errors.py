"""What can go wrong, as types: a caller, a chain and a retry each decide by the type alone."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from alicred._internal.shortage import TEMPORARY, shortage

if TYPE_CHECKING:
    from types import FrameType

    from alicred.reports import SourceReport

_GENERATOR = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR of inspect, which is slow to import


class AlicredError(Exception):
    """Base of everything that alicred raises.

    Args:
        message: What was being done, what came back and what to do about it. It must hold no secret.
        provider: Name of the provider that failed, for example ``"profile/ram_role_arn"``.

    Errors can be pickled and copied; both keep every detail.
    """

    def __init__(self, message: str, *, provider: str = "") -> None:
        super().__init__(message)
        self.provider = provider

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
        answered: Whether a service has said so when it was asked: a cache then pauses before it asks again, as after any other failure.
    """

    def __init__(self, message: str, *, provider: str = "", answered: bool = False) -> None:
        super().__init__(message, provider=provider)
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
        super().__init__(message, provider=provider)
        self.code = code
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


class RefreshTimeoutError(ProviderError):
    """A caller waited ``max_wait`` for a refresh that is still under way. The refresh itself goes on."""

    _retryable = True


class ChainError(AlicredError):
    """No source of a chain had a credential. The text lists every source and what it said, one on a line.

    Args:
        message: What was looked for.
        reports: What each source answered, in the order in which they were asked.
        provider: Name of the chain.
    """

    def __init__(self, message: str, *, reports: tuple[SourceReport, ...] = (), provider: str = "") -> None:
        super().__init__(message, provider=provider)
        self.reports = reports

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  - {report}" for report in self.reports)])


class ClosedError(AlicredError):
    """The provider has been closed."""


def is_transient(error: AlicredError) -> bool:
    """Whether trying again soon may help: ``retryable`` of the error, or, for a `ChainError`, of one of its sources."""
    if isinstance(error, ChainError):
        return any(report.error is not None and is_transient(report.error) for report in error.reports)
    return isinstance(error, ProviderError) and error.retryable


def is_local(error: AlicredError) -> bool:
    """Whether the failure never left the machine (`NotConfiguredError`, `ConfigurationError`, a chain of nothing else)."""
    if isinstance(error, ChainError):
        return all(report.error is None or is_local(report.error) for report in error.reports)
    return isinstance(error, ConfigurationError) or (isinstance(error, NotConfiguredError) and not error.answered)


def one_line(error: AlicredError, *, without: str) -> str:
    """The text of *error* on one line, for a place where the provider's name, *without*, stands already."""
    return " ".join(str(error).removeprefix(f"{without}: ").split())


def copy_for_caller(error: AlicredError) -> AlicredError:
    """A new error of the same type with the same details, caused by *error*: one for each caller that shares it.

    The constructor of a user's own subclass may ask for anything, so it is not called. A subclass that cannot be made without it is
    stood in for by the nearest of alicred's own types.
    """
    try:
        twin = _unmade(type(error), error.args)
    except TypeError:
        twin = _unmade(next(base for base in type(error).__mro__ if base.__module__ == __name__), error.args)
    slots = [name for base in type(twin).__mro__ for name in getattr(base, "__slots__", ()) if hasattr(error, name)]
    state = {**error.__dict__, **{name: getattr(error, name) for name in slots}}
    if "__notes__" in state:
        state["__notes__"] = [*state["__notes__"]]  # else a note of one caller would be everybody's
    for name, value in state.items():
        setattr(twin, name, value)
    twin.__cause__ = error
    return twin


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


def remarked(error: AlicredError, remark: str) -> AlicredError:
    """A new error as *error*, with *remark* at the end of its message."""
    twin = copy_for_caller(error)
    twin.args = (f"{error.message}. {remark}", *error.args[1:])
    return twin


def _unmade(kind: type[AlicredError], arguments: tuple[object, ...]) -> AlicredError:
    return kind.__new__(kind, *arguments)


def frames_of(error: BaseException | None) -> frozenset[int]:
    """The frames in the tracebacks of *error* and of all that it refers to, as ids: they hold for as long as *error* lives."""
    return frozenset(id(frame) for frame in _frames(error))


def forget_locals(error: BaseException, *, but_not_in: frozenset[int] = frozenset()) -> None:
    """Have the tracebacks of *error* and of all that it refers to keep no local variables alive, which may be large or secret.

    A frame that is still to run stays as it is, and so do those *but_not_in*, which `frames_of` gave.
    """
    for frame in _frames(error):
        if id(frame) not in but_not_in and not _may_be_suspended(frame):
            with suppress(RuntimeError):  # it is running
                frame.clear()


def _frames(error: BaseException | None) -> Iterator[FrameType]:
    """Those of *error*, its cause, its context and, of a group or a chain, the errors in it, and so on: each error once."""
    seen: set[int] = set()
    links: list[object] = [error]
    while links:
        link = links.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        trace = link.__traceback__
        while trace is not None:
            yield trace.tb_frame
            trace = trace.tb_next
        links += [link.__cause__, link.__context__]
        with suppress(Exception):  # a type of the user's own may have anything under these names
            if isinstance(link, ChainError):
                links += [report.error for report in link.reports]
            members: object = getattr(link, "exceptions", None)  # of ExceptionGroup, which Python 3.10 has from a package
            if isinstance(members, tuple):
                links += members


def _may_be_suspended(frame: FrameType) -> bool:
    """Whether clearing *frame* might close a generator or a coroutine that is to go on, as it does before Python 3.13."""
    if sys.version_info >= (3, 13) or not frame.f_code.co_flags & _GENERATOR:
        return False
    # From 3.11 on the garbage collector minds such a frame once it has ended; in 3.10 nothing tells.
    return sys.version_info < (3, 11) or not gc.is_tracked(frame)


def as_alicred_error(error: Exception, *, provider: str) -> AlicredError:
    """*error* itself if it is alicred's own, else a `ProviderError` that keeps it as the cause.

    The text of a foreign exception may hold anything, a secret included, so only its type is named.
    """
    if isinstance(error, AlicredError):
        return error
    short = shortage(error)
    if short is not None:
        wrapped: ProviderError = TransientError(f"the source could not go on: {short}", provider=provider, code=TEMPORARY)
        wrapped.__cause__ = error
        return wrapped
    wrapped = ProviderError(
        f"the source raised {type(error).__name__}, which is none of alicred's errors; its text is kept in __cause__",
        provider=provider,
    )
    wrapped.__cause__ = error
    return wrapped
