"""What stands in the two files of profiles, which profile a program gets, and what is wrong in them. Nothing is sent, and nothing run."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from alicred._internal.environ import variable
from alicred._internal.files import as_text, expand, is_there, read_file, shown
from alicred._internal.late import os
from alicred._internal.text import is_like_secret, name_text, utc
from alicred.cli.wording import marked
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import AlicredError, ConfigurationError, NotConfiguredError
from alicred.sources._clients import HttpChoice, ImdsChoice, StsChoice
from alicred.sources._role_session import SessionName
from alicred.sources.environment import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from alicred.sources.oidc_role_arn import OIDC_PROVIDER_ARN, OIDC_TOKEN_FILE, ROLE_ARN
from alicred.sources.profiles.builders import Tools
from alicred.sources.profiles.cli import config as cli_config
from alicred.sources.profiles.cli import modes
from alicred.sources.profiles.cli.config import Chosen, CliConfig, CliLookup
from alicred.sources.profiles.cli.oauth_login import OAUTH, stored_session
from alicred.sources.profiles.ini import lookup as ini_lookup
from alicred.sources.profiles.ini import types
from alicred.sources.profiles.ini.grammar import IniError, Section, parse
from alicred.sources.profiles.ini.lookup import Lookup
from alicred.sources.profiles.ini.profile import Profile
from alicred.sources.profiles.lookup import LARGEST_FILE, in_home
from alicred.wire.role_session import is_role_arn

if TYPE_CHECKING:
    from alicred.sources.profiles.cli.profile import CliProfile

_OWNER = "Profiles"
_WHAT = "the profile file"
# Each of the two files: its kind, the variable that may name it, and where it is otherwise.
_CLI = ("cli", cli_config.CONFIG_FILE, (cli_config.DEFAULT_PATH,))
_INI = ("profile", ini_lookup.CREDENTIALS_FILE, ini_lookup.DEFAULT_PATHS)
_WITHOUT_ACCESS_KEY = (modes.BEARER, "Anonymous", types.BEARER)  # the chain has no use for these, and nothing need be wrong with them
# Those that assume the role of the file.
_WITH_ROLE = ("RamRoleArn", "RamRoleArnWithRoleName", "RamRoleArnWithEcs", "OIDC", "ChainableRamRoleArn")
_TYPES_WITH_ROLE = ("ram_role_arn", "oidc_role_arn")

LOGIN_ENDED = marked("the login ended at {moment}")
LOG_IN = marked("log in again: {command}")
# Who may do what with a file that is its owner's alone: by the bits of its mode, the worst first.
OPEN = (
    (0o002, marked("every user of this machine may change it (mode {mode})")),
    (0o005, marked("every user of this machine may read it (mode {mode})")),
    (0o020, marked("its group may change it (mode {mode})")),
    (0o050, marked("its group may read it (mode {mode})")),
)
CLOSE = marked("run: {command}")
EMPTY = marked("empty: `aliyun configure` fills it in")
OFF = marked("switched off")
EXCHANGED = marked("access_key_id looks like a secret: id and secret may have been exchanged. Copy both again")
NO_ARN = marked("{key} is no ARN of a role. Write acs:ram::<account>:role/<name>, with the number of the account")
TWICE = marked("it has {count} profiles that are called {name}, of which only the first counts. Rename or remove the others")


@attrs.frozen
class Words:
    """A text that can be translated, and the values to put in."""

    english: str
    values: Mapping[str, object] = attrs.field(factory=dict[str, object])

    def __str__(self) -> str:
        return self.english.format(**self.values) if self.values else self.english


@attrs.frozen
class Problem:
    """What is wrong, and what to do if the text does not say so itself."""

    text: Words
    remedy: Words | None = None

    def as_json(self) -> dict[str, str | None]:
        """For ``--json``, in English."""
        return {"problem": str(self.text), "remedy": None if self.remedy is None else str(self.remedy)}


@attrs.frozen(kw_only=True)
class ProfileReport:
    """One profile of a file.

    Args:
        name: Its name.
        mode: Its mode or type, as the file says it or the tool would guess; ``None`` if neither is to be had.
        is_current: Whether the file calls it current.
        is_used: Whether it is the one of both files that a program gets which names none.
        access_key_id: The id of the key that stands in it.
        role_arn: The role that it assumes.
        role_name: The role of the instance.
        account_id: The account, if the file tells it.
        source_profile: The profile whose credential it assumes the role with.
        region: Its region.
        ends_at: When its login, or the temporary key in it, ends or ended.
        note: What is no problem: that it was never filled in, or is switched off.
        problems: What is wrong with it.
    """

    name: str
    mode: str | None = None
    is_current: bool = False
    is_used: bool = False
    access_key_id: str | None = None
    role_arn: str | None = None
    role_name: str | None = None
    account_id: str | None = None
    source_profile: str | None = None
    region: str | None = None
    ends_at: datetime | None = None
    note: str = ""
    problems: tuple[Problem, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "name": self.name,
            "mode": self.mode,
            "current": self.is_current,
            "used": self.is_used,
            "access_key_id": self.access_key_id,
            "account_id": self.account_id,
            "role_arn": self.role_arn,
            "role_name": self.role_name,
            "source_profile": self.source_profile,
            "region": self.region,
            "ends_at": None if self.ends_at is None else f"{self.ends_at:%Y-%m-%dT%H:%M:%SZ}",
            "note": self.note or None,
            "problems": [problem.as_json() for problem in self.problems],
        }


@attrs.frozen(kw_only=True)
class FileReport:
    """One of the two files.

    Args:
        kind: ``cli`` for the command line tool's, ``profile`` for the INI file.
        path: Where it is, or would be; empty if there is no home directory to look in.
        exists: Whether it is there.
        permissions: Who may do what with it: the bits of its mode.
        note: Why it is not read.
        problems: What is wrong with the file as a whole.
        profiles: The profiles in it.
    """

    kind: str
    path: str
    exists: bool = False
    permissions: int | None = None
    note: str = ""
    problems: tuple[Problem, ...] = ()
    profiles: tuple[ProfileReport, ...] = ()

    @property
    def octal(self) -> str | None:
        """The permissions as ``chmod`` writes them."""
        return None if self.permissions is None else f"{self.permissions:04o}"

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "kind": self.kind,
            "path": self.path or None,
            "exists": self.exists,
            "permissions": self.octal,
            "note": self.note or None,
            "problems": [problem.as_json() for problem in self.problems],
            "profiles": [profile.as_json() for profile in self.profiles],
        }


@attrs.frozen(kw_only=True)
class Survey:
    """Both files.

    Args:
        files: The command line tool's file, and the INI file.
        variables: The variables that a program which asks for no profile takes its credential from before it looks into either file.
    """

    files: tuple[FileReport, ...]
    variables: tuple[str, ...]

    @property
    def problems(self) -> list[tuple[FileReport, ProfileReport | None, Problem]]:
        """Each problem, with the file and the profile that it is in."""
        found: list[tuple[FileReport, ProfileReport | None, Problem]] = []
        for file in self.files:
            found += [(file, None, problem) for problem in file.problems]
            found += [(file, profile, problem) for profile in file.profiles for problem in profile.problems]
        return found

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        used = next(({"file": file.path, "profile": each.name} for file in self.files for each in file.profiles if each.is_used), None)
        return {
            "ok": not self.problems,
            "used": used,
            "variables_first": list(self.variables),
            "files": [file.as_json() for file in self.files],
        }


def survey(environ: Mapping[str, str], *, profile: str | None = None, clock: Clock = SYSTEM_CLOCK) -> Survey:
    """Look at both files, as a program does that asks for *profile*.

    Args:
        environ: Where the variables are.
        profile: The profile that is asked for; ``None`` means the variable's, else the one that the file calls current.
        clock: What says whether a login has ended.
    """
    cli, goes_on = _cli_file(environ, profile, clock)
    ini = _ini_file(environ, profile, clock, is_asked=goes_on)
    return Survey(files=(cli, ini), variables=() if profile is not None else tuple(_variables(environ)))


def files(environ: Mapping[str, str]) -> tuple[FileReport, ...]:
    """Where both files are, without a look into them."""
    found: list[FileReport] = []
    for place in (_CLI, _INI):
        try:
            found.append(_file(place, environ))
        except AlicredError:  # there is no home directory
            found.append(FileReport(kind=place[0], path=""))
    return tuple(found)


def _variables(environ: Mapping[str, str]) -> list[str]:
    """Those that hold a credential, or lead to one, before any file does."""
    key = [name for name in (ACCESS_KEY_ID, ACCESS_KEY_SECRET) if environ.get(name)]
    oidc = (ROLE_ARN, OIDC_PROVIDER_ARN, OIDC_TOKEN_FILE)
    return key or (list(oidc) if all(environ.get(name) for name in oidc) else [])


# --- the command line tool's file ---------------------------------------------------------------------------------------------------


def _cli_file(environ: Mapping[str, str], asked: str | None, clock: Clock) -> tuple[FileReport, bool]:
    """The file, and whether a chain goes on to the next source."""
    report = FileReport(kind="cli", path="")
    try:
        report = _file(_CLI, environ)
        chosen: Chosen | AlicredError = CliLookup(_OWNER, path=None, profile=asked, environ=environ, of_both=True).find()
    except AlicredError as error:
        chosen = error
    try:
        config = CliConfig.read(report.path) if report.exists else None
    except AlicredError:
        config = None  # `chosen` says so too
    if config is None:
        return _with_error(report, chosen), isinstance(chosen, NotConfiguredError)
    is_read = not isinstance(chosen, AlicredError)
    used = chosen.profile.name if isinstance(chosen, Chosen) else None
    profiles: list[ProfileReport] = []
    goes_on = isinstance(chosen, NotConfiguredError)
    for name in config.profiles:
        profile = config.profile(name, environ)
        assert profile is not None  # noqa: S101  (it is one of them)
        asked_for = isinstance(chosen, Chosen) and chosen.asked and name == used
        found = _cli_profile(Chosen(config=config, profile=profile, asked=asked_for), environ, clock)
        is_blank = found.note == EMPTY
        goes_on = goes_on or (name == used and is_blank)
        profiles.append(attrs.evolve(found, is_current=name == (config.current or "default"), is_used=name == used and not is_blank))
    report = attrs.evolve(report, profiles=tuple(profiles))
    for name, count in config.repeated().items():
        twice = Problem(Words(TWICE, {"count": count, "name": repr(name_text(name))}))
        report = attrs.evolve(report, problems=(*report.problems, twice))
    return report if is_read else _with_error(report, chosen), goes_on


def _cli_profile(chosen: Chosen, environ: Mapping[str, str], clock: Clock) -> ProfileReport:
    profile = attrs.evolve(chosen.profile, environ={})  # what the file itself says
    values = {key: _string(profile.values.get(key)) for key in profile.values}
    problems: list[Problem] = []
    note, mode = "", values.get("mode")
    try:
        with profile.explained():
            mode = values.get("mode") or modes.guess(chosen.profile)
        if mode == modes.BEARER:
            with chosen.profile.explained():
                chosen.profile.needed("bearer_token")
        elif mode not in _WITHOUT_ACCESS_KEY:
            modes.source_of(chosen, _cli_tools(chosen.config, environ, clock))
    except NotConfiguredError:
        note = EMPTY
    except AlicredError as error:
        problems.append(_problem(error, profile.where, profile.path))
    problems += _looks(values, "ram_role_arn" if mode in _WITH_ROLE else "")
    ends_at, ended = None, None
    with suppress(AlicredError):  # `source_of` says so too
        ends_at, ended = _login(profile, mode, clock)
    role_arn = values.get("ram_role_arn")
    return ProfileReport(
        name=profile.name,
        mode=_name(mode),
        access_key_id=_key_id(values.get("access_key_id")),
        role_arn=_name(role_arn),
        role_name=_name(values.get("ram_role_name")),
        account_id=_name(values.get("cloud_sso_account_id")) or _account_of(role_arn),
        source_profile=_name(values.get("source_profile")),
        region=_name(values.get("region_id")),
        ends_at=ends_at,
        note=note,
        problems=(*problems, *([ended] if ended is not None else ())),
    )


def _cli_tools(config: CliConfig, environ: Mapping[str, str], clock: Clock) -> modes.CliTools:
    return modes.CliTools(
        config=config,
        environ=environ,
        sts=StsChoice(_OWNER, None, "assume_role"),
        imds=ImdsChoice(_OWNER, None),
        http=HttpChoice(_OWNER, None),
        clock=clock,
        session=SessionName(_OWNER, None),
        logins=modes.LateLogins(write_back=False),
    )


def _login(profile: CliProfile, mode: str | None, clock: Clock) -> tuple[datetime | None, Problem | None]:
    """When the login of *profile* ends, or the temporary key in it, and the problem if that is over."""
    if mode == "CloudSSO":
        ends_at = profile.moment("cloud_sso_access_token_expire")
    elif mode == OAUTH and profile.text("oauth_refresh_token") is None:
        ends_at = profile.moment("oauth_access_token_expire")
    else:
        return (profile.moment("sts_expiration") if mode in ("StsToken", OAUTH) else None), None
    if ends_at is None or ends_at > clock.utcnow():
        return ends_at, None
    stored = stored_session(profile, clock)
    if stored is not None:
        return stored.expires_at, None  # served until then
    remedy = Words(LOG_IN, {"command": f"alicred login --profile {shlex.quote(profile.name)}"})
    return ends_at, Problem(Words(LOGIN_ENDED, {"moment": utc(ends_at)}), remedy)


# --- the INI file -------------------------------------------------------------------------------------------------------------------


def _ini_file(environ: Mapping[str, str], asked: str | None, clock: Clock, *, is_asked: bool) -> FileReport:
    """The file. *is_asked*: whether a chain comes to it at all."""
    report = FileReport(kind="profile", path="")
    used: Profile | AlicredError
    try:
        report = _file(_INI, environ)
        used = Lookup(_OWNER, path=None, profile=asked, require_enable=False, environ=environ).find()
    except AlicredError as error:
        used = error
    sections: Mapping[str, Section] = {}
    with suppress(AlicredError, IniError):  # `used` says so too
        if report.exists:
            sections = parse(as_text(read_file(report.path, what=_WHAT, limit=LARGEST_FILE), report.path, what=_WHAT))
    found = [_section(report.path, section, environ, clock) for section in sections.values()]
    if not isinstance(used, AlicredError):
        chosen = used.name
        found = [attrs.evolve(each, is_used=is_asked and each.name == chosen) for each in found]
    report = attrs.evolve(report, profiles=tuple(found))
    if isinstance(used, NotConfiguredError) and asked is not None and is_asked:
        used = ConfigurationError(f"the profile {asked!r} was asked for, and no file has it: {used.message}")
    is_told = isinstance(used, AlicredError) and any(str(problem.text) in used.message for each in found for problem in each.problems)
    is_elsewhere = asked is not None and not is_asked  # the tool's file has the profile
    return report if is_told or is_elsewhere else _with_error(report, used)


def _section(path: str, section: Section, environ: Mapping[str, str], clock: Clock) -> ProfileReport:
    problems: list[Problem] = []
    note = ""
    values = {key: value.strip() or None for key, value in section.values.items()}
    where = Profile(name=section.name, path=path, line=section.line, values=section.values).where
    try:
        profile = Lookup(_OWNER, path=path, profile=section.name, require_enable=False, environ=environ).find()
        with profile.explained():
            if (values.get("type") or "").lower() == types.BEARER:
                profile.needed("bearer_token")
            else:
                types.source_of(profile, _ini_tools(environ, clock))
    except NotConfiguredError:
        note = OFF
    except AlicredError as error:
        problems.append(_problem(error, where, path))
    kind = (values.get("type") or "").lower()
    if note != OFF:
        problems += _looks(values, "role_arn" if kind in _TYPES_WITH_ROLE else "")
    role_arn = values.get("role_arn")
    return ProfileReport(
        name=section.name,
        mode=_name(values.get("type")),
        access_key_id=_key_id(values.get("access_key_id") or values.get("public_key_id")),
        role_arn=_name(role_arn),
        role_name=_name(values.get("role_name")),
        account_id=_account_of(role_arn),
        region=_name(values.get("sts_region") or values.get("region_id")),
        note=note,
        problems=tuple(problems),
    )


def _ini_tools(environ: Mapping[str, str], clock: Clock) -> Tools:
    sts = StsChoice(_OWNER, None, "assume_role", clock=clock)
    return Tools(environ=environ, sts=sts, imds=ImdsChoice(_OWNER, None, clock), session=SessionName(_OWNER, None))


# --- what both have in common -------------------------------------------------------------------------------------------------------


def _file(place: tuple[str, str, tuple[str, ...]], environ: Mapping[str, str]) -> FileReport:
    """Where the file is, whether it is there, and who may read it."""
    kind, variable_name, defaults = place
    named = variable(environ, variable_name)
    paths = [expand(named, environ)] if named is not None else in_home(defaults, environ)
    path = next(filter(is_there, paths), paths[0] if paths else "")
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode) if path else None
    except (OSError, ValueError):
        mode = None
    problems: list[Problem] = []
    text = next((text for bits, text in OPEN if mode is not None and mode & bits), None)
    if text is not None and os.name == "posix" and os.path.isfile(path):
        remedy = Words(CLOSE, {"command": f"chmod 600 {shlex.quote(path)}"})
        problems.append(Problem(Words(text, {"mode": f"{mode:04o}"}), remedy))
    return FileReport(kind=kind, path=path, exists=mode is not None, permissions=mode, problems=tuple(problems))


def _with_error(report: FileReport, error: object) -> FileReport:
    """*report*, and why the file gives no profile: a problem, unless nothing is set up."""
    if isinstance(error, NotConfiguredError):
        return attrs.evolve(report, note=error.message)
    if isinstance(error, AlicredError):
        text = error.message
        for what in (cli_config.WHAT, _WHAT):  # the path stands in front of it
            text = text.removeprefix(f"{what} {shown(report.path)}: ").removeprefix(f"{what} {shown(report.path)} ")
        return attrs.evolve(report, problems=(*report.problems, Problem(Words(text))))
    return report


def _problem(error: AlicredError, where: str, path: str) -> Problem:
    """*error* as a problem of the profile that is called *where*, in the file at *path*: neither need be said again."""
    return Problem(Words(error.message.removeprefix(f"{where}: ").replace(f" of {shown(path)}:", ":")))


def _looks(values: Mapping[str, str | None], role_key: str) -> Iterator[Problem]:
    """What does not look like what it should be, although it can be sent."""
    if is_like_secret(values.get("access_key_id") or ""):
        yield Problem(Words(EXCHANGED))
    role_arn = values.get(role_key)
    if role_arn is not None and not is_role_arn(role_arn):
        yield Problem(Words(NO_ARN, {"key": role_key}))


def _key_id(value: str | None) -> str | None:
    """An access key id as it is shown: its first characters if it is, as it seems, the secret."""
    return f"{value[:4]}..." if value is not None and is_like_secret(value) else value


def _name(value: str | None) -> str | None:
    """The same for a name."""
    return None if value is None else name_text(value)


def _string(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _account_of(role_arn: str | None) -> str | None:
    parts = (role_arn or "").split(":")
    return parts[3] if len(parts) > 4 and parts[3].isdigit() else None
