"""Polling for the token of a device login, on a clock that moves only when it is slept by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from alicred.errors import DeniedError, MalformedResponseError, TransientError
from alicred.login.device import DeviceCodeLogin
from alicred.testing import FakeClock, FakeCloud, SignIn, faults
from alicred.wire.cloud_sso import AccessToken, CloudSsoClient

LONG = timedelta(minutes=5)


@pytest.fixture
def cloud(alicred_clock: FakeClock) -> Iterator[FakeCloud]:
    with FakeCloud(clock=alicred_clock) as cloud:
        cloud.login_rules.sign_in = SignIn.ALLOW
        yield cloud


def login(cloud: FakeCloud, clock: FakeClock) -> DeviceCodeLogin:
    client = CloudSsoClient(f"{cloud.endpoint}/start/login", http=cloud.http_client(), clock=clock)
    return DeviceCodeLogin(client, clock=clock)


def token(cloud: FakeCloud, clock: FakeClock, at_most: timedelta = LONG) -> AccessToken:
    made = login(cloud, clock)
    return made.token(made.begin(), at_most)


def seconds(clock: FakeClock) -> list[float]:
    return [span.total_seconds() for span in clock.sleeps]


def test_the_first_poll_waits_for_the_interval_too(cloud: FakeCloud, alicred_clock: FakeClock) -> None:
    cloud.login_rules.interval = timedelta(seconds=3)
    found = token(cloud, alicred_clock)
    assert found.expires_at == cloud.now() + timedelta(hours=1)
    assert seconds(alicred_clock) == [3]


def test_until_the_person_has_confirmed_it_asks_again_at_the_interval(cloud: FakeCloud, alicred_clock: FakeClock) -> None:
    cloud.login_rules.pending = 4
    assert token(cloud, alicred_clock)
    assert seconds(alicred_clock) == [1] * 5
    assert [call.code for call in cloud.calls[1:]] == ["AuthorizationPending"] * 4 + [""]


def test_where_the_site_asks_for_a_slower_pace_it_adds_five_seconds(cloud: FakeCloud, alicred_clock: FakeClock) -> None:
    cloud.login_rules.slow_down, cloud.login_rules.pending = 2, 1
    assert token(cloud, alicred_clock)
    assert seconds(alicred_clock) == [1, 6, 11, 11]


def test_trouble_of_the_site_is_waited_out_with_longer_pauses(cloud: FakeCloud, alicred_clock: FakeClock) -> None:
    made = login(cloud, alicred_clock)
    begun = made.begin()
    cloud.inject(faults.ServerError(), operation="CloudSsoToken", times=2)
    cloud.inject(faults.Reset(), operation="CloudSsoToken", times=1)
    cloud.login_rules.pending = 0
    with pytest.raises(TransientError):  # the reset came after the token had been handed out, and a code gives one
        made.token(begun, LONG)
    assert seconds(alicred_clock)[:4] == [1, 2, 4, 8]
    cloud.clear()
    cloud.inject(faults.ServerError(), operation="CloudSsoToken", times=3)
    assert token(cloud, alicred_clock)


def test_trouble_that_does_not_end_is_what_is_raised(cloud: FakeCloud, alicred_clock: FakeClock) -> None:
    with cloud.faulty(faults.ServerError(), operation="CloudSsoToken"), pytest.raises(TransientError, match="out of order"):
        token(cloud, alicred_clock)
    assert cloud.count("CloudSsoToken") < 12
    assert sum(seconds(alicred_clock)) == LONG.total_seconds()


@pytest.mark.parametrize(
    ("code_lasts", "at_most", "waited"),
    [
        (timedelta(minutes=10), timedelta(seconds=30), 30),
        (timedelta(seconds=20), LONG, 20),
        (timedelta(minutes=10), timedelta(seconds=0.5), 0.5),
    ],
)
def test_a_person_who_does_not_confirm_is_waited_for_no_longer_than_the_code_lasts(
    cloud: FakeCloud, alicred_clock: FakeClock, code_lasts: timedelta, at_most: timedelta, waited: float
) -> None:
    cloud.login_rules.sign_in, cloud.login_rules.device_code_lasts = SignIn.NOTHING, code_lasts
    with pytest.raises(TransientError, match=r"was not confirmed in time\. Start again") as caught:
        token(cloud, alicred_clock, at_most)
    assert caught.value.code == "LoginTimedOut"
    assert sum(seconds(alicred_clock)) == pytest.approx(waited)


def test_a_code_that_the_site_calls_expired_ends_the_login(cloud: FakeCloud, alicred_clock: FakeClock) -> None:
    with (
        cloud.faulty(faults.Denied("InvalidDeviceCodeError", 400), operation="CloudSsoToken"),
        pytest.raises(TransientError, match="in time"),
    ):
        token(cloud, alicred_clock)
    assert cloud.count("CloudSsoToken") == 1


@pytest.mark.parametrize(("code", "kind"), [("AccessDenied", DeniedError), ("SomethingNew", DeniedError)])
def test_a_person_who_denies_and_a_code_that_is_unknown_end_the_login(
    cloud: FakeCloud, alicred_clock: FakeClock, code: str, kind: type[Exception]
) -> None:
    with cloud.faulty(faults.Denied(code, 400), operation="CloudSsoToken"), pytest.raises(kind, match=code):
        token(cloud, alicred_clock)
    assert cloud.count("CloudSsoToken") == 1, "it is not asked again, least of all without a pause"


def test_an_answer_that_is_none_ends_the_login(cloud: FakeCloud, alicred_clock: FakeClock) -> None:
    with cloud.faulty(faults.MissingField("AccessToken"), operation="CloudSsoToken"), pytest.raises(MalformedResponseError):
        token(cloud, alicred_clock)
    assert cloud.count("CloudSsoToken") == 1
