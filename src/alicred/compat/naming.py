"""What alicred's own parameters are called here: errors speak of them by the names that a user of the façade gave."""

from __future__ import annotations

# From the more to the less particular: the first that an error's text begins with counts.
_NAMES = {
    "HttpClient.proxy": "http_options.proxy (Config.proxy)",
    "ImdsClient.endpoint": "Config.host",
    "OidcRoleArnProvider.oidc_token_file": "OIDCRoleArnCredentialsProvider.oidc_token_file_path",
    "OidcRoleArnProvider.": "OIDCRoleArnCredentialsProvider.",
    "RamRoleArnProvider.": "RamRoleArnCredentialsProvider.",
    "RsaKeyPairProvider.": "RsaKeyPairCredentialsProvider.",
    "CloudSsoProvider.access_configuration_id": "CloudSSOCredentialsProvider.access_config",
    "CloudSsoProvider.": "CloudSSOCredentialsProvider.",
    "OAuthProvider.": "OAuthCredentialsProvider.",
    "OAuthTokens.": "OAuthCredentialsProvider.",
    "ExternalProcessProvider.command": "ExternalCredentialsProvider.process_command",
    "ExternalProcessProvider.": "ExternalCredentialsProvider.",
    "EcsRamRoleProvider.": "EcsRamRoleCredentialsProvider.",
    "ProfileFileProvider.path": "ProfileCredentialsProvider.profile_file",
    "ProfileFileProvider.profile": "ProfileCredentialsProvider.profile_name",
    "CliProfileProvider.path": "CLIProfileCredentialsProvider.profile_file",
    "CliProfileProvider.profile": "CLIProfileCredentialsProvider.profile_name",
    "BearerToken.token": "BearerTokenCredential.bearer_token (Config.bearer_token)",
    "Credential.": "",
}


def in_our_words(text: str) -> str:
    """*text*, which may begin with the name of a native parameter, with the façade's name for that."""
    for name, ours in _NAMES.items():
        if text.startswith(name):
            return ours + text.removeprefix(name)
    return text


def kind_of(value: object) -> str:
    """What *value* is, for an error that must not quote it: ``an int``, ``the class Config``."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
