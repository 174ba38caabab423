"""What stands around the cache: the credential object of a client, and the chain of sources."""

from __future__ import annotations

from datetime import timedelta

from alicred import CachingProvider, ChainProvider, NotConfiguredError, RefreshMode, RefreshPolicy, TransientError
from alicred.adapters import tea
from alicred.testing import FakeClock
from tests.field import naive_parts
from tests.field.harness import Subject, bites, inline, outcome
from tests.support import HOUR, Script, ids

MINUTE = timedelta(minutes=1)


@bites(naive_parts.PartByPart, failing="a mixture", alicred=tea)
def test_parts_that_are_read_one_by_one_across_a_refresh_belong_together(subject: Subject) -> None:
    clock = FakeClock()
    client = subject.make(inline(Script(HOUR, clock=clock), clock=clock))
    parts = []
    for read in (client.get_access_key_id, client.get_access_key_secret, client.get_security_token):
        parts.append(read())
        clock.advance(55 * MINUTE)
    assert len({part.rpartition("-")[2] for part in parts}) == 1, f"a mixture: {parts}"


@bites(naive_parts.RemembersTooEarly, failing="stuck", alicred=ChainProvider)
def test_a_chain_remembers_no_source_that_has_not_won(subject: Subject) -> None:
    starting = Script(NotConfiguredError("the sidecar is not there yet"), HOUR)
    broken = Script(TransientError("the service is down"))
    chain = subject.make(starting, broken)
    outcome(chain.get)
    assert ids([outcome(chain.get)]) == {"id-2"}, "stuck with a source that has never had a credential"


@bites(naive_parts.DropsTheEnd, failing="served past its end", alicred=ChainProvider)
def test_a_credential_that_goes_through_a_chain_keeps_its_end(subject: Subject) -> None:
    clock = FakeClock()
    policy = RefreshPolicy(mode=RefreshMode.INLINE, recheck=None)
    cache = CachingProvider(subject.make(Script(HOUR, clock=clock)), clock=clock, refresh=policy)
    first = cache.get()
    clock.advance(2 * HOUR)
    assert cache.get() != first, "served past its end"
