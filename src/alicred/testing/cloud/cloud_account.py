"""The account side of a fake cloud: what it is made of, and what a test may add to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from alicred._internal.validators import flag, positive, span
from alicred.clock import Clock, SystemClock
from alicred.credential import BearerToken, Credential
from alicred.errors import ConfigurationError
from alicred.testing.clock import FakeClock
from alicred.testing.cloud.account import Account, Role, Session
from alicred.testing.cloud.api import Api
from alicred.testing.cloud.cloud_sso import CloudSso
from alicred.testing.cloud.exchange import Json
from alicred.testing.cloud.issued_tokens import OIDC_PROVIDER, SAML_PROVIDER, IssuedTokens
from alicred.testing.cloud.login_pages import LoginRules
from alicred.testing.cloud.logins import CloudSsoLogin, OAuth, OAuthLogin
from alicred.testing.cloud.metadata import CredentialsUri, Metadata
from alicred.testing.cloud.service import Service

_HOUR = timedelta(hours=1)


def _whole_seconds(instance: object, field: attrs.Attribute[timedelta], value: object) -> None:
    positive(instance, field, value)
    if isinstance(value, timedelta) and value < timedelta(seconds=1):
        raise ConfigurationError(f"FakeCloud.{field.name} must be one second or more: the services speak in whole seconds")


def _own_clock(clock: Clock | None) -> Clock:
    return SystemClock() if clock is None else clock  # not SYSTEM_CLOCK: what a client learns from the cloud must not move the cloud


@attrs.define(kw_only=True, eq=False, repr=False, slots=False)
class CloudAccount:
    """The part of `FakeCloud` with keys, roles and logins, without HTTP. Thread-safe; nothing blocks but `add_rsa_key`."""

    session: timedelta = attrs.field(default=_HOUR, validator=_whole_seconds)
    clock: Clock = attrs.field(default=None, converter=_own_clock, on_setattr=attrs.setters.frozen)
    skew: timedelta = attrs.field(default=timedelta(0), validator=span)
    honour_duration: bool = attrs.field(default=False, validator=flag)
    imds_v1: bool = attrs.field(default=True, validator=flag)
    imds_v2: bool = attrs.field(default=True, validator=flag)

    def __attrs_post_init__(self) -> None:
        self._account = Account(self.now, self._span_of)
        self._issued_tokens = IssuedTokens(self.now)
        self._key = self._account.add_key()
        self._role = role = self._account.add_role("test-role", None, None, None)
        self._api = Api(self._account, self._issued_tokens, self.now)
        self._metadata = Metadata(self._account, self.now, lambda: (self.imds_v1, self.imds_v2))
        self._metadata.role = role
        self.login_rules = LoginRules()
        self._oauth = OAuth(self._account, role, self.now, self.login_rules)
        self._cloud_sso = CloudSso(self._account, role, self.now, self.login_rules)
        uri = CredentialsUri(self._account, role)
        self._services: tuple[Service, ...] = (self._api, self._metadata, uri, self._oauth, self._cloud_sso)

    def now(self) -> datetime:
        """What its clock shows, in UTC."""
        clock = self.clock
        return (clock.true_time() if isinstance(clock, FakeClock) else clock.utcnow()) + self.skew

    @property
    def access_key(self) -> Credential:
        """The access key of a user, there from the beginning. It may assume every role without a trust policy."""
        return _credential_of_user(self._key.access_key_id, self._key.access_key_secret)

    @property
    def role_arn(self) -> str:
        """A role, there from the beginning: the instance's, and the one behind the credentials URI, OAuth and CloudSSO."""
        return self._role.arn

    @property
    def oidc_provider_arn(self) -> str:
        """The provider whose tokens `add_oidc_token` makes."""
        return OIDC_PROVIDER

    @property
    def saml_provider_arn(self) -> str:
        """The provider whose assertions `add_saml_assertion` makes."""
        return SAML_PROVIDER

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Every session that was handed out, in order."""
        return self._account.sessions

    def add_access_key(self) -> Credential:
        """A new user's access key. It never ends, unless it is revoked."""
        key = self._account.add_key()
        return _credential_of_user(key.access_key_id, key.access_key_secret)

    def add_role(
        self,
        name: str,
        *,
        session: timedelta | None = None,
        trusts: Collection[str] | None = None,
        external_id: str | None = None,
    ) -> str:
        """A new role; its ARN is returned. A role of the same name is replaced.

        Args:
            name: Its name.
            session: How long its sessions last; `session` of the cloud if not given.
            trusts: Who may assume it: access key ids, ARNs of roles and users, or ARNs of identity providers; ``None`` is any of them.
            external_id: The ``ExternalId`` that ``AssumeRole`` must come with; ``None`` takes any.

        Raises:
            ConfigurationError: *name* is empty or holds a slash or a blank.
        """
        if not name or "/" in name or any(c.isspace() for c in name):
            raise ConfigurationError("FakeCloud.add_role: name must be a role name without slashes and blanks")
        return self._account.add_role(name, session, trusts, external_id).arn

    def add_rsa_key(self) -> tuple[str, str]:
        """A new user's key pair, made now: the public key's id, and the private key as PEM (PKCS8)."""
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
        return self._account.add_public_key(private_key.public_key()), pem

    def add_oidc_token(self, *, lasts: timedelta = _HOUR, subject: str = "system:serviceaccount:default:test") -> str:
        """A token of `oidc_provider_arn` for *subject* that ends after *lasts*."""
        return self._issued_tokens.add_oidc(self.now() + lasts, subject)

    def add_saml_assertion(self, *, lasts: timedelta = _HOUR, subject: str = "alice") -> str:
        """An assertion of `saml_provider_arn` for *subject* that ends after *lasts*, in base64."""
        return self._issued_tokens.add_saml(self.now() + lasts, subject)

    def add_bearer_token(self, *, lasts: timedelta = _HOUR) -> BearerToken:
        """A bearer token that every product takes until it ends after *lasts*."""
        ends_at = self.now() + lasts
        return BearerToken(self._issued_tokens.add_bearer(ends_at), expires_at=ends_at)

    def add_oauth_login(self, *, client_id: str = "test-client", lasts: timedelta = _HOUR) -> OAuthLogin:
        """A login at `http_endpoint` or `endpoint` as the OAuth site, whose access tokens end after *lasts*."""
        return self._oauth.login(client_id, lasts)

    def add_cloud_sso_login(self, *, lasts: timedelta = _HOUR) -> CloudSsoLogin:
        """A login at `endpoint` as the sign-in URL, whose access token ends after *lasts*."""
        return self._cloud_sso.login(lasts)

    def add_cloud_sso_account(self, name: str, *, configurations: Sequence[str] = ("test-access",)) -> str:
        """An account of the CloudSSO directory, in which everyone who logs in with a browser may work. There is none before.

        Args:
            name: What it is called.
            configurations: The names of the access configurations to work with there.

        Returns:
            The account's id.
        """
        return self._cloud_sso.add_account(name, configurations)

    def attach_instance_role(self, name: str | None) -> None:
        """Give the instance behind the metadata service the role of this name, or with ``None`` no role.

        Raises:
            ConfigurationError: There is no such role.
        """
        role: Role | None = None
        if name is not None:
            role = self._account.role_named(name)
            if role is None:
                raise ConfigurationError(f"FakeCloud.attach_instance_role: there is no role {name!r}: call add_role first")
        self._metadata.role = role

    def revoke(self, access_key_id: str) -> None:
        """Reject a key of a user or of a session from now on.

        Raises:
            ConfigurationError: There is no such key.
        """
        if not self._account.revoke(access_key_id):
            raise ConfigurationError("FakeCloud.revoke: this cloud has no key of this id")

    def answer(self, operation: str, payload: Mapping[str, Json]) -> None:
        """Answer every accepted call of a product's *operation* with *payload*; ``RequestId`` comes by itself."""
        self._api.products[operation] = payload

    def _span_of(self, role: Role | None, asked: timedelta | None) -> timedelta:
        if self.honour_duration and asked is not None:
            return asked
        return self.session if role is None or role.session is None else role.session


def _credential_of_user(access_key_id: str, access_key_secret: str) -> Credential:
    return Credential(access_key_id, access_key_secret, provider_name="fake_cloud")
