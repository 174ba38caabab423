"""The two models: what a client is made of, and what it hands out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

import attrs

M = TypeVar("M", bound="_Model[str | float | bool] | _Model[str]")
V = TypeVar("V", bound="str | float | bool", covariant=True)


class _Model(Generic[V]):
    """What the two models share: their way into a map, by the keys that *_keys* has for the attributes, and out of it."""

    _keys: ClassVar[Mapping[str, str]]

    def validate(self) -> None:
        """Does nothing: a client checks what it is given when it is made."""

    def to_map(self) -> dict[str, V]:
        """The attributes that are set, secrets included, by the names that the official package gives them in a map."""
        values = ((key, getattr(self, name)) for name, key in self._keys.items())
        return {key: value for key, value in values if value is not None}

    def from_map(self: M, m: Mapping[str, object] | None = None) -> M:
        """Set the attributes that *m* has, and return this object."""
        for name, key in self._keys.items():
            value = (m or {}).get(key)
            if value is not None:
                setattr(self, name, value)
        return self


@attrs.define(kw_only=True, eq=False, slots=False)
class Config(_Model["str | float | bool"]):
    """What a `Client` is made of. Read when the client is made; changing it later changes nothing. No secret shows in its ``repr``.

    Which parameter counts for which *type*, and which is without effect, stands in the documentation of the façade.

    Args:
        type: ``access_key``, ``sts``, ``bearer``, ``ecs_ram_role``, ``ram_role_arn``, ``rsa_key_pair``, ``oidc_role_arn`` or
            ``credentials_uri``.
        access_key_id: Id of the key.
        access_key_secret: Secret of the key.
        security_token: Token of a temporary key.
        bearer_token: The bearer token.
        duration_seconds: Without effect, as in the official package: `role_session_expiration` counts.
        role_arn: ``acs:ram::<account>:role/<name>``; default ``ALIBABA_CLOUD_ROLE_ARN``.
        oidc_provider_arn: Default ``ALIBABA_CLOUD_OIDC_PROVIDER_ARN``.
        oidc_token_file_path: Default ``ALIBABA_CLOUD_OIDC_TOKEN_FILE``.
        role_session_name: Default ``ALIBABA_CLOUD_ROLE_SESSION_NAME``, else one that is made up.
        role_session_expiration: Lifetime of the keys, in seconds; 3600 by default.
        policy: The most that the session may do, as JSON.
        external_id: What the role's trust policy may ask for.
        sts_endpoint: Host of the STS, or a URL of it with a scheme.
        public_key_id: The service's ID of the public half of an RSA key.
        private_key_file: The file with the private half.
        role_name: The role of the instance; found out if it is not given.
        enable_imds_v2: Without effect: a token is always asked for first.
        disable_imds_v1: Whether the metadata service may not be asked without a token.
        metadata_token_duration: How long a token of the metadata service is to live: 1 to 21600 seconds.
        credentials_uri: Default ``ALIBABA_CLOUD_CREDENTIALS_URI``.
        host: For ``ecs_ram_role``: where the metadata service is, as a host or a URL. Else without effect.
        timeout: For a whole answer, in milliseconds.
        connect_timeout: For a connection, in milliseconds.
        proxy: ``http(s)://[user:password@]host[:port]``. Never for the metadata service.
    """

    _keys: ClassVar[Mapping[str, str]] = {
        "type": "type",
        "access_key_id": "accessKeyId",
        "access_key_secret": "accessKeySecret",
        "security_token": "securityToken",
        "bearer_token": "bearerToken",
        "duration_seconds": "durationSeconds",
        "role_arn": "roleArn",
        "oidc_provider_arn": "oidcProviderArn",
        "oidc_token_file_path": "oidcTokenFilePath",
        "role_session_name": "roleSessionName",
        "role_session_expiration": "roleSessionExpiration",
        "policy": "policy",
        "external_id": "externalId",
        "sts_endpoint": "stsEndpoint",
        "public_key_id": "publicKeyId",
        "private_key_file": "privateKeyFile",
        "role_name": "roleName",
        "disable_imds_v1": "disableIMDSv1",
        "enable_imds_v2": "enableIMDSv2",
        "metadata_token_duration": "metadataTokenDuration",
        "credentials_uri": "credentialsUri",
        "host": "host",
        "timeout": "timeout",
        "connect_timeout": "connectTimeout",
        "proxy": "proxy",
    }

    type: str | None = None
    access_key_id: str | None = None
    access_key_secret: str | None = attrs.field(default=None, repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)
    bearer_token: str | None = attrs.field(default=None, repr=False)
    duration_seconds: int | None = None
    role_arn: str | None = None
    oidc_provider_arn: str | None = None
    oidc_token_file_path: str | None = attrs.field(default=None, repr=False)
    role_session_name: str | None = None
    role_session_expiration: int | None = None
    policy: str | None = attrs.field(default=None, repr=False)
    external_id: str | None = attrs.field(default=None, repr=False)
    sts_endpoint: str | None = None
    public_key_id: str | None = None
    private_key_file: str | None = attrs.field(default=None, repr=False)
    role_name: str | None = None
    enable_imds_v2: bool | None = None
    disable_imds_v1: bool | None = None
    metadata_token_duration: int | None = None
    credentials_uri: str | None = attrs.field(default=None, repr=False)
    host: str | None = None
    timeout: float | None = None
    connect_timeout: float | None = None
    proxy: str | None = attrs.field(default=None, repr=False)


@attrs.define(eq=False, slots=False)
class CredentialModel(_Model[str]):
    """One credential as a `Client` hands it out: all parts are of one fetch. No secret shows in its ``repr``.

    Args:
        access_key_id: ``None`` for a bearer token.
        access_key_secret: ``None`` for a bearer token.
        security_token: ``None`` unless the key is a temporary one.
        bearer_token: ``None`` unless it is a bearer token.
        type: The type of the `Config`; ``default`` for the default chain; else the name of the provider.
        provider_name: Where the credential came from, such as ``default/env``.
    """

    _keys: ClassVar[Mapping[str, str]] = {
        "access_key_id": "accessKeyId",
        "access_key_secret": "accessKeySecret",
        "security_token": "securityToken",
        "bearer_token": "bearerToken",
        "type": "type",
        "provider_name": "providerName",
    }

    access_key_id: str | None = None
    access_key_secret: str | None = attrs.field(default=None, repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)
    bearer_token: str | None = attrs.field(default=None, repr=False)
    type: str | None = None
    provider_name: str | None = None

    def get_access_key_id(self) -> str | None:
        return self.access_key_id

    def get_access_key_secret(self) -> str | None:
        return self.access_key_secret

    def get_security_token(self) -> str | None:
        return self.security_token

    def get_bearer_token(self) -> str | None:
        return self.bearer_token

    def get_type(self) -> str | None:
        return self.type

    def get_provider_name(self) -> str | None:
        return self.provider_name


__all__ = ["Config", "CredentialModel"]
