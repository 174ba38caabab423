"""A credential that another program prints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeGuard

import alicred._internal.checks as check
from alicred._internal.environ import is_true
from alicred._internal.files import expand, shown
from alicred._internal.public import public
from alicred.credential import Credential, named
from alicred.errors import ConfigurationError
from alicred.sources._command_line import split
from alicred.sources._program import asks_for_itself, run
from alicred.sources._source import Source, errors_of
from alicred.wire.answers import expiration, parse_object, texts, usable_key
from alicred.wire.operation import Operation

DISABLED = "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"
RUNNING = "ALICRED_RUNNING_PROGRAMS"
"""Is set for a program that is run: what stands for its command, and for those of the programs that it is run for. No secret."""

_OWNER = "ExternalProcessProvider"
_NEEDS_TOKEN = "StsToken"
_PRIME = (1 << 64) - 59


@public("alicred")
class ExternalProcessProvider(Source):
    """The credential that a program prints, as JSON, to standard output. `get` runs the program each time.

    No shell reads the command. The program gets this process's environment, nothing on standard input, and no terminal. When `get` returns
    or raises, no process of the program's group is left, not even one that went on in the background. Thread-, task- and
    fork-safe, picklable; a pickle holds the command. `get` blocks for at most *timeout*.

    Where the program says no ``expiration``, ``expires_at`` is ``None``, and a `CachingProvider` has it run again when its
    policy's ``recheck`` says so, every five minutes as a rule.

    Args:
        command: The program and its arguments: a sequence as it is, or a string, which is split as a POSIX shell would, without
            expanding anything. A leading ``~`` of the program is the home directory. Only the program shows in ``repr`` and errors.
        timeout: How long the program may take: above zero, a day at most.
        environ: The program's environment, and where ``ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS`` is looked up; ``None`` means
            ``os.environ`` at the time of the call.
        name: What this source is called; ``None`` means ``external``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or outside its range, or *command* cannot be split.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        timeout: timedelta = timedelta(seconds=60),
        environ: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "external", name, environ)
        self._arguments = _arguments(f"{_OWNER}.command", command)
        self._timeout = check.span(f"{_OWNER}.timeout", timeout)

    def get(self) -> Credential:
        """The credential that the program prints now.

        Raises:
            ConfigurationError: There is no such program, or it cannot be executed, or it asks for the credential that it is run for, or a
                variable forbids to run any.
            TransientError: It took longer than the time-out, or the system is short of what it takes to run a program.
            ProviderError: It ended with a status other than 0, or by a signal, or how it ended cannot be known.
            MalformedResponseError: What it printed is no credential, or more than 1 MiB.
        """
        environ = self._variables
        program, *rest = self._arguments
        with errors_of(self.name, f"the program {shown(program)}") as origin:
            if is_true(environ, DISABLED):
                raise ConfigurationError(f"{DISABLED} forbids to run programs for credentials: unset it, or use another source")
            running, this = environ.get(RUNNING, "").split(), _mark(self._arguments)
            if this in running:  # it would run itself again and again
                raise asks_for_itself(shown(program))
            inside = {**environ, RUNNING: " ".join([*running, this])}
            printed = run([expand(program, environ), *rest], environ=inside, timeout=self._timeout)
            found = _credential(
                printed, Operation(f"reading what the program {shown(program)} printed", check="Check what the program prints")
            )
        return named(found, self.name, origin=origin.text)

    def __repr__(self) -> str:
        return f"<{_OWNER}: {shown(self._arguments[0])}>"


def _arguments(name: str, command: object) -> tuple[str, ...]:
    words: Sequence[object]
    if isinstance(command, str):
        words = split(name, command, windows=os.name == "nt")
    elif _is_sequence(command):
        words = command
    else:
        raise ConfigurationError(f"{name} must be a string or a sequence of strings, not {type(command).__name__}")
    good = tuple(word for word in words if isinstance(word, str))
    if len(good) != len(words):
        raise ConfigurationError(f"{name} must hold nothing but strings")
    if not good or not good[0].strip():
        raise ConfigurationError(f"{name} is empty. Give the program and its arguments")
    if any("\0" in word for word in good):
        raise ConfigurationError(f"{name} holds a NUL character, which no program can be given")
    return good


def _mark(arguments: Sequence[str]) -> str:
    """What stands for a command in `RUNNING`. It needs no module: one that is loaded here would fail where files are short."""
    return f"{int.from_bytes(ascii(arguments).encode(), 'big') % _PRIME:x}"


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview))


def _credential(printed: bytes, operation: Operation) -> Credential:
    """The credential in the JSON object *printed*; its ``mode`` only matters where it says that there must be a token."""
    found = parse_object(printed)
    if found is None:
        raise operation.malformed("it is not a JSON object")
    key_id, secret = texts(found, "access_key_id", "access_key_secret", operation=operation)
    token = _optional(found, "sts_token", operation=operation)
    if token is None and found.get("mode") == _NEEDS_TOKEN:
        raise operation.malformed(f"the answer lacks sts_token, which mode {_NEEDS_TOKEN} needs")
    ends = _optional(found, "expiration", operation=operation)
    expires_at = None if ends is None else expiration(ends)
    if ends is not None and expires_at is None:
        raise operation.malformed("expiration in the answer is no time such as 2030-01-31T12:00:00Z")
    return usable_key(key_id, secret, token, expires_at, operation=operation)


def _optional(found: Mapping[str, object], name: str, *, operation: Operation) -> str | None:
    """The member *name*; ``None`` if it is not there, null or empty."""
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise operation.malformed(f"{name} in the answer is no string")
    return check.bare(value or "") or None
