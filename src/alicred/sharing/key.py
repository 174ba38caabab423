"""The key with which workers seal what they share."""

from __future__ import annotations

import base64
import binascii
import secrets
import stat

import alicred._internal.checks as check
from alicred._internal.files import read_file, shown
from alicred._internal.late import os
from alicred._internal.public import public
from alicred.errors import ConfigurationError

_BYTES = 32
_LARGEST_FILE = 4096  # bytes
_WHAT = "the store key"
_NAME = "store.key"


@public("alicred.sharing")
class StoreKey:
    """32 secret bytes that all workers of a fleet have: who has them can read what is shared. Immutable and picklable (with the bytes).

    Args:
        secret: The bytes.

    Raises:
        ConfigurationError: They are not 32 bytes.
    """

    __slots__ = ("_path", "_secret")

    def __init__(self, secret: bytes) -> None:
        if type(secret) is not bytes or len(secret) != _BYTES:
            found = f"{len(secret)} bytes" if type(secret) is bytes else f"a {type(secret).__name__}"
            raise ConfigurationError(f"StoreKey.secret must be 32 bytes, not {found}. StoreKey.generate() makes some")
        self._secret: bytes | None = secret
        self._path: str | None = None

    @classmethod
    def generate(cls) -> StoreKey:
        """A new key, made of the system's random bytes."""
        return cls(secrets.token_bytes(_BYTES))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> StoreKey:
        """The key in a file: 32 bytes, or their base64 text. It is read when the key is used, so that a mounted secret may be rotated.

        Raises:
            ConfigurationError: *path* is no path. What is wrong with the file is told when the key is used.
        """
        self = cls.__new__(cls)
        self._secret = None
        self._path = check.path("StoreKey.from_file.path", path)
        return self

    @classmethod
    def beside(cls, directory: str | os.PathLike[str]) -> StoreKey:
        """The key in the file ``store.key`` of *directory*, which is made at the first use: for a `FileStore` there.

        It protects copies of the records, in a backup for one. Who can read the directory can read both.

        Raises:
            ConfigurationError: *directory* is no path.
        """
        self = cls.from_file(os.path.join(check.path("StoreKey.beside.directory", directory), _NAME))
        return _MadeAtFirstUse.of(self)

    @property
    def id(self) -> str:
        """Eight hex digits that differ from key to key, to compare; they tell nothing of the key.

        Raises:
            ConfigurationError: The file is missing, unreadable, open to other users, or holds no key; the text names it.
        """
        return self.subkey("id")[:4].hex()

    def subkey(self, label: str) -> bytes:
        """32 bytes for the use *label*, derived by HKDF-SHA256 (RFC 5869).

        Raises:
            ConfigurationError: As `id`.
        """
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), _BYTES, salt=None, info=b"alicred " + label.encode()).derive(self._current())

    def _current(self) -> bytes:
        return self._secret if self._secret is not None else _read(self._path or "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreKey) and (self._secret, self._path) == (other._secret, other._path)

    def __hash__(self) -> int:
        return hash((self._secret, self._path))

    def __repr__(self) -> str:
        return f"StoreKey.from_file({self._path!r})" if self._path is not None else "<StoreKey>"


class _MadeAtFirstUse(StoreKey):
    """A key whose file is made when it is not there."""

    __slots__ = ()

    @classmethod
    def of(cls, key: StoreKey) -> StoreKey:
        self = cls.__new__(cls)
        self._secret, self._path = key._secret, key._path
        return self

    def _current(self) -> bytes:
        path = self._path or ""
        if not os.path.lexists(path):
            _make(path)
        return _read(path)


def _make(path: str) -> None:
    """A new key at *path*; of several workers that make one, the first one's stays."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        part = f"{path}.{secrets.token_hex(8)}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(_BYTES)) + b"\n")
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(part)
    except OSError as error:
        raise ConfigurationError(f"{_WHAT} {shown(path)} cannot be made ({error.strerror}). Make it, or give another directory") from None


def _read(path: str) -> bytes:
    content = read_file(path, what=_WHAT, limit=_LARGEST_FILE, private=True)
    if os.name == "posix":
        found = os.stat(path)
        # A secret that Kubernetes mounts for a user other than root belongs to root, and to a group of the user's, who may read it.
        group = 0o040 if found.st_uid == 0 and found.st_gid in (os.getegid(), *os.getgroups()) else 0
        if stat.S_IMODE(found.st_mode) & 0o077 & ~group:
            mode = f"mode {stat.S_IMODE(found.st_mode):04o}"
            raise ConfigurationError(f"other users may read {_WHAT} {shown(path)} ({mode}). Make it its owner's alone: chmod 600")
        if found.st_uid not in (0, os.geteuid()):
            raise ConfigurationError(f"{_WHAT} {shown(path)} belongs to another user. Give it to this one, or to root")
    if len(content) == _BYTES:
        return content
    try:
        secret = base64.b64decode(content.strip(), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != _BYTES:
        raise ConfigurationError(f"{_WHAT} {shown(path)} must hold 32 bytes, or their base64 text: `openssl rand -base64 32` prints one")
    return secret
