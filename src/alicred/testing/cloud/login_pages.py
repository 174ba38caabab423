"""What the fake cloud shows in a browser, and how a test decides what the person there does."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum

import attrs

from alicred._internal.public import public
from alicred._internal.validators import flag, member_of, positive
from alicred.errors import ConfigurationError
from alicred.testing.cloud.exchange import Answer, text_answer


@public("alicred.testing")
class SignIn(Enum):
    """What the person at the browser does, and what the site makes of it."""

    ASK = "a page with the buttons #allow and #deny, for a test that clicks"
    ALLOW = "allows it, without a click"
    DENY = "denies it, without a click"
    NOTHING = "never decides: there is no redirect, and a device code stays unconfirmed"
    WRONG_STATE = "allows it, and the redirect has another state (OAuth)"
    NO_CODE = "allows it, and the redirect has no code (OAuth)"
    TWICE = "allows it, and the browser follows the redirect twice (OAuth)"


def _count(instance: object, field: attrs.Attribute[int], value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"LoginRules.{field.name} must be a whole number of zero or more")


@public("alicred.testing")
@attrs.define(kw_only=True)
class LoginRules:
    """How a `FakeCloud` treats logins. Each may be assigned at any time; the next request goes by it.

    Args:
        sign_in: What the person at the browser does.
        lasts: How long the access token of a login lasts that was made in a browser.
        rotate: Whether renewing OAuth tokens gives a new refresh token and spends the old one; otherwise it stays.
        expires_in_as_text: Whether OAuth answers say ``"3600"`` instead of ``3600``.
        pascal_case: Whether ``/v1/exchange`` answers ``AccessKeyId`` instead of ``accessKeyId``.
        pending: How many polls with a device code are answered ``AuthorizationPending`` although it has been confirmed.
        slow_down: How many polls with a device code are answered ``SlowDown`` before that.
        interval: The pause between polls that CloudSSO asks for; in whole seconds.
        device_code_lasts: How long a device code can be confirmed.
        page_size: How many entries a page of a CloudSSO list has.
        endless: Whether CloudSSO lists say ``IsTruncated`` on their last page too, with an empty ``NextToken``.
    """

    sign_in: SignIn = attrs.field(default=SignIn.ASK, validator=member_of(SignIn))
    lasts: timedelta = attrs.field(default=timedelta(hours=1), validator=positive)
    rotate: bool = attrs.field(default=True, validator=flag)
    expires_in_as_text: bool = attrs.field(default=False, validator=flag)
    pascal_case: bool = attrs.field(default=False, validator=flag)
    pending: int = attrs.field(default=0, validator=_count)
    slow_down: int = attrs.field(default=0, validator=_count)
    interval: timedelta = attrs.field(default=timedelta(seconds=1), validator=positive)
    device_code_lasts: timedelta = attrs.field(default=timedelta(minutes=10), validator=positive)
    page_size: int = attrs.field(default=2, validator=[_count, attrs.validators.ge(1)])
    endless: bool = attrs.field(default=False, validator=flag)


def page(title: str, body: str, status: int = 200) -> Answer:
    """A page; *body* is HTML."""
    text = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>{body}'
    return text_answer(text, status, "text/html; charset=utf-8")


def question(title: str, action: str, hidden: Mapping[str, str], *, typed: str = "") -> Answer:
    """A page that asks to allow or to deny.

    Args:
        title: What is asked.
        action: Where the answer goes, by POST.
        hidden: What goes along.
        typed: Name of a field for the person to fill in; none if empty.
    """
    fields = "".join(f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in hidden.items())
    box = f'<input id="{typed}" name="{typed}" autocomplete="off">' if typed else ""
    buttons = "".join(f'<button id="{each}" name="decision" value="{each}">{each.capitalize()}</button>' for each in ("allow", "deny"))
    return page(title, f'<form method="post" action="{html.escape(action)}">{fields}{box}{buttons}</form>')


def redirect(location: str) -> Answer:
    """What sends a browser to *location*."""
    return Answer(status=302, headers=(("Location", location), ("Cache-Control", "no-store")))
