"""An RSA key in every form, and what is no plain RSA key."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from tests.wire.vectors import load

KEY = rsa.generate_private_key(65537, 2048)
PLAIN = NoEncryption()


def pem(how: PrivateFormat, key: Any = KEY, encryption: KeySerializationEncryption = PLAIN) -> str:
    return str(key.private_bytes(Encoding.PEM, how, encryption).decode())


def body(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("-----"))


PKCS8, PKCS1 = pem(PrivateFormat.PKCS8), pem(PrivateFormat.TraditionalOpenSSL)
FORMS = {
    "pkcs8_pem": PKCS8,
    "pkcs8_body_lines": body(PKCS8),
    "pkcs8_one_line": body(PKCS8).replace("\n", ""),
    "pkcs1_pem": PKCS1,
    "pkcs1_body_lines": body(PKCS1),
    "pkcs1_one_line": body(PKCS1).replace("\n", ""),
    "pkcs8_pem_crlf": PKCS8.replace("\n", "\r\n"),
    "pkcs8_pem_leading_blank_and_text": f"\n  Bag Attributes\n    friendlyName: k\n{PKCS8}",
    "pkcs8_mislabelled_rsa_private_key": PKCS8.replace(" PRIVATE KEY", " RSA PRIVATE KEY"),
    "pkcs1_mislabelled_private_key": PKCS1.replace(" RSA PRIVATE KEY", " PRIVATE KEY"),
    "after_a_public_key": load("rpc_v1_sha256_with_rsa")["public_key_pem"] + PKCS8,
    "byte_order_mark": f"\ufeff{PKCS8}",
}


BAD = {
    "encrypted pkcs8": pem(PrivateFormat.PKCS8, encryption=BestAvailableEncryption(b"password")),
    "encrypted pkcs8 without its label": body(pem(PrivateFormat.PKCS8, encryption=BestAvailableEncryption(b"password"))),
    "encrypted pkcs1": pem(PrivateFormat.TraditionalOpenSSL, encryption=BestAvailableEncryption(b"password")),
    "elliptic curve": pem(PrivateFormat.PKCS8, ec.generate_private_key(ec.SECP256R1())),
    "cut": PKCS8[:500],
    "cut body": body(PKCS8)[:400],
    "not base64": PKCS8.replace("A", "*"),
    "public": load("rpc_v1_sha256_with_rsa")["public_key_pem"],
    "other text": "planted, this is no key",
    "not ascii": "планted",
    "empty": "",
}
