from datetime import datetime, timedelta, timezone

import pytest

from alicred import Credential
from alicred.testing.conformance import Check, source_checks


class VaultProvider:
    name = "vault"

    def get(self) -> Credential:
        return Credential("id", "secret of the vault", expires_at=datetime.now(timezone.utc) + timedelta(hours=1))


@pytest.mark.parametrize("check", source_checks(VaultProvider), ids=str)
def test_the_vault_is_a_provider(check: Check) -> None:
    check()
