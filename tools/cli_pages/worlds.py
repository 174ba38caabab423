"""The worlds that the pages show: what is set up on the machine when a command is run. A function for each; add what a page needs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from alicred.credential import Credential
from alicred.testing import FakeClock, FakeCloud, SignIn, faults

Environment = dict[str, str]


@dataclass
class Sandbox:
    """Where a world is made: a fake cloud that runs, and an empty home."""

    cloud: FakeCloud
    home: Path
    on_an_instance: bool = False
    preamble: str = ""  # Python that the program begins with
    shown_as: dict[str, str] = field(default_factory=dict)  # what a page shows in place of what is printed

    def cli_file(self, *profiles: Mapping[str, object], current: str = "default") -> None:
        """Write ``~/.aliyun/config.json``."""
        self.file(".aliyun/config.json", json.dumps({"current": current, "profiles": profiles}, indent="\t") + "\n")

    def profile_file(self, text: str) -> None:
        """Write ``~/.alibabacloud/credentials``."""
        self.file(".alibabacloud/credentials", text)

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a file below the home."""
        path = self.home / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(mode)
        return path

    @property
    def at_the_cloud(self) -> Environment:
        """Lets the services be those of the fake cloud."""
        return {"ALIBABA_CLOUD_STS_ENDPOINT": self.cloud.http_endpoint}

    @property
    def reports_role(self) -> str:
        """A role that every user of the account may assume."""
        return self.cloud.add_role("reports")

    @property
    def closed_role(self) -> str:
        """A role that trusts no one here."""
        return self.cloud.add_role("billing", trusts=["acs:ram::1000000000000001:role/auditor"])


def ak_profile(key: Credential, name: str = "default") -> dict[str, object]:
    """A profile of the CLI's file with *key*."""
    return {
        "name": name,
        "mode": "AK",
        "access_key_id": key.access_key_id,
        "access_key_secret": key.access_key_secret,
        "region_id": "cn-hangzhou",
    }


def nothing(sandbox: Sandbox) -> Environment:
    """Nothing is set up, on a machine that is no instance."""
    return sandbox.at_the_cloud


def keys(sandbox: Sandbox) -> Environment:
    """An access key in the environment."""
    key = sandbox.cloud.access_key
    return {
        **sandbox.at_the_cloud,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
    }


def profile(sandbox: Sandbox) -> Environment:
    """The CLI's file with one profile, an access key."""
    sandbox.cli_file(ak_profile(sandbox.cloud.access_key))
    return sandbox.at_the_cloud


def role(sandbox: Sandbox) -> Environment:
    """The CLI's file, whose current profile is a role: ``reports``, assumed with the key of the profile ``default``."""
    chained = {"name": "reports", "mode": "ChainableRamRoleArn", "source_profile": "default", "ram_role_arn": sandbox.reports_role}
    sandbox.cli_file(ak_profile(sandbox.cloud.access_key), {**chained, "ram_session_name": "ada"}, current="reports")
    return sandbox.at_the_cloud


def profiles(sandbox: Sandbox) -> Environment:
    """Both files, with profiles of many kinds, some of them with problems."""
    key = sandbox.cloud.add_access_key()
    role_profile = {"name": "reports", "mode": "RamRoleArn", "ram_role_arn": sandbox.reports_role, "ram_session_name": "ada"}
    sandbox.cli_file(
        ak_profile(sandbox.cloud.access_key),
        {**ak_profile(key), **role_profile},
        {"name": "instance", "mode": "EcsRamRole", "ram_role_name": "test-role"},
        {"name": "vault", "mode": "External", "process_command": "get-cred --account reports"},
        {"name": "half", "mode": "AK", "access_key_id": key.access_key_id, "access_key_secret": ""},
        {"name": "typo", "mode": "RamRoleARN", "ram_role_arn": sandbox.reports_role},
        {"name": "chained", "mode": "ChainableRamRoleArn", "source_profile": "gone", "ram_role_arn": sandbox.reports_role},
    )
    sandbox.profile_file(
        f"[default]\nenable = true\ntype = access_key\naccess_key_id = {key.access_key_id}\naccess_key_secret = {key.access_key_secret}\n\n"
        f"[batch]\nenable = true\ntype = ram_role_arn\naccess_key_id = {key.access_key_id}\naccess_key_secret = {key.access_key_secret}\n"
        f"role_arn = {sandbox.reports_role}\nrole_session_name = batch\n\n"
        f"[off]\nenable = false\ntype = access_key\naccess_key_id = {key.access_key_id}\naccess_key_secret = {key.access_key_secret}\n"
    )
    (sandbox.home / ".alibabacloud" / "credentials").chmod(0o644)
    return sandbox.at_the_cloud


