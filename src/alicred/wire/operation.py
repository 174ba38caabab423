"""What is being done with a service, as errors tell it: the one place where the grammar of their texts stands."""

from __future__ import annotations

import re
from enum import Enum

import attrs

from alicred._internal.text import key_id_text
from alicred.errors import MalformedResponseError

_ARN = re.compile(r"acs:[a-z0-9-]{1,20}:[a-z0-9-]{0,30}:[0-9]{0,20}:[\w/.@-]{1,128}", re.ASCII)
_KEY_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class Kind(Enum):
    """What a code of the service means depends on it."""

    ASSUME_ROLE = "a role is assumed"
    STS = "another operation of STS"
    METADATA = "the metadata service is asked"
    LOGIN = "OAuth or CloudSSO is asked"
    OTHER = "anything else"


@attrs.frozen
class Operation:
    """One operation. A value; nothing in it is secret.

    Args:
        name: What it is called: ``AssumeRole``, or a noun such as ``the request for a token``.
        kind: Decides what a code of the service means.
        endpoint: Where it is asked for.
        role_arn: The role that is asked for; shows if it has the form of an ARN.
        access_key_id: The caller's; shows if it has the form of one.
        check: What to do if the answer is not as promised.
    """

    name: str
    kind: Kind = attrs.field(default=Kind.OTHER, kw_only=True)
    endpoint: str = attrs.field(default="", kw_only=True)
    role_arn: str = attrs.field(default="", kw_only=True)
    access_key_id: str = attrs.field(default="", kw_only=True)
    check: str = attrs.field(
        default="Check that this is the address of the service, and that nothing in between changes its answers", kw_only=True, repr=False
    )

    def failed(self, cause: str, instruction: str = "") -> str:
        """The text of an error, ``<operation> failed: <cause>. <Instruction>.``, to which `ProviderError` adds the details.

        Args:
            cause: One clause, without a full stop.
            instruction: What to do about it: one or more sentences, without the last full stop. Left out where nothing can be said.
        """
        return f"{self} failed: {cause}." + (f" {instruction}." if instruction else "")

    def malformed(self, cause: str, *, status: int | None = None) -> MalformedResponseError:
        """The error for an answer that is not as promised."""
        return MalformedResponseError(self.failed(cause, self.check), status=status)

    def __str__(self) -> str:
        role = f" of {self.role_arn}" if _ARN.fullmatch(self.role_arn) else ""
        caller = f" with the access key {key_id_text(self.access_key_id)}" if _KEY_ID.fullmatch(self.access_key_id) else ""
        return f"{self.name}{role}{caller}" + (f" at {self.endpoint}" if self.endpoint else "")
