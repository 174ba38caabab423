"""Which of two callbacks is called, where it runs, and what becomes of its troubles."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from alicred.compat.exceptions import CredentialException
from alicred.compat.provider import ExternalCredentialsProvider, OAuthCredentialsProvider
from alicred.errors import DeniedError
from alicred.testing import FakeCloud, faults
from tests.compat.callbacks import Notes, program


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
    from alicred.refresh import cache

    def full(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(cache, "start_thread", full)
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


@pytest.mark.parametrize("ending", [asyncio.CancelledError, SystemExit, GeneratorExit, LookupError])
@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("way", ["thread", "task", "task that does not await"])
def test_however_a_callback_ends_the_key_is_served(
    way: str, awaited: bool, ending: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def leaving(*_: Any) -> None:
        raise ending

    async def leaving_async(*_: Any) -> None:
        await asyncio.sleep(0)
        leaving()

    given: dict[str, Any] = {"credential_update_callback_async": leaving_async} if awaited else {"credential_update_callback": leaving}
    provider = ExternalCredentialsProvider(process_command=program(), **given)

    async def main() -> Any:
        return provider.get_credentials() if way == "task that does not await" else await provider.get_credentials_async()

    with caplog.at_level(logging.WARNING, "alicred"):
        found = provider.get_credentials() if way == "thread" else asyncio.run(main())
    assert found.get_access_key_id() == "id"
    assert f"credential_update_callback raised {ending.__name__}" in caplog.text


def test_a_callback_that_takes_too_long_is_in_the_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from alicred.compat import callbacks

    monkeypatch.setattr(callbacks, "_LONGEST", 0.05)

    async def slow(*_: Any) -> None:
        await asyncio.sleep(0.5)

    async def main() -> None:
        callbacks.Callbacks("the_callback", None, slow)()

    with caplog.at_level(logging.WARNING, "alicred"):
        asyncio.run(main())
    assert "the_callback raised TimeoutError" in caplog.text


def test_an_interrupt_of_a_callback_goes_on_and_what_it_should_have_saved_is_saved_by_the_next_call(cloud: FakeCloud) -> None:
    """The refresh runs on the thread that asks where none can be started, and there an interrupt may arrive in the callback."""
    from alicred.compat.callbacks import Callbacks

    saved: list[Any] = []

    def save(*what: Any) -> None:
        if not saved:
            saved.append(None)
            raise KeyboardInterrupt
        saved.append(what)

    with pytest.raises(KeyboardInterrupt):
        Callbacks("x", save, None)(1)
    saved.clear()
    login = cloud.add_oauth_login()
    provider = OAuthCredentialsProvider(
        client_id=login.client_id, sign_in_url=cloud.http_endpoint, refresh_token=login.refresh_token, token_update_callback=save
    )
    source = provider._provider._source  # the source itself, without the thread that a refresh runs on
    with pytest.raises(KeyboardInterrupt):
        source.get()
    cloud.inject(faults.Denied(), times=None)
    with pytest.raises(DeniedError):
        source.get()
    assert saved[-1][0] not in ("", login.refresh_token)
    assert saved[-1][2] != ""


def test_an_object_that_would_have_to_be_awaited_is_refused() -> None:
    class Saves:
        async def __call__(self, *_: Any) -> None: ...

    given: Any = Saves()
    with pytest.raises(CredentialException, match="credential_update_callback is a coroutine function"):
        ExternalCredentialsProvider(process_command=program(), credential_update_callback=given)


def test_a_plain_function_given_as_the_awaited_one_is_called() -> None:
    notes = Notes()
    given: Any = notes.save
    asyncio.run(ExternalCredentialsProvider(process_command=program(), credential_update_callback_async=given).get_credentials_async())
    assert len(notes.calls) == 1


def test_a_coroutine_function_as_get_is_refused() -> None:
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
