"""``alicred whoami``: the identity that a program gets here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import attrs

from alicred.cli.identity import fetched, sts_of
from alicred.cli.terminal import Terminal

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.errors import AlicredError
    from alicred.wire.sts import CallerIdentity

DESCRIPTION = """\
Show which identity a program gets here: what STS says of it, from where it comes, and until when it is valid.
No secret is printed. If STS cannot be asked, everything else is printed all the same."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("--offline", action="store_true", help="do not ask STS whose the credential is")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Show it."""
    from alicred.cli.main import exit_code
    from alicred.errors import AlicredError

    with terminal.progress() as progress:
        progress(terminal.text("looking for a credential …"))
        held = identity = error = None
        try:
            held = fetched(options)
            if not options.offline:
                progress(terminal.text("asking STS whose it is …"))
                identity = sts_of(options).get_caller_identity(held)
        except AlicredError as raised:
            error = raised
    if held is not None:
        if terminal.json:
            terminal.say_json(_json(held, identity, error))
        else:
            _print(held, identity, terminal)
    if error is None:
        return 0
    if held is None or not terminal.json:
        terminal.error(error)
    if held is not None and error.code in _WRONG_TOKEN:
        terminal.hint(_token_hint(held, terminal))
    if held is None:
        terminal.hint(terminal.text("There is no credential. `alicred explain` shows what each source says and what to do."))
    return exit_code(error)


_WRONG_TOKEN = ("InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey")


def _token_hint(held: Credential, terminal: Terminal) -> str:
    """Where the security token comes from that STS does not take, and what to do there."""
    from alicred.sources.environment import SECURITY_TOKEN

    if SECURITY_TOKEN in held.origin:
        return terminal.text("The security token is that of {name}. If it was left over from another key, unset it.", name=SECURITY_TOKEN)
    return terminal.text("The security token comes from {origin}.", origin=held.origin or held.provider_name)


def _json(held: Credential, identity: CallerIdentity | None, error: AlicredError | None) -> dict[str, object]:
    from alicred._internal.text import key_id_text
    from alicred.cli.reports import as_json, error_json, moment_json

    return {
        "identity": None if identity is None else attrs.asdict(identity),
        "error": None if error is None else error_json(error),
        "access_key_id": key_id_text(held.access_key_id),
        "expires_at": moment_json(held.expires_at),
        "origin": held.origin or None,
        "obtained_with": None if held.obtained_with is None else as_json(held.obtained_with),
        "provider_name": held.provider_name,
    }


def _print(held: Credential, identity: CallerIdentity | None, terminal: Terminal) -> None:
    from alicred.cli.layout import columns, padded
    from alicred.cli.reports import key_id, key_text, until

    rows: list[tuple[str, str]] = []
    if identity is not None:
        rows.append((terminal.text("account"), identity.account_id))
        rows.append((terminal.text("identity"), terminal.styled(identity.arn, "strong")))
        rows.append((terminal.text("type"), identity.identity_type))
    rows.append((terminal.text("access key ID"), key_id(held.access_key_id, terminal)))
    rows.append((terminal.text("valid"), until(held.expires_at, terminal)))
    rows.append((terminal.text("from"), held.origin or held.provider_name))
    inner = held.obtained_with
    while inner is not None:
        rows.append((terminal.text("obtained with"), key_text(inner.access_key_id, inner.expires_at, terminal)))
        if inner.origin:
            rows.append(("", terminal.text("from {origin}", origin=inner.origin)))
        inner = inner.obtained_with
    margin = max(columns(name) for name, _ in rows)
    for name, value in rows:
        terminal.paragraph(value, first=terminal.styled(padded(name, margin), "quiet") + "  ")
