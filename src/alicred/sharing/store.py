"""What a store of shared credentials is: the protocol that `SharedProvider` speaks. A store moves bytes and knows no credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import attrs

from alicred._internal.public import public
from alicred.errors import ConfigurationError

LARGEST_RECORD = 64 * 1024
"""Bytes of `Record.sealed`: what is larger counts as absent."""
LARGEST_GENERATION = 2**53
"""Generations are below this, so that every JSON parser and script reads them as they are."""


@public("alicred.sharing")
@attrs.frozen(kw_only=True)
class Record:
    """What is stored under an entry. A value.

    Args:
        generation: Counts the values of an entry: a higher one is newer. Above 0, below 2**53.
        sealed: The credential, encrypted; at most 64 KiB.
        keep: How long the record is of use, counted from when it is saved. Later it may be removed.
    """

    generation: int
    sealed: bytes = attrs.field(repr=False)
    keep: timedelta


@public("alicred.sharing")
@attrs.frozen
class Stored:
    """There is a newer record.

    Args:
        record: The record.
        age: How long ago it was saved, measured on one clock: the store's, or the machine's own.
    """

    record: Record
    age: timedelta


@public("alicred.sharing")
@attrs.frozen
class Busy:
    """There is no newer record, and no lease to be had.

    Args:
        left: How long the lease or the pause lasts at most; zero where a lease of zero was asked for and would have been free.
        pausing: The reason of a pause after a failure; ``None`` means that another worker is at it.
    """

    left: timedelta
    pausing: str | None = None


@public("alicred.sharing")
class Lease(Protocol):
    """The right to fetch, for a while: the others leave it to its holder. It ends by itself; it is not renewed."""

    @property
    def over(self) -> int:
        """The generation that is stored, which this lease may replace; 0 if there is none."""
        ...

    @property
    def failures(self) -> int:
        """How many refreshes of the entry have failed in a row, of any worker."""
        ...

    def save(self, record: Record) -> bool:
        """Put *record* in the place of the generation `over`, end the lease and forget the failures.

        Returns:
            Whether it was saved; false if another record has come in between, which stays.
        """
        ...

    def end(self, *, pause: timedelta = timedelta(0), reason: str = "") -> None:
        """End the lease without a record.

        Args:
            pause: How long no worker is to fetch; above zero it counts as one more failure.
            reason: Why, for the others: an error code of at most 64 printable characters.
        """
        ...


@public("alicred.sharing")
class CredentialStore(Protocol):
    """Where workers share. Thread- and fork-safe; it can be pickled. Whatever goes wrong in it may be raised as any `Exception`."""

    @property
    def name(self) -> str:
        """What the store is called in events and errors, without a secret."""
        ...

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        """A record that is newer than the generation *newer_than*, if there is one; else the lease if it is free; else who has it.

        One step: of many workers that ask at once, one gets the lease.

        Args:
            entry: The name of the entry: 40 hex digits.
            newer_than: The generation that the caller has.
            lease: How long the others are to leave it to the caller; zero: take none.
        """
        ...


def refuse_nonsense(record: Record, over: int) -> None:
    """Refuse to save what no store may hold: a generation that does not grow or is out of range, or too many bytes.

    Raises:
        ConfigurationError: The record is one.
    """
    if not over < record.generation < LARGEST_GENERATION:
        raise ConfigurationError(
            f"the generation of a record must be above {over}, which it replaces, and below 2**53, not {record.generation}"
        )
    if len(record.sealed) > LARGEST_RECORD:
        raise ConfigurationError(f"a record may have {LARGEST_RECORD} bytes, not {len(record.sealed)}")
