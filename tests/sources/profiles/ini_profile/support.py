"""What the tests of ProfileFileProvider share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alicred.sources import ProfileFileProvider
from tests.recording_sts import RecordingSts

KEY = "[{}]\nenable = true\ntype = access_key\naccess_key_id = {}-id\naccess_key_secret = planted\n"
ROLE = "[default]\nenable = true\ntype = ram_role_arn\naccess_key_id = AK1\naccess_key_secret = planted\nrole_arn = acs:ram::1:role/a\n"


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def reading(path: Path | str, profile: str | None = None, **changes: Any) -> ProfileFileProvider:
    return ProfileFileProvider(path, profile, **{"environ": {}, "sts": RecordingSts(), **changes})


OIDC = "[default]\nenable = true\ntype = oidc_role_arn\nrole_arn = acs:ram::1:role/a\noidc_provider_arn = acs:ram::1:oidc-provider/p\n"


RSA = "[default]\nenable = true\ntype = rsa_key_pair\npublic_key_id = LTPK\nprivate_key_file = ~/pk.pem\n"
