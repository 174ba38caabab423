"""The harness itself: a twin that makes no mistake, or another one, does not count as proof."""

from __future__ import annotations

import pytest

from alicred import CachingProvider
from tests.field.harness import Subject, bites


class Twin:
    """Stands for something naive."""


class Sound:
    """Stands for something that is not."""


def subjects_of(test: object) -> dict[str, Subject]:
    [mark] = test.pytestmark  # type: ignore[attr-defined]  # what a parametrized function carries
    return {parameter.id: parameter.values[0] for parameter in mark.args[1]}


def passes(subject: Subject) -> None:
    """A check that nobody fails."""


def test_each_of_them_is_a_case_of_its_own() -> None:
    subjects = subjects_of(bites(Twin, failing="", sound=Sound)(passes))
    assert [(name, subject.make, subject.naive) for name, subject in subjects.items()] == [
        ("alicred", CachingProvider, False),
        ("Sound", Sound, False),
        ("Twin", Twin, True),
    ]


def test_a_twin_that_passes_fails_the_test() -> None:
    test = bites(Twin, failing="late")(passes)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        test(subjects_of(test)["Twin"])


def test_a_twin_that_fails_for_another_reason_fails_the_test() -> None:
    def check(subject: Subject) -> None:
        raise AssertionError("early")

    test = bites(Twin, failing="late")(check)
    with pytest.raises(AssertionError, match="not for the reason"):
        test(subjects_of(test)["Twin"])
    with pytest.raises(AssertionError, match="early"):
        test(subjects_of(test)["alicred"])


def test_a_twin_that_crashes_fails_the_test() -> None:
    def check(subject: Subject) -> None:
        raise ZeroDivisionError

    test = bites(Twin, failing="")(check)
    with pytest.raises(ZeroDivisionError):
        test(subjects_of(test)["Twin"])


def test_a_child_that_raises_is_told_from_one_that_answers(capfd: pytest.CaptureFixture[str]) -> None:
    subject = Subject(Twin)
    assert subject.in_child(lambda: 7) == 7
    with pytest.raises(AssertionError, match="the child has failed"):
        subject.in_child(lambda: 1 / 0)
    assert "ZeroDivisionError" in capfd.readouterr().err
