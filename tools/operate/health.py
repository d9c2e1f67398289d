"""Is a pipeline healthy? Decided on plain data; each finding is a sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tools.operate import runs
from tools.operate.deployment import DeployedPipeline
from tools.operate.history import History
from tools.operate.quarantine import Quarantine
from tools.operate.refusals import Unavailable
from tools.operate.routing import RULE_MISSING
from tools.operate.runs import RefusedRun, Run
from tools.operate.waiting import Waiting
from tools.operate.words import count


@dataclass(frozen=True)
class PipelineSnapshot:
    """One pipeline at one moment. A part that AWS did not give is `Unavailable`.

    sweep_state: None where the sweep is off. replay: the id of a replay that was interrupted, with
    the options that go on with it. rescued: by name, in how many rows of the last batches no column
    takes a value.
    """

    pipeline: DeployedPipeline
    at: datetime
    rule_state: str | Unavailable
    sweep_state: str | Unavailable | None
    waiting: Waiting | Unavailable
    history: History | Unavailable
    runs: tuple[Run, ...] | Unavailable
    refused: tuple[RefusedRun, ...] | Unavailable
    quarantine: Quarantine | Unavailable
    dead_letters: int | Unavailable
    replay: tuple[str, str] | Unavailable | None
    rescued: Mapping[str, int] | Unavailable = field(default_factory=dict)


def findings(
    snapshot: PipelineSnapshot, *, environment: str, max_age_seconds: float
) -> tuple[str, ...]:
    """What needs somebody's attention; nothing where the pipeline is healthy.

    max_age_seconds: how long a file may wait in landing.
    """
    name = f"{environment} {snapshot.pipeline.name}"
    return (
        *_unreadable(snapshot),
        *_rule(snapshot, name),
        *_waiting(snapshot, name, max_age_seconds),
        *_runs(snapshot, name),
        *_open_batches(snapshot, name),
        *_unsettled(snapshot),
        *_set_aside(snapshot, name),
        *_replay(snapshot, name),
    )


def _unreadable(snapshot: PipelineSnapshot) -> Iterator[str]:
    reasons = [part.reason for part in vars(snapshot).values() if isinstance(part, Unavailable)]
    yield from dict.fromkeys(reasons)


def _rule(snapshot: PipelineSnapshot, name: str) -> Iterator[str]:
    state, rule, paused = snapshot.rule_state, snapshot.pipeline.rule_name, snapshot.pipeline.paused
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
    elif state != "DISABLED" and not isinstance(state, Unavailable) and paused:
        yield f"The setting says paused, but the rule {rule} is {state}: apply the stack."
    sweep = snapshot.sweep_state
    if sweep not in (None, "ENABLED") and not paused and not isinstance(sweep, Unavailable):
        yield (
            f"The rule of the sweep, {snapshot.pipeline.sweep_rule_name}, is {sweep}: a file whose "
            "event is lost is not found. The next apply puts it right."
        )


def _waiting(snapshot: PipelineSnapshot, name: str, max_age_seconds: float) -> Iterator[str]:
    waiting = snapshot.waiting
    if isinstance(waiting, Unavailable):
        return
    if waiting.unreadable:
        first = waiting.unreadable[0]
        yield (
            f"S3 refuses to give {count(len(waiting.unreadable), 'version')} in landing, the "
            f"first is {first.key}: {first.reason} Every run asks again."
        )
    if not waiting.files:
        return
    age = waiting.age_seconds(snapshot.at)
    if age > max_age_seconds and snapshot.rule_state != "DISABLED":
        yield (
            f"Files wait in landing for longer than {max_age_seconds / 60:.0f} minutes: "
            f"`burst drain {name}` starts a run now and shows how it ends."
        )


def _runs(snapshot: PipelineSnapshot, name: str) -> Iterator[str]:
    if not isinstance(snapshot.runs, Unavailable):
        failed = _failed(snapshot.runs)
        if failed:
            said = (failed.error or "no message").rstrip(".")
            yield (
                f"The last run {failed.shown_id} ended as {failed.state}: {said}. Its log: "
                f"{snapshot.pipeline.log_group_prefix}/error. Correct the cause, then `burst drain "
                f"{name}`."
            )


def _failed(found: Sequence[Run]) -> Run | None:
    """The last run that has ended, if it failed; one that `burst check` has fail is none."""
    ended = (run for run in found if run.state not in runs.ACTIVE and not run.of_check)
    last = next(ended, None)
    return last if last and last.state in runs.FAILED else None


def _open_batches(snapshot: PipelineSnapshot, name: str) -> Iterator[str]:
    if isinstance(snapshot.history, Unavailable) or isinstance(snapshot.runs, Unavailable):
        return
    yield from _bad_files(snapshot.history, name)
    active = any(run.state in runs.ACTIVE for run in snapshot.runs)
    # Where the last run failed, its cause comes first, and another run alone changes nothing.
    unfinished = [batch for batch in snapshot.history.open if not batch.unsettled]
    if unfinished and not active and not _failed(snapshot.runs):
        yield (
            f"{count(len(unfinished), 'batch', 'batches')} began and no run is at work: "
            f"`burst drain {name}` finishes what was begun."
        )


def _unsettled(snapshot: PipelineSnapshot) -> Iterator[str]:
    if isinstance(snapshot.history, Unavailable):
        return
    files = [file for batch in snapshot.history.open for file in batch.unsettled]
    if files:
        yield (
            f"S3 does not let go {count(len(files), 'file')} that {_is(files)} loaded, the first "
            f"is {files[0].key}: {files[0].reason} Correct the cause; every run tries again."
        )


def _is(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"


def _bad_files(history: History, name: str) -> Iterator[str]:
    for batch in history.open:
        if batch.bad:
            first = batch.bad[0]
            yield (
                f"{count(len(batch.bad), 'file')} of batch {batch.batch} cannot be loaded, the "
                f"first is {first.key}: {first.reason} If the columns or the transform are wrong, "
                "correct them and deploy. If the files are wrong: `burst set-aside "
                f"{name} --batch {batch.batch}`, then `burst drain {name}`."
            )


def _set_aside(snapshot: PipelineSnapshot, name: str) -> Iterator[str]:
    bad = snapshot.quarantine
    if not isinstance(bad, Unavailable) and bad.files:
        yield (
            f"{count(bad.files, 'file is', 'files are')} in quarantine. Correct a file and send "
            f"it by `burst replay {name} --quarantine --key KEY --with FILE`, or correct the "
            "settings, deploy, and bring back all by the same without --key and --with."
        )
    letters = snapshot.dead_letters
    if not isinstance(letters, Unavailable) and letters:
        yield (
            f"EventBridge could not deliver {count(letters, 'event')}. `burst redeliver "
            f"{name.partition(' ')[0]}` says why, and has the files taken."
        )


def _replay(snapshot: PipelineSnapshot, name: str) -> Iterator[str]:
    if isinstance(snapshot.replay, tuple):
        request, words = snapshot.replay
        yield (
            f"The replay {request} was interrupted, or runs at this moment: `burst replay {name} "
            f"{words}` goes on with it, `burst replay {name} --give-up` ends it."
        )
