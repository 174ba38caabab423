"""What ``alicred login`` does and says, one class for each kind of login."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alicred._internal.environ import is_true, variable
from alicred._internal.files import shown
from alicred._internal.text import utc
from alicred.cli.terminal import Terminal
from alicred.cli.wording import marked
from alicred.clock import SYSTEM_CLOCK
from alicred.errors import AlicredError, DeniedError
from alicred.login.browser import has_browser, open_page
from alicred.login.device import DeviceCodeLogin
from alicred.login.oauth import OAuthLogin
from alicred.login.page import Page
from alicred.login.profile import KEYS, Place
from alicred.sources.profiles.cli.config import DISABLED
from alicred.sources.profiles.cli.oauth_login import session_values, site_in, token_values
from alicred.wire.cloud_sso import CLIENT_ID, AccessToken, Choice, CloudSsoClient
from alicred.wire.oauth import OAuthClient
from alicred.wire.url import safe_target

if TYPE_CHECKING:
    from datetime import datetime

    from alicred.credential import Credential

_CLIENT_IDS = ("ALIBABACLOUD_SSO_CLIENT_ID", "ALIBABA_CLOUD_SSO_CLIENT_ID")
_EARLY = 5  # seconds by which the tool lets keys of CloudSSO end before their time
_SOON = 60  # seconds; a login that ends sooner is not gone on with
Changes = Mapping[str, "str | int | None"]

# The pages that `alicred.login.redirect` shows.
PAGES = (
    marked("There is nothing here"),
    marked("The login comes back at another address."),
    marked("This is no login"),
    marked("A browser comes back with GET."),
    marked("This is not the login that is waiting"),
    marked("It may be an older one. Go on in the window that was opened last, or start again."),
    marked("The login is confirmed"),
    marked("You can close this window and go back to the terminal."),
    marked("You are not logged in"),
    marked("The login was denied. You can close this window and go back to the terminal."),
    marked("The site has sent no code. You can close this window and go back to the terminal."),
)


class WrongUsage(Exception):
    """The command line does not say enough; the text says what to give."""


class _Dialog:
    """What both kinds have in common.

    Args:
        place: The profile.
        options: The command line's.
        terminal: Where to say what.
    """

    _KEPT = ""  # what is said if something fails after the login has been saved

    def __init__(self, place: Place, options: argparse.Namespace, terminal: Terminal) -> None:
        self._place = place
        self._options = options
        self._terminal = terminal
        self._has_saved = False
        self._ends_at: datetime | None = None

    def run(self) -> int:
        """Log in; the exit code.

        Raises:
            AlicredError: It did not work.
        """
        try:
            keys, details = self._log_in()
        except WrongUsage as error:
            self._terminal.hint(f"alicred: {error}")
            self._say_what_is_kept()
            return 2
        except (AlicredError, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt):
                self._terminal.hint("")
                if not self._has_saved:
                    self._hint("Given up. Nothing was changed.")
            self._say_what_is_kept()
            raise
        self._conclude(keys, details)
        return 0

    def _log_in(self) -> tuple[Credential, dict[str, object]]:
        """Keys, and what is to be shown besides."""
        raise NotImplementedError

    def _say_what_is_kept(self) -> None:
        if self._has_saved:
            self._hint(self._KEPT)

    def _save(self, changes: Changes) -> None:
        values: Mapping[str, object] = {} if self._place.profile is None else self._place.profile.values
        usual = {"output_format": "json", "language": "zh" if self._terminal.chinese else "en"}
        missing = {key: value for key, value in usual.items() if not values.get(key)}
        region = {"region_id": self._options.region} if self._options.region else {}
        self._place = self._place.save({**changes, **region, **missing}, make_current=self._options.make_current)
        self._has_saved = True

    @property
    def _named(self) -> dict[str, str]:
        return _named(self._place)

    def _hint(self, english: str, **values: object) -> None:
        self._terminal.hint(self._terminal.text(english, **values))

    def _can_open(self) -> bool:
        return not self._options.no_browser and has_browser(os.environ)

    def _conclude(self, keys: Credential, details: dict[str, object]) -> None:
        place, terminal = self._place, self._terminal
        if terminal.json:
            ends_at = None if keys.expires_at is None else f"{keys.expires_at:%Y-%m-%dT%H:%M:%SZ}"
            terminal.say_json(
                {"profile": place.name, "path": place.path, "mode": place.mode, **details, "access_key_id": keys.access_key_id,
                 "expires_at": ends_at}
            )  # fmt: skip
        self._terminal.hint("")
        self._hint("Logged in. The login is in profile {name} of {path}.", **self._named)
        if self._ends_at is not None:
            self._hint("It lasts until {moment}. Until then the aliyun tool and alicred get keys with it.", moment=utc(self._ends_at))
        else:
            self._hint("The aliyun tool and alicred get keys with it, and renew it.")
        if place.text("region_id") is None:
            self._hint(
                "The aliyun tool wants a region too: aliyun configure set --profile {name} --region cn-hangzhou",
                name=shlex.quote(place.name),
            )
        if is_true(os.environ, DISABLED):
            self._hint("{variable} is set: unset it, or nothing here reads the file.", variable=DISABLED)
        self._hint("Who you are now: alicred whoami --profile {name}", name=shlex.quote(place.name))


class OAuthDialog(_Dialog):
    """An OAuth login: in a browser that comes back to this machine."""

    _KEPT = marked("The login itself is saved; only its first keys are missing.")

    def _log_in(self) -> tuple[Credential, dict[str, object]]:
        site_type = self._options.site or self._place.text("oauth_site_type")
        if not site_type:
            raise WrongUsage(f"{self._place.where} does not say where it has logged in. Give --site CN or --site INTL.")
        page = Page(self._terminal.text, "zh-CN" if self._terminal.chinese else "en")
        with OAuthLogin(site_in(site_type), page=page) as login:
            self._hint("Logging in to Alibaba Cloud ({site}), for profile {name} of {path}.", site=site_type.upper(), **self._named)
            pasted = self._show(login)
            tokens = login.tokens(self._options.timeout, pasted=pasted, on_wrong_paste=self._wrong_paste)
        # At once, before anything else can fail. The keys of another login go.
        self._save({"mode": "OAuth", "oauth_site_type": site_type.upper(), **token_values(tokens), **dict.fromkeys(KEYS)})
        keys = login.keys(tokens)
        self._save(session_values(keys))
        return keys, {"site": site_type.upper()}

    def _show(self, login: OAuthLogin) -> int | None:
        """Open the page, or say how to; the descriptor on which the address may be pasted."""
        seconds = f"{self._options.timeout.total_seconds():.0f}"
        opens = self._can_open()
        self._terminal.hint("")
        self._hint(marked("Opening this page in your browser:") if opens else marked("Open this page in a browser:"))
        self._terminal.hint(f"\n  {login.url}\n")
        if opens and open_page(login.url, os.environ):
            self._hint("Confirm the login there. Waiting for {seconds} s at most; Ctrl-C gives up.", seconds=seconds)
            return None
        if opens:
            self._hint("The browser could not be opened. Open the page yourself.")
        self._hint("The page sends the browser back to port {port} of this machine. From another machine,", port=login.port)
        self._hint("  either let that port lead here first:  {command}", command=_tunnel(login.port))
        self._hint("  or paste here the address at which the browser ends, which begins with {uri}", uri=login.redirect_uri)
        self._terminal.hint("")
        self._hint("Waiting for {seconds} s at most; Ctrl-C gives up.", seconds=seconds)
        return _stdin()

    def _wrong_paste(self) -> None:
        self._hint("That is not the address of this login. Paste the whole of it, with code= and state=.")


class CloudSsoDialog(_Dialog):
    """A CloudSSO login: with a device code, in a browser on any machine."""

    _KEPT = marked("The login itself is saved. Run the same command again to go on.")

    def _log_in(self) -> tuple[Credential, dict[str, object]]:
        place = self._place
        before = place.text("cloud_sso_sign_in_url")
        url = self._options.sign_in_url or before
        if not url:
            raise WrongUsage(f"{place.where} does not say where it has logged in. Give --sign-in-url URL.")
        if not self._options.sign_in_url:
            safe_target(f"cloud_sso_sign_in_url in {place.where}", url)
        client = CloudSsoClient(url)
        token = self._unfinished(url, before) or self._confirmed(client, url, before)
        place = self._place
        account = self._chosen(
            marked("account"), "--account", client.accounts(token.token), self._options.account, place.text("cloud_sso_account_id")
        )
        stored = place.text("cloud_sso_access_config")
        if account.id != place.text("cloud_sso_account_id"):
            stored = None
            self._save({"cloud_sso_account_id": account.id, "cloud_sso_access_config": None})
        configuration = self._chosen(
            marked("access configuration"),
            "--access-config",
            client.access_configurations(token.token, account.id),
            self._options.access_config,
            stored,
        )
        self._save({"cloud_sso_access_config": configuration.id})
        keys = client.credential(token.token, account_id=account.id, access_configuration_id=configuration.id)
        values = session_values(keys)
        self._save({**values, "sts_expiration": max(0, int(values["sts_expiration"]) - _EARLY)})
        self._hint("Account {account}, access configuration {configuration}.", account=account.name, configuration=configuration.name)
        self._ends_at = token.expires_at
        ends_at = None if token.expires_at is None else f"{token.expires_at:%Y-%m-%dT%H:%M:%SZ}"
        return keys, {
            "sign_in_url": url,
            "account_id": account.id,
            "access_configuration_id": configuration.id,
            "login_expires_at": ends_at,
        }

    def _unfinished(self, url: str, before: str | None) -> AccessToken | None:
        """A login that was confirmed, and left before an account was chosen: it is gone on with."""
        profile = self._place.profile
        if profile is None or url != before or self._place.text("cloud_sso_access_config"):
            return None
        with profile.explained():
            token, ends_at = profile.text("access_token"), profile.moment("cloud_sso_access_token_expire")
        if token is None or ends_at is None or (ends_at - SYSTEM_CLOCK.utcnow()).total_seconds() < _SOON:
            return None
        self._hint("Going on with the login that profile {name} of {path} holds until {moment}.", moment=utc(ends_at), **self._named)
        self._has_saved = True
        return AccessToken(token, ends_at)

    def _confirmed(self, client: CloudSsoClient, url: str, before: str | None) -> AccessToken:
        client_id = next((value for name in _CLIENT_IDS if (value := variable(os.environ, name))), CLIENT_ID)
        device = DeviceCodeLogin(client, client_id=client_id)
        login = device.begin()
        self._hint("Logging in to CloudSSO at {site}, for profile {name} of {path}.", site=client.endpoint, **self._named)
        self._terminal.hint("")
        self._hint("  page  {page}", page=login.verification_uri)
        self._hint("  code  {code}", code=login.user_code)
        self._terminal.hint("")
        opens = self._can_open() and open_page(login.verification_uri_complete, os.environ)
        self._hint(
            marked("The page is open in your browser. Compare the code, and confirm.")
            if opens
            else marked("Open the page in a browser, on this or any other machine, type the code in, and confirm.")
        )
        self._hint("Waiting for {seconds} s at most; Ctrl-C gives up.", seconds=f"{self._options.timeout.total_seconds():.0f}")
        token = device.token(login, self._options.timeout)
        # At once, before anything else can fail.
        ends_at = 0 if token.expires_at is None else int(token.expires_at.timestamp())
        elsewhere: Changes = {} if url == before else dict.fromkeys(("cloud_sso_account_id", "cloud_sso_access_config"))
        self._save(
            {
                "mode": "CloudSSO",
                "cloud_sso_sign_in_url": url,
                "access_token": token.token,
                "cloud_sso_access_token_expire": ends_at,
                **dict.fromkeys(KEYS),
                **elsewhere,
            }
        )
        return token

    def _chosen(self, what: str, option: str, choices: Sequence[Choice], asked: str | None, stored: str | None) -> Choice:
        """The one of *choices* that the command line names, else the one that the profile names, else the only one, else the person's.

        Raises:
            DeniedError: There is none.
            WrongUsage: The one that the command line names is not among them; or no person can be asked.
        """
        if not choices:
            raise DeniedError(f"the login worked, and there is no {what} for you. Ask the directory's administrator for access.")
        if asked is not None:
            found = [each for each in choices if asked == each.id] or [each for each in choices if asked == each.name]
            if len(found) == 1:
                return found[0]
            problem = f"there is no {what} {asked!r}" if not found else f"several are called {asked!r}: give the id"
            raise WrongUsage(f"{option}: {problem}. {_listed(choices)}")
        kept = next((each for each in choices if each.id == stored), None)
        if kept is not None:
            return kept
        if stored is not None:
            self._hint("The profile's {what} is no longer one of yours.", what=self._terminal.text(what))
        if len(choices) == 1:
            return choices[0]
        if not (sys.stdin and sys.stdin.isatty() and self._terminal.errors.isatty()):
            raise WrongUsage(f"there are several: give {option}. {_listed(choices)}")
        return self._asked(what, choices)

    def _asked(self, what: str, choices: Sequence[Choice]) -> Choice:
        self._terminal.hint("")
        self._hint("Which {what}?", what=self._terminal.text(what))
        width = len(str(len(choices)))
        for number, each in enumerate(choices, start=1):
            self._terminal.hint(f"  {number:>{width}}  {each.name}" + (f"  ({each.id})" if each.name != each.id else ""))
        while True:
            self._terminal.errors.write(self._terminal.text("Number [1]: "))
            self._terminal.errors.flush()
            line = sys.stdin.readline()
            if not line:
                raise WrongUsage("nothing was chosen.")
            answer = line.strip() or "1"
            if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(choices):
                return choices[int(answer) - 1]
            self._hint("Type a number from 1 to {most}.", most=len(choices))


def log_out(place: Place, terminal: Terminal) -> int:
    """Take the tokens and keys of *place* out of the file; before that, have an OAuth site end the login, if it does. The exit code."""
    refresh_token = place.text("oauth_refresh_token") if place.mode == "OAuth" else None
    if refresh_token is not None:
        site = site_in(place.text("oauth_site_type") or "")
        try:
            OAuthClient(site.sign_in_url, site.client_id).revoke(refresh_token)
        except AlicredError as error:
            terminal.hint(terminal.text("The site did not end the login, which lasts there until it ends by itself: {error}", error=error))
    tokens = ("oauth_access_token", "oauth_refresh_token", "oauth_access_token_expire", "access_token", "cloud_sso_access_token_expire")
    place.save(dict.fromkeys((*tokens, *KEYS)))
    terminal.hint(terminal.text("Logged out: profile {name} of {path} holds no token and no key any more.", **_named(place)))
    return 0


def _named(place: Place) -> dict[str, str]:
    return {"name": repr(place.name), "path": shown(place.path)}


def _listed(choices: Sequence[Choice]) -> str:
    return "There are: " + ", ".join(f"{each.name} ({each.id})" if each.name != each.id else each.id for each in choices)


def _tunnel(port: int) -> str:
    """What lets the port of another machine lead to this one."""
    server = os.environ.get("SSH_CONNECTION", "").split()
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    host = server[2] if len(server) == 4 else "THIS-MACHINE"
    return f"ssh -L {port}:127.0.0.1:{port} {f'{user}@' if user else ''}{host}"


def _stdin() -> int | None:
    """The descriptor of standard input, where it can be waited for; none for a job in the background, which the terminal would stop."""
    try:
        descriptor = -1 if os.name != "posix" or sys.stdin is None else sys.stdin.fileno()
        if descriptor < 0 or (os.isatty(descriptor) and os.tcgetpgrp(descriptor) != os.getpgrp()):
            return None
    except (OSError, ValueError):
        return None
    return descriptor
