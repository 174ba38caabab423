"""A source and a cache of one's own, held against what alicred asks of them. With pytest, see docs/conformance.md."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from alicred import CachingProvider, Clock, Credential, MalformedResponseError, NotConfiguredError, Provider, RefreshPolicy
from alicred.events import Listener
from alicred.testing.conformance import cache_checks, source_checks


class VaultProvider:
    """The source: asks a vault, which is a file here."""

    name = "vault"

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self) -> Credential:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            raise NotConfiguredError(f"{self._path} does not exist: start the vault", provider=self.name) from None
        except ValueError:  # not `from error`, which would quote what stands there
            raise MalformedResponseError(f"{self._path} holds no JSON", provider=self.name) from None
        return Credential(found["id"], found["secret"], found["token"], datetime.now(timezone.utc) + timedelta(hours=1))


class CountingCache:
    """The cache: alicred's, and a count of what was asked of it. It has get() and state(), and nothing else."""

    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> None:
        self.asked = 0
        self._cache = CachingProvider(source, refresh=refresh, clock=clock, listener=listener)
        self.state = self._cache.state

    @property
    def name(self) -> str:
        return self._cache.name

    def get(self) -> Credential:
        self.asked += 1
        return self._cache.get()


with TemporaryDirectory() as folder:
    vault, broken, nothing = Path(folder, "vault"), Path(folder, "broken"), Path(folder, "nothing")
    vault.write_text(json.dumps({"id": "id", "secret": "secret of the vault", "token": "token of the vault"}), "utf-8")
    broken.write_text("secret of the vault", "utf-8")

    checks = source_checks(
        lambda: VaultProvider(vault),
        failing=[lambda: VaultProvider(nothing), lambda: VaultProvider(broken)],
        secrets=["secret of the vault"],
    )
    for check in checks:
        check()
    print(f"the source passes {len(checks)} checks:", *checks)

scenarios = cache_checks(CountingCache, has={"state"})
for check in scenarios:
    check()
print(f"the cache keeps {len(scenarios)} rules, such as: {scenarios[0].sentence}")
