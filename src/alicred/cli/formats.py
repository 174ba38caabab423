"""A credential as text, in the form that a shell, a file or another program reads. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Collection

from alicred.cli.variables import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN
from alicred.credential import Credential
from alicred.errors import ConfigurationError


def shell(credential: Credential, quoting: str, stale: Collection[str] = ()) -> str:
    """Commands that set the variables of *credential* in a shell, and remove its token if it has none.

    Args:
        credential: What to set.
        quoting: The shell: ``sh`` (any POSIX shell), ``fish`` or ``powershell``.
        stale: Further variables to remove.
    """
    set_, unset = _SHELLS[quoting]
    lines = [set_(name, value) for name, value in _variables(credential) if value]
    gone = [*(name for name, value in _variables(credential) if not value), *stale]
    return "\n".join([*lines, *map(unset, gone)])


def json(credential: Credential) -> str:
    """The answer of a credentials URI. What the credential does not have is ``null``."""
    return _json(
        {
            "Code": "Success",
            "AccessKeyId": credential.access_key_id,
            "AccessKeySecret": credential.access_key_secret,
            "SecurityToken": credential.security_token,
            "Expiration": expiration(credential),
        }
    )


def external(credential: Credential) -> str:
    """What the program of an `aliyun` profile in mode External prints. What the credential does not have is left out."""
    found = {"mode": "AK", "access_key_id": credential.access_key_id, "access_key_secret": credential.access_key_secret}
    if credential.security_token is not None:
        found |= {"mode": "StsToken", "sts_token": credential.security_token}
    end = expiration(credential)
    return _json(found if end is None else found | {"expiration": end})


def ini(credential: Credential) -> str:
    """A section of the profile file. It cannot say when the key ends."""
    values = {"access_key_id": credential.access_key_id, "access_key_secret": credential.access_key_secret}
    kind = "access_key"
    if credential.security_token is not None:
        kind, values = "sts", values | {"security_token": credential.security_token}
    for key, value in values.items():
        _refuse(value, "#;%\"'`", "ini", key)  # each is understood in two ways by those that read the file
        if value.endswith("\\"):
            raise _impossible("ini", key, "\\ at its end")
    return "\n".join(["[default]", "enable = true", f"type = {kind}", *(f"{key} = {value}" for key, value in values.items())])


def dotenv(credential: Credential) -> str:
    """Lines of a ``.env`` file, quoted so that all that read such files find the same. A missing token is set to nothing."""
    return "\n".join(f"{name}={_dotenv_quoted(name, value)}" for name, value in _variables(credential))


def docker(credential: Credential) -> str:
    """Lines for ``docker run --env-file``, which takes what stands behind ``=`` as it is. A missing token is set to nothing."""
    return "\n".join(f"{name}={value}" for name, value in _variables(credential))


FORMATS: dict[str, Callable[[Credential], str]] = {"json": json, "external": external, "ini": ini, "dotenv": dotenv, "docker": docker}
"""The formats beside `shell`."""


def expiration(credential: Credential) -> str | None:
    """When *credential* ends, as the services write it."""
    return None if credential.expires_at is None else credential.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _variables(credential: Credential) -> tuple[tuple[str, str], ...]:
    return (
        (ACCESS_KEY_ID, credential.access_key_id),
        (ACCESS_KEY_SECRET, credential.access_key_secret),
        (SECURITY_TOKEN, credential.security_token or ""),
    )


def _posix(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_SHELLS: dict[str, tuple[Callable[[str, str], str], Callable[[str], str]]] = {
    "sh": (lambda name, value: f"export {name}={_posix(value)}", lambda name: f"unset {name}"),
    "fish": (lambda name, value: f"set -gx {name} {_fish(value)}", lambda name: f"set -e {name}"),
    "powershell": (
        lambda name, value: f"$Env:{name} = {_powershell(value)}",
        lambda name: f"Remove-Item -ErrorAction Ignore Env:{name}",
    ),
}
SHELLS = tuple(_SHELLS)


def _dotenv_quoted(name: str, value: str) -> str:
    if "'" not in value and "\\" not in value:
        return f"'{value}'" if value else ""
    _refuse(value, '"\\$`', "dotenv", name)
    return f'"{value}"'


def _refuse(value: str, characters: str, format: str, name: str) -> None:
    found = next((character for character in characters if character in value), None)
    if found is not None:
        raise _impossible(format, name, found)


def _impossible(format: str, name: str, what: str) -> ConfigurationError:
    problem = f"the format {format} cannot hold {name}: it has a {what} in it, which not all programs read alike"
    return ConfigurationError(f"{problem}. Use --format json or --format env")


def _json(value: object) -> str:
    from json import dumps

    return dumps(value, indent=2)
