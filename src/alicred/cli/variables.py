"""The environment variables that the programs of Alibaba Cloud read a credential from, and those that lead them to another one."""

from __future__ import annotations

from collections.abc import Mapping

from alicred.credential import Credential

# What the official libraries, the `aliyun` tool and Terraform read.
ACCESS_KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
ACCESS_KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
SECURITY_TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"
CREDENTIALS_URI = "ALIBABA_CLOUD_CREDENTIALS_URI"

# Further names of the same three, which some programs read first: ALICLOUD_* Terraform, Ansible and Packer, OSS_* the OSS clients.
_IDS = ("ALIBABACLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID", "ALIYUN_LOG_CLI_ACCESSID", "OSS_ACCESS_KEY_ID")
_SECRETS = (
    "ALIBABACLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_KEY", "ALICLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_ACCESS_KEY",
    "ALIYUN_LOG_CLI_ACCESSKEY", "OSS_ACCESS_KEY_SECRET",
)  # fmt: skip
_TOKENS = (
    "ALIBABACLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN", "ALICLOUD_ACCESS_KEY_STS_TOKEN", "ALIYUN_LOG_CLI_STS_TOKEN",
    "OSS_SESSION_TOKEN",
)  # fmt: skip
# Names that hold no more than a part of a temporary key, or belong to other programs as well.
_ODD = (
    "ALIBABA_CLOUD_ACCESS_KEY_Id", "ALIYUN_ACCESS_KEY_ID", "ALIYUN_ACCESS_KEY_SECRET", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET",
    "SECURITY_TOKEN", "ODPS_STS_ACCESS_KEY_ID", "ODPS_STS_ACCESS_KEY_SECRET", "ODPS_STS_TOKEN",
)  # fmt: skip
_OTHER_KEYS = (*_IDS, *_SECRETS, *_TOKENS, *_ODD)

# What names another identity: a profile, a role to assume with the key, a source that is asked for a key.
_ELSEWHERE = (
    *(
        f"{prefix}_{name}"
        for prefix in ("ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD")
        for name in (
            "PROFILE", "ROLE_ARN", "ROLE_SESSION_NAME", "EXTERNAL_ID", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE", "CREDENTIALS_URI",
            "BEARER_TOKEN",
        )
    ),
    "ALIBABA_CLOUD_BEARER_TOKEN_HEADER_KEY", "ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_PROFILE_MODE",
    "ALICLOUD_ASSUME_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION", "ALICLOUD_ASSUME_ROLE_SESSION_NAME", "ALICLOUD_ECS_ROLE_NAME",
    "ALICLOUD_PRIVATE_KEY", "ALICLOUD_PUBLIC_KEY_ID", "ALICLOUD_ROLE_NAME", "ALICLOUD_ROLE_SESSION_EXPIRATION",
    "ALICLOUD_SESSION_EXPIRATION", "ALICLOUD_SHARED_CREDENTIALS_FILE",
)  # fmt: skip

# The `aliyun` tool takes the key of its file before that of the environment, unless this is exactly TRUE.
_ALIYUN_TOOL = {"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE"}


def shadowing(environ: Mapping[str, str], credential: Credential) -> list[str]:
    """Variables of *environ* that some programs take instead of those of *credential*, or mix with them: a stale token, for example."""
    names = [name for name in (*_IDS, *_SECRETS, *_TOKENS) if name.startswith(("ALICLOUD_", "ALIBABACLOUD_"))]
    if credential.security_token is None:
        names.append("SECURITY_TOKEN")
    return [name for name in names if name in environ]


def with_key(environ: Mapping[str, str], credential: Credential) -> dict[str, str]:
    """*environ* for a program that is to use *credential*, whichever client it has: nothing in it leads to another identity."""
    clean = _without_identity(environ)
    clean.update(dict.fromkeys((ACCESS_KEY_ID, *_IDS), credential.access_key_id))
    clean.update(dict.fromkeys((ACCESS_KEY_SECRET, *_SECRETS), credential.access_key_secret))
    if credential.security_token is not None:
        clean.update(dict.fromkeys((SECURITY_TOKEN, *_TOKENS), credential.security_token))
    return clean | _ALIYUN_TOOL


def with_uri(environ: Mapping[str, str], uri: str) -> dict[str, str]:
    """*environ* for a program that is to ask *uri*, a loopback address: what its default chain asks before that is switched off."""
    clean = _without_identity(environ) | _ALIYUN_TOOL
    clean[CREDENTIALS_URI] = uri
    clean["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
    clean["ALIBABA_CLOUD_CLI_PROFILE_DISABLED"] = "true"
    clean["ALIBABA_CLOUD_CREDENTIALS_FILE"] = "/dev/null"  # a profile file without profiles: every chain moves on
    clean.pop("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", None)  # which forbids credentials URIs, too
    for name in ("no_proxy", "NO_PROXY"):
        clean[name] = ",".join(filter(None, (clean.get(name), "127.0.0.1")))
    return clean


def _without_identity(environ: Mapping[str, str]) -> dict[str, str]:
    gone = {ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN, *_OTHER_KEYS, *_ELSEWHERE}
    return {name: value for name, value in environ.items() if name not in gone}
