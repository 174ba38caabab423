"""The pages of messages have every text that the library may raise or log, and none that it no longer has; both languages the same."""

from __future__ import annotations

import re

import pytest

from alicred.wire.operation import Kind
from alicred.wire.service_errors import _MEANINGS, _MEANINGS_FOR
from tests.messages import ROOT, codes, is_sentence, pattern, rows, spans, texts
from tools.cli_pages.pages import blocks

PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("messages.md", "messages.zh-CN.md")}
both_pages = pytest.mark.parametrize("page", PAGES)

# Texts of several words that a user does not search for, by where they stand in what is shown.
PARTS = (
    # what to do, behind a cause that is on the page
    "Ask who runs the proxy, or add the host to NO_PROXY",
    "Check that id and secret belong together, and that the secret is whole",
    "Check that no proxy changes the request; if none does, report this as a bug in alicred",
    "Check that this is the address of the service",
    "Check the address, the network and the proxy settings",
    "Check what the program prints",
    "Check that this is the address of the service, and that nothing in between changes its answers",
    "Log in again with `alicred login --profile NAME` or `aliyun configure --mode \0`",
    "Log in with `alicred login --profile \0` or `aliyun configure --mode \0`",
    "Look the code up in the service's documentation",
    "Put a user and a password into the proxy's URL",
    "Raise the limits of this process, or try again later",
    "Send fewer requests, and cache what they bring",
    "\0. Ask again later, or allow more per_second or concurrent",
    "Set ca_file or SSL_CERT_FILE if the certificate comes from an authority of your own, and check this machine's clock",
    "Try again later",
    "\0. Give one of \0.",
    "an RSA key without a password, as PEM (BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY) or as the bare base64 text of one",
    "log in again with `aliyun configure --mode CloudSSO`",
    "use odps_bearer()",
    # what is being done, in front of a cause
    " with the access key \0",
    "for the access configurations of the user in the account \0",
    "for the accounts of the user",
    "for the keys of the access configuration \0",
    "for the token of the login",
    "for the tokens of the login",
    "reading what the program \0 printed",
    "the metadata service \0",
    "the request for a token",
    "the request for the key of the role \0",
    "the request for the name of the instance's role",
    "the request to renew the access token",
    "the request to the credentials URI \0",
    "to end the login",
    "to renew the access token",
    "\0 through the proxy \0",
    # the name of a file, a parameter or a place, and what a thing is
    "BearerTokenCredential.bearer_token (Config.bearer_token)",
    "HttpClient.ca_file \0",
    "a Credential or a BearerToken",
    "a request to the function",
    "a text of \0 characters",
    "http_options.proxy (Config.proxy)",
    "profile \0 (line \0 of \0)",
    "that is empty",
    "the CLI configuration",
    "the OIDC token file",
    "the argument path",
    "the password file",
    "the store key",
    "what ProviderPool.make returns",
    "the argument profile",
    "the new keys",
    "the new tokens",
    "the part of the URL before the path",
    "the private key file",
    "the profile file",
    "the request's header",
    "type is ecs_ram_role",
    "what assertion() returned",
    "\0.duration_seconds (Config.role_session_expiration)",
    "\0.role_session_name \0",
    "\0.uri (Config.credentials_uri)",
    "\0: http_options.connect_timeout (Config.connect_timeout)",
    "\0: http_options.read_timeout (Config.timeout)",
    # where a credential comes from, and the state of a cache
    ", with the private key in \0",
    "\0 failed since\0; the last one with: \0",
    "\0 of \0 refreshes succeeded",
    "access key id \0",
    "account \0 with access configuration \0, of \0",
    "from the environment",
    "refresh due at \0",
    "the OAuth login at \0",
    "the RAM role \0 of the ECS instance",
    "the RSA key pair \0",
    "the metadata service of the ECS instance",
    "the program itself",
    "the role \0, with a SAML assertion",
    "the role \0, with the OIDC token in \0",
    "without an end",
    # where OpenSSL says nothing
    "it could not be verified",
    "no reason given",
    # no texts for a user: of Python, of types, of protocols
    *(f"{kind.value}" for kind in Kind),
    "Callable[[], None] | None",
    "a newer record, which can be used",
    "no such record, and the lease",
    "can't run this command",
    "the answer is longer than any that was asked for",
    "unreachable: patience is finite",
    "Cache-Control: no-store",
    "Content-Type: application/json",
    '{"current": "", "profiles": [], "meta_path": ""}',
    "\0 Credential=\0,SignedHeaders=\0,Signature=\0",
    "datetime(\0, tzinfo=timezone.utc)",
    "module \0 has no attribute \0",
    "serve and refresh",
    "server string to sign is",
    "str | float | bool",
)
_OF = {Kind.ASSUME_ROLE: "AssumeRole", Kind.METADATA: "metadata service"}
MEANINGS = {
    **{f"`{code}`": meaning for code, meaning in _MEANINGS.items()},
    **{f"`{code}` ({_OF[kind]})": meaning for kind, each in _MEANINGS_FOR.items() for code, meaning in each.items()},
}
_IN_TABLE = {sentence.replace("<account>", "\0").replace("<name>", "\0") for meaning in MEANINGS.values() for sentence in meaning}


