"""Credentials from a section of the profile file, of every type but a bearer token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential, named
from alicred.sources._clients import ImdsChoice, StsChoice
from alicred.sources._role_session import SessionName
from alicred.sources._source import Source, errors_of
from alicred.sources.profiles.builders import Tools
from alicred.sources.profiles.ini.lookup import Lookup
from alicred.sources.profiles.ini.profile import Profile
from alicred.sources.profiles.ini.types import source_of

if TYPE_CHECKING:
    from alicred.wire.http import HttpClient
    from alicred.wire.imds import ImdsClient
    from alicred.wire.sts import StsClient

_OWNER = "ProfileFileProvider"


@public("alicred")
class ProfileFileProvider(Source):
    """The credential that one section of the profile file describes, in the INI format that the official libraries share.

    The file is found and read at every `get`, and nothing is kept, so that a changed file counts at once; put a
    `CachingProvider` around it to keep temporary keys. Thread-, task- and fork-safe, picklable. `get` blocks for as long as the
    source that the section describes.

    Args:
        path: The file; ``~`` is the home directory. ``None`` means ``ALIBABA_CLOUD_CREDENTIALS_FILE``, else the first of
            ``~/.alibabacloud/credentials`` and ``~/.alibabacloud/credentials.ini`` that exists.
        profile: The section, case-sensitive. ``None`` means ``ALIBABA_CLOUD_PROFILE``, else ``default``.
        require_enable: Whether a section without ``enable`` is switched off. ``enable = false`` switches it off anyway.
        environ: Where to look variables up; ``None`` means ``os.environ`` at the time of the call.
        sts: The client to ask for keys of a role; ``None`` means one for the host that the section, else *environ* names.
        imds: The client to ask for an instance's keys; ``None`` means one for the metadata service.
        http: What the STS client sends its requests with, if *sts* is ``None``.
        clock: Where the STS and metadata clients that are made here get the time from.
        name: What this source is called; ``None`` means ``profile``.

    Raises:
        ConfigurationError: An argument is empty or of the wrong type; the text names it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        *,
        require_enable: bool = False,
        environ: Mapping[str, str] | None = None,
        sts: StsClient | None = None,
        imds: ImdsClient | None = None,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "profile", name, environ)
        check.clock(f"{_OWNER}.clock", clock)
        self._lookup = Lookup(_OWNER, path=path, profile=profile, require_enable=require_enable, environ=environ)
        self._sts = StsChoice(_OWNER, sts, "assume_role", http=http, clock=clock)
        self._imds = ImdsChoice(_OWNER, imds, clock)
        self._session = SessionName(_OWNER, None)

    def get(self) -> Credential:
        """The credential that the section describes now. Its ``provider_name`` is ``profile/`` and the name of that source.

        Raises:
            NotConfiguredError: There is no file, or no section ``default`` and none was asked for, or the section is switched off.
            ConfigurationError: The file, the section or one of its keys is wrong; the text names the path and the key.
            ProviderError: What the source that the section describes raised.
        """
        with errors_of(self.name) as origin:
            origin.text = self._lookup.files
            profile = self._section()
            origin.text = profile.origin
            tools = Tools(environ=self._lookup.environ, sts=self._sts, imds=self._imds, session=self._session)
            with profile.explained():
                source = source_of(profile, tools)
            fetched = profile.fetch(source)
        return named(fetched, self.name, fetched.provider_name)

    def _section(self) -> Profile:
        """The section that counts, read from its file now."""
        return self._lookup.find()
