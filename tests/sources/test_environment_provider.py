from __future__ import annotations

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.errors import AlicredError, ConfigurationError, NotConfiguredError
from alicred.sources import EnvironmentProvider

ID, SECRET, TOKEN = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({ID: "id", SECRET: "secret"}, ("id", "secret", None)),
        ({ID: "id", SECRET: "secret", TOKEN: "token"}, ("id", "secret", "token")),
        ({ID: "id", SECRET: "secret", TOKEN: ""}, ("id", "secret", None)),
        ({ID: "id", SECRET: "secret", TOKEN: " \n"}, ("id", "secret", None)),
        ({ID: " id\n", SECRET: "\tsecret \r\n", TOKEN: "token\n"}, ("id", "secret", "token")),
        ({ID: "id", SECRET: "a#b;c%d e"}, ("id", "a#b;c%d e", None)),
    ],
)
def test_it_reads_the_pair_and_the_token(environ: dict[str, str], expected: tuple[str, str, str | None]) -> None:
    found = EnvironmentProvider(environ).get()
    assert (found.access_key_id, found.access_key_secret, found.security_token) == expected
    assert found.provider_name == "env"
    assert found.expires_at is None


@pytest.mark.parametrize(
    "environ", [{}, {ID: "", SECRET: ""}, {ID: " ", SECRET: "\n"}, {TOKEN: "planted"}, {ID.lower(): "a", SECRET.lower(): "b"}]
)
def test_without_a_pair_it_is_not_configured_and_names_both_variables(environ: dict[str, str]) -> None:
    with pytest.raises(NotConfiguredError) as caught:
        EnvironmentProvider(environ).get()
    assert str(caught.value) == f"env: {ID} and {SECRET} are not set"


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({ID: "planted"}, SECRET),
        ({ID: "planted", SECRET: " "}, SECRET),
        ({SECRET: "planted"}, ID),
        ({SECRET: "planted", ID: ""}, ID),
        ({SECRET: "planted", TOKEN: "planted"}, ID),
    ],
)
def test_half_a_pair_is_an_error_that_names_the_missing_variable(environ: dict[str, str], missing: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"but {missing} is not\. Set both or neither") as caught:
        EnvironmentProvider(environ).get()
    assert caught.value.provider == "env"
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("name", [ID, SECRET, TOKEN])
@pytest.mark.parametrize("bad", ["planted\nvalue", "planted\x00value", "planted\x7f", "planted\x85value"])
def test_a_control_character_inside_a_value_is_an_error_that_names_the_variable(name: str, bad: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} holds a control character") as caught:
        EnvironmentProvider({ID: "id", SECRET: "secret", TOKEN: "token", name: bad}).get()
    assert "planted" not in str(caught.value)
    assert caught.value.provider == "env"


def test_the_process_environment_is_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    provider, explicit = EnvironmentProvider(), EnvironmentProvider(os.environ)
    for number in ("1", "2"):
        monkeypatch.setenv(ID, f"id-{number}")
        monkeypatch.setenv(SECRET, f"secret-{number}")
        assert provider.get().access_key_id == explicit.get().access_key_id == f"id-{number}"
    monkeypatch.delenv(ID)
    monkeypatch.delenv(SECRET)
    with pytest.raises(NotConfiguredError):
        provider.get()


def test_it_can_be_pickled_also_with_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ID, "id")
    monkeypatch.setenv(SECRET, "secret")
    for provider in (EnvironmentProvider(), EnvironmentProvider(os.environ), EnvironmentProvider({ID: "id", SECRET: "secret"})):
        assert pickle.loads(pickle.dumps(provider)).get().access_key_id == "id"


@pytest.mark.parametrize("environ", ["PATH=1", [("a", "b")], 1])
def test_an_environ_that_is_no_mapping_is_refused(environ: object) -> None:
    with pytest.raises(ConfigurationError, match=r"EnvironmentProvider\.environ must be a Mapping or None"):
        EnvironmentProvider(environ)  # type: ignore[arg-type]  # the point of the test


@given(st.dictionaries(st.sampled_from([ID, SECRET, TOKEN]), st.text(st.sampled_from("S \n\t\0\x7fé"), max_size=6)))
def test_whatever_the_variables_hold_the_answer_is_a_key_or_a_typed_error_without_them(environ: dict[str, str]) -> None:
    marked = {name: value.replace("S", "planted") for name, value in environ.items()}
    found, message = None, ""
    try:
        found = EnvironmentProvider(marked).get()
    except AlicredError as error:
        message = str(error)
    assert "planted" not in message
    if found is not None:
        assert found.access_key_id == marked[ID].strip()
        assert found.access_key_secret == marked[SECRET].strip()
        assert (found.security_token or "") == marked.get(TOKEN, "").strip()
