"""Reports of sources, as JSON and as lines for people."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from alicred._internal.text import is_like_secret, key_id_text, utc
from alicred.cli.layout import Node, Styled
from alicred.cli.spans import shown
from alicred.cli.terminal import Terminal
from alicred.cli.wording import marked
from alicred.errors import AlicredError, ConfigurationError, DeniedError, SourceOutcome, SourceReport, is_transient

_LONG = 0.5  # seconds that are worth a word
_OUTCOMES = {
    SourceOutcome.FOUND: marked("found"),
    SourceOutcome.NOT_CONFIGURED: marked("not set up"),
    SourceOutcome.FAILED: marked("broken"),
}
# What sets a source of the default chain up, where it says no more than how its text begins.
_SET_UP = {
    "env": ("ALIBABA_CLOUD_", marked("To set it up, export ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")),
    "oidc_role_arn": ("ALIBABA_CLOUD_", marked("To set it up, switch RRSA on for the service account of the pod: it sets these variables")),
    "cli_profile": ("there is no CLI configuration", marked("To set it up, run `aliyun configure`")),
    "profile": ("there is no profile file", marked("To set it up, write a section [default] into ~/.alibabacloud/credentials")),
    "credentials_uri": ("ALIBABA_CLOUD_", marked("To set it up, give it an address that hands credentials out")),
}


def error_json(error: AlicredError) -> dict[str, str | None]:
    """*error* for ``--json``."""
    denied, transient = isinstance(error, DeniedError), is_transient(error)
    local = isinstance(error, ConfigurationError)
    kind = "denied" if denied else "unreachable" if transient else "configuration" if local else "other"
    return {"kind": kind, "code": error.code, "message": str(error)}


def as_json(report: SourceReport) -> dict[str, Any]:
    """*report* for ``--json``."""
    return {
        "name": report.name,
        "outcome": report.outcome.value.replace(" ", "_"),
        "chosen": report.chosen,
        "detail": report.detail,
        "origin": report.origin or None,
        "access_key_id": None if report.access_key_id is None else key_id_text(report.access_key_id),
        "expires_at": moment_json(report.expires_at),
        "obtained_with": None if report.obtained_with is None else as_json(report.obtained_with),
        "error": None if report.error is None else error_json(report.error),
        "seconds": round(report.seconds, 3),
    }


def moment_json(moment: datetime | None) -> str | None:
    """*moment* for ``--json``."""
    return None if moment is None else f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def key_text(access_key_id: str | None, expires_at: datetime | None, terminal: Terminal) -> str:
    """The id of an access key, and until when it is valid."""
    return terminal.text("access key ID {id}, {until}", id=key_id(access_key_id or "?", terminal), until=until(expires_at, terminal))


def key_id(access_key_id: str, terminal: Terminal) -> str:
    """*access_key_id*; only its first characters if it is, as it seems, the secret."""
    if not is_like_secret(access_key_id):
        return access_key_id
    return terminal.text("{head}... (which looks like a secret; id and secret may have been exchanged)", head=access_key_id[:4])


def until(expires_at: datetime | None, terminal: Terminal) -> str:
    """Until when something is valid, and how long that is from now."""
    if expires_at is None:
        return terminal.text("no end is known")
    left = expires_at - datetime.now(timezone.utc)
    if left.total_seconds() <= 0:
        return terminal.text("ended at {moment}", moment=utc(expires_at))
    return terminal.text("until {moment} ({left} left)", moment=utc(expires_at), left=shown(left))


def node(report: SourceReport, terminal: Terminal, *, is_stop: bool = False, is_moot: bool = False) -> Node:
    """*report* as a part of a tree, with the identity that a role was assumed with under it.

    Args:
        report: The report.
        terminal: Where it will be printed.
        is_stop: Whether a program stops at this source, which is broken.
        is_moot: Whether a program does not come to this source.
    """
    heading = f"{report.name}: {terminal.text(_OUTCOMES[report.outcome])}"
    style = "quiet" if is_moot or report.outcome is SourceOutcome.NOT_CONFIGURED else "bad"
    if report.chosen:
        style = "good"
        heading = f"{'->' if terminal.ascii_only else '→'} {heading}{terminal.text(', and used')}"
    elif is_stop:
        heading += terminal.text(", and the search stops here")
    elif is_moot and report.outcome is not SourceOutcome.NOT_CONFIGURED:
        heading += terminal.text(", but not used: the search ends before it")
    if report.seconds >= _LONG:
        heading += terminal.text(" (it took {span})", span=shown(timedelta(seconds=report.seconds)))
    return Node(Styled(heading, style), _lines(report, terminal), _below(report, terminal))


def _lines(report: SourceReport, terminal: Terminal) -> list[str]:
    if report.outcome is SourceOutcome.NOT_CONFIGURED:
        beginning, remedy = _SET_UP.get(report.name, ("", ""))
        return [report.detail, *([terminal.text(remedy)] if remedy and report.detail.startswith(beginning) else [])]
    is_found = report.outcome is SourceOutcome.FOUND
    first = key_text(report.access_key_id, report.expires_at, terminal) if is_found else report.detail
    return [first, *([terminal.text("from {origin}", origin=report.origin)] if report.origin else [])]


def _below(report: SourceReport, terminal: Terminal) -> list[Node]:
    inner = report.obtained_with
    if inner is None:
        return []
    return [Node(terminal.text("obtained with {name}", name=inner.name), _lines(inner, terminal), _below(inner, terminal))]
