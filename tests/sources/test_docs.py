"""The programs in the pages about the sources run as they stand, against a cloud on this machine."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from alicred.testing import FakeCloud
from alicred.wire.imds import ImdsClient

PAGES = sorted(page for page in (Path(__file__).parents[2] / "docs" / "sources").glob("*.md") if page.stem != "README")
PROGRAMS = [
    pytest.param(program, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, program in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE), 1)
]


def test_every_page_has_a_program_and_the_same_sections() -> None:
    expected = {"default_chain", "ecs_ram_role", "environment", "oidc_role_arn", "profile_file", "ram_role_arn", "rsa_key_pair", "static"}
    assert expected <= {page.stem for page in PAGES}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert "```python" in text
        for heading in ("## Parameters", "## Errors", "## Where the official libraries differ"):
            assert heading in text, f"{page.name} lacks {heading}"
        for target in re.findall(r"\]\(([a-z_]+\.md)\)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_runs(program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    home = Path(os.environ["HOME"])
    with FakeCloud() as cloud:
        key = cloud.access_key
        role = cloud.add_role("reader")
        public_key_id, pem = cloud.add_rsa_key()
        (home / "keys").mkdir()
        (home / "keys" / "pk.pem").write_text(pem)
        (home / "token").write_text(cloud.add_oidc_token())
        (home / ".aliyun").mkdir()
        profile = {"name": "reports", "mode": "AK", "access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
        (home / ".aliyun" / "config.json").write_text(json.dumps({"current": "reports", "profiles": [profile]}))
        (home / ".alibabacloud").mkdir()
        (home / ".alibabacloud" / "credentials").write_text(
            f"[reports]\nenable = true\ntype = ram_role_arn\naccess_key_id = {key.access_key_id}\n"
            f"access_key_secret = {key.access_key_secret}\nrole_arn = {role}\nsts_endpoint = {cloud.http_endpoint}\n"
            "[call-centre]\nenable = true\ntype = bearer\nbearer_token = token\n"
        )
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key.access_key_id)
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", key.access_key_secret)
        monkeypatch.setenv("ALIBABA_CLOUD_STS_ENDPOINT", cloud.http_endpoint)
        monkeypatch.setenv("ALIBABA_CLOUD_ROLE_ARN", cloud.role_arn)
        monkeypatch.setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", cloud.oidc_provider_arn)
        monkeypatch.setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", str(home / "token"))
        monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_URI", f"{cloud.http_endpoint}/credentials")
        sso, login = cloud.add_cloud_sso_login(), cloud.add_oauth_login(client_id="4103531455503354461")
        (home / ".my-login.json").write_text(json.dumps({"refresh_token": login.refresh_token}))
        (home / "saml-response.b64").write_text(cloud.add_saml_assertion())
        monkeypatch.setattr(ImdsClient.__init__, "__defaults__", (cloud.imds_endpoint,))
        code = program
        for shown, real in {
            "acs:ram::123456789012:role/reader": role,
            "acs:ram::123456789012:saml-provider/my-idp": cloud.saml_provider_arn,
            "my-public-key-id": public_key_id,
            "https://oauth.alibabacloud.com": cloud.http_endpoint,
            "https://signin-cn-shanghai.alibabacloudsso.com": cloud.http_endpoint,
            "my-account-id": sso.account_id,
            "my-access-configuration-id": sso.access_configuration_id,
            "my-access-token": sso.access_token,
        }.items():
            code = code.replace(shown, real)
        exec(compile(code, "<page>", "exec"), {"__name__": "__page__"})
    assert capsys.readouterr().out.strip()
