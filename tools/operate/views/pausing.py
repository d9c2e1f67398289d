"""What changes in cdktf.json, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Iterator

from tools.operate.pausing import Pausing


def pause_lines(change: Pausing, *, written: bool) -> Iterator[str]:
    """The change, the commands that deploy it, and what happens to files meanwhile."""
    where = f"{change.environment} {change.pipeline}"
    if not change.needed:
        yield f"cdktf.json says already that {where} is {change.words}."
    else:
        yield f"{'Changed' if written else 'To change'} in cdktf.json:\n\n{change.diff}"
        if not written:
            yield "Add --write to change the file."
    already = not change.needed
    state = "ENABLED -> DISABLED" if change.paused else "DISABLED -> ENABLED"
    folder = f"cdktf.out/stacks/{change.environment}"
    yield (
        "It is a setting because the next apply would change back a rule that was changed by "
        f"hand. What is left to do{', unless it is deployed' * already}:\n\n"
        "  pipenv run python main.py\n"
        f"  terraform -chdir={folder} init     the first time\n"
        f"  terraform -chdir={folder} plan     the rules of {change.pipeline}: state {state}, "
        "nothing else\n"
        f"  terraform -chdir={folder} apply"
    )
    if change.paused:
        yield (
            "\nWhile the pipeline is paused, files wait in landing. Nothing is lost: a version "
            "that is overwritten meanwhile is kept, too (see docs/costs-and-limits.md)."
        )
    else:
        yield (
            f"  pipenv run burst drain {where}\n\n"
            "The last command takes the files that came during the pause: they sent no event."
        )
