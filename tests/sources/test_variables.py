"""Which of the variables that some tool of the field reads are read here: each row of the matrix, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from alicred import BearerProfileProvider, CliProfileProvider, ProfileFileProvider, default_chain
from alicred.errors import AlicredError
from alicred.sources._clients import sts_endpoint
from alicred.wire.imds import ImdsClient

ROWS = [row["name"] for row in json.loads((Path(__file__).parent.parent / "vectors" / "env_vars.json").read_text("utf-8"))["rows"]]
P = "ALIBABA_CLOUD_"
READ = {
    *(P + name for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")),  # the environment
    *(P + name for name in ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE", "ROLE_SESSION_NAME")),  # OIDC, and names of sessions
    *(P + name for name in ("PROFILE", "CREDENTIALS_FILE", "CONFIG_FILE", "CLI_PROFILE_DISABLED")),  # the files
    *(P + name for name in ("ECS_METADATA", "ECS_METADATA_DISABLED", "IMDSV1_DISABLED")),  # the metadata service
    *(P + name for name in ("STS_ENDPOINT", "STS_REGION", "VPC_ENDPOINT_ENABLED")),  # the host of STS
    *(P + name for name in ("CREDENTIALS_URI", "DISABLE_EXTERNAL_PROCESS")),
    *(P + name for name in ("BEARER_TOKEN", "EXTERNAL_ID")),  # gaps of a CLI profile, which the CLI fills too
}
OWN = "ALICRED_RUNNING_PROGRAMS"  # which alicred itself sets for the programs that it runs
# Read by some official library and not here, and why.
LEFT_OUT = {
    P + "ACCESS_KEY_Id": "a slip of the old Go provider",
    P + "ECS_IMDSV2_ENABLE": "obsolete: v2 is always tried first",
    P + "IMDSV1_DISABLE": "stands in a README only",
    P + "IMDSV2_DISABLED": "v2 is always tried first",
    P + "IMDS_ENDPOINT": "an ImdsClient takes the address",
    P + "STS_HTTP_SCHEME": "STS is asked over TLS; STS_ENDPOINT takes a whole URL",
}
MODES = (
    "AK", "StsToken", "RamRoleArn", "EcsRamRole", "OIDC", "ChainableRamRoleArn", "CloudSSO", "OAuth", "External", "RsaKeyPair",
    "RamRoleArnWithRoleName", "CredentialsURI", "BearerToken", None,
)  # fmt: skip
TYPES = ("access_key", "sts", "ram_role_arn", "ecs_ram_role", "rsa_key_pair", "oidc_role_arn", "bearer")


class Watched(Mapping[str, str]):
    """An environment that keeps which names were looked up."""

    def __init__(self, values: Mapping[str, str], seen: set[str]) -> None:
        self._values = values
        self._seen = seen

    def __getitem__(self, name: str) -> str:
        self._seen.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@pytest.fixture(scope="module")
def looked_up(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every name that was looked up by the default chain and by each type and mode of both files."""
    home = tmp_path_factory.mktemp("home")
    seen: set[str] = set()
    nobody = ImdsClient("http://127.0.0.1:9")
    plain = {"HOME": str(home)}
    for more in ({}, {P + "CREDENTIALS_URI": "http://127.0.0.1:9/"}, {P + "ECS_METADATA": "role"}):
        default_chain(environ=Watched({**plain, **more}, seen), imds=nobody).explain()
    token = home / "token"
    token.write_text("a-token")
    unreachable = {**plain, P + "STS_ENDPOINT": "http://127.0.0.1:9"}
    sts_endpoint(Watched({}, seen))  # the host without one that is named: nothing is sent there
    oidc = {P + "ROLE_ARN": "r", P + "OIDC_PROVIDER_ARN": "p", P + "OIDC_TOKEN_FILE": str(token)}
    default_chain(environ=Watched({**unreachable, **oidc}, seen), imds=nobody).explain()
    config = home / "config.json"
    complete = {
        "access_key_id": "i", "access_key_secret": "s", "sts_token": "t", "ram_role_arn": "r", "ram_role_name": "n",
        "source_profile": "src", "oidc_provider_arn": "p", "oidc_token_file": str(token), "process_command": "false", "credentials_uri": "http://127.0.0.1:9/",
    }  # fmt: skip
    source = {"name": "src", "mode": "AK", "access_key_id": "i", "access_key_secret": "s"}
    for mode in MODES:
        for filled in ({}, complete):
            chosen = {"name": "p", **({} if mode is None else {"mode": mode}), **filled}
            config.write_text(json.dumps({"current": "p", "profiles": [chosen, source]}))
            environ = Watched({**unreachable, P + "CONFIG_FILE": str(config)}, seen)
            for provider in (CliProfileProvider(environ=environ, imds=nobody), BearerProfileProvider(environ=environ)):
                try:
                    provider.get()
                except AlicredError:
                    continue
    for kind in TYPES:
        ini = home / "credentials"
        ini.write_text(
            f"[default]\nenable = true\ntype = {kind}\naccess_key_id = i\naccess_key_secret = s\nsecurity_token = t\nrole_arn = r\n"
            f"oidc_provider_arn = p\noidc_token_file_path = {token}\npublic_key_id = k\nprivate_key_file = {token}\n"
        )
        try:
            ProfileFileProvider(environ=Watched({**unreachable, P + "CREDENTIALS_FILE": str(ini)}, seen), imds=nobody).get()
        except AlicredError:
            continue
    return seen


@pytest.mark.parametrize("name", ROWS)
def test_a_variable_is_read_if_it_is_one_of_ours(name: str, looked_up: set[str]) -> None:
    assert (name in looked_up) is (name in READ)


def test_nothing_else_is_read(looked_up: set[str]) -> None:
    assert set(ROWS) >= READ
    assert {name for name in looked_up if name.upper().startswith("ALI")} - READ == {OWN}
    assert set(LEFT_OUT) <= set(ROWS) - READ
