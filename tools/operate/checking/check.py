"""A deployment proves itself: looks at every link, sends probes, follows them, cleans up."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from burst.contract import Bounds
from burst.errors import BurstError

from tools.operate.checking import looking, promises
from tools.operate.checking.aftermath import look_back
from tools.operate.checking.alert_links import alerting
from tools.operate.checking.cleaning import clean
from tools.operate.checking.cost import Cost, Sending, cost
from tools.operate.checking.facts import (
    PipelineFacts,
    Rule,
    Topic,
    Trigger,
    is_about_cloudtrail,
)
from tools.operate.checking.findings import Finding, Promise, Verdict
from tools.operate.checking.flight import Failed, Flight, Seen
from tools.operate.checking.links import chain
from tools.operate.checking.listening import Listener, listening
from tools.operate.checking.probe import ENDINGS, ProbeFile, probe_files
from tools.operate.checking.second_plan import plan_again
from tools.operate.checking.topic import look_at_topic
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError
from tools.operate.probes import check_id, probe_key
from tools.operate.refusals import Unavailable, known_or_why
from tools.operate.runs import FAILED
from tools.operate.words import count

Say = Callable[[str, str], None]


class StoppedByUser(BaseException):
    """The user has stopped the check; what was sent is taken away."""


@dataclass(frozen=True)
class Options:
    """What the user asked for. wait_seconds: how long the probes of a pipeline are followed."""

    send: bool
    with_row: bool
    wait_seconds: float


@dataclass(frozen=True)
class Looked:
    """Everything that was read before anything is sent.

    sending: the pipelines that get probes; not_sent: why others get none, by name.
    """

    topic: Topic | Unavailable | None
    facts: dict[str, PipelineFacts]
    findings: tuple[Finding, ...]
    sending: tuple[Sending, ...]
    not_sent: dict[str, str]

    @property
    def cost(self) -> Cost:
        """What sending these probes costs."""
        return cost(self.sending)


@dataclass
class Check:
    """One call of `burst check`. say: is called with a pipeline and what happens to its probes."""

    connection: Connection
    deployment: Deployment
    pipelines: Sequence[DeployedPipeline]
    options: Options
    clock: Callable[[], datetime]
    say: Say
    id: str = field(init=False)
    findings: list[Finding] = field(default_factory=list, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.id = check_id(self.clock(), secrets.token_hex(4))

    # ---- before anything is sent -----------------------------------------------------------

    def look(self) -> Looked:
        """Read what is deployed and decide what can be sent; changes nothing."""
        topic = look_at_topic(self.connection, self.deployment, self.pipelines)
        found: list[Finding] = []
        facts, sending, not_sent = {}, [], {}
        for pipeline in self.pipelines:
            known = self._facts(pipeline)
            links = chain(known)
            facts[pipeline.name] = known
            found += links
            why = self._why_not(known, links)
            if why:
                not_sent[pipeline.name] = why
            else:
                sending.append(self._sending(known))
        found += alerting(topic, self.pipelines)
        order = ["", *facts]
        found.sort(key=lambda finding: order.index(finding.pipeline))
        for finding in found:
            self._keep(finding)
        return Looked(topic, facts, tuple(found), tuple(sending), not_sent)

    def _facts(self, pipeline: DeployedPipeline) -> PipelineFacts:
        key = probe_key(pipeline.prefix, self.id, "good", pipeline.suffix or ENDINGS["csv"])
        return looking.look(self.connection, self.deployment, pipeline, key)

    def _why_not(self, facts: PipelineFacts, links: Sequence[Finding]) -> str:
        """Why no probe is sent to a pipeline; "" where one is."""
        if not self.options.send:
            return "--no-probe: nothing is sent."
        broken = [finding for finding in links if finding.breaks]
        if broken:
            return f"Nothing was sent, because it would not arrive: {broken[0].detail}"
        try:
            self._files(self._sending(facts))
        except InputError as error:
            return str(error)
        return ""

    def _sending(self, facts: PipelineFacts) -> Sending:
        return Sending(
            facts,
            with_row=not why_no_row(facts, wanted=self.options.with_row),
            with_bad=not why_no_bad(facts),
        )

    def _files(self, sending: Sending) -> tuple[ProbeFile, ...]:
        pipeline, reads = sending.facts.pipeline, sending.facts.reads
        if reads is None:
            raise InputError("It is not known how the job reads files, so no probe can be made.")
        return probe_files(
            pipeline,
            reads.format,
            check=self.id,
            now=self.clock(),
            with_row=sending.with_row,
            with_bad=sending.with_bad,
        )

    # ---- the flights -----------------------------------------------------------------------

    def run(self, looked: Looked) -> None:
        """Plan again, send the probes, follow them, and take everything away."""
        for name, why in looked.not_sent.items():
            for finding in promises.not_sent(looked.facts[name], why):
                self._keep(finding)
        # Clients are made one by one: making them is not safe in threads.
        connection = self.connection
        _ = (connection.s3, connection.glue, connection.events, connection.sqs)
        _ = (connection.iam, connection.kms, connection.logs, connection.cloudwatch)
        with ThreadPoolExecutor(max_workers=1 + len(looked.sending)) as threads:
            plan = threads.submit(plan_again, self.deployment)
            if looked.sending:
                self._fly(threads, looked)
            self._keep(plan.result())

    def _fly(self, threads: ThreadPoolExecutor, looked: Looked) -> None:
        with listening(self.connection, self.deployment, self.id) as listener:
            flights = [
                threads.submit(self._flight, item, looked, listener) for item in looked.sending
            ]
            try:
                for flight in flights:
                    flight.result()
            except BaseException:
                self._stop.set()
                for flight in flights:
                    # Whatever became of it: it takes its probes away before it ends.
                    flight.exception()
                raise
        if isinstance(listener, Listener):
            for left in listener.left:
                promise = Promise("", "queue", "The temporary queue is removed")
                self._keep(promise.not_seen(left))

    def _flight(self, sending: Sending, looked: Looked, listener: Listener | Unavailable) -> None:
        facts = sending.facts
        flight = self._new_flight(facts, self._files(sending))
        done: list[Finding] = []

        def prove() -> None:
            flight.send()
            for finding in self._landed(flight, flight.follow(), looked, listener):
                done.append(finding)

        try:
            refused = _done_or_why(prove)
            if isinstance(refused, Unavailable):
                done.append(promises.cut_short(facts, refused.reason))
        finally:
            seen = flight.seen
            left = clean(self.connection, self.deployment, facts.pipeline, seen.traces)
            at_work = seen.active and not seen.loaded
            for finding in (*done, promises.cleaned(facts, left, still_at_work=at_work)):
                self._keep(finding)

    def _new_flight(self, facts: PipelineFacts, files: Sequence[ProbeFile]) -> Flight:
        trigger, rule, name = facts.trigger, facts.rule, facts.pipeline.name
        return Flight(
            self.connection,
            self.deployment,
            facts.pipeline,
            files,
            window=trigger.window if isinstance(trigger, Trigger) else 900,
            by_trail=isinstance(rule, Rule) and is_about_cloudtrail(rule.pattern or ""),
            patience=self.options.wait_seconds,
            clock=self.clock,
            pause=self._pause,
            say=lambda text: self.say(name, text),
        )

    def _landed(
        self, flight: Flight, seen: Seen, looked: Looked, listener: Listener | Unavailable
    ) -> Iterator[Finding]:
        facts = looked.facts[flight.pipeline.name]
        now, links = facts, tuple[Finding, ...]()
        if not seen.started:
            now = looking.look(self.connection, self.deployment, flight.pipeline, facts.probe_key)
            links = chain(now)
        yield promises.event(seen, now, links)
        yield promises.run(seen, facts)
        after = look_back(self.connection, self.deployment, flight.pipeline, seen, self._pause)
        yield promises.rows(seen, facts, after, why_no_row(facts, wanted=self.options.with_row))
        yield promises.archive(seen, facts, after)
        yield promises.quarantine(seen, facts, after, why_no_bad(facts))
        yield promises.quarantine_alert(
            seen, facts, looked.topic, self._hears_of_bad_file(seen, looked, facts, listener)
        )
        yield promises.metrics(seen, facts, after)
        yield promises.queuing(seen, facts)
        failed = seen.to_fail
        yield promises.failure(failed, facts)
        heard = None
        if isinstance(failed, Failed) and failed.state in FAILED:
            heard = self._hears(listener, failed.run_id)
        yield promises.failure_alert(failed, facts, heard)

    def _hears_of_bad_file(
        self, seen: Seen, looked: Looked, facts: PipelineFacts, listener: Listener | Unavailable
    ) -> bool | Unavailable | None:
        """None where no message is to be expected."""
        bad = seen.result_of("bad")
        if bad is None or promises.why_no_quarantine_alert(looked.topic, facts.pipeline.name):
            return None
        return self._hears(listener, bad[0].key)

    def _hears(self, listener: Listener | Unavailable, text: str) -> bool | Unavailable:
        if isinstance(listener, Unavailable):
            return listener
        return listener.hears(text, self._pause)

    @property
    def passed(self) -> bool:
        """Whether everything that was tried was seen."""
        return all(finding.verdict is not Verdict.NOT_SEEN for finding in self.findings)

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedByUser

    def _keep(self, finding: Finding) -> None:
        with self._lock:
            self.findings.append(finding)


def _done_or_why(prove: Callable[[], None]) -> Unavailable | None:
    """None, or why AWS, or a record that cannot be read, kept a flight from its end."""
    try:
        return known_or_why(prove)
    except BurstError as error:
        return Unavailable(str(error))


def why_no_row(facts: PipelineFacts, *, wanted: bool) -> str:
    """Why the good file holds no row; "" where it does.

    A batch takes whatever waits, and is never rewritten. So while files of producers wait, a row
    of ours would come into a batch with theirs and could not be taken out again.
    """
    if not wanted:
        return "--no-row."
    if isinstance(facts.waiting, Unavailable):
        return f"It is not known whether files of producers wait. {facts.waiting.reason}"
    if facts.waiting:
        return f"{count(facts.waiting, 'file')} of producers wait in landing."
    return ""


def why_no_bad(facts: PipelineFacts) -> str:
    """Why no bad file is sent; "" where one is: it must not stop the batch that it is in."""
    bounds = facts.reads.bounds if facts.reads else Bounds()
    if bounds.are_exceeded_by(1, 2):
        return (
            "One bad file of two stops a run here (`min_bad_files` is "
            f"{bounds.min_bad_files}, `max_bad_fraction` {bounds.max_bad_fraction:g}), "
            "so none was sent."
        )
    return ""
