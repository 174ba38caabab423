"""What all ways of signing have in common."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

from tests.clients.support import Refused

WINDOW = timedelta(minutes=15)


def encoded(text: str) -> str:
    """Percent-encoded as RFC 3986 says: all but letters, digits and ``-_.~``."""
    return quote(text, safe="-_.~")


def hmac_sha1(secret: str, text: str) -> str:
    """In base64."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def hmac_sha256(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sha256(data: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def check_signature(expected: str, sent: str | None) -> None:
    if not hmac.compare_digest(expected.encode(), (sent or "").encode()):
        raise Refused("the signature is not the one of this request and this id")


def check_time(text: str | None, form: str) -> None:
    """That *text*, a time in UTC of the given *form*, is not 15 minutes off."""
    try:
        sent = datetime.strptime(text or "", form).replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refused(f"{text!r} is no time of the form {form}") from None
    if abs(datetime.now(timezone.utc) - sent) > WINDOW:
        raise Refused(f"{text} is more than {WINDOW} off")
