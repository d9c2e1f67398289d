"""`burst set-aside`."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.operate import setting_aside
from tools.operate.answer import Answer, explained_errors
from tools.operate.ledger import PipelineLedger
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
    utc_now,
)
from tools.operate.views.tables import bad_files_table
from tools.operate.words import count


@explained_errors
def set_aside(
    environment: Environment,
    pipeline: PipelineName,
    batch: Annotated[str, typer.Option(help="The batch that was stopped, as `burst status` says.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Give up the bad files of a batch: the next run quarantines them and loads the others.

    For files that are wrong. If the columns or the transform are wrong, correct and deploy them.

    Example: pipenv run burst set-aside dev orders --batch 20261126T180929Z
    """
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    part = deployment.pipeline(pipeline)
    ledger = PipelineLedger.of(connection.s3, deployment, part)
    verdicts = setting_aside.look(ledger, ledger.find(batch))
    files = count(len(verdicts.files), "file")
    answer.draw(bad_files_table(verdicts.files))
    if not verdicts.given_up:
        answer.confirm(
            "Set them aside?",
            yes=yes,
            text=f"{files} of batch {verdicts.batch} will go to quarantine.",
            declined="Nothing was set aside.",
        )
        setting_aside.set_aside(ledger, verdicts, utc_now())
    word = "were set aside before" if verdicts.given_up else "are set aside"
    line = (
        f"{files} {word}: the next run moves them to quarantine and loads the others. "
        f"`burst drain {environment} {pipeline}` starts it now."
    )
    answer.end({"set_aside": verdicts}, ok=True, draw=[line])
