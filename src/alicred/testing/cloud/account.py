"""The one account of a fake cloud: its users' keys, its roles, and the sessions that it has handed out."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from alicred._internal.public import public
from alicred.testing.cloud.exchange import Json, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ACCOUNT_ID = "1000000000000001"


def random_text(size: int = 12) -> str:
    """Twice *size* hex digits."""
    return os.urandom(size).hex()


def random_token(size: int = 96) -> str:
    """Base64 of *size* random bytes after a ``+/=``: a token that is spoilt by a client that does not encode it."""
    return "+/=" + base64.b64encode(os.urandom(size)).decode("ascii")


def wire_time(moment: datetime) -> str:
    """*moment* as the services write it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@public("alicred.testing")
@attrs.frozen(kw_only=True)
class Session:
    """A temporary key that the cloud has handed out. It holds no secret.

    Args:
        access_key_id: Id of the key.
        arn: Who acts with it, for example ``"acs:ram::<account>:assumed-role/<role>/<session name>"``.
        operation: The operation that handed it out, such as ``"AssumeRole"``.
        begins_at: When it was handed out, on the cloud's clock.
        ends_at: When it ends, on the cloud's clock, in whole seconds.
    """

    access_key_id: str
    arn: str
    operation: str
    begins_at: datetime
    ends_at: datetime


@attrs.frozen(kw_only=True)
class Role:
    """A role of the account."""

    name: str
    arn: str
    role_id: str
    session: timedelta | None
    trusts: frozenset[str] | None
    external_id: str | None

    def admits(self, caller: str, caller_arn: str) -> bool:
        """Whether the trust policy lets *caller* in: an access key id, or who stands behind it."""
        return self.trusts is None or bool(self.trusts & {caller, caller_arn})


@attrs.frozen(kw_only=True)
class Key:
    """An access key as the account keeps it: of a user, or of a session."""

    access_key_id: str
    access_key_secret: str = attrs.field(repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)
    arn: str
    principal_id: str
    role: Role | None = None
    ends_at: datetime | None = None

    @property
    def trusted_as(self) -> str:
        """What a trust policy names: the role behind a session, else the user."""
        return self.arn if self.role is None else self.role.arn


