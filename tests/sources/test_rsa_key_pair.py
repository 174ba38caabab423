from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import ConfigurationError, DeniedError
from alicred.sources import RsaKeyPairProvider
from alicred.testing import FakeCloud
from alicred.wire.http import HttpClient
from alicred.wire.sts import StsClient
from tests.recording_sts import HOUR, SESSION, RecordingSts


def provider(sts: object = None, **changes: Any) -> RsaKeyPairProvider:
    return RsaKeyPairProvider(**{"public_key_id": "LTPK", "private_key": "planted", "sts": sts or RecordingSts(), **changes})


@pytest.mark.parametrize("key", ["planted", b"planted"])
def test_it_hands_the_key_to_the_client(key: str | bytes) -> None:
    sts = RecordingSts()
    made = provider(sts, private_key=key, duration=timedelta(minutes=15))
    found = made.get()
    assert found == SESSION
    assert (found.provider_name, made.name) == ("rsa_key_pair", "rsa_key_pair")
    assert sts.calls == [
        {
            "operation": "generate_session_access_key",
            "public_key_id": "LTPK",
            "private_key": key,
            "duration": timedelta(minutes=15),
        }
    ]


def test_a_path_is_read_at_every_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    sts = RecordingSts()
    made = provider(sts, private_key=Path("~/pk.pem"))
    for key in (b"first", b"second"):
        (tmp_path / "pk.pem").write_bytes(key)
        made.get()
    assert [call["private_key"] for call in sts.calls] == [b"first", b"second"]
    assert sts.calls[0]["duration"] == HOUR


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), (b" \n", "is empty: it should hold the private key"), (b"x" * 100_001, "it is larger than 100000 bytes")],
)
def test_a_bad_key_file_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "pk.pem"
    if content is not None:
        path.write_bytes(content)
    sts = RecordingSts()
    with pytest.raises(ConfigurationError, match=rf"^rsa_key_pair: the private key file {path} ") as caught:
        provider(sts, private_key=path).get()
    assert words in str(caught.value)
    assert sts.calls == []


def test_a_file_that_holds_no_key_is_named_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "pk.pem"
    path.write_text("planted")
    with pytest.raises(ConfigurationError, match=rf"\(the private key file: {path}\)$") as caught:
        provider(StsClient(), private_key=path).get()
    assert "planted" not in str(caught.value)
    assert caught.value.provider == "rsa_key_pair"


def test_a_text_that_is_no_key_is_not_quoted() -> None:
    for key in ("planted", b"planted", "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----"):
        with pytest.raises(ConfigurationError) as caught:
            provider(StsClient(), private_key=key).get()
        assert "planted" not in str(caught.value)
        assert caught.value.provider == "rsa_key_pair"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"public_key_id": ""}, "public_key_id is empty"),
        ({"public_key_id": None}, "public_key_id must be a string"),
        ({"private_key": ""}, "private_key is empty"),
        ({"private_key": b" \n"}, "private_key is empty"),
        ({"private_key": 7}, "private_key must be a str or bytes (the key), or a Path (its file), not int"),
        ({"private_key": None}, "private_key must be a str or bytes"),
        ({"private_key": Path("-----BEGIN PRIVATE KEY-----\nplanted")}, "private_key holds a control character"),
        ({"duration": timedelta(seconds=899)}, "duration must be a datetime.timedelta of 900 s to 3600 s"),
        ({"duration": timedelta(seconds=3601)}, "duration must be a datetime.timedelta of 900 s to 3600 s"),
        ({"duration": 3600}, "duration must be a datetime.timedelta of 900 s to 3600 s"),
        ({"sts": "planted"}, "sts must be None or have a method generate_session_access_key()"),
    ],
)
def test_a_bad_parameter_is_named_with_its_range(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider(**changes)
    assert f"RsaKeyPairProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_it_shows_its_public_half_only() -> None:
    assert repr(provider()) == "RsaKeyPairProvider(public_key_id='LTPK')"


def test_a_key_pair_becomes_keys_that_work(tmp_path: Path) -> None:
    with FakeCloud() as cloud:
        sts = StsClient(cloud.endpoint, http=HttpClient(ca_file=cloud.ca_file))
        public_key_id, pem = cloud.add_rsa_key()
        path = tmp_path / "pk.pem"
        path.write_text(pem.replace("\n", "\r\n"))
        for key in (pem, pem.encode(), path):
            made = pickle.loads(pickle.dumps(RsaKeyPairProvider(public_key_id=public_key_id, private_key=key, sts=sts)))
            found = made.get()
            assert found.security_token is None
            assert found.expires_at is not None
            assert sts.get_caller_identity(found).account_id
        unknown = RsaKeyPairProvider(public_key_id="unknown", private_key=pem, sts=sts)
        with pytest.raises(DeniedError) as caught:
            unknown.get()
        assert caught.value.provider == "rsa_key_pair"
        assert caught.value.request_id
