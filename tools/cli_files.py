"""The man page and the completion scripts, generated from the parsers into share/, from where the wheel installs them.

python -m tools.cli_files           writes them
python -m tools.cli_files --check   changes nothing; exit status 1 if one is not current
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from alicred.cli.completion import SCRIPTS
from alicred.cli.interface import Described, Option, commands, general
from alicred.cli.main import EXIT_CODES

SHARE = Path(__file__).resolve().parents[1] / "share"
PLACES = {
    "bash": "bash-completion/completions/alicred",
    "zsh": "zsh/site-functions/_alicred",
    "fish": "fish/vendor_completions.d/alicred.fish",
}
VARIABLES = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN": "The access key, if they are set.",
    "ALIBABA_CLOUD_PROFILE": "The profile, unless --profile names one.",
    "ALIBABA_CLOUD_CREDENTIALS_FILE": "The profile file.",
    "ALIBABA_CLOUD_CREDENTIALS_URI": "A URL that provides keys.",
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true: the metadata service is not asked.",
    "ALIBABA_CLOUD_STS_ENDPOINT, ALIBABA_CLOUD_STS_REGION": "The STS to ask, unless --region names a region.",
    "NO_COLOR": "Set to anything: no colour.",
    "LC_ALL, LC_MESSAGES, LANG": "zh_CN and the like: headings and advice in Chinese.",
}
FILES = {
    "~/.aliyun/config.json": "The file of the aliyun command line tool.",
    "~/.alibabacloud/credentials": "The profile file.",
}


def files() -> dict[Path, str]:
    """What each file should hold."""
    return {SHARE / "man/man1/alicred.1": man_page()} | {SHARE / PLACES[shell]: script() for shell, script in SCRIPTS.items()}


def man_page() -> str:
    """``alicred.1``."""
    program = general()
    parts = [
        '.TH ALICRED 1 "" alicred "User Commands"',
        ".SH NAME",
        "alicred \\- Alibaba Cloud credentials: which one, where from, until when, and why not",
        ".SH SYNOPSIS",
        ".B alicred",
        "[\\fIoption\\fR ...] \\fIcommand\\fR [\\fIargument\\fR ...]",
        ".SH DESCRIPTION",
        _text(program.description),
        ".SH COMMANDS",
    ]
    for command in commands():
        parts += [f".SS {_escaped(command.name)}", _synopsis(command), ".PP", _text(command.description)]
        parts += [_option(option) for option in command.options if "-h" not in option.names]
    parts += [".SH OPTIONS OF ALL COMMANDS", *map(_option, program.options), ".SH EXIT STATUS"]
    codes = re.findall(r"^ +(\d+) +(.*)$", EXIT_CODES, re.MULTILINE)
    parts += [f".TP\n.B {code}\n{_escaped(meaning)}" for code, meaning in codes]
    parts += [".SH ENVIRONMENT", *(f".TP\n.B {_escaped(name)}\n{_escaped(meaning)}" for name, meaning in VARIABLES.items())]
    parts += [".SH FILES", *(f".TP\n.I {_escaped(name)}\n{_escaped(meaning)}" for name, meaning in FILES.items())]
    parts += [".SH SEE ALSO", "https://github.com/alicred/alicred/tree/main/docs/cli"]
    return "\n".join(parts) + "\n"


def _synopsis(command: Described) -> str:
    behind = "\\-\\- \\fIprogram\\fR [\\fIargument\\fR ...]" if command.runs else "|".join(map(_escaped, command.words))
    return f"\\fBalicred {_escaped(command.name)}\\fR [\\fIoption\\fR ...] {behind}".rstrip()


def _option(option: Option) -> str:
    value = f" \\fI{_escaped(option.value)}\\fR" if option.value else ""
    names = ", ".join(f"\\fB{_escaped(name)}\\fR{value}" for name in option.names)
    choices = f" One of {_escaped(', '.join(option.choices))}." if option.choices else ""
    return f".TP\n{names}\n{_escaped(option.help[:1].upper() + option.help[1:])}.{choices}"


def _text(text: str) -> str:
    """Paragraphs, in which lines that are indented stay as they are."""
    lines: list[str] = []
    for line in text.splitlines():
        indented = line.startswith("  ")
        if indented and ".nf" not in lines[-1:] and not _in_block(lines):
            lines.append(".nf")
        elif not indented and _in_block(lines):
            lines.append(".fi")
        lines.append(_escaped(line) if line.strip() else ".PP")
    return "\n".join([*lines, *([".fi"] if _in_block(lines) else [])])


def _in_block(lines: list[str]) -> bool:
    return lines.count(".nf") > lines.count(".fi")


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.cli_files", description="Write the man page and the completion scripts.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if one is not current")
    options = parser.parse_args()
    stale = [path for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(SHARE.parent)}: {'is not current' if options.check else 'written'}")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path], "utf-8")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