class Account:
    """Keys, roles, sessions and used nonces. Thread-safe; nothing blocks.

    Args:
        now: The cloud's clock.
        span: How long a session is to last, for its role and for what the caller asked.
    """

    def __init__(self, now: Callable[[], datetime], span: Callable[[Role | None, timedelta | None], timedelta]) -> None:
        self._now = now
        self._span = span
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._revoked: set[str] = set()
        self._tokens: set[str] = set()
        self._roles: dict[str, Role] = {}
        self._nonces: set[str] = set()
        self._sessions: list[Session] = []
        self._public_keys: dict[str, tuple[RSAPublicKey, Key]] = {}

    @property
    def sessions(self) -> tuple[Session, ...]:
        with self._lock:
            return tuple(self._sessions)

    def add_key(self) -> Key:
        """A new user with a new access key that never ends."""
        user_id = random_text(9)
        key = Key(
            access_key_id=f"AK.{random_text()}",
            access_key_secret=random_text(15),
            arn=f"acs:ram::{ACCOUNT_ID}:user/user-{user_id}",
            principal_id=user_id,
        )
        with self._lock:
            self._keys[key.access_key_id] = key
        return key

    def add_public_key(self, public_key: RSAPublicKey) -> str:
        """Register a public key for a new user; its id is returned."""
        public_key_id = f"PK.{random_text()}"
        with self._lock:
            user_id = random_text(9)
            owner = Key(
                access_key_id=public_key_id,
                access_key_secret="",
                arn=f"acs:ram::{ACCOUNT_ID}:user/user-{user_id}",
                principal_id=user_id,
            )
            self._public_keys[public_key_id] = (public_key, owner)
        return public_key_id

    def add_role(self, name: str, session: timedelta | None, trusts: Collection[str] | None, external_id: str | None) -> Role:
        """A new role, or another one in the place of the one of this name."""
        role = Role(
            name=name,
            arn=_role_arn(name),
            role_id=random_text(9),
            session=session,
            trusts=None if trusts is None else frozenset(trusts),
            external_id=external_id,
        )
        with self._lock:
            self._roles[role.arn] = role
        return role

    def role(self, arn: str) -> Role | None:
        return self._roles.get(arn)

    def role_named(self, name: str) -> Role | None:
        return self._roles.get(_role_arn(name))

    def revoke(self, access_key_id: str) -> bool:
        """Reject the key from now on; false if there is none of this id."""
        with self._lock:
            self._revoked.add(access_key_id)
            return access_key_id in self._keys or access_key_id in self._public_keys

    def key(self, access_key_id: str) -> Key:
        """The key of this id.

        Raises:
            Refused: There is none, or it has been revoked.
        """
        key = self._keys.get(access_key_id)
        if key is None or (key.security_token is None and self.is_over(key)):
            raise Refused(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        self._check_active(access_key_id)
        return key

    def public_key(self, public_key_id: str) -> tuple[RSAPublicKey, Key]:
        """The public key of this id and its owner.

        Raises:
            Refused: There is none, or it has been revoked.
        """
        pair = self._public_keys.get(public_key_id)
        if pair is None:
            raise Refused(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        self._check_active(public_key_id)
        return pair

    def _check_active(self, access_key_id: str) -> None:
        if access_key_id in self._revoked:
            raise Refused(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")

    def check_token(self, key: Key, token: str) -> None:
        """Whether *token* goes with *key*, and the session of both is not over.

        Raises:
            Refused: It does not.
        """
        if not token and key.security_token is not None:
            raise Refused(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
        if token and token not in self._tokens:
            raise Refused(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
        if token and token != key.security_token:
            raise Refused(400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.")
        if self.is_over(key):
            raise Refused(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")

    def is_over(self, key: Key) -> bool:
        """Whether the key has ended."""
        return key.ends_at is not None and self._now() >= key.ends_at

    def use_nonce(self, nonce: str) -> None:
        """Take note of a nonce.

        Raises:
            Refused: It has been used before.
        """
        with self._lock:
            if nonce not in self._nonces:
                self._nonces.add(nonce)
                return
        raise Refused(400, "SignatureNonceUsed", "Specified signature nonce was used already.")

    def open_role_session(self, operation: str, role: Role, session_name: str, asked: timedelta | None = None) -> Key:
        """A new session of *role*."""
        arn = f"acs:ram::{ACCOUNT_ID}:assumed-role/{role.name}/{session_name}"
        return self._open(operation, arn, f"{role.role_id}:{session_name}", role, random_token(), asked)

    def open_key_session(self, operation: str, owner: Key, asked: timedelta | None = None) -> Key:
        """A new session of a user, without a security token."""
        return self._open(operation, owner.arn, owner.principal_id, None, None, asked)

    def _open(self, operation: str, arn: str, principal_id: str, role: Role | None, token: str | None, asked: timedelta | None) -> Key:
        begins_at = self._now()
        ends_at = (begins_at + self._span(role, asked)).replace(microsecond=0)
        key = Key(
            access_key_id=f"STS.{random_text()}",
            access_key_secret=random_text(15),
            security_token=token,
            arn=arn,
            principal_id=principal_id,
            role=role,
            ends_at=ends_at,
        )
        session = Session(access_key_id=key.access_key_id, arn=arn, operation=operation, begins_at=begins_at, ends_at=ends_at)
        with self._lock:
            self._keys[key.access_key_id] = key
            if token is not None:
                self._tokens.add(token)
            self._sessions.append(session)
        return key


def _role_arn(name: str) -> str:
    return f"acs:ram::{ACCOUNT_ID}:role/{name}"


def credentials(key: Key) -> dict[str, Json]:
    """A session's key in PascalCase, as most services hand it out."""
    return {
        "AccessKeyId": key.access_key_id,
        "AccessKeySecret": key.access_key_secret,
        "SecurityToken": key.security_token,
        "Expiration": None if key.ends_at is None else wire_time(key.ends_at),
    }


def caller_identity(key: Key) -> Mapping[str, Json]:
    """The fields of ``GetCallerIdentity``."""
    return {
        "AccountId": ACCOUNT_ID,
        "Arn": key.arn,
        "IdentityType": "RAMUser" if key.role is None else "AssumedRoleUser",
        "PrincipalId": key.principal_id,
        "UserId": key.principal_id if key.role is None else None,
        "RoleId": None if key.role is None else key.role.role_id,
    }
