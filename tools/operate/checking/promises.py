"""What the flight of the probes proves, promise by promise; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.operate import ids
from tools.operate.checking.aftermath import Aftermath
from tools.operate.checking.facts import PipelineFacts, Queue, Topic
from tools.operate.checking.findings import Finding, Promise, Verdict
from tools.operate.checking.flight import Failed, Seen
from tools.operate.checking.links import letter_reasons
from tools.operate.ledger import FileResult
from tools.operate.probes import MARK
from tools.operate.refusals import Unavailable
from tools.operate.runs import FAILED
from tools.operate.words import count, duration

# What Glue says of a run that it refuses for the limit of concurrent runs.
_REFUSED = "oncurrent runs exceeded"


def not_sent(facts: PipelineFacts, why: str) -> Iterator[Finding]:
    """The promises of a flight that did not take place."""
    name = facts.pipeline.name
    yield _event(name).not_tried(why)
    yield _rows(name).not_tried(why)


def cut_short(facts: PipelineFacts, why: str) -> Finding:
    """A flight that did not come to its end: what it had not proven is unknown."""
    promise = Promise(facts.pipeline.name, "flight", "The probes can be sent and followed")
    return promise.not_seen(f"{why} What is not listed was not tried.")


def event(seen: Seen, now: PipelineFacts, links: Sequence[Finding]) -> Finding:
    """Whether an event of the probes started a run; else which link is broken now.

    now, links: looked at when no run came.
    """
    promise = _event(now.pipeline.name)
    if seen.started:
        by = f" ({seen.started.started_by})" if seen.started.started_by else ""
        return promise.seen(
            f"The run {seen.started.shown_id} began{by}, {duration(seen.started_after)} after the "
            "upload."
        )
    broken = [link.detail for link in links if link.breaks]
    letters = list(_letters(now.queue))
    reasons = [*letters, *broken] or [
        "Every link looks right. Events of a bucket begin about five minutes after they were "
        "switched on: if that was just now, try again. Else look at the metrics of the rule."
    ]
    return promise.not_seen(f"No event of the probes started a run. {' '.join(reasons)}")


def _letters(queue: Queue | Unavailable | None) -> Iterator[str]:
    if isinstance(queue, Queue) and queue.depth:
        yield from letter_reasons(queue)


def run(seen: Seen, facts: PipelineFacts) -> Finding:
    """Whether the run that took the probes ended well."""
    promise = Promise(facts.pipeline.name, "run", "A run takes the files and ends well")
    if seen.run is not None and seen.run.state == "SUCCEEDED":
        took = duration(seen.run.took(seen.sent_at))
        return promise.seen(f"The run {seen.run.shown_id} succeeded; it took {took}.")
    log = f"Its log: {facts.pipeline.log_group_prefix}/error."
    failed = seen.run if seen.run is not None and seen.run.state in FAILED else seen.failed
    if failed is not None:
        said = (failed.error or "no message").rstrip(".")
        return promise.not_seen(f"The run {failed.shown_id} ended as {failed.state}: {said}. {log}")
    active = next((item for item in seen.runs if item.ended_at is None), None)
    if active is not None:
        return promise.not_seen(
            f"The run {active.shown_id} is {active.state} and did not end in time. It may still "
            f"take the probes: `burst inspect {facts.environment} {facts.pipeline.name} "
            f"{active.shown_id}` shows how it ends. --wait gives it longer."
        )
    if seen.started:
        return promise.not_seen(
            f"The run {seen.started.shown_id} ended and took no probe, though they lay in landing. "
            f"{log}"
        )
    return promise.not_tried("No run began.")


def rows(seen: Seen, facts: PipelineFacts, after: Aftermath, why_no_row: str) -> Finding:
    """Whether the row of the good file is in curated."""
    promise = _rows(facts.pipeline.name)
    (good,) = (file for file in seen.files if file.kind == "good")
    found = seen.result_of("good")
    if found is None:
        return promise.not_seen(f"No batch took {good.key}: see the run.")
    file, result = found
    if file.outcome != "curated":
        return promise.not_seen(
            f"The good file was not loaded ({file.outcome}): {file.reason} If its made-up values "
            "are what your transform refuses, --no-row sends a file without rows."
        )
    if file.rows != good.rows:
        return promise.not_seen(f"The job read {count(file.rows, 'row')} and not {good.rows}.")
    if not good.rows:
        return promise.not_tried(
            f"The good file was read and archived, but it had no row. {why_no_row}"
        )
    if not result.output or after.rows == 0:
        return promise.seen(
            "1 row was read; your transform dropped it, as `output.row_changes` allows, so nothing "
            "was written."
        )
    if isinstance(after.rows, Unavailable):
        return promise.not_tried(f"1 row was read and written. {after.rows.reason}")
    return promise.seen(
        f"1 row was read, {count(after.rows or 0, 'row')} with its `_source_key` is in "
        f"{result.output}."
    )


def archive(seen: Seen, facts: PipelineFacts, after: Aftermath) -> Finding:
    """Whether the good file's bytes are in the archive."""
    promise = Promise(facts.pipeline.name, "archive", "Its bytes are archived")
    found = seen.result_of("good")
    if found is None or found[0].outcome != "curated":
        return promise.not_tried("The good file was not loaded.")
    return _copy(promise, after.archived, found[0])


