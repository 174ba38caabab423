"""What reads settings: three sources and a check, each with one mistake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alicred import ConfigurationError


class SendsAnywhere:
    """A source of role sessions that takes the address of the token service as it is written."""

    def __init__(self, http: Any, *, endpoint: str | None = None, file: Path | None = None, environ: Mapping[str, str] = {}) -> None:
        self._http = http
        written = endpoint or environ.get("ALIBABA_CLOUD_STS_ENDPOINT")
        for line in file.read_text().splitlines() if file else []:
            if "sts_endpoint" in line:
                written = line.split("=")[-1].split('": "')[-1].strip(' ",')
        self._endpoint = written  # whether others can read along was never asked

    def get(self) -> Any:
        return self._http.request("POST", f"{self._endpoint}/", body=b"Action=AssumeRole")


class TakesAnyText:
    """A source of role sessions that leaves it to the service to judge what it was given."""

    def __init__(self, *, role_arn: str, session_policy: str | Mapping[str, object] | None = None) -> None:
        self.role_arn = role_arn
        self.session_policy = session_policy  # found to be wrong at the first refresh, in the night after the deployment


class SpeaksOfItself:
    """A source over the command line tool's file whose errors name its own parameters."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._profile = json.loads(path.read_text())["profiles"][0]
        self._environ = environ

    def get(self) -> None:
        role_arn = self._profile.get("ram_role_arn") or self._environ.get("ALIBABA_CLOUD_ROLE_ARN", "")
        if not role_arn.isprintable():
            raise ConfigurationError("RoleSource.role_arn holds a control character")  # which nobody has written


def checks_that_it_can_be_called(listener: Any) -> None:
    """Takes every listener that can be called."""
    if not callable(listener):
        raise ConfigurationError("listener must be a function")  # an async one is, and what it returns is never awaited
