from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_pem_public_key,
)

from alicred.errors import ConfigurationError
from alicred.wire.rsa import load_private_key, rpc_sha256_with_rsa
from alicred.wire.signing import percent_encode, rpc_string_to_sign
from tests.wire.rsa_keys import BAD, FORMS, KEY
from tests.wire.vectors import cases, load


def test_the_forms_are_those_of_the_vectors_and_more() -> None:
    assert set(FORMS) > set(load("rpc_v1_sha256_with_rsa")["key_forms"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_every_form_of_a_key_is_read(form: str, as_bytes: bool) -> None:
    key = FORMS[form]
    assert load_private_key(key.encode() if as_bytes else key).private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_plain_rsa_key_is_refused_without_a_quote(what: str) -> None:
    with pytest.raises(ConfigurationError, match=r"BEGIN RSA PRIVATE KEY.*base64") as caught:
        load_private_key(BAD[what])
    text = f"{caught.value}{caught.value!r}{caught.value.__cause__}{caught.value.__context__}"
    assert not [line for line in BAD[what].splitlines() if len(line) > 10 and not line.startswith("-----") and line in text]


def test_a_key_with_a_password_is_called_that() -> None:
    for name in ("encrypted pkcs8", "encrypted pkcs1"):
        with pytest.raises(ConfigurationError, match="password"):
            load_private_key(BAD[name])


def test_a_key_must_be_text_or_bytes() -> None:
    wrong: Any = 3
    with pytest.raises(ConfigurationError, match="not int"):
        load_private_key(wrong)


@pytest.mark.parametrize("case", cases("rpc_v1_sha256_with_rsa"), ids=lambda case: str(case["name"]))
def test_signatures_are_those_of_the_official_implementations(case: dict[str, Any]) -> None:
    """The private key of the vectors is not kept; RSASSA-PKCS1-v1_5 is deterministic, so that who verifies also knows what was signed."""
    given, expected = case["input"], case["expected"]
    string_to_sign = rpc_string_to_sign(given["method"], given["params"])
    assert string_to_sign == expected["string_to_sign"]
    assert percent_encode(expected["signature"]) == expected["signature_url_encoded"]
    public = load_pem_public_key(load("rpc_v1_sha256_with_rsa")["public_key_pem"].encode())
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(base64.b64decode(expected["signature"]), string_to_sign.encode(), PKCS1v15(), SHA256())

    ours = base64.b64decode(rpc_sha256_with_rsa(KEY, string_to_sign))
    KEY.public_key().verify(ours, string_to_sign.encode(), PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(ours, f"{string_to_sign}&".encode(), PKCS1v15(), SHA256())
