"""The site that a CloudSSO user has logged in at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.wire import answers
from alicred.wire.login_site import LoginSite

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.wire.http import HttpClient

_PATH = "/cloud-credentials"


class CloudSsoClient(LoginSite):
    """Asks the site of a CloudSSO login. As safe as `LoginSite`; a method blocks for one request.

    Args:
        sign_in_url: As in `LoginSite`.
        http: As in `LoginSite`.
        clock: As in `LoginSite`.
        owner: As in `LoginSite`.

    Raises:
        ConfigurationError: A parameter is wrong; the text names it.
    """

    def __init__(
        self, sign_in_url: str, *, http: HttpClient | None = None, clock: Clock = SYSTEM_CLOCK, owner: str = "CloudSsoClient"
    ) -> None:
        super().__init__(owner, sign_in_url, http, "CloudSSO", clock)

    def credential(self, access_token: str, *, account_id: str, access_configuration_id: str) -> Credential:
        """New keys of an access configuration; their ``provider_name`` is empty.

        Args:
            access_token: What the login gave.
            account_id: The account to work in.
            access_configuration_id: ``ac-…``.

        Raises:
            DeniedError: The site does not take the access token, or the user may not use the access configuration.
            ProviderError: No keys came; the type says whether trying again may help.
        """
        body = json.dumps({"AccountId": account_id, "AccessConfigurationId": access_configuration_id}, separators=(",", ":"))
        headers = {"authorization": f"Bearer {access_token}", "content-type": "application/json"}
        operation = self._operation(f"for the keys of the access configuration {access_configuration_id}")
        found = self._post(_PATH, headers, body.encode("ascii"), operation=operation, secrets=(access_token,))
        return answers.credential(answers.nested(found, "CloudCredential", operation=operation), operation=operation)
