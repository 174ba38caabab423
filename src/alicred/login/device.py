"""A CloudSSO login with a device code: the person confirms it in a browser on any machine, and this one asks until it is so."""

from __future__ import annotations

from datetime import timedelta

from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import TransientError
from alicred.login import TIMED_OUT
from alicred.wire.cloud_sso import CLIENT_ID, AccessToken, CloudSsoClient, DeviceLogin, Pending
from alicred.wire.pkce import Pkce

_SLOWER = timedelta(seconds=5)  # RFC 8628, section 3.5
_LONGEST = timedelta(minutes=1)


class DeviceCodeLogin:
    """One login.

    Args:
        client: Asks the site.
        client_id: The application that logs in.
        clock: What the pauses are made with.
    """

    def __init__(self, client: CloudSsoClient, *, client_id: str = CLIENT_ID, clock: Clock = SYSTEM_CLOCK) -> None:
        self._client = client
        self._client_id = client_id
        self._clock = clock
        self._proof = Pkce()

    def begin(self) -> DeviceLogin:
        """Ask for a login, which the person is to confirm.

        Raises:
            ProviderError: There is none; the type says whether trying again may help.
        """
        return self._client.begin(self._proof.challenge, client_id=self._client_id)

    def token(self, login: DeviceLogin, at_most: timedelta) -> AccessToken:
        """What *login* gives, once the person has confirmed it. Blocks for as long as the device code lasts, and at most *at_most*.

        A site that cannot be reached, or is too busy, is asked again, with longer and longer pauses.

        Raises:
            DeniedError: The person, or the site, has said no.
            TransientError: Nothing came in time.
            ProviderError: Another answer came than promised.
        """
        span = at_most if login.lasts is None else min(at_most, login.lasts)
        deadline = self._clock.monotonic() + span.total_seconds()
        interval = login.interval
        trouble: TransientError | None = None
        while (left := timedelta(seconds=deadline - self._clock.monotonic())) > timedelta(0):
            self._clock.sleep(min(interval, left))
            try:
                found = self._client.poll(login, self._proof.verifier, client_id=self._client_id)
            except TransientError as error:
                trouble = error
                interval = min(2 * interval, _LONGEST)
                continue
            if isinstance(found, AccessToken):
                return found
            trouble = None
            if found is Pending.EXPIRED:
                break
            if found is Pending.SLOW_DOWN:
                interval = min(interval + _SLOWER, _LONGEST)
        if trouble is not None:
            raise trouble
        raise TransientError(
            f"the login at {self._client.endpoint} failed: it was not confirmed in time. Start again, and confirm it in the browser.",
            code=TIMED_OUT,
        )
