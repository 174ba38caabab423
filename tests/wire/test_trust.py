"""What is said where a certificate is not accepted because nothing, or the wrong thing, is trusted."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from alicred.errors import ConfigurationError, ProviderError
from alicred.wire.http import HttpClient
from tests.wire.servers import Reply, answering, make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


def refusal(certificate: Path, **options: Path) -> str:
    with answering(lambda _: Reply(), certificate=certificate) as server, pytest.raises(ProviderError) as caught:
        HttpClient(**options).request("GET", server.url)
    assert caught.value.code == "CertificateNotVerified"
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "folder", "words"),
    [
        ("missing", "empty", "Correct SSL_CERT_FILE, which names '{}/missing', a path that does not exist"),
        ("missing", "full", "Correct SSL_CERT_FILE, which names '{}/missing', a path that does not exist"),
        ("empty", "missing", "Correct SSL_CERT_DIR, which names '{}/missing', a path that does not exist"),
        ("blank.pem", "empty", "trusts no certificate authority"),
        ("other.pem", "empty", "from an authority of your own"),
        ("blank.pem", "full", "from an authority of your own"),
    ],
)
def test_table_of_what_is_said_where_an_authority_is_not_trusted(
    file: str, folder: str, words: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "0a1b2c3d.0").touch()
    (tmp_path / "blank.pem").touch()
    make_certificate(tmp_path / "other.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / folder))
    said = refusal(certificate)
    assert words.format(tmp_path) in said
    assert ("an authority of your own" in said) is (words == "from an authority of your own")


def test_a_context_that_asks_the_system_is_not_empty(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of the package truststore, which takes the place of `ssl.SSLContext`."""

    def cert_store_stats(_: ssl.SSLContext) -> dict[str, int]:
        raise NotImplementedError

    monkeypatch.setattr(ssl.SSLContext, "cert_store_stats", cert_store_stats)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with answering(lambda _: Reply(), certificate=certificate) as server:
        assert HttpClient().request("GET", server.url).secure
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(certificate.parent / "other.pem")))
    assert "an authority of your own" in refusal(certificate)


def test_a_ca_file_that_was_given_is_what_counts(certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    assert "an authority of your own" in refusal(certificate, ca_file=make_certificate(tmp_path / "other.pem"))


def test_a_ca_file_that_was_replaced_counts_at_the_next_request(certificate: Path, tmp_path: Path) -> None:
    ca_file = make_certificate(tmp_path / "ca.pem")
    client = HttpClient(ca_file=ca_file)
    with answering(lambda _: Reply(), certificate=certificate) as server:
        with pytest.raises(ProviderError):
            client.request("GET", server.url)
        ca_file.write_bytes(certificate.read_bytes())
        assert client.request("GET", server.url).secure


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "NUL", "surrogate"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / {"NUL": "\0", "surrogate": "\ud800"}.get(kind, "it"))
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    elif kind == "device":
        path = "/dev/zero"
    with pytest.raises(ConfigurationError, match=r"HttpClient\.ca_file"):
        HttpClient(ca_file=path).request("GET", "https://127.0.0.1:1/")


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_file_in_the_place_of_the_systems_authorities_is_refused_at_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/dev/zero" if kind == "device" else str(tmp_path / "it")
    if kind == "fifo":
        os.mkfifo(path)
    monkeypatch.setenv("SSL_CERT_FILE", path)
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE names '.*', which is no regular file"):
        HttpClient(trust_environment=False).request("GET", "https://127.0.0.1:1/")
