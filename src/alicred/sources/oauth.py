"""The access of a person who has logged in with a browser, on tokens that renew each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

import alicred._internal.checks as check
from alicred._internal.forks import watch
from alicred._internal.log import WARNING, log
from alicred._internal.owned_lock import OwnedLock
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential, named
from alicred.errors import ConfigurationError, DeniedError, TransientError, is_of_user_code
from alicred.sources._source import Source, errors_of
from alicred.wire.oauth import OAuthClient
from alicred.wire.oauth import OAuthTokens as OAuthTokens  # a public name of this module
from alicred.wire.operation import Operation

if TYPE_CHECKING:
    from alicred.wire.http import HttpClient

_OWNER = "OAuthProvider"
_EARLY = timedelta(minutes=20)  # how long before its end an access token is renewed
_ELSEWHERE = -1  # the number of no process


@attrs.frozen
class OAuthSite:
    """Where a login is, and the application that logs in there. A value; nothing in it is secret.

    Args:
        sign_in_url: ``https://host``, where tokens are renewed and keys are fetched.
        client_id: The id of the application, which is the command line tool.
        page: What a person opens in a browser to log in; empty if that is not known.
    """

    sign_in_url: str
    client_id: str
    page: str = ""


OAUTH_SITES: Mapping[str, OAuthSite] = MappingProxyType(
    {
        "CN": OAuthSite("https://oauth.aliyun.com", "4038181954557748008", "https://signin.aliyun.com/oauth2/v1/auth"),
        "INTL": OAuthSite("https://oauth.alibabacloud.com", "4103531455503354461", "https://signin.alibabacloud.com/oauth2/v1/auth"),
    }
)
"""The sites of Alibaba Cloud, by the names that the command line tool has for them."""


@public("alicred")
class OAuthProvider(Source):
    """Temporary keys for the tokens that a login with a browser has left behind.

    The access token is renewed when it is missing or has 20 minutes or less to live, and there is a refresh token. The site then
    hands out a new refresh token too, and the old one is spent: **sending it again ends the login**. So one object sends each
    once, whatever the number of threads and tasks that call `get`, and hands the new tokens to *on_tokens* before it uses them.

    Other processes are another matter: a forked child and a pickled copy hold the refresh token too, and only one of them all can
    spend it. Let one process have it, or use the profile of the command line tool, whose tokens all processes share through its file.

    Thread-, task- and fork-safe; picklable if *on_tokens* is; a pickle holds the tokens of the moment. `get` blocks for at most the
    time-outs of the HTTP client, for up to four requests, and as long again for each caller in front that is renewing the tokens: a
    lock is held while they are renewed and *on_tokens* runs. That is right only because `get` blocks anyway; on an event loop, go
    through `CachingProvider.aget`, which calls it on a thread. A child that is forked meanwhile has a lock of its own.

    Args:
        client_id: The application that logged in; see `OAUTH_SITES`.
        sign_in_url: Where the login was: any URL of that site, of which scheme, host and port count. ``https``, or ``http`` to
            loopback, link-local and private addresses.
        tokens: What the login has left behind.
        on_tokens: Called with every new pair of tokens, in their order, on the thread that calls `get`, so that they can be saved.
            It may call `get`, but must not wait for another thread that does. If it raises, the keys are served all the same, and
            the log says that the tokens were not saved.
        http: What sends the requests; ``None`` means an `HttpClient` with its defaults, which goes through no proxy to an ``http`` URL.
        clock: Where the time comes from, by which what it was given ends.
        name: What this source is called; ``None`` means ``oauth``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or form; the text names it.
    """

    def __init__(
        self,
        *,
        client_id: str,
        sign_in_url: str,
        tokens: OAuthTokens,
        on_tokens: Callable[[OAuthTokens], None] | None = None,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "oauth", name)
        check.clock(f"{_OWNER}.clock", clock)
        self._clock = clock
        self._client = OAuthClient(sign_in_url, client_id, http=http, owner=_OWNER, clock=clock)
        check.required(f"{_OWNER}.tokens", tokens, OAuthTokens)
        self._tokens = tokens
        self._on_tokens = None if on_tokens is None else check.function(f"{_OWNER}.on_tokens", on_tokens)
        # The refresh token that is being spent, and the process that does so: a copy, by a fork or a pickle, must not spend it again.
        self._spending: tuple[int, str | None] | None = None
        self._forget_lock()
        watch(self, OAuthProvider._forget_lock)

    def _forget_lock(self) -> None:
        self._lock = OwnedLock()

    def get(self) -> Credential:
        """New keys.

        Raises:
            DeniedError: The login is over; the text says how to log in again. Or the user may not do this.
            TransientError: The site could not be reached, or is too busy.
            MalformedResponseError: The answer is not what the site promises.
            ConfigurationError: This object is a copy, by a fork or a pickle, made while the original was renewing its tokens, and there is
                no access token that it could use.
        """
        with errors_of(self.name, f"the OAuth login at {self._client.endpoint}") as origin:
            before = self._tokens
            tokens = self._in_time(before)
            try:
                fetched = self._exchange(tokens)
            except DeniedError as error:
                # Ended before its time, or this machine's clock is wrong.
                if error.status != 401 or tokens is not before or before.refresh_token is None:
                    raise
                fetched = self._exchange(self._renewed(before))
        return named(fetched, self.name, origin=origin.text)

    def _in_time(self, tokens: OAuthTokens) -> OAuthTokens:
        """*tokens*, or those that came after them if their access token is about to end."""
        ends_at = None if tokens.access_token is None else tokens.access_token_expires_at
        left = None if ends_at is None else ends_at - self._clock.utcnow()
        if tokens.refresh_token is None or (left is not None and left > _EARLY):
            return tokens
        try:
            return self._renewed(tokens)
        except TransientError as error:
            if left is None or left <= timedelta(0):
                raise
            # It lasts some minutes more, and the site may be well again by then.
            log(WARNING, "oauth: the access token lasts %.0f s more, and could not be renewed: %s", left.total_seconds(), error)
        return tokens

    def _renewed(self, known: OAuthTokens) -> OAuthTokens:
        """The tokens that come after *known*: those that another thread has brought meanwhile, else new ones."""
        if not self._lock.is_mine():  # else on_tokens has called get()
            self._lock.run(lambda: self._renew_once(known))
        return self._tokens

    def _renew_once(self, known: OAuthTokens) -> None:
        here = os.getpid(), known.refresh_token
        by_another = self._spending is not None and self._spending[0] != here[0] and self._spending[1] == here[1]
        if self._tokens is known and not by_another:
            self._spending = here
            try:
                self._renew(known)
            finally:
                self._spending = None  # if this does not come to run, the lock says that no thread of this process is at it

    def _renew(self, known: OAuthTokens) -> None:
        new = self._client.renew(known.refresh_token or "")
        self._tokens = new
        self._hand_over(new)  # also those of an answer that lacks a part: the old refresh token is spent
        if new.access_token is None:
            raise Operation("the request to renew the access token", endpoint=self._client.endpoint).malformed(
                "the answer lacks access_token", status=200
            )

    def _hand_over(self, tokens: OAuthTokens) -> None:
        if self._on_tokens is None:
            return
        try:
            self._on_tokens(tokens)
        except BaseException as error:  # a user's function may end in any way, and the keys are there to be served
            if not isinstance(error, SystemExit) and not is_of_user_code(error):
                raise
            what = "oauth: the renewed tokens were not saved (on_tokens ended with %s), and those saved before are spent. %s when this ends"
            log(WARNING, what, type(error).__name__, self._client.log_in_again)

    def _exchange(self, tokens: OAuthTokens) -> Credential:
        if tokens.access_token is None:
            raise ConfigurationError(
                "there is no access token, and the refresh token was being spent when this provider was copied, by a fork or a pickle. "
                f"Make one with the tokens that came after it. {self._client.log_in_again} if there are none."
            )
        return self._client.exchange(tokens.access_token)

    def __getstate__(self) -> dict[str, object]:
        spending = None if self._spending is None else (_ELSEWHERE, self._spending[1])
        return {**{name: value for name, value in self.__dict__.items() if name != "_lock"}, "_spending": spending}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        self.__dict__.update(state)
        self._forget_lock()
        watch(self, OAuthProvider._forget_lock)

    def __repr__(self) -> str:
        return f"{_OWNER}(client_id={self._client.client_id!r})"
