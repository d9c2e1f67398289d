"""`burst check`."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.operate.answer import SAY_YES, Answer, explained_errors
from tools.operate.checking import Check, Looked, Options, cost_words
from tools.operate.errors import SIGNALLED, StoppedError
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    reach,
    utc_now,
)
from tools.operate.views import checking as view


@explained_errors
def check(
    environment: Environment,
    pipeline: Annotated[
        str | None, typer.Option(help="Only this pipeline; all without it.")
    ] = None,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe/--no-probe",
            help="Send probe files and start runs; without, only look, which costs nothing.",
        ),
    ] = True,
    row: Annotated[
        bool,
        typer.Option(
            "--row/--no-row",
            help="Put a made-up row into the good file; without, the table never sees one.",
        ),
    ] = True,
    wait: Annotated[
        int,
        typer.Option(help="Minutes to follow the probes of a pipeline.", min=1, max=1440),
    ] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Prove a deployment: look at every link, send probe files through, take them away again.

    Exit code 1 unless everything that was tried was seen.

    Example: pipenv run burst check dev --pipeline orders
    """
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint)
    names = [pipeline] if pipeline else sorted(deployment.pipelines)
    parts = [deployment.pipeline(name) for name in names]
    with answer.progress() as bar:
        task = bar.add_task("Look at what is deployed", total=None)

        def say(name: str, text: str) -> None:
            bar.update(task, description=f"Check {name}")
            if not as_json:
                bar.console.print(f"{name}: {text}", soft_wrap=True, markup=False)

        options = Options(send=probe, with_row=row, wait_seconds=60.0 * wait)
        checked = Check(connection, deployment, parts, options, utc_now, say)
        looked = checked.look()
        bar.stop()
        # Where nothing is sent and asked, all is drawn at the end, each pipeline once.
        drawn = looked.findings if looked.sending else ()
        answer.draw(*view.findings_parts(drawn, environment))
        _confirm(answer, looked, yes=yes)
        bar.start()
        try:
            checked.run(looked)
        except SIGNALLED as stop:
            raise StoppedError(_stopped(checked), stop) from None
    later = checked.findings[len(drawn) :]
    answer.end(
        {
            "passed": checked.passed,
            "environment": environment,
            "check": checked.id,
            "cost": looked.cost,
            "findings": checked.findings,
        },
        ok=checked.passed,
        draw=(
            *view.findings_parts(later, environment),
            view.verdict_line(checked.findings, environment),
        ),
    )


def _confirm(answer: Answer, looked: Looked, *, yes: bool) -> None:
    """Say what it costs, and ask before anything is sent."""
    if not looked.sending:
        return
    lines = list(cost_words(looked.cost))
    answer.confirm(
        "Go on?",
        yes=yes,
        text="\n".join(("", *lines, "")),
        declined="Nothing was sent.",
        unasked=f"{' '.join(lines)} {SAY_YES}",
    )


def _stopped(checked: Check) -> str:
    left = [finding for finding in checked.findings if finding.link == "clean-up"]
    stays = " ".join(finding.detail for finding in left if finding.detail)
    return f"Stopped. {stays or 'The probes were taken away again.'}"