def three_profiles(sandbox: Sandbox) -> Environment:
    """The CLI's file with three sound profiles, of which ``staging`` is the current one."""
    key = ak_profile(sandbox.cloud.add_access_key())
    chained = {"mode": "ChainableRamRoleArn", "source_profile": "default", "ram_role_arn": sandbox.reports_role, "ram_session_name": "ada"}
    sandbox.cli_file(ak_profile(sandbox.cloud.access_key), {**key, "name": "staging"}, {"name": "reports", **chained}, current="staging")
    return sandbox.at_the_cloud


def instance(sandbox: Sandbox) -> Environment:
    """An ECS instance with a role, and nothing else."""
    sandbox.on_an_instance = True
    return sandbox.at_the_cloud


def denied(sandbox: Sandbox) -> Environment:
    """A role that does not trust the key which is to assume it."""
    closed = {"name": "billing", "mode": "RamRoleArn", "ram_role_arn": sandbox.closed_role, "ram_session_name": "ada"}
    sandbox.cli_file({**ak_profile(sandbox.cloud.access_key), **closed}, current="billing")
    return sandbox.at_the_cloud


def wrong_secret(sandbox: Sandbox) -> Environment:
    """An access key in the environment with the secret of another one."""
    other = sandbox.cloud.add_access_key()
    return {**keys(sandbox), "ALIBABA_CLOUD_ACCESS_KEY_SECRET": other.access_key_secret}


def throttled(sandbox: Sandbox) -> Environment:
    """A role, and an STS that throttles."""
    sandbox.cloud.inject(faults.Throttling(), times=None)
    return role(sandbox)


def slow(sandbox: Sandbox) -> Environment:
    """A role, and an STS that does not answer."""
    sandbox.cloud.inject(faults.Hang(), operation="AssumeRole", times=None)
    return role(sandbox)


def outage(sandbox: Sandbox) -> Environment:
    """A role whose sessions are short, and an STS that breaks down after the first of them."""
    sandbox.cloud.session = timedelta(seconds=20)
    sandbox.cloud.inject(faults.Fault(), operation="AssumeRole")
    sandbox.cloud.inject(faults.ServerError(), operation="AssumeRole", times=None)
    return role(sandbox)


def offline(sandbox: Sandbox) -> Environment:
    """A role, and no network."""
    role(sandbox)
    return {}


