"""What adapters have for tasks, under asyncio and under trio."""

from __future__ import annotations

from typing import Any

import pytest

from alicred import CachingProvider, adapters
from tests.libraries import Run, in_each_library
from tests.support import HOUR, Script


@in_each_library
@pytest.mark.parametrize("cached", [True, False])
def test_tea_gives_tasks_parts_of_one_fetch(run: Run, cached: bool) -> None:
    source = Script(HOUR)
    credential: Any = adapters.tea(CachingProvider(source) if cached else source)

    async def main() -> list[str | None]:
        whole = await credential.get_credential_async()
        parts = (credential.get_access_key_id_async, credential.get_access_key_secret_async, credential.get_security_token_async)
        return [whole.access_key_id, *[await part() for part in parts]]

    number = 1 if cached else 2
    assert run(main) == ["id-1", f"id-{number}", f"secret-{number}", f"token-{number}"]


@in_each_library
@pytest.mark.parametrize("cached", [True, False])
def test_the_official_package_gets_its_credential(run: Run, cached: bool) -> None:
    source = Script(HOUR)
    provider: Any = adapters.alibabacloud_credentials(CachingProvider(source) if cached else source)

    async def main() -> str:
        return str((await provider.get_credentials_async()).get_access_key_id())

    assert run(main) == "id-1"
