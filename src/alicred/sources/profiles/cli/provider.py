"""Credentials from a profile of the command line tool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential, named
from alicred.sources._clients import HttpChoice, ImdsChoice, StsChoice
from alicred.sources._role_session import SessionName
from alicred.sources._source import Source, errors_of
from alicred.sources.profiles.cli.config import CliLookup
from alicred.sources.profiles.cli.modes import CliTools, LateLogins, source_of

if TYPE_CHECKING:
    from alicred.events import Listener
    from alicred.wire.http import HttpClient
    from alicred.wire.imds import ImdsClient
    from alicred.wire.sts import StsClient

_OWNER = "CliProfileProvider"


@public("alicred")
class CliProfileProvider(Source):
    """The credential that one profile of the command line tool describes, in ``~/.aliyun/config.json``.

    The file is read at every `get`, and nothing is kept, so that a changed file counts at once; put a `CachingProvider` around
    it to keep temporary keys. Thread-, task- and fork-safe, picklable. `get` blocks for as long as the source that the profile
    describes; for an OAuth login up to 30 s more while another thread or process renews one of the file.

    The file is changed in one case only: the tokens of an OAuth login renew each other, and the new ones, with the keys that they
    gave, must take the place of the old ones. Only that profile's keys are changed; what else the file says stays, in its order and
    with its indentation. Neither a crash nor another writer leaves a broken file behind. If it cannot be written, the credential
    is served all the same, an event says so, and this object goes on with the new tokens.

    Args:
        path: The file; ``~`` is the home directory. ``None`` means ``ALIBABA_CLOUD_CONFIG_FILE``, else ``~/.aliyun/config.json``.
        profile: The profile, case-sensitive. ``None`` means ``ALIBABA_CLOUD_PROFILE``, else the one that the file calls ``current``.
        write_back: Whether the file may be changed. Without that, renewed tokens last as long as this object, and then the login may
            be lost.
        environ: Where to look variables up, and what an external program gets; ``None`` means ``os.environ`` at the time of the call.
        sts: The client to ask for keys of a role; ``None`` means one for the host that the profile, else *environ* names.
        imds: The client to ask for an instance's keys; ``None`` means one for the metadata service.
        http: What sends all other requests, and those of the STS client if *sts* is ``None``.
        clock: Where the time comes from, for stored sessions, logins, and the clients that are made here.
        listener: Gets every `LoginNotSaved`, beside the logger ``alicred``.
        name: What this source is called; ``None`` means ``cli_profile``.

    Raises:
        ConfigurationError: An argument is empty or of the wrong type; the text names it.
    """

    _of_both = False  # whether the profile may be in the profile file instead

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        *,
        write_back: bool = True,
        environ: Mapping[str, str] | None = None,
        sts: StsClient | None = None,
        imds: ImdsClient | None = None,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
        listener: Listener | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "cli_profile", name, environ)
        check.clock(f"{_OWNER}.clock", clock)
        check.listener(f"{_OWNER}.listener", listener)
        self._clock = clock
        self._lookup = CliLookup(_OWNER, path=path, profile=profile, environ=environ, of_both=self._of_both)
        self._logins = LateLogins(write_back=check.flag(f"{_OWNER}.write_back", write_back), listener=listener)
        self._sts = StsChoice(_OWNER, sts, "assume_role", http=http, clock=clock)
        self._imds = ImdsChoice(_OWNER, imds, clock)
        self._http = HttpChoice(_OWNER, http)
        self._session = SessionName(_OWNER, None)

    def get(self) -> Credential:
        """The credential that the profile describes now. Its ``provider_name`` is ``cli_profile/`` and the name of that source.

        Raises:
            NotConfiguredError: There is no file, or none of its profiles was asked for, or the one that it calls current was never filled
                in, or ``ALIBABA_CLOUD_CLI_PROFILE_DISABLED`` is true.
            ConfigurationError: The file, the profile or one of its keys is wrong; the text names the path and the key.
            ProviderError: What the source that the profile describes raised.
        """
        with errors_of(self.name) as origin:
            origin.text = self._lookup.files
            chosen = self._lookup.find()
            origin.text = chosen.profile.origin
            tools = CliTools(
                config=chosen.config,
                environ=self._lookup.environ,
                sts=self._sts,
                imds=self._imds,
                http=self._http,
                clock=self._clock,
                session=self._session,
                logins=self._logins,
            )
            source = source_of(chosen, tools)
            fetched = chosen.profile.fetch(source)
        return named(fetched, self.name, fetched.provider_name)


class CliProfileOfBothFiles(CliProfileProvider):
    """The same in a chain with the profile file: where there is such a file, it says whether the profile exists at all."""

    _of_both = True
