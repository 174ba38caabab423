"""Scripts that let a shell complete the command line, generated from the parsers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alicred.cli.interface import Described, Option, commands, general


def bash() -> str:
    """The script for bash 3.2 and later."""
    everywhere = general()
    takes_value = [name for option in everywhere.options if option.value for name in option.names]
    cases = [f"        {names}) words={_sh(option.choices)} ;;" for names, option in _with_values("", everywhere.options)]
    per_command: list[str] = []
    for each in commands():
        cases += [f"        {names}) words={_sh(option.choices)} ;;" for names, option in _with_values(each.name, each.options)]
        offered = [*each.words, *(name for option in (*each.options, *each.general) for name in option.names)]
        per_command.append(f"        {each.name}) words={_sh(offered)} ;;")
    runs = "|".join(each.name for each in commands() if each.runs)
    first = [each.name for each in commands()] + [name for option in everywhere.options for name in option.names]
    return f"""\
# bash completion for alicred; made by `alicred completion bash`
_alicred() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command= words= index word
    for ((index = 1; index < COMP_CWORD; index++)); do
        word=${{COMP_WORDS[index]}}
        case $word in
        {"|".join(takes_value)}) ((index++)) ;;
        -*) ;;
        *) command=$word; break ;;
        esac
    done
    case $command in
    {runs})
        for ((index++; index < COMP_CWORD; index++)); do
            [[ ${{COMP_WORDS[index]}} == -- ]] && ((index++)) && break
            [[ ${{COMP_WORDS[index]}} == -* ]] || break
        done
        if ((index < COMP_CWORD)); then
            COMPREPLY=($(compgen -f -- "$cur"))
            return
        elif ((index == COMP_CWORD)) && [[ $cur != -* ]]; then
            COMPREPLY=($(compgen -c -- "$cur"))
            return
        fi ;;
    esac
    case $command:$prev in
{chr(10).join(cases)}
        *)
        case $command in
        "") words={_sh(first)} ;;
{chr(10).join(per_command)}
        esac ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _alicred alicred
"""


def _with_values(command: str, options: Iterable[Option]) -> list[tuple[str, Option]]:
    """The options that have a value, each with the pattern of the names behind which the value stands, behind *command*."""
    start = f"{command}:" if command else "*:"
    return [("|".join(start + name for name in option.names), option) for option in options if option.value]


def _sh(words: Iterable[str]) -> str:
    return '"' + " ".join(words) + '"'


def zsh() -> str:
    """The script for zsh: for ``eval`` behind ``compinit``, or as the file ``_alicred`` in a folder of ``$fpath``."""
    everywhere = general().options
    names = "\n".join(f"    {_zsh_text(f'{each.name}:{each.summary}')}" for each in commands())
    cases = "\n".join(f"      {each.name}) _arguments -s {' '.join(_zsh_arguments(each))} ;;" for each in commands())
    return f"""\
#compdef alicred
# zsh completion for alicred; made by `alicred completion zsh`
_alicred() {{
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
{names}
  )
  _arguments -C -s {" ".join(map(_zsh_option, everywhere))} '1:command:->command' '*::argument:->argument'
  case $state in
  command) _describe command commands ;;
  argument)
    case $words[1] in
{cases}
    esac ;;
  esac
}}
if [[ $funcstack[1] == _alicred ]]; then
  _alicred "$@"
else
  compdef _alicred alicred
fi
"""


def _zsh_arguments(command: Described) -> list[str]:
    arguments = [_zsh_option(option) for option in (*command.options, *command.general)]
    if command.runs:
        return [*arguments, "'(-)1:program:_command_names -e'", "'*::argument:_normal'"]
    return [*arguments, f"'1:word:({' '.join(command.words)})'"] if command.words else arguments


def _zsh_option(option: Option) -> str:
    text = "".join(f"\\{character}" if character in "[]:\\" else character for character in option.help)
    value = "" if not option.value else f":{option.value.lower()}:" + (f"({' '.join(option.choices)})" if option.choices else " ")
    written = [_zsh_text(f"{name}[{text}]{value}") for name in option.names]
    if len(written) == 1:
        return written[0]
    return " ".join(f"'({' '.join(option.names)})'{each}" for each in written)


def _zsh_text(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish() -> str:
    """The script for fish."""
    found = list(commands())
    names = " ".join(each.name for each in found)
    lines = [
        "# fish completion for alicred; made by `alicred completion fish`",
        "complete -c alicred -f",
        *(_fish_option(option, "") for option in general().options),
    ]
    for each in found:
        inside = f"__fish_seen_subcommand_from {each.name}"
        lines.append(f"complete -c alicred -n 'not __fish_seen_subcommand_from {names}' -a {each.name} -d {_fish_text(each.summary)}")
        lines += [_fish_option(option, inside) for option in each.options if "-h" not in option.names]
        if each.words:
            lines.append(f"complete -c alicred -n '{inside}' -a '{' '.join(each.words)}'")
        if each.runs:
            lines.append(f"complete -c alicred -n '{inside}' -x -a '(__fish_complete_subcommand --fcs-skip=2)'")
    return "\n".join([*lines, ""])


def _fish_option(option: Option, condition: str) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    when = f"-n '{condition}' " if condition else ""
    value = "" if not option.value else f" -x -a '{' '.join(option.choices)}'" if option.choices else " -x"
    return f"complete -c alicred {when}{names}{value} -d {_fish_text(option.help)}"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
