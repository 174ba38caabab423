"""What a change makes of the text of the file: pure, so any JSON may be tried."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.sources.profiles.cli.config import CliConfig

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
KEYS = TEXTS.filter(lambda key: key not in ("name", "profiles", "current"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PROFILES = st.lists(
    st.builds(
        lambda name, before, after: {**before, "name": name, **after},
        st.sampled_from(["p", "q", "ü"]),
        st.dictionaries(KEYS, VALUES, max_size=3),
        st.dictionaries(KEYS, VALUES, max_size=3),
    ),
    max_size=3,
).map(lambda profiles: [*profiles, {"name": "p", "a": 1}])
CHANGES = st.dictionaries(st.sampled_from(["a", "b", "sts_token", '"', "ü"]), st.one_of(TEXTS, st.integers()), max_size=4)
STYLES = st.sampled_from([{"indent": "\t"}, {"indent": 4}, {}, {"separators": (",", ":")}, {"indent": 2, "ensure_ascii": False}])


def with_changes(text: str, profile: str, changes: dict[str, Any]) -> str:
    return CliConfig.parse(text, "file").with_changes(profile, changes).text


@given(profiles=PROFILES, rest=st.dictionaries(KEYS, VALUES, max_size=3), changes=CHANGES, style=STYLES)
def test_the_profile_is_changed_as_asked_and_nothing_else(
    profiles: list[dict[str, Any]], rest: dict[str, Any], changes: dict[str, str | int], style: dict[str, Any]
) -> None:
    whole = {**rest, "profiles": profiles, "current": "p"}
    found = json.loads(with_changes(json.dumps(whole, **style), "p", changes))
    at = next(number for number, profile in enumerate(profiles) if profile["name"] == "p")
    assert found["profiles"][at] == {**profiles[at], **changes}
    assert list(found["profiles"][at]) == list({**profiles[at], **changes}), "the order stays, new keys come last"
    found["profiles"][at] = profiles[at]
    assert found == whole
    assert list(found) == list(whole)


@given(profiles=PROFILES, style=STYLES, changes=CHANGES)
def test_what_is_written_is_what_is_read_next(profiles: list[dict[str, Any]], style: dict[str, Any], changes: dict[str, str | int]) -> None:
    changed = CliConfig.parse(json.dumps({"profiles": profiles}, **style), "file").with_changes("p", changes)
    assert changed == CliConfig.parse(changed.text, "file")


@pytest.mark.parametrize("indent", ["\t", "    ", "  "])
@pytest.mark.parametrize("end", ["", "\n"])
@given(profiles=PROFILES, changes=CHANGES, escaped=st.booleans())
def test_the_indentation_of_the_file_is_kept(
    profiles: list[dict[str, Any]], changes: dict[str, str | int], indent: str, end: str, escaped: bool
) -> None:
    def text() -> str:
        return json.dumps({"profiles": profiles, "current": "ü"}, indent=indent, ensure_ascii=escaped) + end

    before = text()
    next(profile for profile in profiles if profile["name"] == "p").update(changes)
    assert with_changes(before, "p", changes) == text()


def test_a_file_on_one_line_is_set_as_the_tool_does() -> None:
    assert with_changes('{"profiles":[{"name":"p"}]}', "p", {"t": "n"}) == (
        '{\n\t"profiles": [\n\t\t{\n\t\t\t"name": "p",\n\t\t\t"t": "n"\n\t\t}\n\t]\n}'
    )


@pytest.mark.parametrize("changes", [{}, {"t": "o"}])
def test_a_file_that_says_so_already_stays_as_it_is(changes: dict[str, Any]) -> None:
    text = '{ "profiles" : [ {"name":"p",  "t":"o"} ] }'
    assert with_changes(text, "p", changes) == text


@pytest.mark.parametrize("named", ['"name":"",', '"name":null,', ""])
def test_a_profile_without_a_name_is_the_one_called_nothing(named: str) -> None:
    changed = json.loads(with_changes(f'{{"profiles":[{{"name":"p","t":"o"}},{{{named}"t":"o"}}]}}', "", {"t": "n"}))
    assert [profile["t"] for profile in changed["profiles"]] == ["o", "n"]


def test_of_two_profiles_of_one_name_the_first_is_changed() -> None:
    changed = json.loads(with_changes('{"profiles":[{"name":"p","t":"o"},{"name":"p","t":"o"}]}', "p", {"t": "n"}))
    assert [profile["t"] for profile in changed["profiles"]] == ["n", "o"]


@pytest.mark.parametrize("odd", ["1e400", "NaN", '"\\ud800ü"'])
def test_what_json_cannot_say_is_not_written(odd: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON compliant|surrogates not allowed"):
        with_changes(f'{{"profiles":[{{"name":"p"}}],"odd":{odd}}}', "p", {"t": "n"})
