"""What the tests of CliProfileProvider share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alicred.sources.profiles.cli.provider import CliProfileProvider
from tests.recording_sts import RecordingSts

ID, SECRET, TOKEN = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"
ROLE_ARN = "acs:ram::1:role/a"
KEY = {"access_key_id": "AK1", "access_key_secret": "planted"}
ROLE = {"mode": "RamRoleArn", "ram_role_arn": ROLE_ARN, **KEY}
OIDC = {"mode": "OIDC", "ram_role_arn": ROLE_ARN, "oidc_provider_arn": "acs:ram::1:oidc-provider/p", "oidc_token_file": "~/token"}
RSA = {"mode": "RsaKeyPair", "private_key": "~/pk.pem", "key_pair_name": "LTPK"}
STORED = {"access_key_id": "STS.1", "access_key_secret": "planted", "sts_token": "planted-token"}


def key(name: str) -> dict[str, Any]:
    return {"name": name, "mode": "AK", "access_key_id": f"{name}-id", "access_key_secret": "planted"}


def written(path: Path, *profiles: dict[str, Any], **root: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"current": "p", "profiles": [{"name": "p", **profile} for profile in profiles], **root}))
    return path


def reading(path: Path, profile: str | None = None, **changes: Any) -> CliProfileProvider:
    environ = {"HOME": str(path.parent.parent), **changes.pop("environ", {})}
    return CliProfileProvider(path, profile, **{"environ": environ, "sts": RecordingSts(), **changes})
