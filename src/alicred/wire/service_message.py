"""A service's own error message, cleaned of everything that may be secret. Pure functions; thread-, task- and fork-safe.

Two nets, and a word must pass both. The first knows what was sent: a word that shares eight characters with it, in any of the forms in
which services and proxies quote a request, is cut. The second knows what words look like: of everything else only plain words, numbers and
short names stay, so that a key, a token or a hash that alicred has not sent is cut too. What then still looks doubtful is left out whole.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

LONGEST = 300
"""The characters of a cleaned message, at most."""

MASK = "***"
"""What stands in place of the words that were cut."""

_LONGEST_INPUT = 4096
_SHARED = 8  # characters in a row that a word and a secret have in common by accident, at most, are one fewer
_LONGEST_NAME = 28  # every key secret and every token is longer
_LONG_LINE = 60  # a line of a PEM, or of base64 that was wrapped, is at least as long

_SIGNED_REQUEST = re.compile(r"server (?:string to sign|canonical ?request) is", re.IGNORECASE)
_PEM = re.compile(r"-{3,} ?(?:BEGIN|END)|PRIVATE KEY", re.IGNORECASE)
_AROUND = "\"'`()[]{}<>,.;:!?*"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?Z?", re.ASCII)
_RUN = re.compile(r"[A-Za-z0-9+/=_~%\\-]+", re.ASCII)
_MIXED = re.compile(r"[A-Za-z]{1,6}[0-9]{1,4}|[0-9]{1,4}[A-Za-z]{1,4}", re.ASCII)  # v2, SHA256, 15min
_LOWER = str.maketrans({chr(letter): chr(letter + 32) for letter in range(ord("A"), ord("Z") + 1)})  # keeps the length, unlike lower()


def clean(message: str, secrets: Iterable[str] = ()) -> str | None:
    """*message* on one line, without anything secret, in at most `LONGEST` characters.

    Args:
        message: What the service said.
        secrets: What was sent and must stay private: secrets, tokens, signatures, policies.

    Returns:
        The text, with `MASK` for the words that were cut; ``None`` if it cannot be cleaned with certainty, or if too little is left of it.
    """
    signed = _SIGNED_REQUEST.search(message)  # what follows quotes the whole request, the security token included
    message = unicodedata.normalize("NFKC", message if signed is None else message[: signed.start()])
    text = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    words = [(found.start(), found[0]) for found in re.finditer(r"\S+", text)]
    is_wrapped = "\n" in message.strip() and any(len(word) >= _LONG_LINE for _, word in words)
    if len(text) > _LONGEST_INPUT or is_wrapped or _PEM.search(text) or any("\ud800" <= c <= "\udfff" for c in message):
        return None
    forms = frozenset(form.translate(_LOWER) for secret in secrets for form in _forms(secret))
    hidden = _hidden(text.translate(_LOWER), forms)
    kept: list[str] = []
    for start, word in words:
        if _is_plain(word) and not any(hidden[start : start + len(word)]):
            kept.append(word)
        elif kept[-1:] != [MASK]:
            kept.append(MASK)
    cleaned = " ".join(kept)
    left = sum(1 if word.isascii() else 2 for word in kept if word != MASK)  # Chinese has no spaces
    if left < 2 or any(any(_hidden(view, forms)) for view in _views(cleaned)):
        return None
    return _shortened(cleaned.replace('"', "'"))


def shown_name(value: str) -> str:
    """*value* in quotation marks with a space in front, if it is a short name that can be no secret; else nothing."""
    return f" {value!r}" if re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", value, re.ASCII) and _is_plain(value) else ""


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rpartition(' ')[0]} …"


def _forms(secret: str) -> Iterator[str]:
    """*secret* as it is and as it may be quoted: in hex and in base64. A word with a percent sign or a backslash is never plain."""
    raw = secret.encode("utf-8", "surrogatepass")
    yield from (" ".join(secret.split()), "".join(secret.split()), raw.hex())
    for before in range(3):  # in base64 a text has another look at each place within three bytes, and its ends mix with what is around it
        ends_whole = (before + len(raw)) % 3 == 0
        encoded = base64.b64encode(b"\0" * before + raw).decode("ascii").rstrip("=")
        encoded = encoded[before + 1 if before else 0 : None if ends_whole else -1]
        yield encoded
        yield encoded.translate(str.maketrans("+/", "-_"))


def _hidden(text: str, forms: Iterable[str]) -> bytearray:
    """For each character of *text* whether it belongs to one of *forms*; both are in lower case."""
    hidden = bytearray(len(text))
    windows: dict[str, list[int]] = {}
    for start in range(len(text) - _SHARED + 1):
        windows.setdefault(text[start : start + _SHARED], []).append(start)
    for form in forms:
        for start in range(len(form) - _SHARED + 1):
            for place in windows.get(form[start : start + _SHARED], ()):
                hidden[place : place + _SHARED] = b"\1" * _SHARED
        if 0 < len(form) < _SHARED:
            # A secret of one to three characters is in every text: only where it stands alone can it be meant.
            pattern = re.escape(form) if len(form) > 3 else rf"(?<!\w){re.escape(form)}(?!\w)"
            for found in re.finditer(pattern, text):
                hidden[found.start() : found.end()] = b"\1" * len(found[0])
    return hidden


def _views(text: str) -> Iterator[str]:
    """*text* in lower case as another program might read it: without its gaps, and with the characters that HTML writes as numbers."""
    for view in (text, html.unescape(text)):
        yield view.translate(_LOWER)
        yield view.replace(MASK, "\n").replace(" ", "").translate(_LOWER)


def _is_plain(word: str) -> bool:
    """Whether *word* can only be a word, a number, a time, or a name made of those."""
    core = _TIME.sub(" ", word.strip(_AROUND))
    runs = _RUN.findall(core)
    pieces = [piece for run in runs for piece in re.split(r"[-_/=]", run)]
    if len(core) > 100 or any(len(run) > _LONGEST_NAME or run.endswith("=") for run in runs):
        return False
    mixed = [piece for piece in pieces if _MIXED.fullmatch(piece)]
    return len(mixed) <= 2 and all(
        not piece or piece in mixed or (piece.isdigit() and len(piece) <= 20) or _is_word(piece) for piece in pieces
    )


def _is_word(piece: str) -> bool:
    """Whether *piece* is of letters alone, and of as few capitals as names in camel case have."""
    if not piece.isalpha() or re.search("[a-z]{21}|[A-Z]{13}", piece):
        return False
    humps = len(re.findall("[a-z][A-Z]", piece))
    return humps == 0 or len(piece) >= 3 * (humps + 1)
