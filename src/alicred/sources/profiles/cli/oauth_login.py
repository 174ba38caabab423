"""OAuth logins that stand in the command line tool's file: who may renew one, and where the renewed tokens go."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

import attrs

from alicred._internal import forks
from alicred._internal.file_lock import Busy
from alicred._internal.late import os
from alicred._internal.log import WARNING, log
from alicred._internal.owned_lock import NotAcquired, OwnedLock
from alicred.clock import Clock
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, TransientError
from alicred.events import Listener, LoginNotSaved, emit
from alicred.sources._source import parameters_called
from alicred.sources.oauth import OAUTH_SITES, OAuthProvider, OAuthSite, OAuthTokens
from alicred.sources.profiles.cli import write_back
from alicred.sources.profiles.cli.config import CliConfig
from alicred.sources.profiles.cli.profile import CliProfile
from alicred.sources.profiles.cli.write_back import NotWrittenError, SupersededError
from alicred.wire.http import HttpClient
from alicred.wire.service_message import shown_name

T = TypeVar("T")

OAUTH = "OAuth"

_FAR_ENOUGH = timedelta(minutes=20)  # longer than the refresh-ahead window of a cache, which would get the same keys again
_LONGEST_WAIT = 30.0  # seconds; renewing a login takes requests to its site
_TOKENS = ("oauth_refresh_token", "oauth_access_token")


def stored_session(profile: CliProfile, clock: Clock, *, longer_than: timedelta = _FAR_ENOUGH) -> Credential | None:
    """The temporary key that the profile holds, if it has more than 20 minutes, or *longer_than*, to live.

    Raises:
        ConfigurationError: A value is of the wrong type; the text names the key.
    """
    ends_at = profile.moment("sts_expiration")
    if ends_at is None or ends_at - clock.utcnow() <= longer_than:
        return None
    key_id, secret, token = (profile.text(key) for key in ("access_key_id", "access_key_secret", "sts_token"))
    return None if key_id is None or secret is None or token is None else Credential(key_id, secret, token, ends_at)


def renewed_or_stored(profile: CliProfile, renew: Callable[[], Credential], clock: Clock) -> Credential:
    """What *renew* returns; if it fails, the temporary key that the profile holds, to its end."""
    try:
        return renew()
    except AlicredError as error:
        with profile.explained():
            stored = stored_session(profile, clock, longer_than=timedelta(0))
        if stored is None:
            raise
        log(WARNING, "%s: no new keys: %s; the stored ones are used until they end, at %s", profile.where, error, stored.expires_at)
        return stored


@attrs.frozen
class _Unsaved:
    """Tokens that the file should hold, and those that it held when they came."""

    instead_of: Mapping[str, object] = attrs.field(repr=False)
    tokens: OAuthTokens = attrs.field(repr=False)


class Logins:
    """Who renews a login, and the tokens that could not be saved. Thread- and fork-safe; what it holds does not travel in a pickle.

    Args:
        write_back: Whether the file may be changed.
        listener: Told if it should be and cannot.
    """

    def __init__(self, *, write_back: bool, listener: Listener | None = None) -> None:
        self.write_back = write_back
        self.listener = listener
        self._unsaved: dict[tuple[str, str], _Unsaved] = {}
        self._forget_lock()
        forks.watch(self, Logins._forget_lock)

    def _forget_lock(self) -> None:
        self._lock = OwnedLock()

    def alone(self, profile: CliProfile, work: Callable[[], T]) -> T:
        """What *work* returns, called while no other thread, and no other process that can write beside the file, renews this login.

        Raises:
            TransientError: Another one has been at it for 30 s, or the system cannot open the lock's file now.
            ConfigurationError: The lock's file is none that can be trusted; the text names it.
        """
        try:
            return self._lock.run(
                lambda: write_back.alone(profile.path, work, create=self.write_back, seconds=_LONGEST_WAIT), seconds=_LONGEST_WAIT
            )
        except (NotAcquired, Busy):
            text = f"{profile.where}: another thread or program has been renewing its login for {_LONGEST_WAIT:.0f} s"
        raise TransientError(text)

    def newest(self, profile: CliProfile) -> OAuthTokens:
        """The tokens to go on with: the file's, or those that came after them and could not be saved.

        Raises:
            ConfigurationError: There is none, or one cannot be one; the text names the key.
        """
        unsaved = self._unsaved.get(_key(profile))
        if unsaved is not None and unsaved.instead_of == tokens_in(profile):
            return unsaved.tokens
        self._unsaved.pop(_key(profile), None)  # there has been another login
        return _tokens(profile)

    def save(self, config: CliConfig, profile: CliProfile, tokens: OAuthTokens, session: Credential | None) -> CliConfig:
        """Put *tokens*, and the keys that they gave, into the file; what it says then. *profile* is one of *config*.

        Raises:
            NotWrittenError: They were not saved. The tokens are kept here, unless the file has newer ones.
        """
        changes: dict[str, str | int] = {} if tokens == _tokens(profile) else token_values(tokens)
        if changes:
            self._unsaved[_key(profile)] = _Unsaved(tokens_in(profile), tokens)
        if session is not None:
            changes |= session_values(session)
        if not changes or not self.write_back:
            return config
        still = {"mode": profile.values.get("mode"), **tokens_in(profile)}
        try:
            config = write_back.update(profile.path, profile.name, changes, still=still, known=config)
        except SupersededError:
            self._unsaved.pop(_key(profile), None)
            raise
        self._unsaved.pop(_key(profile), None)
        return config

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), write_back=self.write_back, listener=self.listener), ()


class OAuthLoginSource:
    """The keys that a profile's OAuth login gives. `get` may block for 30 s for others, and as long as `OAuthProvider` does.

    Args:
        config: The file as it was read.
        profile: The profile.
        logins: Shared by all sources of a provider.
        http: What sends the requests.
        clock: What the login and the stored keys go by.

    Raises:
        ConfigurationError: A key of the profile is missing or wrong; the text names it.
    """

    def __init__(self, config: CliConfig, profile: CliProfile, logins: Logins, http: HttpClient, clock: Clock) -> None:
        self._config = config
        self._profile = profile
        self._logins = logins
        self._http = http
        self._clock = clock
        site_of(profile)
        if stored_session(profile, clock, longer_than=timedelta(0)) is None:
            _tokens(profile)

    @property
    def name(self) -> str:
        """``oauth``."""
        return "oauth"

    def get(self) -> Credential:
        """The keys that the file holds, if they last long enough, else new ones, which are put into the file.

        If no new ones can be had, those of the file are served to their end.
        """
        stored = _stored(self._profile, self._clock)
        if stored is not None:
            return stored
        return renewed_or_stored(self._profile, lambda: self._logins.alone(self._profile, self._renew), self._clock)

    def _renew(self) -> Credential:
        config, profile = self._now()
        stored = _stored(profile, self._clock)
        if stored is not None:
            return stored  # another process has renewed them while we waited
        try:
            return self._renewed(config, profile)
        except DeniedError:
            # The command line tool renews logins too, and does not know our lock.
            config, newer = self._now()
            if tokens_in(newer) == tokens_in(profile):
                raise
            return self._renewed(config, newer)

    def _now(self) -> tuple[CliConfig, CliProfile]:
        config = CliConfig.read(self._profile.path, self._config)
        return config, _login_in(config, self._profile)

    def _renewed(self, config: CliConfig, profile: CliProfile) -> Credential:
        with profile.explained():
            renewal = _Renewal(self._logins, config, profile)
            site = site_of(profile)
        provider = OAuthProvider(
            client_id=site.client_id,
            sign_in_url=site.sign_in_url,
            tokens=renewal.tokens,
            on_tokens=renewal.tokens_came,
            http=self._http,
            clock=self._clock,
        )
        session = provider.get()
        renewal.session_came(session)
        return session


def _login_in(config: CliConfig, profile: CliProfile) -> CliProfile:
    """*profile* as *config* has it; nothing fills its gaps."""
    found = config.profile(profile.name)
    if found is None or found.text("mode") != OAUTH:
        raise ConfigurationError(f"{profile.where} was an OAuth login a moment ago, and is none any more")
    return found


def _stored(profile: CliProfile, clock: Clock) -> Credential | None:
    with profile.explained():
        return stored_session(profile, clock)


class _Renewal:
    """Saves what one renewal brings, as it comes: the tokens before they are used, since a crash must not lose them; then the keys.

    The listener gets an event if saving fails; what came is used nevertheless.
    """

    def __init__(self, logins: Logins, config: CliConfig, profile: CliProfile) -> None:
        self._logins = logins
        self._config = config
        self._profile = profile
        self.tokens = logins.newest(profile)
        self._has_failed = False

    def tokens_came(self, tokens: OAuthTokens) -> None:
        self.tokens = tokens
        self._save(None)

    def session_came(self, session: Credential) -> None:
        self._save(session)

    def _save(self, session: Credential | None) -> None:
        try:
            self._config = self._logins.save(self._config, self._profile, self.tokens, session)
        except NotWrittenError as error:
            if not self._has_failed:
                emit(self._logins.listener, _not_saved(self._profile, error, tokens=self.tokens != _tokens(self._profile)))
            self._has_failed = True
        else:
            self._profile = _login_in(self._config, self._profile)


def _not_saved(profile: CliProfile, error: NotWrittenError, *, tokens: bool) -> LoginNotSaved:
    what = "the new tokens" if tokens else "the new keys"
    then = "; unless they can be saved later, the login ends with this process" if tokens and not isinstance(error, SupersededError) else ""
    detail = f"{what} of {profile.where} were not saved: {error}{then}"
    return LoginNotSaved(provider_name="cli_profile/oauth", detail=detail, tokens=tokens)


def site_of(profile: CliProfile) -> OAuthSite:
    """The site that the profile has logged in at.

    Raises:
        ConfigurationError: ``oauth_site_type`` is missing or unknown.
    """
    (site_type,) = profile.needed("oauth_site_type")
    return site_in(site_type)


def site_in(site_type: str) -> OAuthSite:
    """The site that a profile calls *site_type*, in either case.

    Raises:
        ConfigurationError: It is unknown.
    """
    site = OAUTH_SITES.get(site_type.upper())
    if site is None:
        raise ConfigurationError(f"oauth_site_type{shown_name(site_type)} is unknown. Set it to {' or '.join(OAUTH_SITES)}.")
    return site


def log_in(profile: CliProfile, mode: str) -> str:
    """What to do where the profile holds no login: an instruction without the full stop."""
    return f"Log in with `alicred login --profile {shlex.quote(profile.name)}` or `aliyun configure --mode {mode}`"


def tokens_in(profile: CliProfile) -> dict[str, object]:
    """What the file says about the tokens, to tell later whether it still says so."""
    return {key: profile.values.get(key) or None for key in _TOKENS}


def _tokens(profile: CliProfile) -> OAuthTokens:
    refresh_token, access_token = (profile.text(key) for key in _TOKENS)
    if refresh_token is None and access_token is None:
        raise ConfigurationError(f"oauth_refresh_token and oauth_access_token are missing. {log_in(profile, OAUTH)}")
    with parameters_called({"refresh_token": _TOKENS[0], "access_token": _TOKENS[1]}):
        return OAuthTokens(refresh_token, access_token, profile.moment("oauth_access_token_expire"))


def token_values(tokens: OAuthTokens) -> dict[str, str | int]:
    """How *tokens* stand in a profile."""
    ends_at = tokens.access_token_expires_at
    return {
        "oauth_access_token": tokens.access_token or "",
        "oauth_refresh_token": tokens.refresh_token or "",
        "oauth_access_token_expire": 0 if ends_at is None else int(ends_at.timestamp()),
    }


def session_values(session: Credential) -> dict[str, str | int]:
    """How the keys of a session stand in a profile."""
    return {
        "access_key_id": session.access_key_id,
        "access_key_secret": session.access_key_secret,
        "sts_token": session.security_token or "",
        "sts_expiration": 0 if session.expires_at is None else int(session.expires_at.timestamp()),
    }


def _key(profile: CliProfile) -> tuple[str, str]:
    return os.path.realpath(profile.path), profile.name
