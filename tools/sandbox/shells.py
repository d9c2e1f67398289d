"""The files that a shell sources to use a sandbox: for bash and zsh, for fish, for PowerShell.

Each defines `leave_sandbox`, which gives every variable the value that it had before. While they
are set, Terraform plans and applies nothing: in the real folder it would compare the real state
with the emulated account, find nothing of it there, and forget everything.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tools.operate.deployment import LEAVE_SANDBOX

NOT_FOR_THE_SANDBOX = ("AWS_PROFILE", "AWS_SESSION_TOKEN")
# Terraform adds the variable TF_CLI_ARGS_<command> to the arguments of the command (Terraform
# documentation, "Environment Variables"), and refuses an option that it does not know by its name.
GUARDED = ("plan", "apply", "destroy", "refresh", "import")
GUARD = f"-this-shell-uses-a-burst-sandbox--type-{LEAVE_SANDBOX}"
SAVED = "_burst_before_"
# A shell that runs the file has its name as $0. So does zsh where it sources it, and bash where a
# script of that name does; zsh and bash can tell.
RUN_AND_NOT_SOURCED = (
    'case "${0##*/}:${ZSH_EVAL_CONTEXT-}" in environment.sh: | environment.sh:toplevel)',
    '  if [ -z "${BASH_VERSION-}" ] || ! (return 0 2>/dev/null); then',
    '    echo "This sets variables of your own shell: type  source $0" >&2',
    "    exit 2",
    "  fi ;;",
    "esac",
)


def write(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write the files for all shells; returns that for bash and zsh."""
    all_of_them = {**variables, **{f"TF_CLI_ARGS_{name}": GUARD for name in GUARDED}}
    for ending, render in WRITERS.items():
        text = "\n".join(render(all_of_them))
        (folder / f"environment.{ending}").write_text(f"{text}\n", encoding="utf-8")
    return folder / "environment.sh"


def posix(variables: Mapping[str, str]) -> Iterator[str]:
    """For bash, zsh and every other POSIX shell."""
    names = [*NOT_FOR_THE_SANDBOX, *variables]
    yield from RUN_AND_NOT_SOURCED
    # Also where it is sourced twice, or that of another sandbox was before.
    yield f"if command -v {LEAVE_SANDBOX} >/dev/null 2>&1; then {LEAVE_SANDBOX}; fi"
    for name in names:
        yield f'if [ -n "${{{name}+set}}" ]; then {SAVED}{name}="${name}"; fi'
    yield f"unset {' '.join(NOT_FOR_THE_SANDBOX)}"
    yield from (f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    yield f"{LEAVE_SANDBOX}() {{"
    for name in names:
        old = f"{SAVED}{name}"
        yield (
            f'  if [ -n "${{{old}+set}}" ]; then export {name}="${old}"; unset {old}; '
            f"else unset {name}; fi"
        )
    yield f"  unset -f {LEAVE_SANDBOX}"
    yield "}"


def fish(variables: Mapping[str, str]) -> Iterator[str]:
    """For fish."""
    names = [*NOT_FOR_THE_SANDBOX, *variables]
    yield f"functions -q {LEAVE_SANDBOX}; and {LEAVE_SANDBOX}"
    yield from (f"set -q {name}; and set -g {SAVED}{name} ${name}" for name in names)
    yield from (f"set -e {name}" for name in NOT_FOR_THE_SANDBOX)
    yield from (f"set -gx {name} {_fish_quoted(value)}" for name, value in variables.items())
    yield f"function {LEAVE_SANDBOX}"
    for name in names:
        old = f"{SAVED}{name}"
        yield f"  if set -q {old}; set -gx {name} ${old}; set -e {old}; else; set -e {name}; end"
    yield f"  functions -e {LEAVE_SANDBOX}"
    yield "end"


def powershell(variables: Mapping[str, str]) -> Iterator[str]:
    """For PowerShell. A variable that is set to $null is removed."""
    names = [*NOT_FOR_THE_SANDBOX, *variables]
    yield f"if (Get-Command {LEAVE_SANDBOX} -ErrorAction SilentlyContinue) {{ {LEAVE_SANDBOX} }}"
    yield f"$global:{SAVED} = @{{}}"
    yield from (f"$global:{SAVED}['{name}'] = $env:{name}" for name in names)
    yield from (f"$env:{name} = $null" for name in NOT_FOR_THE_SANDBOX)
    yield from (f"$env:{name} = {_powershell_quoted(v)}" for name, v in variables.items())
    yield f"function global:{LEAVE_SANDBOX} {{"
    yield from (f"  $env:{name} = $global:{SAVED}['{name}']" for name in names)
    yield f"  Remove-Item function:{LEAVE_SANDBOX}"
    yield "}"


def _fish_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell_quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


WRITERS: Mapping[str, Callable[[Mapping[str, str]], Iterable[str]]] = {
    "sh": posix,
    "fish": fish,
    "ps1": powershell,
}
