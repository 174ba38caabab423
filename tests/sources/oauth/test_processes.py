"""Forks, copies, and renewals that end in the middle."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable

import attrs
import pytest

from alicred._internal import owned_lock
from alicred.credential import Credential
from alicred.errors import AlicredError, DeniedError
from alicred.sources import oauth
from alicred.sources.oauth import OAuthProvider, OAuthTokens
from alicred.testing import FakeCloud, faults
from tests.adversities import interrupted_at
from tests.forked import in_child, in_raw_child
from tests.recording_http import reply
from tests.sources.oauth.support import GOOD, KEY, LOG_IN, MINUTE, NEW_TOKENS, STALE, failure, of, provider
from tests.support import in_threads


@pytest.mark.parametrize("fork", [in_child, in_raw_child])
@pytest.mark.parametrize("has_access_token", [True, False])
def test_a_child_forked_during_a_renewal_is_not_stuck_and_spends_nothing(
    cloud: FakeCloud, has_access_token: bool, fork: Callable[[Callable[[], str]], object]
) -> None:
    login = cloud.add_oauth_login(lasts=10 * MINUTE)
    access = (login.access_token, login.expires_at) if has_access_token else ()
    made = of(cloud, login, tokens=OAuthTokens(login.refresh_token, *access), sign_in_url=cloud.http_endpoint)
    with cloud.faulty(faults.Hang(), operation="OAuthToken", times=1):
        thread = threading.Thread(target=made.get)
        thread.start()
        assert cloud.wait_for("OAuthToken")
        copied = pickle.loads(pickle.dumps(made))
        for copy_of_it in (fork(lambda: _outcome(made)), _outcome(copied)):
            if has_access_token:
                assert copy_of_it == "credential"
            else:
                assert str(copy_of_it).startswith(
                    "ConfigurationError: oauth: there is no access token, and the refresh token was being spent"
                )
    thread.join()
    assert cloud.count("OAuthToken") == 1
    assert cloud.rejected == ()
    assert made.get().access_key_id


def _outcome(made: OAuthProvider) -> str:
    try:
        made.get()
    except AlicredError as error:
        return f"{type(error).__name__}: {error}"
    return "credential"


def test_a_child_that_is_forked_between_renewals_renews_them_itself(cloud: FakeCloud) -> None:
    login = cloud.add_oauth_login()
    made = of(cloud, login, tokens=OAuthTokens(login.refresh_token), sign_in_url=cloud.http_endpoint)
    assert in_child(lambda: _outcome(made)) == "credential"
    assert cloud.rejected == ()
    assert LOG_IN in str(failure(made, DeniedError)), "and the parent has lost them: only one can have them"


@pytest.mark.parametrize("ended", [KeyboardInterrupt, MemoryError, RecursionError])
def test_a_renewal_whose_clean_up_fails_keeps_no_other_waiting(
    cloud: FakeCloud, ended: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    login = cloud.add_oauth_login(lasts=MINUTE)
    made = of(cloud, login)

    def failing(*_: object) -> None:
        raise ended

    with monkeypatch.context() as patch:
        patch.setattr(owned_lock._Turn, "end", failing)
        with pytest.raises(ended):
            made.get()
    assert [type(found) for found in in_threads(2, made.get)] == [Credential] * 2
    assert cloud.rejected == ()


def test_an_interrupt_at_any_step_of_a_renewal_keeps_no_other_waiting() -> None:
    """What it was about to send may be lost with it; the next caller goes on all the same."""
    for number in range(1, 3000):
        made = provider(reply({**NEW_TOKENS, **KEY}), tokens=STALE)
        more = interrupted_at(number, made.get, oauth.__file__)
        assert in_threads(1, made.get) == [attrs.evolve(GOOD, provider_name="oauth")], f"an interrupt at step {number}"
        if not more:
            break
    assert 100 < number < 2999


def test_a_pickle_and_a_copy_take_the_tokens_of_the_moment_along(cloud: FakeCloud) -> None:
    login = cloud.add_oauth_login(lasts=MINUTE)
    made = of(cloud, login)
    made.get()
    made = pickle.loads(pickle.dumps(made))
    made.get()
    made = copy.copy(made)
    made.get()
    assert cloud.rejected == ()
    assert cloud.count("OAuthToken") == 3
