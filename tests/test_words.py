"""The list of words to avoid finds them where they stand, and nothing in the repository has any."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import words


@pytest.mark.parametrize(
    ("name", "text", "line", "word"),
    [
        ("page.md", "One.\n\nIt is done anew.\n", 3, "anew"),
        ("page.md", "Anew, it is done.\n", 1, "Anew"),
        ("page.md", "> Names are compared letter\n> by letter.\n", 1, "letter > by letter"),
        ("page.md", "刷新凭证。\n", 1, "凭证"),
        ("module.py", "# Whoever asks\nx = 1\n", 1, "Whoever"),
        ("module.py", "x = 1\ndrawn_anew = 2\n", 2, "anew"),
    ],
)
def test_a_planted_word_is_found(name: str, text: str, line: int, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert words.main([str(path)]) == 1
    (printed,) = capsys.readouterr().out.splitlines()
    assert printed.startswith(f"{path}:{line}: {word} → ")


@pytest.mark.parametrize("text", ["a new key", "an island of commands", "shallow", "blesting", "官方凭证（Token）"])
def test_other_words_are_not(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.md"
    path.write_text(text, "utf-8")
    assert words.main([str(path)]) == 0
    assert capsys.readouterr().out == ""


def test_of_a_test_the_names_are_read_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(words, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    path = tmp_path / "tests" / "test_it.py"
    path.write_text('"""Nobody."""\n\n\ndef test_nobody_waits() -> None:\n    anew = 1\n', "utf-8")
    assert [(line, word) for line, word, _ in words.found(path)] == [(4, "nobody")]


def test_nothing_in_the_repository_has_one() -> None:
    done = subprocess.run([sys.executable, words.__file__], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
