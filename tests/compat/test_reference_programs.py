"""The programs that the reference documentation shows, with nothing changed but the package's name; both packages come to the same.

They are written anew here: the same classes, parameters and calls.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alicred import Credential
from alicred.testing import FakeCloud
from tests.compat.support import PACKAGES, Package, host_of, keys, session

# The clients of the official package warn of its part-by-part methods, and of how they ask for the time.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HEAD = """
from {package}.client import Client
from {package}.models import Config
"""
TAIL = """
credential = Client(config)
key_id = credential.get_access_key_id()
secret = credential.get_access_key_secret()
token = credential.get_security_token()
kind = credential.get_type()
bearer = credential.get_bearer_token()
"""
PROGRAMS = {
    "access_key": "config = Config(type='access_key', access_key_id=given['access_key_id'], access_key_secret=given['access_key_secret'])",
    "sts": """
config = Config(
    type='sts',
    access_key_id=given['access_key_id'],
    access_key_secret=given['access_key_secret'],
    security_token=given['security_token'],
)
""",
    "bearer": "config = Config(type='bearer', bearer_token=given['bearer_token'])",
    "ram_role_arn": """
config = Config(
    type='ram_role_arn',
    access_key_id=given['access_key_id'],
    access_key_secret=given['access_key_secret'],
    security_token=given['security_token'],
    role_arn=given['role_arn'],
    role_session_name='session-of-a-test',
    policy='{{"Version":"1"}}',
    role_session_expiration=3600,
    **elsewhere,
)
""",
    "ecs_ram_role": "config = Config(type='ecs_ram_role', role_name=given['role_name'])",
    "ecs_ram_role, found": "config = Config(type='ecs_ram_role')",
    "rsa_key_pair": """
config = Config(
    type='rsa_key_pair',
    private_key_file=given['private_key_file'],
    public_key_id=given['public_key_id'],
    **elsewhere,
)
""",
}


def run(program: str, package: str, given: dict[str, str], **elsewhere: str) -> dict[str, Any]:
    """The names that the program has made."""
    names: dict[str, Any] = {"given": given, "elsewhere": elsewhere}
    exec(compile((HEAD + program + TAIL).format(package=package), "<program>", "exec"), names)
    return names


def parts(names: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(names[each] for each in ("key_id", "secret", "token", "kind", "bearer"))


def is_good(cloud: FakeCloud, names: dict[str, Any]) -> bool:
    """Whether the service takes the key that the program has got."""
    key = Credential(names["key_id"], names["secret"], names["token"])
    return cloud.sts_client().get_caller_identity(key).account_id != ""


@pytest.mark.parametrize("package", PACKAGES)
def test_the_programs_with_fixed_keys_get_what_they_gave(package: str, cloud: FakeCloud) -> None:
    given = {**session(cloud), "bearer_token": "my-token"}
    id_, secret, token = given["access_key_id"], given["access_key_secret"], given["security_token"]
    before = cloud.count()
    assert parts(run(PROGRAMS["access_key"], package, given)) == (id_, secret, None, "access_key", None)
    assert parts(run(PROGRAMS["sts"], package, given)) == (id_, secret, token, "sts", None)
    assert parts(run(PROGRAMS["bearer"], package, given)) == (None, None, None, "bearer", "my-token")
    assert cloud.count() == before


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("temporary", [False, True])
def test_a_role_is_assumed_with_a_key_or_a_temporary_key(package: str, temporary: bool, cloud: FakeCloud) -> None:
    given = {"security_token": "", **(session(cloud) if temporary else keys(cloud)), "role_arn": cloud.role_arn}
    names = run(PROGRAMS["ram_role_arn"], package, given, sts_endpoint=host_of(cloud))
    assert is_good(cloud, names)
    assert names["kind"] == "ram_role_arn"
    assert cloud.sessions[-1].arn.endswith("/session-of-a-test")
    assert names["credential"].get_credential().provider_name == f"ram_role_arn/static_{'sts' if temporary else 'ak'}"
    assert cloud.rejected == ()
    assert cloud.count("AssumeRole") == 1 + temporary, "the four questions after the first came from memory"


def test_the_role_program_runs_where_the_environment_names_the_host(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_STS_ENDPOINT", cloud.endpoint)
    given = {**session(cloud), "role_arn": cloud.role_arn}
    assert is_good(cloud, run(PROGRAMS["ram_role_arn"], "alicred.compat", given))


@pytest.mark.parametrize(("program", "requests"), [("ecs_ram_role", 2), ("ecs_ram_role, found", 3)])
def test_the_role_of_an_instance_is_used_and_naming_it_saves_a_request(program: str, requests: int, instance: FakeCloud) -> None:
    names = run(PROGRAMS[program], "alicred.compat", {"role_name": "test-role"})
    asked = instance.count()
    assert is_good(instance, names)
    assert names["kind"] == "ecs_ram_role"
    assert asked == requests


def test_the_key_pair_program_gets_a_key_without_a_token(cloud: FakeCloud, tmp_path: Path) -> None:
    public_key_id, pem = cloud.add_rsa_key()
    (tmp_path / "key.pem").write_text(pem)
    given = {"public_key_id": public_key_id, "private_key_file": str(tmp_path / "key.pem")}
    names = run(PROGRAMS["rsa_key_pair"], "alicred.compat", given, sts_endpoint=host_of(cloud))
    assert is_good(cloud, names)
    assert (names["kind"], names["token"]) == ("rsa_key_pair", None)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wrong_secret_is_an_exception_of_the_packages_own(package: str, cloud: FakeCloud) -> None:
    given = {**keys(cloud), "access_key_secret": "wrong", "security_token": "", "role_arn": cloud.role_arn}
    with pytest.raises(Package(package).exceptions.CredentialException):
        run(PROGRAMS["ram_role_arn"], package, given, sts_endpoint=host_of(cloud))
    assert [call.code for call in cloud.rejected] == ["SignatureDoesNotMatch"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_type_that_is_none_is_refused(package: str) -> None:
    for kind in ("sts_token", "", None):
        with pytest.raises(Package(package).exceptions.CredentialException, match="access_key, sts, bearer, ecs_ram_role, ram_role_arn"):
            Package(package).client(type=kind)


# The default chain and the profile file, with the file of the reference documentation

FILE = """
[default]                          # used unless another one is asked for
enable = true                      # switched on
type = access_key                  # what follows is a key
access_key_id = foo                # Key
access_key_secret = bar            # Secret

