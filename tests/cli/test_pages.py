"""What the pages show is what the commands print: every block that is run, run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.cli_pages.pages import blocks, masked, pages, refreshed
from tools.cli_pages.session import transcript

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [
    pytest.param(world, shown, id=f"{page.relative_to(ROOT)}-{number}-{world}")
    for page in pages()
    for number, (world, shown) in enumerate(blocks(page.read_text("utf-8")), start=1)
]

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the commands of the pages are run by bash")


@pytest.mark.slow
@pytest.mark.parametrize(("world", "shown"), BLOCKS)
def test_a_page_shows_what_its_commands_print(world: str, shown: str, request: pytest.FixtureRequest) -> None:
    if "curl " in shown and shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    if world.startswith("logins"):
        request.getfixturevalue("login_ports")
    assert masked(transcript(world, shown)) == masked(shown)


def test_commands_are_run_in_one_shell_and_what_they_print_is_shown() -> None:
    shown = "$ alicred --version >/dev/null; alicred dance\n$ echo $?\nold\n$ word='two\n> lines'\n$ echo \"$word\" $HOME; pwd\n"
    now = transcript("keys", shown)
    command, error, *rest = now.splitlines()
    assert command == "$ alicred --version >/dev/null; alicred dance"
    assert error.startswith("alicred: ")
    assert rest[:2] == ["$ echo $?", "2"]
    assert rest[2:] == ["$ word='two", "> lines'", '$ echo "$word" $HOME; pwd', "two", "lines /home/ada", "/home/ada"]


def test_a_block_for_a_terminal_has_one_of_a_hundred_columns() -> None:
    assert transcript("nothing,terminal", "$ test -t 1 && stty size\n") == "$ test -t 1 && stty size\n40 100\n"


def test_a_line_that_is_overwritten_does_not_show() -> None:
    assert transcript("nothing,terminal", "$ printf 'working\\r\\033[Kdone\\n'\n").splitlines()[1:] == ["done"]


def test_lines_break_where_they_would_at_home() -> None:
    assert transcript("nothing", "$ echo $HOME ${#HOME}\n").splitlines()[1] == "/home/ada 9"


def test_nothing_beyond_loopback_can_be_reached() -> None:
    now = transcript("offline", "$ alicred get\n")
    assert "the name of the host is not known here" in now


PAGE = """\
# A page

<!-- run: keys -->
```console
$ alicred get
AK.0123456789 until 2026-11-29T11:35:21Z, 59 min 58 s
```

```console
$ alicred get
not run
```
"""


def test_a_block_that_changed_in_nothing_but_ids_and_times_is_left_alone() -> None:
    assert refreshed(PAGE, lambda world, shown: "$ alicred get\nAK.99887766 until 2027-01-01T00:00:00Z, 1 h 2 s\n") == PAGE


def test_an_id_that_ends_like_a_span_is_an_id() -> None:
    assert masked('"role_id": "b0ec280a994a6bc21d"') == masked('"role_id": "0ac72d5e6b77a0c2ff"')


def test_a_block_that_changed_is_written_again_and_only_that() -> None:
    now = refreshed(PAGE, lambda world, shown: f"$ alicred get\nnew in {world}\n")
    assert now == PAGE.replace("AK.0123456789 until 2026-11-29T11:35:21Z, 59 min 58 s", "new in keys")


def test_an_unknown_world_is_an_error_that_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"use one of nothing, keys, .*; then terminal, chinese"):
        transcript("mars", "$ alicred get\n")


def test_a_random_text_that_looks_like_a_span_is_masked_as_a_whole() -> None:
    texts = ("state=5d-a1s-x", "state=abc", "state=-7h")
    assert {masked(text) for text in texts} == {"state=<text>"}
