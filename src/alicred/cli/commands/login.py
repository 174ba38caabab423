"""``alicred login``: logs a person in, for an OAuth or a CloudSSO profile of the command line tool's file."""

from __future__ import annotations

import argparse
import os
from datetime import timedelta

from alicred.cli.spans import number
from alicred.cli.terminal import Terminal

DESCRIPTION = """\
Log in with a browser, and keep the login in a profile of the CLI's file, ~/.aliyun/config.json,
as the aliyun tool does. A profile that is there is renewed with what it says. A new one is made
by --site (OAuth: the users of an account) or by --sign-in-url (CloudSSO: those of a directory)."""

OAUTH, CLOUD_SSO = "OAuth", "CloudSSO"
_LONGEST = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("--site", type=str.upper, choices=("CN", "INTL"), help="OAuth: aliyun.com (CN) or alibabacloud.com (INTL)")
    parser.add_argument("--sign-in-url", type=_url, metavar="URL", help="CloudSSO: the sign-in URL of the directory")
    parser.add_argument("--account", metavar="ID", help="CloudSSO: the account to work in, by id or by name")
    parser.add_argument("--access-config", metavar="NAME", help="CloudSSO: the access configuration, by name or by id")
    parser.add_argument("--no-browser", action="store_true", help="open no browser here: print the address to open")
    parser.add_argument("--make-current", action="store_true", help="make the profile the file's current one")
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, default=timedelta(minutes=5), help="how long to wait (default: 300)")
    parser.add_argument("--logout", action="store_true", help="end the login instead: at the site, if it does that, and in the file")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Log in."""
    from alicred.login.profile import find

    if options.role_arn:
        return _wrong(terminal, "login assumes no role. Leave --role-arn out")
    if options.site and (options.sign_in_url or options.account or options.access_config):
        return _wrong(terminal, "--site is for OAuth, and --sign-in-url, --account and --access-config are for CloudSSO. Give one kind")
    place = find(options.profile, os.environ)
    asked = OAUTH if options.site else CLOUD_SSO if options.sign_in_url else None
    mode = place.mode
    if mode not in (None, OAUTH, CLOUD_SSO):
        return _wrong(terminal, f"{place.where} is no login: its mode is {mode}. Choose another name with --profile")
    if mode is not None and asked not in (None, mode):
        return _wrong(terminal, f"{place.where} is a login of the other kind, {mode}. Choose another name with --profile")
    if mode is None and (asked is None or options.logout):
        return _wrong(
            terminal, f"there is no login yet in {place.where}. Give --site CN or --site INTL for OAuth, or --sign-in-url URL for CloudSSO"
        )
    if options.logout:
        from alicred.cli.logins import log_out

        return log_out(place, terminal)
    from alicred.cli.logins import CloudSsoDialog, OAuthDialog

    place.must_be_writable()
    dialog = OAuthDialog if (mode or asked) == OAUTH else CloudSsoDialog
    return dialog(place, options, terminal).run()


def _wrong(terminal: Terminal, text: str) -> int:
    terminal.hint(f"alicred: {text}.")
    return 2


def _seconds(text: str) -> timedelta:
    seconds = number(text)
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most {_LONGEST}")
    return timedelta(seconds=seconds)


def _url(text: str) -> str:
    from alicred.cli.main import checked
    from alicred.wire.url import safe_target

    checked(safe_target, text)
    return text
