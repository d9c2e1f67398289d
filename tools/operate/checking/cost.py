"""What a check costs, said before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.operate.checking.facts import JobFacts, PipelineFacts, Trigger
from tools.operate.words import count, duration

# The run that loads the probes, one that waits behind it and finds nothing, one that fails.
RUNS = 3
# A run is billed by the second, for a minute at least (AWS Glue pricing); the one that loads the
# probes takes about two.
BILLED_MINUTES = 4
# The event's way, the start of the workers, the runs one behind the other.
RUN_SECONDS = 6 * 60
LONGEST_WINDOW = 900


@dataclass(frozen=True)
class Sending:
    """A pipeline that gets probes: a good file, perhaps with a row, and perhaps a bad one."""

    facts: PipelineFacts
    with_row: bool
    with_bad: bool


@dataclass(frozen=True)
class Cost:
    """pipelines: that get probes. dpu_hours: about; seconds: at most, if no run is in the way."""

    pipelines: tuple[str, ...]
    files: int
    runs: int
    dpu_hours: float
    seconds: int
    messages: int
    rows: int


def cost(sending: Sequence[Sending]) -> Cost:
    """Of sending probes to these pipelines."""
    windows = [
        item.facts.trigger.window if isinstance(item.facts.trigger, Trigger) else LONGEST_WINDOW
        for item in sending
    ]
    jobs = [item.facts.job for item in sending]
    bad = sum(item.with_bad for item in sending)
    return Cost(
        pipelines=tuple(item.facts.pipeline.name for item in sending),
        files=len(sending) + bad,
        runs=RUNS * len(sending),
        dpu_hours=round(
            sum(job.dpus for job in jobs if isinstance(job, JobFacts)) * BILLED_MINUTES / 60, 2
        ),
        seconds=max(windows) + RUN_SECONDS if windows else 0,
        messages=len(sending) + bad,
        rows=sum(item.with_row for item in sending),
    )


def cost_words(cost: Cost) -> Iterator[str]:
    """What is going to happen, and what it costs."""
    if not cost.pipelines:
        yield "No file is sent and no run is started, so this costs nothing."
        return
    yield (
        f"This sends {count(cost.files, 'probe file')} to {', '.join(cost.pipelines)} and starts "
        f"{count(cost.runs, 'run')}: about {cost.dpu_hours:g} DPU hours in all, and up to "
        f"{duration(cost.seconds)} if no other run is in the way."
    )
    yield (
        f"Whoever is subscribed to the topic gets {count(cost.messages, 'message')} about it, of a "
        "file in quarantine and a run that failed; they name burst-check."
    )
    if cost.rows:
        yield (
            f"{count(cost.rows, 'row')} with made-up values is in curated for some minutes; "
            "--no-row sends files without rows."
        )
    yield "At the end the probes, their rows, copies and messages are removed."
