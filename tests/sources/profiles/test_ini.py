"""The grammar of the profile file, beside what the official parsers make of the same bytes."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.sources.profiles.ini.grammar import IniError, parse

OFFICIAL = "alibabacloud_credentials 1.0.12"
VECTORS = Path(__file__).parents[2] / "vectors" / "ini_profiles.json"
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]}

KEY = {"type": "access_key", "access_key_id": "AK1", "access_key_secret": "SK1"}

# Where the official parsers differ: what alicred makes of the file, and by which rule.
DECISIONS: dict[str, tuple[dict[str, dict[str, str]] | str, str]] = {
    "hash_in_secret": ({"default": {**KEY, "access_key_secret": "ab#cd"}}, "a comment starts after white space"),
    "semicolon_in_secret": ({"default": {**KEY, "access_key_secret": "ab;cd"}}, "a comment starts after white space"),
    "space_semicolon": ({"default": {**KEY, "access_key_secret": "ab"}}, "a comment starts with # or ;"),
    "policy_with_hash_and_percent": (
        {
            "default": {
                **KEY,
                "type": "ram_role_arn",
                "role_arn": "acs:ram::1:role/a",
                "role_session_name": "s1",
                "policy": '{"a": "b',
            }
        },
        "a comment starts after white space, in a policy too",
    ),
    "duplicate_key": ("line 5 gives the key of line 4 again", "duplicates are errors that name the line"),
    "duplicate_section": ("line 5 begins the section of line 1 again", "duplicates are errors that name the line"),
    "bom": ({"default": KEY}, "a byte order mark is fine"),
    "cr_only": ({"default": KEY}, "every kind of line end is fine"),
    "no_section_header": ("line 1 stands above the first [section] header", "no section is made up"),
    "percent_in_secret": ({"default": {**KEY, "access_key_secret": "ab%cd"}}, "no interpolation"),
    "percent_percent": ({"default": {**KEY, "access_key_secret": "ab%%cd"}}, "no interpolation"),
    "percent_reference": ({"default": {**KEY, "access_key_secret": "x%(access_key_id)sy"}}, "no interpolation"),
    "upper_case_keys": ({"default": KEY}, "keys are compared in lower case"),
    "colon_delimiter": ({"default": KEY}, "a colon is as good as an equals sign"),
    "quoted_values": (
        {"default": {**KEY, "access_key_id": '"AK1"', "access_key_secret": "'SK1'"}},
        "quotation marks belong to the value",
    ),
    "backtick_value": ({"default": {**KEY, "access_key_secret": "`SK#1`"}}, "quotation marks belong to the value"),
    "surrounding_blanks": ({"default": KEY}, "the first key may be indented, and the others no further"),
    "key_without_value": ("line 3 is neither", "a line without a delimiter is an error"),
    "backslash_at_end": ({"default": {**KEY, "access_key_secret": "SK1\\", "role_name": "x"}}, "a backslash means nothing"),
    "continuation_line": ({"default": {**KEY, "access_key_secret": "SK1\nmore"}}, "a value goes on in lines that are indented further"),
    "comment_lines": ({"default": KEY}, "a comment may be indented"),
    "section_blanks": ({"default": KEY}, "white space inside the brackets is dropped"),
    "section_DEFAULT_inherits": (
        {"default": {"type": "access_key", "access_key_id": "AKD", "access_key_secret": "SKD"}},
        "[DEFAULT] hands its keys on",
    ),
}


def parsed(text: str) -> dict[str, dict[str, str]]:
    return {name: section.values for name, section in parse(text).items()}


def text_of(case: dict[str, Any]) -> str:
    return base64.b64decode(case["file_base64"]).decode("utf-8-sig")


def agreed(case: dict[str, Any]) -> dict[str, dict[str, str]] | None:
    """What all official parsers make of the file; None if they differ."""

    def plain(result: dict[str, Any]) -> object:
        # the parser of the Node library turns the words true and false into truth values
        read = result["parsed"].get("ok", {"": {}}) or {}
        return {
            section: {key: str(value).lower() if isinstance(value, bool) else value for key, value in keys.items()}
            if isinstance(keys, dict)
            else keys
            for section, keys in read.items()
        }

    answers = [plain(result) for result in case["results"].values()]
    same = all(answer == answers[0] for answer in answers) and all("ok" in result["parsed"] for result in case["results"].values())
    return answers[0] if same and isinstance(answers[0], dict) else None


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if agreed(case) is not None])
def test_what_all_official_parsers_agree_on_is_kept(name: str) -> None:
    assert name not in DECISIONS
    assert parsed(text_of(CASES[name])) == agreed(CASES[name])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if agreed(case) is None])
def test_where_they_differ_the_rule_decides(name: str) -> None:
    expected, rule = DECISIONS[name]
    if isinstance(expected, str):
        with pytest.raises(IniError, match=re.escape(expected)):
            parse(text_of(CASES[name]))
    else:
        assert parsed(text_of(CASES[name])) == expected, rule


def test_there_is_a_decision_for_nothing_else() -> None:
    assert sorted(DECISIONS) == sorted(name for name, case in CASES.items() if agreed(case) is None)
    assert len(CASES) == 51


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("\n\n  \n# c\n;c\n", {}),
        ("[a]", {"a": {}}),
        ("[a]   # comment with ] and = in it\nk=v", {"a": {"k": "v"}}),
        ("[a]# comment\nk=v", {"a": {"k": "v"}}),
        ("[a]\t;comment\nk=v", {"a": {"k": "v"}}),
        ("[a];comment\nk=v", {"a": {"k": "v"}}),
        ("  [a]\n  k=v", {"a": {"k": "v"}}),
        ("[a b.c-d/é]\nk=v", {"a b.c-d/é": {"k": "v"}}),
        ("[a]\nk=", {"a": {"k": ""}}),
        ("[a]\nk = # nothing", {"a": {"k": ""}}),
        ("[a]\nk =#v", {"a": {"k": "#v"}}),
        ("[a]\nk=;v", {"a": {"k": ";v"}}),
        ("[a]\nk = a#b ;c", {"a": {"k": "a#b"}}),
        ("[a]\nk = a ; b # c", {"a": {"k": "a"}}),
        ("[a]\nk\u3000=\u3000v\u3000# ideographic spaces", {"a": {"k": "v"}}),
        ("[a]\nk : a=b", {"a": {"k": "a=b"}}),
        ("[a]\nk = a:b", {"a": {"k": "a:b"}}),
        ("[a]\nk = v\\", {"a": {"k": "v\\"}}),
        ("[a]\nk = [v]", {"a": {"k": "[v]"}}),
        ("[a]\nk.with space = v", {"a": {"k.with space": "v"}}),
        ("[a]\rk=1\r\nl=2\nm=3", {"a": {"k": "1", "l": "2", "m": "3"}}),
        ("[a]\nk=1\x0b2\x0c3\x854\u20285", {"a": {"k": "1\x0b2\x0c3\x854\u20285"}}),
        ("[a]\nk=1\n[A]\nk=2", {"a": {"k": "1"}, "A": {"k": "2"}}),
        ("[a]\nk=1\n[b]\nK=2", {"a": {"k": "1"}, "b": {"k": "2"}}),
        ('[a]\np = {"x": 1,\n    "y": 2}\nk = v', {"a": {"p": '{"x": 1,\n"y": 2}', "k": "v"}}),
        ("[a]\np =\n  {\n  }\nk=v", {"a": {"p": "\n{\n}", "k": "v"}}),
        ("[a]\np = 1 # one\n\n # a comment\n 2 ; two\nk=v", {"a": {"p": "1\n\n2", "k": "v"}}),
        ("[a]\np = [\n  [1]\n  ]\n[b]\nk=v", {"a": {"p": "[\n[1]\n]"}, "b": {"k": "v"}}),
        ("[a]\n\tp = 1\n\t\t2\n\tk=v", {"a": {"p": "1\n2", "k": "v"}}),
        ("[a]\nk=1\n\n\n", {"a": {"k": "1"}}),
        ("[a]\nk=1 ;x # y", {"a": {"k": "1"}}),
        ("[a]\nk=a;b;c ;x # y", {"a": {"k": "a;b;c"}}),
        ("[a]\nk=1\n[DEFAULT]\nK=2\nl=3\n[b]\nl=4", {"a": {"k": "1", "l": "3"}, "b": {"k": "2", "l": "4"}}),
        ("[DEFAULT]\nk=1\n[a]\n[DEFAULT]\nl=2", {"a": {"k": "1", "l": "2"}}),
        ("[default]\nk=1\n[ DEFAULT ]\nl=2", {"default": {"k": "1", "l": "2"}}),
        ("[DEFAULT]\nk=1", {}),
    ],
)
def test_the_grammar(text: str, expected: dict[str, dict[str, str]]) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a", "line 1 begins like a [section] header"),
        ("\n[a]b\n", "line 2 begins like a [section] header"),
        ("[a # ]\n", "line 1 begins like a [section] header"),
        ("[]", "line 1 is a [section] header without a name"),
        ("[ ] # c", "line 1 is a [section] header without a name"),
        ("k = v", "line 1 stands above the first [section] header"),
        ("[a]\nsecretpart\n", "line 2 is neither a [section] header nor `key = value`"),
        ("[a]\nsecretpart # = v\n", "line 2 is neither"),
        ("[a]\n = secretpart\n", "line 2 has a value, but no key in front of it"),
        ("[a]\n# c\n\nk = secretpart\nK = other\n", "line 5 gives the key of line 4 again"),
        ("[a]\nk = 1\n[b]\nk = 2\nk = secretpart\n", "line 5 gives the key of line 4 again"),
        ("[DEFAULT]\nk = 1\n[b]\nk = 2\n[DEFAULT]\nk = secretpart\n", "line 6 gives the key of line 2 again"),
        ("[a]\n[b = secretpart\n", "line 2 begins like a [section] header"),
        ("[a]\nsecretpart\nsecretpart\n", "line 2 is neither a [section] header nor `key = value`"),
        ("[a]\nk = 1\n  2\n\n[b]\nk = 3\n  4\nsecretpart", "line 8 is neither"),
        ("[a]\r\n[b]\r\n[ a ]\r\n", "line 3 begins the section of line 1 again"),
    ],
)
def test_a_mistake_is_named_by_its_line_and_not_quoted(text: str, words: str) -> None:
    with pytest.raises(IniError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert "secretpart" not in str(caught.value)


def test_a_section_knows_its_lines_and_shows_no_value() -> None:
    section = parse("[DEFAULT]\nd=1\n[a]\nk = secretpart\n secretpart\n\nl=2\nd=3\n[b]")["a"]
    assert (section.name, section.line, section.lines) == ("a", 3, {"k": 4, "l": 7, "d": 8})
    assert "secretpart" not in repr(section)


_SPACE = st.text(" \t", max_size=3)
_VALUE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1)  # no white space: no comment can start
_KEY = st.from_regex(r"[a-z_]{1,10}", fullmatch=True)
_COMMENT = st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from([" #", "\t;", "  # "]), st.text("ab=[]#; ", max_size=5)))


@given(
    sections=st.dictionaries(_KEY, st.dictionaries(_KEY, _VALUE, max_size=4), max_size=3),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    data=st.data(),
)
def test_any_value_without_white_space_comes_back_whole(sections: dict[str, dict[str, str]], end: str, data: st.DataObject) -> None:
    lines = []
    for name, values in sections.items():
        indent = data.draw(_SPACE)  # a line that is indented further goes on with the value above it
        lines.append(f"[{data.draw(_SPACE)}{name}{data.draw(_SPACE)}]{data.draw(_COMMENT)}")
        for key, value in values.items():
            delimiter = data.draw(_SPACE) + data.draw(st.sampled_from("=:")) + data.draw(_SPACE)
            # a value that begins like a comment must touch its delimiter
            delimiter = delimiter.rstrip() if value[0] in "#;" else delimiter
            lines.append(f"{indent}{key}{delimiter}{value}{data.draw(_COMMENT)}")
    assert parsed(end.join(lines)) == sections


@given(st.text(st.sampled_from("[]=:#; \t\n\rab%\\\"'"), max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    found: dict[str, object] = {}
    message = "line 1 "
    try:
        found = {**parse(text)}
    except IniError as error:
        message = str(error)
    assert re.match(r"line [1-9][0-9]* ", message)
    assert all(name == name.strip() != "" for name in found)


def test_a_megabyte_of_one_line_takes_no_time() -> None:
    for filling in (" ", "\t#", "=", "[", "]", ";", "a "):
        text = "[a]\nk = v" + filling * (1 << 20)
        assert "a" in parse(text)
    for line in ("k" + " " * (1 << 20) + "v", "[" * (1 << 20), "[" + " " * (1 << 20) + "a", "[" + " ] " * (1 << 18)):
        with pytest.raises(IniError, match=r"^line 2 "):
            parse(f"[a]\n{line}")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "ok" in case["results"][OFFICIAL]["parsed"]])
def test_what_the_official_package_reads_is_read_alike_but_for_what_it_cuts_or_expands(name: str) -> None:
    theirs = CASES[name]["results"][OFFICIAL]["parsed"]["ok"]
    if name in {"hash_in_secret", "backtick_value", "space_semicolon", "percent_percent", "percent_reference", "section_blanks"}:
        assert parsed(text_of(CASES[name])) != theirs
    else:
        assert parsed(text_of(CASES[name])) == theirs
