"""``alicred explain``: what each source of the default chain says, and which one is used."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from alicred.cli.identity import keep_log_quiet, sts_of
from alicred.cli.terminal import Terminal

if TYPE_CHECKING:
    from alicred.cli.layout import Node
    from alicred.cli.profile_files import FileReport
    from alicred.credential import Credential
    from alicred.errors import SourceReport
    from alicred.provider import Provider

DESCRIPTION = """\
Show what each source of the default chain says now: found, not set up (and what would set it up), or broken
(and what to do), which one a program gets its credential from, and what was looked at. Every source is asked
once. No secret is printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes: nothing."""


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Ask them all."""
    from alicred.cli.profile_files import files

    keep_log_quiet(options)
    environ = Recorded(os.environ)
    with terminal.progress() as progress:

        def asking(name: str) -> None:
            progress(terminal.text("asking {name} …", name=name))

        reports = _reports(options, environ, asking)
        role = None if options.role_arn is None else _role(options, asking)
    found = Explained(reports=reports, role=role, variables=environ.seen(), files=files(os.environ))
    if terminal.json:
        terminal.say_json(found.as_json())
    else:
        _print(found, terminal)
    return found.exit_code


class Recorded(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._names: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        self._names[name] = None
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)

    def seen(self) -> dict[str, str | None]:
        """What was asked for, in this order, and what is shown of it: ``None`` for what is not set."""
        ours = [name for name in self._names if name.startswith("ALIBABA_CLOUD_") or name == "HOME"]
        return {name: _shown(name, self._environ[name]) if self._environ.get(name) else None for name in ours}


@attrs.frozen(kw_only=True)
class Explained:
    """What was found out.

    Args:
        reports: What each source of the chain says.
        role: What assuming the role of ``--role-arn`` gave; ``None`` if there is none.
        variables: The variables that were looked at.
        files: The two files of profiles.
    """

    reports: tuple[SourceReport, ...]
    role: SourceReport | None
    variables: dict[str, str | None]
    files: tuple[FileReport, ...]

    @property
    def stop(self) -> SourceReport | None:
        """The broken source at which the search ends; ``None`` if a credential is found, or nothing is set up."""
        from alicred.errors import SourceOutcome

        if any(report.chosen for report in self.reports):
            return None
        return next((report for report in self.reports if report.outcome is SourceOutcome.FAILED), None)

    @property
    def exit_code(self) -> int:
        """As `main` has it for the error that a program would get."""
        from alicred.cli.main import exit_code

        end = self.role or next((report for report in self.reports if report.chosen), self.stop)
        return 1 if end is None else 0 if end.error is None else exit_code(end.error)

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        from alicred.cli.reports import as_json

        chosen = next((report.name for report in self.reports if report.chosen), None)
        return {
            "chosen": chosen,
            "stopped_by": None if self.stop is None else self.stop.name,
            "sources": [as_json(report) for report in self.reports],
            "role": None if self.role is None else as_json(self.role),
            "variables": self.variables,
            "files": [{"path": file.path or None, "exists": file.exists, "permissions": file.octal} for file in self.files],
        }


@attrs.frozen
class _Announced:
    """A source that says when it is asked."""

    source: Provider[Credential]
    asking: Callable[[str], None]

    @property
    def name(self) -> str:
        return self.source.name

    def get(self) -> Credential:
        return self.source.get()

    def explain(self) -> tuple[SourceReport, ...]:
        from alicred.provider import explain

        self.asking(self.name)
        return explain(self.source)


def _reports(options: argparse.Namespace, environ: Mapping[str, str], asking: Callable[[str], None]) -> tuple[SourceReport, ...]:
    from alicred.chain import ChainProvider
    from alicred.default import default_sources

    sts = sts_of(options) if options.region else None
    sources = default_sources(environ=environ, profile=options.profile, sts=sts)
    reports = ChainProvider(*(_Announced(source, asking) for source in sources), name="default").explain()
    asked = options.profile or os.environ.get("ALIBABA_CLOUD_PROFILE")  # not as a source looks it up
    return reports if asked is None else tuple(_moot(report, reports, asked) for report in reports)


