"""A replay as a user goes through it: look, confirm, watch, read the outcome."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tools.operate.answer import Answer
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.draining import Drain, RunProgress
from tools.operate.errors import SIGNALLED, InputError, OperateError, StoppedError
from tools.operate.ids import short
from tools.operate.options import utc_now
from tools.operate.refusals import explained
from tools.operate.replays.giving_up import GivingUp
from tools.operate.replays.replay import Replay, Replayed
from tools.operate.replays.selection import Choice, Selection
from tools.operate.views import replaying as view


@dataclass(frozen=True)
class ReplaySession:
    """One call of `burst replay`."""

    answer: Answer
    deployment: Deployment
    pipeline: DeployedPipeline
    selection: Selection
    content: Path | None
    connection: Connection

    def run(self, *, dry_run: bool, yes: bool) -> None:
        """Begin a replay, or go on with the same one that was interrupted."""
        job = self._job()
        unfinished, choice = job.unfinished(), None
        if unfinished is None:
            choice = job.look()
            self.answer.draw(*view.left_out(choice, self.pipeline))
            if dry_run or not (choice.items or choice.outputs):
                self._end_without_replay(choice, dry_run=dry_run)
            self._confirm(choice, yes=yes)
        else:
            self.answer.draw(f"Going on with the replay {unfinished.id}, which was interrupted.")
            if dry_run:
                self.answer.end({"unfinished": unfinished}, ok=True)
        done = self._do()
        self.answer.end(
            {"choice": choice, "replayed": done},
            ok=not (done.expired or done.outputs_kept),
            draw=view.replayed_lines(done, self.deployment, self.pipeline),
        )

    def _job(self, steps: view.StepBars | None = None) -> Replay:
        job = Replay(
            self.connection.s3,
            self.deployment,
            self.pipeline,
            self.selection,
            utc_now(),
            self.content,
        )
        if steps is None:
            return job
        return replace(job, report=steps.report, load=partial(self._load, steps))

    def _end_without_replay(self, choice: Choice, *, dry_run: bool) -> None:
        self.answer.end(
            {"choice": choice, "replayed": None},
            ok=True,
            draw=view.nothing_done(self.selection, choice, self.content, dry_run=dry_run),
        )

    def _confirm(self, choice: Choice, *, yes: bool) -> None:
        """Rows that are loaded a second time need a word."""
        if self.selection.area == "archive":
            confirm(self.answer, view.warning(self.selection, choice), yes=yes)

    def _do(self) -> Replayed:
        with self.answer.progress() as bars:
            steps = view.StepBars(bars, quiet=self.answer.as_json)
            try:
                with explained():
                    return self._job(steps).run()
            except SIGNALLED as stop:
                raise StoppedError(
                    f"Stopped. {steps.sentence()} The same command goes on from here and sends no "
                    "file twice.",
                    stop,
                ) from None
            except OperateError as error:
                raise type(error)(f"{error} {self._how_to_go_on()}".rstrip()) from error

    def _how_to_go_on(self) -> str:
        """What to say after an error: whether this replay is open now, and how it ends."""
        with suppress(OperateError), explained():
            if found := self._job().unfinished():
                where = f"{self.deployment.environment} {self.pipeline.name}"
                return (
                    f"The replay {found.id} is open: the same command goes on from here, and "
                    f"`burst replay {where} --give-up` ends it without sending the rest."
                )
        return ""

    def _load(self, steps: view.StepBars, seen: Callable[[], object]) -> str:
        """Start a run and follow it; looks at what is loaded whenever there is news."""

        def report(progress: RunProgress) -> None:
            steps.run(progress)
            seen()

        drain = Drain(self.connection, self.deployment, self.pipeline, utc_now, report, steps.say)
        drained = drain.follow(drain.start())
        said = f": {drained.error}" if drained.error else ""
        return f"The run {short(drained.workflow_run_id)} ended as {drained.state}{said}."


@dataclass(frozen=True)
class GiveUpSession:
    """One call of `burst replay --give-up`."""

    answer: Answer
    deployment: Deployment
    pipeline: DeployedPipeline
    connection: Connection

    def run(self, *, dry_run: bool, yes: bool) -> None:
        """Show what the open replay did, and end it; raises `InputError` where none is open."""
        job = GivingUp(
            self.connection.s3, self.deployment, self.pipeline, getpass.getuser(), utc_now()
        )
        found = job.look()
        if found is None:
            raise InputError(
                f"There is nothing to give up: no replay of {self.deployment.environment}/"
                f"{self.pipeline.name} is open."
            )
        self.answer.draw(*view.open_replay_lines(found))
        if dry_run:
            self.answer.end({"open": found, "ended": None}, ok=True)
        confirm(self.answer, view.give_up_warning(found), yes=yes)
        ended = job.run(found.request)
        lines = view.ended_lines(ended, self.deployment, self.pipeline)
        self.answer.end({"open": found, "ended": ended}, ok=True, draw=lines)


def confirm(answer: Answer, text: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere raises `InputError` unless --yes was given."""
    answer.confirm("Go on?", yes=yes, text=text, declined="Nothing was done.")
