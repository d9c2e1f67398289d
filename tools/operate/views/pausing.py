"""What changes in cdktf.json, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Iterator

from tools.operate.pausing import Pausing

IN_THE_SANDBOX = "  pipenv run burst sandbox apply"


def pause_lines(change: Pausing, *, written: bool, in_sandbox: bool = False) -> Iterator[str]:
    """The change, the commands that deploy it, and what happens to files meanwhile.

    in_sandbox: the shell belongs to a sandbox, where one command does all of it.
    """
    where = f"{change.environment} {change.pipeline}"
    if not change.needed:
        yield f"cdktf.json says already that {where} is {change.words}."
    else:
        yield f"{'Changed' if written else 'To change'} in cdktf.json:\n\n{change.diff}"
        if not written:
            yield "Add --write to change the file."
    already = not change.needed
    state = "ENABLED -> DISABLED" if change.paused else "DISABLED -> ENABLED"
    plan = f" (init the first time; the plan shows the state {state} and nothing else)"
    yield (
        "It is a setting because the next apply would change back a rule that was changed by "
        f"hand. What is left to do{', unless it is deployed' * already}"
        f"{'' if in_sandbox else plan}:\n\n" + (IN_THE_SANDBOX if in_sandbox else _commands(change))
    )
    if change.paused:
        yield (
            "\nWhile the pipeline is paused, files wait in landing. Nothing is lost: a version "
            "that is overwritten meanwhile is kept, too (see docs/costs-and-limits.md)."
        )
    else:
        yield (
            f"  pipenv run burst drain {where}\n\n"
            "The last command takes the files that came during the pause: the rule was off, so "
            "their events started nothing."
        )


def _commands(change: Pausing) -> str:
    terraform = f"  terraform -chdir=cdktf.out/stacks/{change.environment}"
    steps = (f"{terraform} {step}" for step in ("init", "plan", "apply"))
    return "\n".join(("  pipenv run python main.py", *steps))
