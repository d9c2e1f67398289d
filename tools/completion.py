"""`burst completion`: `burst` as a word of the shell, with completion by the Tab key."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tools.cli import COMPLETE

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
# `pipenv run burst` is a word of pipenv's and not of the shell's, so a function stands for it. It
# works in every folder; -P keeps that folder's modules out.
BASH = """\
burst() {{ {command} "$@"; }}
_burst_completion() {{
    local IFS=$'\\n'
    COMPREPLY=( $( COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD=$COMP_CWORD \\
        {variable}=complete_bash burst ) )
}}
complete -o default -F _burst_completion burst
"""
ZSH = """\
burst() {{ {command} "$@"; }}
_burst_completion() {{
    eval $(_TYPER_COMPLETE_ARGS="${{words[1,$CURRENT]}}" {variable}=complete_zsh burst)
}}
compdef _burst_completion burst
"""
FISH = """\
function burst; {command} $argv; end
function _burst_completion
    set -lx _TYPER_COMPLETE_ARGS (commandline -cp)
    env {variable}=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] {command}
end
complete --command burst --no-files --condition '_burst_completion is-args' \\
    --arguments '(_burst_completion get-args)'
"""


class Shell(StrEnum):
    """A shell that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


SCRIPTS = {Shell.BASH: BASH, Shell.ZSH: ZSH, Shell.FISH: FISH}


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that will read it.")],
) -> None:
    """Print what makes `burst` a word of the shell, with completion by the Tab key.

    For one shell, or for all if the line is in its start file; fish reads it by a pipe to source.

    Example: eval "$(pipenv run burst completion bash)"
    """
    typer.echo(script(shell), nl=False)


def script(shell: Shell) -> str:
    """The lines for a shell."""
    python = shlex.quote(sys.executable)
    command = f"env PYTHONPATH={shlex.quote(str(PROJECT_FOLDER))} {python} -P -m tools.cli"
    return SCRIPTS[shell].format(command=command, variable=COMPLETE)
