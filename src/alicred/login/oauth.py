"""An OAuth login in a browser: authorization code with PKCE, and a redirect to this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.login.page import Page
from alicred.login.redirect import RedirectListener
from alicred.sources.oauth import OAuthSite, OAuthTokens
from alicred.wire.http import HttpClient
from alicred.wire.oauth import OAuthClient, authorization_url
from alicred.wire.pkce import Pkce, random_text

_STATE_BYTES = 24


class OAuthLogin:
    """One login. It listens from its construction to the end of its ``with`` block.

    Args:
        site: Where.
        page: What the browser shows at the end.
        http: What sends the requests; ``None`` as in `OAuthClient`.
        clock: By which the tokens end.

    Raises:
        ConfigurationError: The site has no page to log in at, or no port that it could send the browser to is free.
    """

    def __init__(self, site: OAuthSite, *, page: Page | None = None, http: HttpClient | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        if not site.page:
            raise ConfigurationError(f"the site {site.sign_in_url} has no page to log in at. Choose CN or INTL")
        self._client = OAuthClient(site.sign_in_url, site.client_id, http=http, clock=clock)
        self._proof = Pkce()
        state = random_text(_STATE_BYTES)
        self._listener = RedirectListener(state, page or Page())
        self.url = authorization_url(
            site.page,
            client_id=site.client_id,
            redirect_uri=self._listener.redirect_uri,
            state=state,
            challenge=self._proof.challenge,
        )

    @property
    def redirect_uri(self) -> str:
        """Where the browser is sent."""
        return self._listener.redirect_uri

    @property
    def port(self) -> int:
        """The port of this machine in it."""
        return self._listener.port

    def __enter__(self) -> OAuthLogin:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.close()

    def tokens(self, at_most: timedelta, *, pasted: int | None = None, on_wrong_paste: Callable[[], None] = lambda: None) -> OAuthTokens:
        """What the login gives, once the person has allowed it in the browser; see `RedirectListener.wait`.

        Raises:
            DeniedError: The person, or the site, has said no.
            ProviderError: No tokens came; the type says whether trying again may help.
        """
        code = self._listener.wait(at_most, pasted=pasted, on_wrong_paste=on_wrong_paste)
        return self._client.tokens_for(code, redirect_uri=self.redirect_uri, verifier=self._proof.verifier)

    def keys(self, tokens: OAuthTokens) -> Credential:
        """The first keys for *tokens*.

        Raises:
            DeniedError: The user may not do this.
            ProviderError: No keys came; the type says whether trying again may help.
        """
        return self._client.exchange(tokens.access_token or "")