GUIDES = ("troubleshooting", "messages", "troubleshooting.zh-CN", "messages.zh-CN")


def fragments(page: str) -> list[str]:
    return [fragment for row in rows(PAGES[page], "| message |", "| 消息 |") for fragment in spans(row[0])]


@both_pages
def test_every_message_is_on_the_page(page: str) -> None:
    patterns = [pattern(fragment) for fragment in fragments(page)]
    known = {*PARTS, *_IN_TABLE}
    missing = {
        where: text
        for text, where in texts().items()
        if is_sentence(text) and text not in known and not any(each in text for each in patterns)
    }
    assert missing == {}, f"add them to docs/{page} (or to PARTS, if no user would search for them)"


@both_pages
def test_every_fragment_on_the_page_is_of_a_message(page: str) -> None:
    assert [fragment for fragment in fragments(page) if not any(pattern(fragment) in text for text in texts())] == []


@both_pages
def test_a_fragment_is_long_enough_to_be_of_one_message(page: str) -> None:
    assert [fragment for fragment in fragments(page) if len(re.sub("<[^<>]*>", "", fragment)) < 9] == []


def test_what_is_listed_as_no_message_is_in_the_code() -> None:
    assert [part for part in PARTS if part not in texts()] == []


def test_both_languages_have_the_same_messages_in_the_same_order() -> None:
    english, chinese = (fragments(page) for page in PAGES)
    assert english == chinese
    assert len(english) == len(set(english))


def test_the_codes_of_the_services_are_those_of_the_library_with_its_words() -> None:
    table = rows(PAGES["messages.md"], "| code | message |")
    assert {code: (cause, re.sub("`(acs:[^`]*)`", r"\1", instruction)) for code, cause, instruction in table} == MEANINGS


def test_the_chinese_page_has_the_same_codes_and_causes() -> None:
    chinese = [(code, cause) for code, cause, _ in rows(PAGES["messages.zh-CN.md"], "| 错误码 | 消息 |")]
    assert [
        (code.replace("（元数据服务）", " (metadata service)").replace("（AssumeRole）", " (AssumeRole)"), cause) for code, cause in chinese
    ] == [(code, cause) for code, cause, _ in rows(PAGES["messages.md"], "| code | message |")]


@both_pages
def test_the_library_s_own_codes_are_on_the_page(page: str) -> None:
    table = rows(PAGES[page], "| code | meaning |", "| 错误码 | 含义 |")
    assert codes() <= {code for row in table for code in spans(row[0])}


def anchors(page: str) -> set[str]:
    """What a link to *page* may have behind its ``#``: its headings, as GitHub writes them."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    headings = re.findall("^#+ (.+)$", re.sub("^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", GUIDES)
def test_a_link_to_a_section_finds_it(guide: str) -> None:
    links = re.findall(r"\]\(([\w./-]*\.md)?#([^)]+)\)", (ROOT / "docs" / f"{guide}.md").read_text("utf-8"))
    assert len(links) > 15
    assert [f"{page}#{section}" for page, section in links if section not in anchors(page or f"{guide}.md")] == []


def test_both_languages_show_the_same_commands_in_the_same_worlds() -> None:
    english, chinese = (
        [
            (world.replace(",chinese", ""), re.findall(r"^\$ (.+)$", shown, re.MULTILINE))
            for world, shown in blocks((ROOT / "docs" / page).read_text("utf-8"))
        ]
        for page in ("troubleshooting.md", "troubleshooting.zh-CN.md")
    )
    assert [(world, [command.replace('LANG="$LANG" ', "") for command in commands]) for world, commands in chinese] == english
