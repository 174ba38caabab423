"""What the commands say in Chinese. The key is the English text, in which ``{name}`` stands for a value."""

from __future__ import annotations


def marked(english: str) -> str:
    """*english* itself. It says where the text stands that `Terminal.text` translates when it is printed: the tests look for it."""
    return english


CHINESE: dict[str, str] = {}