def quarantine(seen: Seen, facts: PipelineFacts, after: Aftermath, why_no_bad: str) -> Finding:
    """Whether the bad file is in quarantine with a reason, and did not block the good one."""
    promise = Promise(facts.pipeline.name, "quarantine", "A bad file is set aside with a reason")
    if why_no_bad:
        return promise.not_tried(why_no_bad)
    found = seen.result_of("bad")
    if found is None:
        return promise.not_seen("No batch took the bad file: see the run.")
    file, _ = found
    if file.outcome != "quarantined":
        return promise.not_seen(f"The bad file was not set aside but {file.outcome}: {file.reason}")
    if after.reason is None:
        return promise.not_seen(f"No reason lies beside it: {file.destination} has none.")
    copy = _copy(promise, after.quarantined, file)
    if copy.verdict is not Verdict.SEEN or isinstance(after.reason, Unavailable):
        return copy
    return promise.seen(f"Its reason: {after.reason}")


def _copy(promise: Promise, size: int | Unavailable | None, file: FileResult) -> Finding:
    if isinstance(size, Unavailable):
        return promise.not_tried(size.reason)
    if size is None:
        return promise.not_seen(f"There is no object {file.destination} in the lake.")
    if size != file.size:
        return promise.not_seen(
            f"{file.destination} has {size} bytes, and the file had {file.size}."
        )
    return promise.seen(f"{file.destination} has its {count(size, 'byte')}.")


def metrics(seen: Seen, facts: PipelineFacts, after: Aftermath) -> Finding:
    """Whether CloudWatch has the job's figures."""
    promise = Promise(facts.pipeline.name, "metrics", "The job's metrics arrive in CloudWatch")
    if not seen.results:
        return promise.not_tried("No batch took the probes.")
    if isinstance(after.metric, Unavailable):
        return promise.not_tried(after.metric.reason)
    if after.metric < len(seen.files):
        return promise.not_seen(
            f"The metric Files counts {after.metric} since the upload, and "
            f"{count(len(seen.files), 'probe')} came. Look for cloudwatch:PutMetricData in the "
            "job's log."
        )
    return promise.seen(f"Files counts {after.metric} since the upload.")


def queuing(seen: Seen, facts: PipelineFacts) -> Finding:
    """Whether a run of the workflow waits behind another one."""
    promise = Promise(
        facts.pipeline.name, "queuing", "A second run waits behind the first and then runs"
    )
    second = seen.second
    if second is None:
        return promise.not_tried(seen.no_second)
    shown = ids.short(second.workflow_run_id)
    if second.state in FAILED or _REFUSED in (second.error or ""):
        return promise.not_seen(
            f"The run {shown} did not wait but ended as {second.state}: {second.error}. Nothing is "
            "lost (its files wait for the next event or the sweep), but please report it."
        )
    if not second.ended:
        return promise.not_seen(f"The run {shown} is still {second.state}.")
    if not second.waited:
        return promise.not_tried(
            f"The run {shown} was never seen waiting: the first one had ended before."
        )
    return promise.seen(f"The run {shown} waited, and ended as {second.state}.")