def _moot(report: SourceReport, reports: tuple[SourceReport, ...], asked: str) -> SourceReport:
    """*report*; not set up if it is the profile file's, which lacks the profile *asked* for, and the CLI's file has it."""
    from alicred.errors import SourceOutcome

    has_it = any(each.name == "cli_profile" and each.outcome is not SourceOutcome.NOT_CONFIGURED for each in reports)
    is_missing = report.error is not None and any(words in report.error.message for words in ("and no file has it: ", "has no section "))
    if not (has_it and is_missing and report.name == "profile" and report.error is not None):
        return report
    detail = f"the CLI's file has the profile {asked!r}; {report.error.message.rpartition('and no file has it: ')[2]}"
    return attrs.evolve(report, outcome=SourceOutcome.NOT_CONFIGURED, detail=detail, error=None)


def _role(options: argparse.Namespace, asking: Callable[[str], None]) -> SourceReport:
    from alicred.cli.identity import provider_of

    asking("ram_role_arn")
    (report,) = provider_of(options).explain()
    return report


# --- what is printed ----------------------------------------------------------------------------------------------------------------


def _print(found: Explained, terminal: Terminal) -> None:
    from alicred.cli.layout import Styled
    from alicred.cli.reports import node

    terminal.say(terminal.styled(terminal.text("The sources of the default chain, in the order in which they are asked"), "strong"))
    nodes: list[Node] = []
    ended = False
    for report in found.reports:
        nodes.append(node(report, terminal, is_stop=report is found.stop, is_moot=ended))
        ended = ended or report.chosen or report is found.stop
    terminal.tree(nodes)
    if found.role is not None:
        terminal.say("")
        terminal.say(terminal.styled(terminal.text("The role of --role-arn"), "strong"))
        terminal.tree([node(found.role, terminal)])
    terminal.say("")
    terminal.say(terminal.styled(terminal.text("What was looked at"), "strong"))
    for name, value in found.variables.items():
        if value is not None:
            terminal.paragraph(f"{name} {value}", first="  ")
    for file in found.files:
        if file.path:
            terminal.paragraph(f"{file.path} {_state(file, terminal)}", first="  ")
    gone = ", ".join(name for name, value in found.variables.items() if value is None)
    terminal.paragraph(Styled(terminal.text("not set: {names}", names=gone), "quiet"), first="  ")


def _state(file: FileReport, terminal: Terminal) -> str:
    if not file.exists:
        return terminal.styled(terminal.text("not there"), "quiet")
    return terminal.text("(mode {mode})", mode=file.octal)


def _shown(name: str, value: str) -> str:
    """What is shown of a variable that is set: its value where that is none that could be a secret."""
    from alicred._internal.files import shown
    from alicred._internal.text import is_like_secret, key_id_text

    if name == "ALIBABA_CLOUD_ACCESS_KEY_ID":
        return f"= {key_id_text(value)}"
    if name == "ALIBABA_CLOUD_STS_ENDPOINT":
        return f"= {address}" if (address := _address(value)) else "is set"
    is_switch = name.endswith(("_DISABLED", "_ENABLED", "_PROCESS")) and value.strip().lower() in _SWITCHES
    is_path = name == "HOME" or name.endswith("_FILE")
    is_name = name in _PUBLIC and not is_like_secret(value, is_name=True)
    return f"= {shown(value)}" if is_switch or is_path or is_name else "is set"


def _address(value: str) -> str:
    """Scheme, host, port and path of an address; nothing if it is none. A host alone is one."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value if "://" in value else f"//{value}")
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}{'://' if parts.scheme else ''}{host}{port}{parts.path}" if host and "@" not in parts.path else ""


_PUBLIC = (
    "ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_STS_REGION", "ALIBABA_CLOUD_ECS_METADATA",
)  # fmt: skip
_SWITCHES = ("true", "1", "yes", "false", "0", "no")
