"""Real clients with what ``get`` prints and ``exec`` hands on: the official ones of Python and Node, Terraform, and the CLI's own way."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from alicred import CliProfileProvider
from tests.cli.programs import ALICRED, Machine

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / ".venvs" / "node" / "node_modules"

PYTHON = """
import json, sys
from alibabacloud_credentials.client import Client
found = Client().get_credential()
print(json.dumps([found.access_key_id, found.access_key_secret, found.security_token, found.provider_name]))
"""
NODE = """
const Credential = require('@alicloud/credentials').default;
new Credential().getCredential().then(found => console.log(JSON.stringify(
    [found.accessKeyId, found.accessKeySecret, found.securityToken, found.providerName])));
"""
STALE = {"ALIBABA_CLOUD_PROFILE": "other", "ALIBABA_CLOUD_SECURITY_TOKEN": "stale", "ALICLOUD_ACCESS_KEY": "stale"}


def client(name: str) -> list[str]:
    """The command that prints what the default chain of a client finds; skips the test if the client is not installed."""
    if name == "python":
        if find_spec("alibabacloud_credentials") is None:
            pytest.skip("alibabacloud_credentials is not installed")
        return [sys.executable, "-W", "ignore", "-c", PYTHON]
    if shutil.which("node") is None or not (NODE_MODULES / "@alicloud" / "credentials").exists():
        pytest.skip("@alicloud/credentials is not installed: npm install --prefix .venvs/node @alicloud/credentials")
    return ["node", "-e", NODE]


@pytest.mark.parametrize("name", ["python", "node"])
@pytest.mark.parametrize("refresh", [False, True], ids=["", "refresh"])
@pytest.mark.parametrize("files", [False, True], ids=["", "other files"])
def test_the_default_chain_of_an_official_client_finds_the_credential(name: str, refresh: bool, files: bool, machine: Machine) -> None:
    command = client(name)
    machine.role()
    if files:  # what the client would find without exec, in both files
        other = machine.cloud.add_access_key()
        (machine.home / ".alibabacloud").mkdir()
        path = machine.home / ".alibabacloud" / "credentials"
        text = f"enable = true\ntype = access_key\naccess_key_id = {other.access_key_id}\naccess_key_secret = {other.access_key_secret}\n"
        path.write_text(f"[default]\n{text}")
        path.with_suffix(".ini").write_text(f"[default]\n{text}")
    done = machine.run("exec", *(["--refresh"] if refresh else []), "--", *command, environ={"NODE_PATH": str(NODE_MODULES)})
    assert done.returncode == 0, done.stderr
    key_id, secret, token, provider = json.loads(done.stdout.splitlines()[-1])
    (session,) = machine.cloud.sessions
    assert key_id == session.access_key_id
    assert secret
    assert token
    assert provider in ({"default/credential_uri"} if refresh else {"default/env"})


@pytest.mark.parametrize("name", ["python", "node"])
def test_variables_that_get_sets_in_a_shell_are_found(name: str, machine: Machine) -> None:
    command = client(name)
    key = machine.cloud.access_key
    keys = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
    machine.cli_file({"name": "default", "mode": "AK", **keys})
    script = f'creds=$({" ".join(ALICRED)} get --profile default) && eval "$creds" && {shlex.join(command)}'
    environ = {"NODE_PATH": str(NODE_MODULES), "ALIBABA_CLOUD_SECURITY_TOKEN": "stale", "ALICLOUD_SECURITY_TOKEN": "stale"}
    done = machine.run_program(["sh", "-c", script], environ)
    assert done.returncode == 0, done.stderr
    key_id, secret, token, _ = json.loads(done.stdout.splitlines()[-1])
    assert (key_id, secret, token or None) == (key.access_key_id, key.access_key_secret, None)


@pytest.mark.parametrize("name", ["alicred", "python", "node"])
def test_a_profile_in_mode_external_may_run_get(name: str, machine: Machine) -> None:
    """What the ``aliyun`` tool does with a profile of this mode, its libraries do as well."""
    key = machine.cloud.access_key
    keys = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
    role = {"name": "role", "mode": "RamRoleArn", **keys, "ram_role_arn": machine.cloud.role_arn, "ram_session_name": "test"}
    command = f"{sys.executable} -m alicred get --profile role --format external"
    machine.cli_file({"name": "default", "mode": "External", "process_command": command}, role)
    if name == "alicred":
        environ = machine.environ
        found = CliProfileProvider(environ=environ).get()
        key_id, token, provider = found.access_key_id, found.security_token, found.provider_name
        assert found.expires_at is not None
    else:
        done = machine.run_program(client(name), {"NODE_PATH": str(NODE_MODULES)})
        assert done.returncode == 0, done.stderr
        key_id, _, token, provider = json.loads(done.stdout.splitlines()[-1])
    assert key_id == machine.cloud.sessions[0].access_key_id
    assert token
    assert "cli_profile" in provider


@pytest.mark.slow
def test_terraform_starts_providers_with_the_environment_of_exec(machine: Machine) -> None:
    """Not the provider itself, which has to be downloaded: a program in its place, which Terraform starts as it starts providers."""
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("there is no terraform here")
    machine.role()
    folder = machine.home / "mirror" / "registry.terraform.io" / "aliyun" / "alicloud" / "1.0.0"
    platform = subprocess.run([terraform, "version", "-json"], capture_output=True, text=True, check=True, env=machine.environ).stdout
    folder = folder / json.loads(platform)["platform"]
    folder.mkdir(parents=True)
    plugin = folder / "terraform-provider-alicloud_v1.0.0"
    plugin.write_text(f"#!/bin/sh\nenv > {machine.home}/seen\n")
    plugin.chmod(0o755)
    (machine.home / "main.tf").write_text('terraform {\n  required_providers {\n    alicloud = { source = "aliyun/alicloud" }\n  }\n}\n')
    (machine.home / "cli.tfrc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{machine.home}/mirror"\n  }}\n}}\n'
    )
    environ = {"TF_CLI_CONFIG_FILE": str(machine.home / "cli.tfrc"), "CHECKPOINT_DISABLE": "1", **STALE}
    set_up = machine.run_program([terraform, "init", "-no-color"], environ)
    assert set_up.returncode == 0, set_up.stdout + set_up.stderr
    environ.pop("ALIBABA_CLOUD_PROFILE")
    machine.run("exec", "--profile", "default", "--", terraform, "providers", "schema", "-json", environ=environ)
    seen = dict(line.partition("=")[::2] for line in (machine.home / "seen").read_text().splitlines())
    assert seen["ALICLOUD_ACCESS_KEY"] == seen["ALIBABA_CLOUD_ACCESS_KEY_ID"] == machine.cloud.sessions[0].access_key_id
    assert seen["ALICLOUD_SECURITY_TOKEN"] == seen["ALIBABA_CLOUD_SECURITY_TOKEN"] != "stale"
    assert "ALIBABA_CLOUD_PROFILE" not in seen
