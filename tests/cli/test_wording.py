"""Every text that can be in Chinese has a Chinese one, and no Chinese one is left over."""

from __future__ import annotations

import string

from alicred.cli.wording import CHINESE
from tests.cli.texts import texts


def test_every_text_has_a_chinese_one() -> None:
    assert [f"{place}: {text}" for text, place in texts() if text not in CHINESE] == []


def test_no_chinese_text_is_left_over() -> None:
    assert sorted(set(CHINESE) - {text for text, _ in texts()}) == []


def test_a_chinese_text_has_the_values_of_the_english_one() -> None:
    def values(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)

    assert [english for english, chinese in CHINESE.items() if values(english) != values(chinese)] == []
