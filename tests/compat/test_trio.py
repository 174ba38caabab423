"""The façade under tasks of trio and of asyncio."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
import trio

from alicred.compat.client import Client
from alicred.compat.provider import ExternalCredentialsProvider
from tests.compat.callbacks import Notes, program
from tests.libraries import Run, in_each_library, run_asyncio, run_trio


class Official:
    """A provider of the official kind, of a user's own, that blocks."""

    def get_credentials(self) -> Any:
        self.thread = threading.get_ident()
        return ExternalCredentialsProvider(process_command=program()).get_credentials()

    def get_provider_name(self) -> str:
        return "official"


@in_each_library
def test_a_client_is_asked_for_everything(run: Run) -> None:
    client = Client(provider=ExternalCredentialsProvider(process_command=program()))

    async def main() -> list[object]:
        whole = await client.get_credential_async()
        ask = (client.get_access_key_id_async, client.get_access_key_secret_async, client.get_security_token_async)
        return [whole.access_key_id, *[await part() for part in ask]]

    assert run(main) == ["id", "id", "secret", "token"]


@in_each_library
def test_a_provider_without_an_async_method_is_asked_on_a_thread(run: Run) -> None:
    provider = Official()
    client = Client(provider=provider)

    async def main() -> str | None:
        return (await client.get_credential_async()).access_key_id

    assert run(main) == "id"
    assert provider.thread != threading.get_ident()


class TrioNotes(Notes):
    """Callbacks of a program that is trio's."""

    async def save_async(self, *what: Any) -> None:
        await trio.lowlevel.checkpoint()
        self.loops.append(trio.lowlevel.current_trio_token())
        self.calls.append(("save_async", *what))


def test_what_is_awaited_runs_in_the_run_of_the_task_that_asks() -> None:
    notes = TrioNotes()
    provider = ExternalCredentialsProvider(
        process_command=program(), credential_update_callback=notes.save, credential_update_callback_async=notes.save_async
    )

    async def main() -> Any:
        await provider.get_credentials_async()
        return trio.lowlevel.current_trio_token()

    token = trio.run(main)
    assert notes.loops == [token]
    assert notes.calls == [("save_async", "id", "secret", "token", 4073544000)]


def test_a_callback_whose_run_has_ended_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    from alicred.compat import callbacks

    notes = TrioNotes()

    async def main() -> Any:
        return trio.lowlevel.current_trio_token()

    token = callbacks._trio.set(trio.run(main))
    try:
        callbacks.Callbacks("callback", None, notes.save_async)("told")
    finally:
        callbacks._trio.reset(token)
    assert notes.calls == [("save_async", "told")]


def test_a_callback_that_the_end_of_its_run_cuts_short_costs_no_keys(caplog: pytest.LogCaptureFixture) -> None:
    begun = threading.Event()

    async def save(*_: Any) -> None:
        begun.set()
        await trio.sleep_forever()

    provider = ExternalCredentialsProvider(process_command=program(), credential_update_callback_async=save)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(provider.get_credentials_async)
            await trio.to_thread.run_sync(begun.wait, 20)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert provider.get_credentials().get_access_key_id() == "id"
    assert "credential_update_callback raised TimeoutError" in caplog.text


@pytest.mark.parametrize("first", [run_asyncio, run_trio])
def test_one_provider_serves_both_libraries(first: Run) -> None:
    provider = ExternalCredentialsProvider(process_command=program())

    async def main() -> str | None:
        return (await provider.get_credentials_async()).get_access_key_id()

    assert [run(main) for run in (first, run_asyncio, run_trio)] == ["id"] * 3


def test_a_task_that_is_thrown_away_with_its_loop_makes_no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    noise: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", noise.append)
    provider = ExternalCredentialsProvider(process_command=program())
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending"

    async def main() -> object:
        task = loop.create_task(provider.get_credentials_async())
        await asyncio.sleep(0)
        return task

    task = loop.run_until_complete(main())
    loop.close()
    del task
    gc.collect()
    assert noise == []
