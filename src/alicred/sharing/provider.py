"""A source whose credential many workers share: one of them fetches, the others take what it has stored."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import cast

import attrs

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred._internal.random import draw
from alicred._internal.text import reads_like_code
from alicred._internal.validators import ZERO
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, ProviderError, SourceReport, is_local
from alicred.events import (
    CredentialAdopted,
    CredentialPublished,
    Event,
    LeaseLost,
    Listener,
    RecordRefused,
    StoreFailed,
    StoreRecovered,
    emit,
)
from alicred.policy.sharing import SharingPolicy
from alicred.provider import Provider, explain, identity_of
from alicred.refresh.need import Answer, Deferred, Need, ask_for
from alicred.sharing.decision import Away, Found, Move, Reason, Step, next_step
from alicred.sharing.key import StoreKey
from alicred.sharing.seal import Shared, entry_name, seal, unseal
from alicred.sharing.store import LARGEST_GENERATION, LARGEST_RECORD, Busy, CredentialStore, Lease, Record, Stored

_OWNER = "SharedProvider"
_LONGEST_REASON = 64  # characters
_MESSAGES = {
    Reason.LED_ELSEWHERE: "another worker is fetching the credential, and nothing is held meanwhile. Ask again later",
    Reason.PAUSING: "a refresh by another worker has failed, so that all workers pause. See why it failed, in its log",
    Reason.STORE_AWAY: "the store cannot be reached. Check it",
}


@public("alicred.sharing")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class SharingState:
    """What a `SharedProvider` of one process has done. A value; it holds no secret. Counts may miss one where threads meet.

    Args:
        generation: The number of the credential that it handed out last; 0 if there was none.
        adopted: Credentials that other workers had fetched.
        led: Credentials that this worker has fetched for all.
        deferred: How often it left it for later.
        own_calls: How often it asked the source without the store.
        lost_leases: How often another worker was faster.
        refused: Records that could not be used.
        store_failures: Consecutive failures of the store.
        store_away_until: Seconds on the clock's monotonic reading before which the store is left alone; ``None`` if it is not.
    """

    generation: int = 0
    adopted: int = 0
    led: int = 0
    deferred: int = 0
    own_calls: int = 0
    lost_leases: int = 0
    refused: int = 0
    store_failures: int = 0
    store_away_until: float | None = None


@public("alicred.sharing")
class SharedProvider:
    """One refresh for all workers that share a store: one of them asks *source*, the others take what it has stored, sealed.

    It stands between a `CachingProvider` and the source (with its retries)::

        CachingProvider(SharedProvider(RetryingProvider(role), store, name="reports", key=key))

    Whatever is wrong with the store, `get` gives what *source* gives. It keeps the number of the credential that it handed out last, and
    nothing else. What has no end or no security token is handed on and never stored. Thread-, task- and fork-safe; a pickle holds the key.

    Args:
        source: What is shared. ``None``: nothing, and the policy's ``lead`` must be false.
        store: Where.
        name: What the credential is called among the workers: together with what *source* says of itself it makes the entry's name.
        key: With which it is sealed. Workers with another key have another entry.
        policy: How workers take turns.
        clock: Where the time comes from.
        listener: Gets the events of sharing, beside the logger ``alicred``.
        entry: The entry's name, for a worker without a source: the `entry` of one that has it.

    Raises:
        ConfigurationError: An argument is of the wrong type; the text names it.
    """

    _asks_each_time = True  # of the store, if not of the source

    def __init__(
        self,
        source: Provider[Credential] | None,
        store: CredentialStore,
        *,
        name: str,
        key: StoreKey,
        policy: SharingPolicy = SharingPolicy(),  # noqa: B008  (an immutable value)
        clock: Clock = SYSTEM_CLOCK,
        listener: Listener | None = None,
        entry: str | None = None,
    ) -> None:
        check.text(f"{_OWNER}.name", name)
        check.required(f"{_OWNER}.key", key, StoreKey)
        check.required(f"{_OWNER}.policy", policy, SharingPolicy)
        check.clock(f"{_OWNER}.clock", clock)
        check.listener(f"{_OWNER}.listener", listener)
        check.optional_text(f"{_OWNER}.entry", entry)
        check.client(f"{_OWNER}.store", store, "claim")
        if source is not None:
            check.provider(f"{_OWNER}.source", source)
        elif policy.lead:
            raise ConfigurationError(f"{_OWNER}.source may be None for SharingPolicy(lead=False) only. Give one, or that policy")
        elif entry is None:
            raise ConfigurationError(f"{_OWNER}.entry is needed where there is no source: print the entry of a worker that has one")
        self._source = source
        self._store = store
        self._entry_of = name
        self._key = key
        self._policy = policy
        self._clock = clock
        self._listener = listener
        self._given_entry = entry
        self._begin()

    def _begin(self) -> None:
        self._state = SharingState()
        self._own_call_at: float | None = None  # while the store is away and a value is held: the moment that was drawn

    @property
    def name(self) -> str:
        """That of the source; without one, that of the credential."""
        return self._entry_of if self._source is None else self._source.name

    @property
    def entry(self) -> str:
        """The entry's name in the store: 40 hex digits, to look for in its logs.

        Raises:
            ConfigurationError: The store key cannot be read.
        """
        if self._given_entry is not None:
            return self._given_entry
        return entry_name(self._key, {"name": self._entry_of, "source": self.name, "identity": identity_of(self._source)})

    def get(self) -> Credential:
        """A newer credential than the one handed out last. As if nothing were held: blocks while another worker fetches.

        Raises:
            AlicredError: What the source raised; or another worker's refresh has failed, and all pause.
        """
        return self._get_for(Need()).value

    def state(self) -> SharingState:
        """What this process has done so far."""
        return self._state

    def explain(self) -> tuple[SourceReport, ...]:
        """What the sources in it answer when they are asked now. Raises nothing and changes nothing."""
        return () if self._source is None else explain(self._source)

    def _get_for(self, need: Need) -> Answer[Credential]:
        """The same for a cache, which says what it needs the value for."""
        began = self._clock.monotonic()
        patience = self._policy.patience + self._policy.poll.maximum * draw()
        for looks in range(1, 1 << 30):
            said = self._look(need)
            found = Found.NEWER if isinstance(said, Answer) else said if isinstance(said, (Busy, Away)) else Found.FREE
            waited = timedelta(seconds=self._clock.monotonic() - began)
            step = next_step(self._policy, need, found, waited=waited, patience=patience, looks=looks, u=draw())
            if step.move is Move.ADOPT:
                return cast("Answer[Credential]", said)  # so it was found
            if step.move is Move.LEAD:
                return self._lead(cast("Lease", said), need)
            if step.move is Move.ASK_ITSELF:
                return self._ask_itself(need)
            if step.move is Move.DEFER:
                self._count("deferred")
                raise self._deferral(step)
            self._clock.sleep(step.pause)
        raise AssertionError("unreachable: patience is finite")

    def _deferral(self, step: Step) -> Deferred:
        reason = step.reason or Reason.LED_ELSEWHERE
        return Deferred(_MESSAGES[reason], until=step.pause, provider=self.name, reason=reason.value)

    # The store

    def _look(self, need: Need) -> Answer[Credential] | Lease | Busy | Away:
        """What the store has to say."""
        now = self._clock.monotonic()
        away_until = self._state.store_away_until
        if away_until is not None and now < away_until:
            return self._away(need, now)
        floor = self._state.generation
        try:
            entry = self.entry
            said = self._claim(entry, floor)
            answer = self._opened(said, entry, floor, need)
            if answer is None and isinstance(said, Stored):  # it cannot be used, so it counts as absent, and is to be replaced
                floor = max(floor, said.record.generation)
                said = self._claim(entry, floor)
                answer = self._opened(said, entry, floor, need)
        except Exception as error:  # noqa: BLE001  (a store may raise anything, and takes nothing out of service)
            self._failed(error)
            return self._away(need, now)
        if self._state.store_failures:
            self._state = attrs.evolve(self._state, store_failures=0, store_away_until=None)
            self._tell(StoreRecovered(provider_name=self.name, store=self._store.name))
        self._own_call_at = None
        if answer is not None:
            return answer
        return Away(ZERO, ZERO) if isinstance(said, Stored) else said  # it cannot be used, and no lease is to be had for it

    def _claim(self, entry: str, floor: int) -> Stored | Lease | Busy:
        lease = self._policy.lease if self._policy.lead else ZERO
        said = self._store.claim(entry, newer_than=floor, lease=lease)
        if isinstance(said, (Stored, Busy)) or callable(getattr(said, "save", None)):
            return said
        raise ConfigurationError(f"the store must answer a Stored, a Lease or a Busy, not {type(said).__name__}", provider=self.name)

    def _opened(self, said: Stored | Lease | Busy, entry: str, floor: int, need: Need) -> Answer[Credential] | None:
        """What is stored, if there is a record and it can be used."""
        if not isinstance(said, Stored):
            return None
        record, age = said.record, max(ZERO, said.age)
        shared = self._unsealed(record, entry)
        if shared is None or record.generation <= floor:
            self._refuse("TOO_LARGE" if _is_too_large(record) else "NOT_OPENED" if shared is None else "OLDER")
            return None
        end = shared.credential.expires_at
        if min(shared.lifetime - age, ZERO if end is None else end - self._clock.utcnow()) <= need.span:
            self._refuse("ENDED")
            return None
        self._state = attrs.evolve(self._state, generation=record.generation, adopted=self._state.adopted + 1)
        self._tell(CredentialAdopted(provider_name=self.name, store=self._store.name, generation=record.generation, age=age))
        return Answer(value=shared.credential, lifetime=shared.lifetime, age=age)

    def _unsealed(self, record: Record, entry: str) -> Shared | None:
        return None if _is_too_large(record) else unseal(self._key, record.sealed, entry=entry, generation=record.generation)

    def _refuse(self, reason: str) -> None:
        self._count("refused")
        self._tell(RecordRefused(provider_name=self.name, store=self._store.name, reason=reason))

    def _away(self, need: Need, now: float) -> Away:
        """The store cannot be asked: how long it is left alone, and when an own call may be made."""
        left = timedelta(seconds=max(0.0, (self._state.store_away_until or now) - now))
        if not need.usable:
            return Away(left, ZERO)
        if self._own_call_at is None:
            self._own_call_at = now + self._policy.fallback_after(min(need.until_urgent, timedelta(days=1)), draw()).total_seconds()
        return Away(left, timedelta(seconds=max(0.0, self._own_call_at - now)))

    def _failed(self, error: Exception, *, left_alone: bool = True) -> None:
        """The store has failed; it is *left_alone* for a while, unless it was a save that did."""
        failures = self._state.store_failures + 1
        pause = self._policy.store_backoff.delay(failures, draw()) if left_alone else ZERO
        until = self._clock.monotonic() + pause.total_seconds() if left_alone else self._state.store_away_until
        self._state = attrs.evolve(self._state, store_failures=failures, store_away_until=until)
        self._tell(
            StoreFailed(
                provider_name=self.name,
                store=self._store.name,
                error=error,
                consecutive_failures=failures,
                next_attempt_at=self._clock.utcnow() + pause if left_alone else None,
            )
        )

    # The source

    def _ask_itself(self, need: Need) -> Answer[Credential]:
        self._own_call_at = None
        self._count("own_calls")
        return self._fetch(need)

    def _fetch(self, need: Need) -> Answer[Credential]:
        if self._source is None:  # not asked for: such a worker never leads
            raise ProviderError("there is no source here, and the store has nothing. Start a worker that leads", provider=self.name)
        return ask_for(self._source, need)

    def _lead(self, lease: Lease, need: Need) -> Answer[Credential]:
        """Fetch for all. An interrupt leaves the lease to end by itself."""
        began = self._clock.monotonic()
        try:
            answer = self._fetch(need)
        except Deferred:  # nothing has failed: the source below waits for its turn
            self._end(lease, pause=ZERO, reason="")
            raise
        except AlicredError as error:
            own = is_local(error) or isinstance(error, DeniedError)  # this worker's own trouble does not stop the others for long
            pause = self._policy.cool_down(1 if own else lease.failures + 1, draw())
            self._end(lease, pause=pause, reason=_reason(error))
            raise
        credential = answer.value
        if credential.expires_at is None or getattr(credential, "security_token", None) is None:
            self._end(lease, pause=ZERO, reason="")
            return answer
        issued_at = self._clock.utcnow()
        shared = Shared(credential=credential, issued_at=issued_at, lifetime=credential.expires_at - issued_at)
        generation = max(lease.over, self._state.generation, int(issued_at.timestamp() * 1000)) + 1
        return self._publish(lease, shared, generation, need, began) or answer

    def _publish(self, lease: Lease, shared: Shared, generation: int, need: Need, began: float) -> Answer[Credential] | None:
        """Store what was fetched; what another worker has stored meanwhile, if that is to be used instead."""
        newer: Answer[Credential] | None = None
        try:
            entry = self.entry
            sealed = seal(self._key, shared, entry=entry, generation=generation)
            saved = lease.save(Record(generation=generation, sealed=sealed, keep=max(shared.lifetime, ZERO)))
            if not saved:
                self._count("lost_leases")
                self._tell(LeaseLost(provider_name=self.name, store=self._store.name, seconds=self._clock.monotonic() - began))
                said = self._store.claim(entry, newer_than=self._state.generation, lease=ZERO)
                newer = self._opened(said, entry, self._state.generation, need)
        except Exception as error:  # noqa: BLE001  (see `_look`)
            saved = False
            self._failed(error, left_alone=False)
        if saved:
            end = shared.credential.expires_at or shared.issued_at
            self._tell(CredentialPublished(provider_name=self.name, store=self._store.name, generation=generation, expires_at=end))
        if newer is None:
            self._state = attrs.evolve(self._state, generation=max(generation, self._state.generation), led=self._state.led + 1)
        return newer

    def _end(self, lease: Lease, *, pause: timedelta, reason: str) -> None:
        try:
            lease.end(pause=pause, reason=reason)
        except Exception as error:  # noqa: BLE001  (see `_look`)
            self._failed(error, left_alone=False)

    def _count(self, what: str) -> None:
        self._state = attrs.evolve(self._state, **{what: getattr(self._state, what) + 1})

    def _tell(self, event: Event) -> None:
        emit(self._listener, event)

    def __repr__(self) -> str:
        return f"<SharedProvider of {self.name} as {self._entry_of!r} in {self._store.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(
            type(self),
            name=self._entry_of,
            key=self._key,
            policy=self._policy,
            clock=self._clock,
            listener=self._listener,
            entry=self._given_entry,
        )
        return make, (self._source, self._store)


def _is_too_large(record: Record) -> bool:
    return not 0 < record.generation < LARGEST_GENERATION or len(record.sealed) > LARGEST_RECORD


def _reason(error: AlicredError) -> str:
    """Why a refresh has failed, for the other workers: the error's code, which is no text of a service's."""
    code = error.code or type(error).__name__
    return "".join(each for each in code if each.isascii() and each.isprintable())[:_LONGEST_REASON]
