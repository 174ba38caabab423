"""Which certificate authorities a request trusts, and what is wrong where it trusts none."""

from __future__ import annotations

import ssl
import stat
from typing import Any

from alicred._internal.late import os
from alicred._internal.real_time import monotonic
from alicred._internal.shortage import TEMPORARY, shortage
from alicred.errors import ConfigurationError, TransientError

_NONE_TRUSTED = (
    "Install your system's package ca-certificates, set SSL_CERT_FILE to the file of the package certifi, or set ca_file: this Python "
    "trusts no certificate authority"
)


class Trust:
    """The authorities of one file, or the system's. Read again for each request, so that a file that was replaced counts.

    Args:
        ca_file: PEM file, with a leading ``~`` as the home directory; ``None`` means what OpenSSL finds: ``SSL_CERT_FILE``,
            ``SSL_CERT_DIR``, or the system's own places.
    """

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """What verifies certificates, always.

        Raises:
            ConfigurationError: The file cannot be used; the text names it.
            TransientError: The file cannot be read now, as this machine is short of something.
        """
        context = _system_context() if self._ca_file is None else _context_of(self._ca_file)
        context.set_alpn_protocols(["http/1.1"])
        context.sslsocket_class = _budgeted_socket_class()
        self._context = context
        return context

    def gap(self) -> str | None:
        """What to do if no authority is trusted, as an instruction; ``None`` if some are."""
        if self._ca_file is not None or self._context is None:
            return None
        paths = ssl.get_default_verify_paths()
        for name in (paths.openssl_cafile_env, paths.openssl_capath_env):
            named = os.environ.get(name, "")
            if named and not any(os.path.exists(each) for each in named.split(os.pathsep)):
                return f"Correct {name}, which names {named!r}, a path that does not exist"
        if not _is_empty(self._context):
            return None
        folders = os.environ.get(paths.openssl_capath_env) or paths.openssl_capath
        if any(os.path.isdir(folder) and os.listdir(folder) for folder in folders.split(os.pathsep)):
            return None  # OpenSSL looks into it while it verifies
        return _NONE_TRUSTED


def _context_of(ca_file: str) -> ssl.SSLContext:
    name = f"HttpClient.ca_file {ca_file!r}"
    path = os.path.expanduser(ca_file)
    why = ""
    for _ in range(2):  # a file may be missing for the moment in which it is replaced
        try:
            if stat.S_ISREG(os.stat(path).st_mode):
                return ssl.create_default_context(cafile=path)
            why = "it is no regular file"
        except ssl.SSLError:
            why = "it holds no certificate in PEM form"
        except OSError as error:
            if short := shortage(error):
                raise TransientError(f"{name} cannot be read now: {short}", code=TEMPORARY) from None
            why = os.strerror(error.errno or 0)
        except ValueError:
            why = "no path can hold these characters"
    raise ConfigurationError(f"{name} cannot be used: {why}")


def _is_pipe_or_device(path: str) -> bool:
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        return kind not in (stat.S_IFREG, stat.S_IFDIR) and not os.path.samefile(path, os.devnull)
    except (OSError, ValueError):  # it is not there: what follows says so
        return False


def _system_context() -> ssl.SSLContext:
    named = os.environ.get("SSL_CERT_FILE", "")
    if named and _is_pipe_or_device(named):  # OpenSSL would read it for as long as something comes, or wait for ever
        raise ConfigurationError(f"SSL_CERT_FILE names {named!r}, which is no regular file. Correct it")
    context = ssl.create_default_context()
    if _is_empty(context):
        # OpenSSL does not say that it could not open a file. With nothing trusted, a good certificate would be called a bad one.
        file = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().openssl_cafile
        try:
            os.close(os.open(file, os.O_RDONLY | os.O_NONBLOCK))
        except (OSError, ValueError) as error:
            if short := shortage(error):
                raise TransientError(f"the certificate authorities in {file} cannot be read now: {short}", code=TEMPORARY) from None
    return context


def _is_empty(context: ssl.SSLContext) -> bool:
    """Whether OpenSSL has read no authority; it may still find some in a folder, or the system be asked."""
    try:
        return not context.cert_store_stats()["x509_ca"]
    except NotImplementedError:  # of the package truststore, which puts its own in the place of ssl.SSLContext
        return False


def _budgeted_socket_class() -> type[ssl.SSLSocket]:
    """The class of a TLS socket whose time-out is for everything until it is set again, not for each read and each write.

    urllib3 runs TLS within TLS through many small reads of the outer socket. With a time-out for each, a proxy that drips can go on for
    ever.
    """

    class BudgetedSocket(ssl.SSLSocket):
        _ends: float | None = None

        def settimeout(self, value: float | None, /) -> None:
            self._ends = None if value is None else monotonic() + value
            super().settimeout(value)

        def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
            self._spend()
            return super().recv(buflen, flags)

        def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
            self._spend()
            return super().recv_into(buffer, nbytes, flags)

        def send(self, data: Any, flags: int = 0) -> int:
            self._spend()
            return super().send(data, flags)

        def _spend(self) -> None:
            if self._ends is not None:
                left = self._ends - monotonic()
                if left <= 0:
                    raise TimeoutError
                super().settimeout(left)

    return BudgetedSocket
