"""TLS: which certificates are trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicred.errors import ConfigurationError, ProviderError
from alicred.wire.http import HttpClient
from tests.wire.http_support import failure, ok
from tests.wire.servers import answering, make_certificate


def test_an_own_authority_is_trusted_if_it_is_named(certificate: Path) -> None:
    with answering(ok, certificate=certificate) as server:
        assert HttpClient(ca_file=certificate).request("GET", server.url).secure


@pytest.mark.parametrize("case", ["unknown authority", "expired", "other host"])
def test_a_certificate_that_cannot_be_verified_is_refused_for_good(case: str, certificate: Path, tmp_path: Path) -> None:
    served = make_certificate(tmp_path / "expired.pem", expired=True) if case == "expired" else certificate
    client = HttpClient() if case == "unknown authority" else HttpClient(ca_file=served)
    with answering(ok, certificate=served) as server:
        error = failure(client, server.url.replace("127.0.0.1", "localhost") if case == "other host" else server.url)
    assert isinstance(error, ProviderError)
    assert (error.code, error.retryable) == ("CertificateNotVerified", False)
    assert "ca_file" in str(error)
    assert "clock" in str(error)
    assert server.requests == []


def test_plain_http_on_a_tls_port_is_said_so() -> None:
    with answering(ok) as server:
        error = failure(HttpClient(), server.url.replace("http:", "https:"))
    assert isinstance(error, ProviderError)
    assert (error.code, error.retryable) == ("TlsFailed", False)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_an_unusable_ca_file_is_named_at_the_first_request(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    client = HttpClient(ca_file=path)
    error = failure(client, "https://127.0.0.1:1/")
    assert isinstance(error, ConfigurationError)
    assert str(path) in str(error)
