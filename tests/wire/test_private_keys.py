"""What is said of private keys that cannot be used, word for word, and marks before keys that can."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, PrivateFormat

from alicred.errors import ConfigurationError
from alicred.wire.rsa import load_private_key
from tests.wire.rsa_keys import BAD, KEY, PKCS8, body, pem

FORMS = "alicred takes an RSA key without a password, as PEM (BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY) or as the bare base64 text of one"
BARE = body(PKCS8)


def refusal(key: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_private_key(key)
    return str(caught.value)


@pytest.mark.parametrize("mark", ["\ufeff", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_may_stand_before_the_bare_text_too(mark: str | bytes) -> None:
    key = mark + BARE if isinstance(mark, str) else mark + BARE.encode()
    assert load_private_key(key).private_numbers() == KEY.private_numbers()


def test_a_password_is_found_in_the_label_and_in_the_lines_below_it() -> None:
    text = f"the private key has a password: {FORMS}"
    labelled = pem(PrivateFormat.PKCS8, encryption=BestAvailableEncryption(b"password"))
    assert "ENCRYPTED" in labelled.splitlines()[0]
    assert refusal(labelled) == text
    traditional = pem(PrivateFormat.TraditionalOpenSSL, encryption=BestAvailableEncryption(b"password"))
    assert "ENCRYPTED" not in traditional.splitlines()[0]
    assert refusal(traditional) == text


@pytest.mark.parametrize("what", ["cut", "not base64", "other text", "empty", "encrypted pkcs8 without its label"])
def test_what_cannot_be_read_is_said_so(what: str) -> None:
    assert refusal(BAD[what]) == f"the private key cannot be read: {FORMS}"


def test_a_key_with_foreign_characters_in_it_is_not_guessed_at() -> None:
    assert refusal(f"{BARE[:40]}*{BARE[40:]}") == f"the private key cannot be read: {FORMS}"


def test_a_key_of_another_kind_is_said_so() -> None:
    assert refusal(BAD["elliptic curve"]) == f"the private key is of another kind than RSA: {FORMS}"
