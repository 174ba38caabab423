"""What the program prints."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from alicred import CachingProvider, RefreshPolicy
from alicred.credential import Credential
from alicred.errors import ConfigurationError, MalformedResponseError, ProviderError
from tests.sources.external_process.support import AK, GO, failure, printing, provider, python
from tests.support import wait_until
from tests.wire.vectors import cases

STS = {**AK, "mode": "StsToken", "sts_token": "token"}


# Where alicred does not do what both official libraries do: what it does instead, and why.
DECISIONS = {
    # "a source hands out what it got, the cache judges it" (rule 12 of the engine); Python refuses, Go hands it out
    "expired": "expired",
    # Python fails with a ValueError, Go takes it for a key without an end; section 12: an expiration is one or a typed error
    "bad_expiration": MalformedResponseError,
    # section 12: a byte order mark is accepted
    "bom": "A",
}
WORDS = {
    "sts_missing_token": "the answer lacks sts_token",
    "missing_secret": "the answer lacks access_key_secret",
    "pascal_case_keys": "the answer lacks access_key_id, access_key_secret",
    "not_json": "it is not a JSON object",
    "empty": "it is not a JSON object",
    "extra_text_before": "it is not a JSON object",
    "bad_expiration": "expiration in the answer is no time such as",
    "exit_3": "failed with exit status 3: it wrote 5 bytes to standard error",
    "not_found": "the program /nonexistent/xyz cannot be started: No such file or directory",
}
KINDS = {"exit_3": ProviderError, "not_found": ConfigurationError}


@pytest.mark.parametrize("case", cases("external_process_output"), ids=lambda case: str(case["name"]))
def test_the_official_outputs_table(case: dict[str, Any]) -> None:
    name, official = case["name"], case["results"]
    now = datetime.now(timezone.utc).replace(microsecond=0)
    ends = {"<one hour ago>": now - timedelta(hours=1), "<now + 100 s>": now + timedelta(seconds=100)}
    if "command" in case:
        made = provider(case["command"])
    else:
        text = case["stdout"]
        for mark, moment in ends.items():
            text = text.replace(mark, f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        made = provider(printing(text))
    fails = all("error" in result for result in official.values())
    if name not in DECISIONS:
        assert fails or all("ok" in result for result in official.values()), "they differ: a decision is missing"
    if (fails and name not in DECISIONS) or DECISIONS.get(name) is MalformedResponseError:
        assert WORDS[name] in str(failure(made, KINDS.get(name, MalformedResponseError)))
        return
    found = made.get()
    expected = official[GO].get("ok") or {"access_key_id": "A", "access_key_secret": "S", "security_token": ""}
    assert (found.access_key_id, found.access_key_secret) == (expected["access_key_id"], expected["access_key_secret"])
    assert (found.security_token or "", found.provider_name) == (expected["security_token"], "external")
    moments = {"sts": datetime(2099, 12, 31, 23, 59, 59, tzinfo=timezone.utc), "expired": ends["<one hour ago>"]}
    assert found.expires_at == {**moments, "expires_in_100s": ends["<now + 100 s>"]}.get(name)


def test_the_decisions_are_about_cases_that_are_there() -> None:
    names = {case["name"] for case in cases("external_process_output")}
    assert set(DECISIONS) | set(WORDS) | set(KINDS) <= names
    differ = {case["name"] for case in cases("external_process_output") if len({"ok" in r for r in case["results"].values()}) == 2}
    assert differ <= set(DECISIONS)


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("[]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
        ('"planted"', "it is not a JSON object"),
        (json.dumps(AK) + "planted", "it is not a JSON object"),
        (b"\xff\xfeplanted", "it is not a JSON object"),
        (json.dumps({**AK, "access_key_id": 7}), "the answer lacks access_key_id"),
        (json.dumps({**AK, "access_key_secret": ["planted"]}), "the answer lacks access_key_secret"),
        (json.dumps({**AK, "access_key_secret": None}), "the answer lacks access_key_secret"),
        (json.dumps({**STS, "sts_token": ""}), "the answer lacks sts_token, which mode StsToken needs"),
        (json.dumps({**STS, "sts_token": None}), "the answer lacks sts_token"),
        (json.dumps({**AK, "sts_token": ["planted"]}), "sts_token in the answer is no string"),
        (json.dumps({**AK, "expiration": 1893456000}), "expiration in the answer is no string"),
        (json.dumps({**AK, "expiration": "planted"}), "expiration in the answer is no time such as 2030-01-31T12:00:00Z"),
        (json.dumps({**AK, "expiration": "2030-01-31 12:00:00"}), "expiration in the answer is no time"),
        (json.dumps({**AK, "access_key_secret": "planted\nplanted"}), "holds a control character"),
        (json.dumps({**STS, "sts_token": "planted\nplanted"}), "holds a control character"),
    ],
)
def test_what_is_no_credential_is_malformed(printed: str | bytes, words: str) -> None:
    error = failure(provider(printing(printed)), MalformedResponseError)
    assert words in str(error)
    assert f"reading what the program {sys.executable} printed" in str(error)
    assert "planted" not in str(error)


@pytest.mark.parametrize("more", [{}, {"sts_token": None}, {"sts_token": ""}, {"expiration": ""}, {"expiration": None}, {"mode": None}])
def test_what_is_empty_counts_as_absent(more: dict[str, object]) -> None:
    assert provider(printing(json.dumps({**AK, **more}))).get() == Credential("id", "secret")


def test_an_expiration_may_have_a_fraction() -> None:
    found = provider(printing(json.dumps({**STS, "expiration": "2030-01-02T03:04:05.5Z"}) + "\n\n")).get()
    assert found.expires_at == datetime(2030, 1, 2, 3, 4, 5, 500_000, tzinfo=timezone.utc)


def test_the_cache_asks_once_without_an_end_and_again_after_max_age(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = python(f"open(sys.argv[1], 'a').write('x')\nprint({json.dumps(STS)!r})", str(log))
    with CachingProvider(provider(command)) as cache:
        assert cache.get() is cache.get()
    assert log.read_text() == "x"
    with CachingProvider(provider(command), refresh=RefreshPolicy(max_age=timedelta(microseconds=1))) as cache:
        cache.get()
        cache.get()
        wait_until(lambda: log.read_text() == "xxx")


def test_an_expired_key_is_the_caches_business() -> None:
    made = provider(printing(json.dumps({**STS, "expiration": "2020-01-01T00:00:00Z"})))
    assert made.get().expires_at == datetime(2020, 1, 1, tzinfo=timezone.utc)
    with CachingProvider(made) as cache, pytest.raises(MalformedResponseError, match="had ended at 2020-01-01"):
        cache.get()
