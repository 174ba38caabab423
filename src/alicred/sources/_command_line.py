"""A command in one string, as words. No shell takes part: nothing is expanded, and ``; | > & * #`` are characters like any other."""

from __future__ import annotations

from alicred.errors import ConfigurationError

_ESCAPED_IN_QUOTES = frozenset('$`"\\\n')


def split(name: str, command: str, *, windows: bool) -> list[str]:
    r"""The words of *command*, the first of which is not empty.

    Words end at white space. Single quotes keep everything between them; double quotes everything but a backslash in front of
    ``$``, a back quote, ``"``, ``\`` or a line's end. Elsewhere a backslash keeps the character after it, and drops a line's end.

    Args:
        name: What the command is called in an error.
        command: The command. It shows in no error: it may hold a secret.
        windows: Whether a backslash is a character like any other unless it stands in front of ``"``.

    Raises:
        ConfigurationError: A quote is not closed, a backslash is the last character, or there is no first word.
    """
    words: list[str] = []
    word: str | None = None  # what has been read of the current word; None between two words, for '' is a word as well
    quote = ""
    position = 0
    while position < len(command):
        character, following = command[position], command[position + 1 : position + 2]
        position += 1
        if character == "\\" and _escapes(following, quote=quote, windows=windows):
            if not following:
                raise ConfigurationError(f"{name} ends with a backslash. Remove it, or write two of them")
            position += 1
            if following != "\n" or windows:
                word = (word or "") + following
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote, word = character, word or ""
        elif not quote and _is_blank(character):
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + character
    if quote:
        raise ConfigurationError(f"{name} has a quote ({quote}) that is not closed")
    if word is not None:
        words.append(word)
    if not words or not words[0]:
        raise ConfigurationError(f"{name} is empty. Give the program and its arguments")
    return words


def _escapes(following: str, *, quote: str, windows: bool) -> bool:
    """Whether a backslash in front of *following* takes away its meaning."""
    if quote == "'":
        return False
    if windows:
        return following == '"'
    return not quote or following in _ESCAPED_IN_QUOTES


def _is_blank(character: str) -> bool:
    """White space as Unicode has it, which the separators 1C to 1F are not, whatever Python says."""
    return character.isspace() and not "\x1c" <= character <= "\x1f"
