"""`burst new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.authoring import views
from tools.authoring.advice import advice
from tools.authoring.inference import infer
from tools.authoring.samples import STANDARD_INPUT, read_samples
from tools.authoring.writing import SETTINGS, Choices, propose
from tools.forecast.present import DEFAULT
from tools.operate.answer import Answer, explained_errors
from tools.operate.deployment import PROJECT_FOLDER
from tools.operate.errors import InputError
from tools.operate.options import AsJson

FOLDER = PROJECT_FOLDER
NOT_ASKED = f"There is no one to ask, so nothing was written. Give --yes to write it to {SETTINGS}."


@explained_errors
def new(
    pipeline: Annotated[str, typer.Argument(help="Name of the new pipeline.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="More samples.", show_default=False)
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="The first sample, which is needed: csv, json lines or Parquet, also with gzip; - "
            "for standard input. Further files may follow.",
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(help="Keys of the landing bucket; the pipeline's name and / if left out."),
    ] = None,
    suffix: Annotated[
        str | None, typer.Option(help="End of the keys; any if left out.", show_default=False)
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Files after which the job starts at once; as advised, or 100.",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=900,
            help="Seconds after which it starts anyway; as advised, or 900.",
            show_default=False,
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            help='How files arrive, for the advice of the forecast: "10 files in 2 minutes, 6 '
            'times a day".',
            show_default=False,
        ),
    ] = None,
    arrivals: Annotated[
        Path | None,
        typer.Option(help="The same as a CSV of time and bytes.", show_default=False),
    ] = None,
    promise: Annotated[
        str, typer.Option(help="Wait that 99 of 100 bursts may have, for the advice: 90s, 5m, 1h.")
    ] = "5m",
    environment: Annotated[
        str | None, typer.Option(help="The environment that gets it; all if left out.")
    ] = None,
    pass_through: Annotated[
        bool,
        typer.Option("--pass-through", help="Load the rows as they come, without a transform."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write without asking; --json needs it to write.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a pipeline from sample files: their format, columns and types, and a transform.

    Example: pipenv run burst new sales --from exports/*.csv
    """
    answer = Answer.to(as_json)
    names = [*(from_ or ()), *(more or ())]
    if not names:
        raise InputError("Name at least one sample file: burst new PIPELINE --from FILE...")
    samples = read_samples(names)
    _must_end_in(names, suffix)
    found = infer(samples)
    advised = advice(like, arrivals, promise)
    choices = Choices(
        pipeline,
        prefix or f"{pipeline}/",
        suffix,
        size or (advised.batch_size if advised else DEFAULT.batch_size),
        window or (advised.window_seconds if advised else DEFAULT.batch_window_seconds),
        environment,
        pass_through,
        advised.workers if advised else None,
    )
    proposal = propose(FOLDER, choices, found.format)
    answer.draw(*views.inference_lines(samples, found))
    if advised:
        answer.draw(*views.advice_lines(advised))
    answer.draw(*views.proposal_lines(proposal))
    value = {
        "inference": found,
        "advice": advised,
        "environments": proposal.environments,
        "files": [*proposal.texts],
        "kept": proposal.kept,
    }
    if as_json and not yes:
        answer.print_json(value | {"written": False})
        raise InputError(f"Nothing was written: give --yes to write it to {SETTINGS}.")
    if STANDARD_INPUT in names and not yes:
        raise InputError(NOT_ASKED)
    answer.confirm(
        "Write this?", yes=yes, text="", unasked=NOT_ASKED, declined="Nothing was written."
    )
    proposal.write()
    answer.end(value | {"written": True}, ok=True, draw=views.next_steps(pipeline, names, found))


def _must_end_in(names: list[str], suffix: str | None) -> None:
    others = [name for name in names if name != STANDARD_INPUT and not name.endswith(suffix or "")]
    if others:
        raise InputError(
            f"--suffix is {suffix!r}, but {others[0]} does not end in it: the pipeline would leave "
            "such files alone in landing."
        )
