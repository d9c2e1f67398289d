"""A replay as a user goes through it: look, confirm, watch, read the outcome."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from tools.operate.answer import Answer
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError, StoppedError
from tools.operate.options import utc_now
from tools.operate.replays.replay import Replay, Replayed, Report, ignore_progress
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
        job = self._job(ignore_progress)
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
            ok=not done.expired,
            draw=view.replayed_lines(done, self.deployment, self.pipeline),
        )

    def _job(self, report: Report) -> Replay:
        return Replay(
            self.connection.s3,
            self.deployment,
            self.pipeline,
            self.selection,
            utc_now(),
            self.content,
            report,
        )

    def _end_without_replay(self, choice: Choice, *, dry_run: bool) -> None:
        self.answer.end(
            {"choice": choice, "replayed": None},
            ok=True,
            draw=view.nothing_done(self.selection, choice, dry_run=dry_run),
        )

    def _confirm(self, choice: Choice, *, yes: bool) -> None:
        """Rows that are loaded a second time, or are missing for a while, need a word."""
        if self.selection.area == "quarantine":
            return
        text = view.warning(self.selection, choice)
        asks = not self.answer.as_json and sys.stdin.isatty()
        if not yes and not asks:
            raise InputError(f"{text} Say --yes if that is what you want; nothing was done.")
        self.answer.draw(text)
        if not yes:
            typer.confirm("Go on?", abort=True)

    def _do(self) -> Replayed:
        with self.answer.progress() as bars:
            steps = view.StepBars(bars)
            try:
                return self._job(steps.report).run()
            except KeyboardInterrupt:
                raise StoppedError(
                    f"Stopped. {steps.sentence()} The same command goes on from here and sends no "
                    "file twice."
                ) from None
