"""Which of two callbacks is called, where it runs, and what becomes of its troubles."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from alicred.compat.exceptions import CredentialException
from alicred.compat.provider import ExternalCredentialsProvider
from tests.compat.support import command_of

ANSWER = {"access_key_id": "id", "access_key_secret": "secret", "sts_token": "token", "expiration": "2099-01-31T12:00:00Z"}


def program(**changes: Any) -> str:
    return command_of(f"print({json.dumps({**ANSWER, **changes})!r})")


class Notes:
    """Two callbacks that write down what they are told, and on which thread and loop."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.loops: list[Any] = []

    def save(self, *what: Any) -> None:
        self.calls.append(("save", *what))

    async def save_async(self, *what: Any) -> None:
        await asyncio.sleep(0)
        self.loops.append(asyncio.get_running_loop())
        self.calls.append(("save_async", *what))


def test_who_asks_decides_between_two() -> None:
    for by_task, expected in ((False, "save"), (True, "save_async")):
        notes = Notes()
        provider = ExternalCredentialsProvider(
            process_command=program(), credential_update_callback=notes.save, credential_update_callback_async=notes.save_async
        )
        asyncio.run(provider.get_credentials_async()) if by_task else provider.get_credentials()
        provider.get_credentials()
        assert notes.calls == [(expected, "id", "secret", "token", 4073544000)]


def test_what_is_awaited_runs_on_the_loop_of_the_task_that_asks() -> None:
    notes = Notes()
    provider = ExternalCredentialsProvider(process_command=program(), credential_update_callback_async=notes.save_async)

    async def main() -> Any:
        await provider.get_credentials_async()
        return asyncio.get_running_loop()

    loop = asyncio.run(main())
    assert notes.loops == [loop]


def test_a_task_that_asks_without_awaiting_is_no_trouble() -> None:
    notes = Notes()
    provider = ExternalCredentialsProvider(process_command=program(), credential_update_callback_async=notes.save_async)

    async def main() -> str | None:
        return provider.get_credentials().get_access_key_id()

    assert asyncio.run(main()) == "id"
    assert len(notes.calls) == 1


def test_a_callback_runs_where_no_thread_can_be_started_for_the_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    from alicred.refresh import engine

    def full(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(engine, "start_thread", full)
    notes = Notes()
    provider = ExternalCredentialsProvider(process_command=program(), credential_update_callback_async=notes.save_async)

    async def main() -> str | None:
        return (await provider.get_credentials_async()).get_access_key_id()

    assert asyncio.run(main()) == "id"
    assert len(notes.calls) == 1


def test_no_token_is_an_empty_text_and_no_end_is_zero() -> None:
    notes = Notes()
    command = program(sts_token=None, expiration=None)
    ExternalCredentialsProvider(process_command=command, credential_update_callback=notes.save).get_credentials()
    assert notes.calls == [("save", "id", "secret", "", 0)]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_callback_that_raises_costs_nothing_but_a_line_in_the_log(awaited: bool, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*what: Any) -> None:
        raise LookupError(f"cannot save {what}")

    async def broken_async(*what: Any) -> None:
        broken(*what)

    given: dict[str, Any] = {"credential_update_callback_async": broken_async} if awaited else {"credential_update_callback": broken}
    provider = ExternalCredentialsProvider(process_command=program(), **given)
    with caplog.at_level(logging.WARNING, "alicred"):
        assert provider.get_credentials().get_access_key_id() == "id"
    assert "credential_update_callback raised LookupError" in caplog.text
    assert "secret" not in caplog.text


def test_a_plain_function_given_as_the_awaited_one_is_called() -> None:
    notes = Notes()
    given: Any = notes.save
    asyncio.run(ExternalCredentialsProvider(process_command=program(), credential_update_callback_async=given).get_credentials_async())
    assert len(notes.calls) == 1


def test_a_coroutine_function_that_nobody_would_await_is_refused() -> None:
    given: Any = Notes().save_async
    with pytest.raises(CredentialException, match="credential_update_callback is a coroutine function"):
        ExternalCredentialsProvider(process_command=program(), credential_update_callback=given)


def test_a_callback_whose_loop_is_gone_gets_another() -> None:
    from alicred.compat import callbacks

    notes = Notes()
    loop = asyncio.new_event_loop()
    loop.close()
    token = callbacks._loop.set(loop)
    try:
        callbacks.Callbacks("x", None, notes.save_async)(1)
    finally:
        callbacks._loop.reset(token)
    assert notes.calls == [("save_async", 1)]