def leftover(sandbox: Sandbox) -> Environment:
    """A role in the CLI's file, and the access key of someone else in the environment."""
    key = sandbox.cloud.add_access_key()
    names = {"ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret}
    return {**role(sandbox), **names}


def invisible(sandbox: Sandbox) -> Environment:
    """An access key in the CLI's file, whose secret was copied together with a character that cannot be seen."""
    key = ak_profile(sandbox.cloud.access_key)
    sandbox.cli_file({**key, "access_key_secret": f"{key['access_key_secret']}\u200b"})
    return sandbox.at_the_cloud


def ended_session(sandbox: Sandbox) -> Environment:
    """A temporary key in the environment, which ended an hour ago."""
    ago = timedelta(hours=2)
    sandbox.cloud.skew = -ago
    sts = sandbox.cloud.sts_client(clock=FakeClock(datetime.now(timezone.utc) - ago))
    key = sts.assume_role(sandbox.cloud.access_key, role_arn=sandbox.reports_role, role_session_name="ada")
    sandbox.cloud.skew = timedelta(0)
    return {
        **sandbox.at_the_cloud,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": key.security_token or "",
    }


def ended_login(sandbox: Sandbox) -> Environment:
    """A CloudSSO login in the CLI's file, which ended yesterday."""
    login = sandbox.cloud.add_cloud_sso_login()
    sandbox.cli_file(
        {
            "name": "default",
            "mode": "CloudSSO",
            "cloud_sso_sign_in_url": f"{sandbox.cloud.http_endpoint}/start/login",
            "cloud_sso_account_id": login.account_id,
            "cloud_sso_access_config": login.access_configuration_id,
            "access_token": login.access_token,
            "cloud_sso_access_token_expire": int((login.expires_at - timedelta(days=1)).timestamp()),
        }
    )
    return sandbox.at_the_cloud


def wrong_clock(sandbox: Sandbox) -> Environment:
    """A role, and a machine whose clock is eight hours behind that of the services. They are asked over TLS, as the real ones are."""
    sandbox.cloud.skew = timedelta(hours=8)
    return {**role(sandbox), "ALIBABA_CLOUD_STS_ENDPOINT": sandbox.cloud.endpoint, "SSL_CERT_FILE": sandbox.cloud.ca_file}


def silent_network(sandbox: Sandbox) -> Environment:
    """Nothing is set up, and something takes connections at the address of the metadata service without ever answering."""
    sandbox.on_an_instance = True
    sandbox.cloud.inject(faults.Hang(), times=None)
    return sandbox.at_the_cloud


def broken(sandbox: Sandbox) -> Environment:
    """The CLI's file without a comma. (Where one too many is found differs between versions of Python.)"""
    key = sandbox.cloud.access_key
    sandbox.file(
        ".aliyun/config.json",
        '{\n\t"current": "default",\n\t"profiles": [\n\t\t{\n\t\t\t"name": "default",\n\t\t\t"mode": "AK"\n'
        f'\t\t\t"access_key_id": "{key.access_key_id}",\n\t\t\t"access_key_secret": "{key.access_key_secret}"\n\t\t}}\n\t]\n}}\n',
    )
    return sandbox.at_the_cloud


def logins(sandbox: Sandbox) -> Environment:
    """A browser whose person confirms every login, an OAuth site, a CloudSSO directory, and a profile with a login at it."""
    cloud = sandbox.cloud
    cloud.login_rules.sign_in = SignIn.ALLOW
    for name in ("Production", "Test"):
        cloud.add_cloud_sso_account(name, configurations=["admin", "reader"])
    at, sso = cloud.http_endpoint, "https://signin-cn-shanghai.alibabacloudsso.com"
    pages = {"CN": f"{at}/oauth2", "INTL": f"{at.replace('127.0.0.1', 'localhost')}/oauth2"}
    sandbox.preamble = (
        "from alicred.cli import logins\n"
        "from alicred.sources.oauth import OAUTH_SITES, OAuthSite\n"
        "from alicred.sources.profiles.cli import oauth_login\n"
        f"pages = {pages!r}\n"
        f"sites = {{name: OAuthSite({at!r}, site.client_id, pages[name] + '/v1/auth') for name, site in OAUTH_SITES.items()}}\n"
        "oauth_login.OAUTH_SITES = sites\n"
        "client = logins.CloudSsoClient\n"
        f"logins.CloudSsoClient = lambda url, **more: client(url.replace({sso!r}, {at!r}), **more)\n"
    )
    sandbox.shown_as = {
        pages["CN"]: "https://signin.aliyun.com/oauth2",
        pages["INTL"]: "https://signin.alibabacloud.com/oauth2",
        at: sso,
    }
    old = {"name": "old", "mode": "OAuth", "oauth_site_type": "CN", "region_id": "cn-hangzhou"}
    sandbox.cli_file(ak_profile(cloud.access_key), old)
    browser = f"{sys.executable} -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' %s"
    return {**sandbox.at_the_cloud, "BROWSER": browser}


WORLDS: dict[str, Callable[[Sandbox], Environment]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        *(nothing, keys, profile, role, profiles, three_profiles, instance, denied, wrong_secret, throttled, slow, outage, offline),
        *(leftover, invisible, ended_session, ended_login, wrong_clock, silent_network, broken, logins),
    )
}
