"""Is a pipeline healthy? Decided on plain data; each finding is a sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.operate import runs
from tools.operate.deployment import Pipeline
from tools.operate.history import History
from tools.operate.quarantine import Quarantine
from tools.operate.refusals import Unreadable
from tools.operate.routing import RULE_MISSING
from tools.operate.runs import RefusedRun, Run
from tools.operate.waiting import Waiting


@dataclass(frozen=True)
class Picture:
    """One pipeline at one moment. A part that AWS refused to tell is `Unreadable`.

    sweep_state: None where the sweep is off. replay: the id of a replay that was interrupted, with
    the options that go on with it.
    """

    pipeline: Pipeline
    at: datetime
    rule_state: str | Unreadable
    sweep_state: str | Unreadable | None
    waiting: Waiting | Unreadable
    history: History | Unreadable
    runs: tuple[Run, ...] | Unreadable
    refused: tuple[RefusedRun, ...] | Unreadable
    quarantine: Quarantine | Unreadable
    dead_letters: int | Unreadable
    replay: tuple[str, str] | Unreadable | None


def findings(picture: Picture, *, environment: str, max_age_seconds: float) -> tuple[str, ...]:
    """What needs somebody's attention; nothing where the pipeline is healthy.

    max_age_seconds: how long a file may wait in landing.
    """
    name = f"{environment} {picture.pipeline.name}"
    return (
        *_unreadable(picture),
        *_rule(picture, name),
        *_waiting(picture, name, max_age_seconds),
        *_runs(picture, name),
        *_open_batches(picture, name),
        *_set_aside(picture, name),
        *_replay(picture, name),
    )


def _unreadable(picture: Picture) -> Iterator[str]:
    reasons = [part.reason for part in vars(picture).values() if isinstance(part, Unreadable)]
    yield from dict.fromkeys(reasons)


def _rule(picture: Picture, name: str) -> Iterator[str]:
    state, rule, paused = picture.rule_state, picture.pipeline.rule_name, picture.pipeline.paused
    if state == RULE_MISSING:
        yield f"The rule {rule} does not exist: no file starts a run. Apply the stack again."
    elif state == "DISABLED" and paused:
        yield (
            f"Paused by its setting: files wait in landing. `burst resume {name}` says how to go "
            "on."
        )
    elif state == "DISABLED":
        yield (
            f"The rule {rule} was disabled by hand, its setting is not paused: the next apply "
            f"enables it. Run `burst pause {name}` to keep it so, or apply now."
        )
    elif state != "DISABLED" and not isinstance(state, Unreadable) and paused:
        yield f"The setting says paused, but the rule {rule} is {state}: apply the stack."
    sweep = picture.sweep_state
    if sweep not in (None, "ENABLED") and not paused and not isinstance(sweep, Unreadable):
        yield (
            f"The rule of the sweep, {picture.pipeline.sweep_rule_name}, is {sweep}: a file whose "
            "event is lost is not found. The next apply puts it right."
        )


def _waiting(picture: Picture, name: str, max_age_seconds: float) -> Iterator[str]:
    waiting = picture.waiting
    if isinstance(waiting, Unreadable):
        return
    if waiting.unreadable:
        first = waiting.unreadable[0]
        yield (
            f"S3 does not hand out {_count(len(waiting.unreadable), 'version')} in landing, the "
            f"first is {first.key}: {first.reason} Every run asks again."
        )
    if not waiting.files:
        return
    age = waiting.age_seconds(picture.at)
    if age > max_age_seconds and picture.rule_state != "DISABLED":
        yield (
            f"Files wait in landing for longer than {max_age_seconds / 60:.0f} minutes: "
            f"`burst drain {name}` starts a run now and shows how it ends."
        )


def _runs(picture: Picture, name: str) -> Iterator[str]:
    if not isinstance(picture.runs, Unreadable):
        failed = _failed(picture.runs)
        if failed:
            yield (
                f"The last run {failed.run_id} ended as {failed.state}: "
                f"{failed.error or 'no message'} Its log: {picture.pipeline.log_group_prefix}/"
                f"error. Correct the cause, then `burst drain {name}`."
            )
    if not isinstance(picture.refused, Unreadable) and picture.refused:
        newest = max(picture.refused, key=lambda run: run.started_at)
        yield (
            f"Glue refused {len(picture.refused)} workflow runs within a day ({newest.error}): "
            f"their events are gone, the files are not. `burst drain {name}` takes them."
        )


def _failed(found: Sequence[Run]) -> Run | None:
    """The last run that has ended, if it failed."""
    last = next((run for run in found if run.state not in runs.ACTIVE), None)
    return last if last and last.state in runs.FAILED else None


def _open_batches(picture: Picture, name: str) -> Iterator[str]:
    if isinstance(picture.history, Unreadable) or isinstance(picture.runs, Unreadable):
        return
    active = any(run.state in runs.ACTIVE for run in picture.runs)
    # Where the last run failed, its cause comes first, and another run alone changes nothing.
    if picture.history.open and not active and not _failed(picture.runs):
        yield (
            f"{_count(len(picture.history.open), 'batch', 'batches')} began and no run is at work: "
            f"`burst drain {name}` finishes what was begun."
        )


def _set_aside(picture: Picture, name: str) -> Iterator[str]:
    bad = picture.quarantine
    if not isinstance(bad, Unreadable) and bad.files:
        yield (
            f"{_count(bad.files, 'file is', 'files are')} in quarantine. Correct a file and send "
            f"it by `burst replay {name} --quarantine --key KEY --with FILE`, or correct the "
            "settings, deploy, and bring back all by the same without --key and --with."
        )
    letters = picture.dead_letters
    if not isinstance(letters, Unreadable) and letters:
        yield (
            f"EventBridge could not deliver {_count(letters, 'event')}. `burst redeliver "
            f"{name.partition(' ')[0]}` says why, and has the files taken."
        )


def _replay(picture: Picture, name: str) -> Iterator[str]:
    if isinstance(picture.replay, tuple):
        request, words = picture.replay
        yield (
            f"The replay {request} was interrupted, or runs at this moment: `burst replay {name} "
            f"{words}` goes on with it."
        )


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
