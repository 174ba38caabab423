from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.sources.profiles.cli.edit import with_changes

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PROFILES = st.lists(
    st.builds(
        lambda name, before, after: {**before, "name": name, **after},
        st.sampled_from(["p", "q", "ü"]),
        st.dictionaries(TEXTS, VALUES, max_size=3),
        st.dictionaries(TEXTS.filter(lambda key: key != "name"), VALUES, max_size=3),
    ),
    max_size=3,
).map(lambda profiles: [*profiles, {"name": "p", "a": 1}])
CHANGES = st.dictionaries(st.sampled_from(["a", "b", "sts_token", '"', "ü"]), st.one_of(TEXTS, st.integers()), max_size=4)
STYLES = st.sampled_from([{"indent": "\t"}, {"indent": 4}, {}, {"separators": (",", ":")}, {"indent": 2, "ensure_ascii": False}])


def parts(text: str) -> Any:
    return json.loads(text)


@given(profiles=PROFILES, rest=st.dictionaries(TEXTS, VALUES, max_size=3), changes=CHANGES, style=STYLES)
def test_the_profile_is_changed_as_asked_and_nothing_else(
    profiles: list[dict[str, Any]], rest: dict[str, Any], changes: dict[str, str | int], style: dict[str, Any]
) -> None:
    whole = {**rest, "profiles": profiles, "current": "p"}
    text = json.dumps(whole, **style)
    found = parts(with_changes(text, "p", changes))
    at = next(number for number, profile in enumerate(profiles) if profile["name"] == "p")
    assert found["profiles"][at] == {**profiles[at], **changes}
    assert list(found["profiles"][at]) == list({**profiles[at], **changes}), "the order stays, new keys come last"
    found["profiles"][at] = profiles[at]
    assert found == whole
    assert list(found) == list(whole)


@given(profiles=PROFILES, style=STYLES)
def test_what_is_set_back_is_as_it_was_byte_for_byte(profiles: list[dict[str, Any]], style: dict[str, Any]) -> None:
    next(profile for profile in profiles if profile["name"] == "p")["token"] = "old"
    text = json.dumps({"profiles": profiles}, **style)
    assert with_changes(with_changes(text, "p", {"token": "new, longer"}), "p", {"token": "old"}) == text


@given(profiles=PROFILES, style=STYLES, changes=CHANGES)
def test_the_style_of_the_file_is_kept(profiles: list[dict[str, Any]], style: dict[str, Any], changes: dict[str, str | int]) -> None:
    style = {**style, "ensure_ascii": True}
    profile = next(profile for profile in profiles if profile["name"] == "p")
    text = json.dumps({"profiles": profiles}, **style)
    changed = with_changes(text, "p", changes)
    profile.update(changes)
    assert changed == json.dumps({"profiles": profiles}, **style)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"profiles":[{"name":"p"}]}', '{"profiles":[{"name":"p","t":"n","i":7}]}'),
        (' {"profiles" : [ {"name" : "p" } ] } ', ' {"profiles" : [ {"name" : "p", "t" : "n", "i" : 7 } ] } '),
        ('{"profiles":[{"i":1.50,"name":"p","t":null}]}', '{"profiles":[{"i":7,"name":"p","t":"n"}]}'),
        ('{"profiles":[{"name":"p","t":"1","t":"2","i":0}]}', '{"profiles":[{"name":"p","t":"1","t":"n","i":7}]}'),
        ('{"profiles":[],"profiles":[{"name":"p","t":{"t":[1]},"i":0}]}', '{"profiles":[],"profiles":[{"name":"p","t":"n","i":7}]}'),
        ('{"profiles":[{"name":"x","name":"p","t":"","i":0}]}', '{"profiles":[{"name":"x","name":"p","t":"n","i":7}]}'),
        ('{"profiles":[{},{"name":"p\\u0021"},{"name":"\\u0070","t":"","i":0}]}', None),
        ('{"a":"}]{[","profiles":[{"name":"p","t":"\\"}","i":-0.0e1}],"b":1e400}', None),
    ],
)
def test_odd_files_stay_as_odd_as_they_are(text: str, expected: str | None) -> None:
    changed = with_changes(text, "p", {"t": "n", "i": 7})
    if expected is None:
        expected = text.replace('"t":""', '"t":"n"').replace('"t":"\\"}"', '"t":"n"').replace('"i":0', '"i":7').replace("-0.0e1", "7")
    assert changed == expected


@pytest.mark.parametrize(("indent", "end"), [("\t", "\n"), ("    ", "\r\n"), ("  ", "\n")])
def test_a_new_key_is_set_as_the_last_one_is(indent: str, end: str) -> None:
    lines = ["{", f'{indent}"profiles": [', f"{indent * 2}{{", f'{indent * 3}"name": "p"', f"{indent * 2}}}", f"{indent}]", "}", ""]
    changed = with_changes(end.join(lines), "p", {"t": "n", "i": 7})
    lines[3:4] = [f'{indent * 3}"name": "p",', f'{indent * 3}"t": "n",', f'{indent * 3}"i": 7']
    assert changed == end.join(lines)


@pytest.mark.parametrize("named", ['"name":"",', '"name":null,', ""])
def test_a_profile_without_a_name_is_the_one_called_nothing(named: str) -> None:
    text = f'{{"profiles":[{{"name":"p","t":"o"}},{{{named}"t":"o"}}]}}'
    assert with_changes(text, "", {"t": "n"}) == f'{{"profiles":[{{"name":"p","t":"o"}},{{{named}"t":"n"}}]}}'


def test_a_profile_that_is_not_there_is_an_error() -> None:
    for text in ('{"profiles":[]}', '{"profiles":[{"name":"q"}]}'):
        with pytest.raises(KeyError):
            with_changes(text, "p", {"t": "n"})