[client1]                          # no `enable` here
type = ecs_ram_role                # the role of the instance
role_name = test-role              # its name

[client2]
enable = false                     # switched off
type = ram_role_arn                # a role
region_id = cn-test                # the region of its sessions
policy = test                      # may be left out
access_key_id = foo
access_key_secret = bar
role_arn = role_arn
role_session_name = session_name   # may be left out
"""


@pytest.fixture
def profile_file() -> Path:
    path = Path.home() / ".alibabacloud" / "credentials"
    path.parent.mkdir()
    path.write_text(FILE)
    return path


def test_a_client_without_a_configuration_walks_the_chain_to_the_profile_file(profile_file: Path, ours: Package) -> None:
    client = ours.of("client").Client()
    assert (client.get_access_key_id(), client.get_access_key_secret(), client.get_security_token()) == ("foo", "bar", None)
    assert client.get_type() == "default"
    assert client.get_credential().provider_name == "default/profile/static_ak"


def test_keys_in_the_environment_go_before_the_file(profile_file: Path, ours: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    client = ours.of("client").Client()  # nothing is read yet
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "env-id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-secret")
    assert client.get_credential().provider_name == "default/env"
    assert client.get_access_key_id() == "env-id"


def test_the_section_and_the_file_are_chosen_by_variables(
    profile_file: Path, instance: FakeCloud, ours: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_PROFILE", "client1")
    assert ours.of("client").Client().get_credential().provider_name == "default/profile/ecs_ram_role"
    profile_file.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_FILE", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("ALIBABA_CLOUD_PROFILE")
    assert ours.of("client").Client().get_access_key_id() == "foo"


def test_a_section_that_is_switched_off_is_passed_over(
    profile_file: Path, instance: FakeCloud, ours: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_PROFILE", "client2")
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA", "test-role")
    assert ours.of("client").Client().get_credential().provider_name == "default/ecs_ram_role"


def test_a_file_that_cannot_be_parsed_is_an_exception(profile_file: Path, ours: Package) -> None:
    profile_file.write_text("[default\n")
    with pytest.raises(ours.exceptions.CredentialException, match="line 1"):
        ours.of("client").Client().get_credential()


def test_a_machine_that_has_nothing_says_what_would_set_it_up(instance: FakeCloud, ours: Package) -> None:
    instance.attach_instance_role(None)
    with pytest.raises(ours.exceptions.CredentialException) as caught:
        ours.of("client").Client().get_credential()
    for word in ("_ACCESS_KEY_ID", "ALIBABA_CLOUD_ROLE_ARN", "config.json", "credentials.ini", "ALIBABA_CLOUD_CREDENTIALS_URI"):
        assert word in str(caught.value)
