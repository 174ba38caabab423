"""Around the cache: a client's credential object and two chains, each with one mistake."""

from __future__ import annotations

from alicred import Credential, NotConfiguredError, Provider


class PartByPart:
    """A client's credential object that fetches for each part."""

    def __init__(self, provider: Provider[Credential]) -> None:
        self._provider = provider

    def get_access_key_id(self) -> str:
        return self._provider.get().access_key_id

    def get_access_key_secret(self) -> str:
        return self._provider.get().access_key_secret  # of another credential, if a refresh has come in between

    def get_security_token(self) -> str | None:
        return self._provider.get().security_token


class RemembersTooEarly:
    """A chain that goes to its winner from the second call on."""

    name = "chain"

    def __init__(self, *sources: Provider[Credential]) -> None:
        self._sources = sources
        self._winner: Provider[Credential] | None = None

    def get(self) -> Credential:
        if self._winner is not None:
            return self._winner.get()
        for source in self._sources:
            self._winner = source  # remembered before it has answered
            try:
                return source.get()
            except NotConfiguredError:
                continue
        raise NotConfiguredError("no source has a credential")


class DropsTheEnd:
    """A chain that puts its name on what it has found."""

    name = "chain"

    def __init__(self, *sources: Provider[Credential]) -> None:
        self._sources = sources

    def get(self) -> Credential:
        found = self._sources[0].get()
        return Credential(  # copied part by part, and one of them forgotten
            access_key_id=found.access_key_id,
            access_key_secret=found.access_key_secret,
            security_token=found.security_token,
            provider_name=f"{self.name}/{found.provider_name}",
        )