def failure(failed: Failed | Unavailable | None, facts: PipelineFacts) -> Finding:
    """Whether Glue shows the sentence with which a run ends."""
    promise = Promise(
        facts.pipeline.name, "failed-run", "A run that fails says why in its own words"
    )
    if failed is None:
        return promise.not_tried("None was started.")
    if isinstance(failed, Unavailable):
        return promise.not_tried(failed.reason)
    shown = ids.short(failed.run_id)
    if not failed.ended:
        return promise.not_seen(f"The run {shown} is still {failed.state}.")
    if failed.state != "FAILED":
        return promise.not_seen(f"The run {shown} ended as {failed.state} and not as FAILED.")
    if MARK not in (failed.error or ""):
        return promise.not_seen(
            f"Glue shows {failed.error!r} for the run {shown}, and not the job's sentence."
        )
    return promise.seen(f"Glue shows: {failed.error}")


def failure_alert(
    failed: Failed | Unavailable | None, facts: PipelineFacts, heard: bool | Unavailable | None
) -> Finding:
    """Whether a message about the failed run arrived at the topic."""
    promise = Promise(facts.pipeline.name, "alert-failed-run", "A failed run is reported")
    if not isinstance(failed, Failed) or failed.state not in FAILED:
        return promise.not_tried("No run failed that could be reported.")
    return _heard(promise, heard, f"about the run {ids.short(failed.run_id)}")


def quarantine_alert(
    seen: Seen,
    facts: PipelineFacts,
    topic: Topic | Unavailable | None,
    heard: bool | Unavailable | None,
) -> Finding:
    """Whether a message about the bad file arrived at the topic."""
    promise = Promise(facts.pipeline.name, "alert-quarantine", "A file in quarantine is reported")
    off = why_no_quarantine_alert(topic, facts.pipeline.name)
    if off:
        return promise.not_tried(off)
    found = seen.result_of("bad")
    if found is None or found[0].outcome != "quarantined":
        return promise.not_tried("No file went to quarantine.")
    return _heard(promise, heard, "about the bad file")


def why_no_quarantine_alert(topic: Topic | Unavailable | None, pipeline: str) -> str:
    """Why no message is to be expected about a single file; "" where one is."""
    if not isinstance(topic, Topic):
        return topic.reason if topic else "There is no topic."
    if isinstance(topic.rules, Unavailable):
        return topic.rules.reason
    if any(rule.quarantine for rule in topic.rules.values()):
        return ""
    alarms = {} if isinstance(topic.alarms, Unavailable) else topic.alarms
    alarm = next((name for name in alarms.get(pipeline, ()) if name.endswith(".bad-files")), None)
    if alarm:
        return (
            f"`alerts.quarantine` is burst: the alarm {alarm} reports it within five minutes, "
            "which are not waited for."
        )
    return "`alerts.quarantine` is off."


def _heard(promise: Promise, heard: bool | Unavailable | None, about: str) -> Finding:
    if isinstance(heard, Unavailable):
        return promise.not_tried(f"Nobody listened to the topic. {heard.reason}")
    if heard:
        return promise.seen(f"A message {about} arrived at the topic.")
    return promise.not_seen(
        f"No message {about} arrived at the topic within a minute. Look at the rule that reports "
        "it and at the topic's policy, above."
    )


def cleaned(facts: PipelineFacts, left: Sequence[str], still_at_work: bool) -> Finding:
    """Whether nothing of the probes is left."""
    promise = Promise(facts.pipeline.name, "clean-up", "Nothing of the probes is left")
    reasons = list(left)
    if still_at_work:
        reasons.append(
            "A run that may have taken the probes is still at work; what it writes of them stays."
        )
    return promise.holds_unless(reasons)


def _event(pipeline: str) -> Promise:
    return Promise(pipeline, "event", "An uploaded file starts a run")


def _rows(pipeline: str) -> Promise:
    return Promise(pipeline, "rows", "Its rows are in curated")
