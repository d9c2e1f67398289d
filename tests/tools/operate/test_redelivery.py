"""Messages leave the dead-letter queue only when a run has taken everything that waited."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from tests.tools.operate.world import LANDING, World
from tests.unit.operate.records import DEPLOYMENT, PIPELINE
from tools.operate import routing
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline
from tools.operate.draining import Drain, Drained
from tools.operate.redelivery import Redelivered, redeliver
from tools.operate.routing import depth, hidden
from tools.operate.views.runs import redelivered_parts
from tools.sandbox.account import Account


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@dataclass
class Run:
    """A run of the workflow: Glue is in another room, so it is what the test says."""

    happens: Callable[[], object]
    state: str = "SUCCEEDED"
    started: int = 0

    def start(self) -> str:
        self.started += 1
        return "wr_1"

    def follow(self, run_id: str) -> Drained:
        self.happens()
        return Drained(run_id, self.state, None, 1.0, (), 0)


@dataclass
class Queue:
    """A dead-letter queue, the landing bucket that its messages are about, and who operates."""

    account: Account
    world: World = field(default_factory=World.in_memory)

    def __post_init__(self) -> None:
        self.sqs = self.account.client("sqs")
        url = self.sqs.create_queue(QueueName="undelivered")["QueueUrl"]
        self.pipeline: DeployedPipeline = dataclasses.replace(PIPELINE, dead_letter_queue_url=url)

    def undelivered(self, *names: str) -> None:
        """Files whose events EventBridge could not deliver."""
        for name in names:
            key = f"orders/{name}.csv"
            self.world.s3.put_object(Bucket=LANDING, Key=key, Body=b"1")
            self.sqs.send_message(
                QueueUrl=self.pipeline.dead_letter_queue_url,
                MessageBody=json.dumps({"detail": {"object": {"key": key}}}),
                MessageAttributes={
                    "ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}
                },
            )

    def redeliver(self, run: Run, *, sqs: Any = None, dry_run: bool = False) -> Redelivered:
        connection = SimpleNamespace(s3=self.world.s3, sqs=sqs or self.sqs)
        return redeliver(
            cast(Connection, connection),
            DEPLOYMENT,
            self.pipeline,
            cast(Drain, run),
            dry_run=dry_run,
            show=lambda reasons: None,
        )

    def visible(self) -> int:
        """Messages that the next one would receive."""
        return self.messages() - hidden(self.sqs, self.pipeline)

    def messages(self) -> int:
        return depth(self.sqs, self.pipeline)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "WAIT_SECONDS", 0)


@pytest.fixture
def queue(account: Account) -> Iterator[Queue]:
    queue = Queue(account)
    yield queue
    queue.sqs.delete_queue(QueueUrl=queue.pipeline.dead_letter_queue_url)


def said(done: Redelivered) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    for part in redelivered_parts(done, DEPLOYMENT, dry_run=False):
        console.print(part)
    return " ".join(console.export_text().split())


def test_messages_are_deleted_when_the_run_has_taken_every_file_that_waited(queue: Queue) -> None:
    queue.undelivered("a", "b")
    done = queue.redeliver(Run(queue.world.job_runs))
    assert (done.deleted, done.left, done.left_behind, done.succeeded) == (2, 0, (), True)


def test_messages_stay_when_the_run_left_a_file_that_waited_before_it(queue: Queue) -> None:
    queue.undelivered("a", "b")
    done = queue.redeliver(Run(lambda: queue.world.job_runs(most=1)))
    assert (done.deleted, done.left_behind, done.succeeded) == (0, ("orders/b.csv",), False)
    assert queue.visible() == 2
    assert "the run left 1 file in landing that waited before" in said(done)
    assert queue.redeliver(Run(queue.world.job_runs)).deleted == 2


def test_file_that_comes_during_the_run_keeps_no_message(queue: Queue) -> None:
    queue.undelivered("a")

    def run() -> None:
        queue.world.job_runs()
        queue.undelivered("late")

    done = queue.redeliver(Run(run))
    assert (done.deleted, done.left, done.left_behind) == (1, 1, ())
    assert queue.visible() == 1


def test_file_that_is_loaded_and_that_s3_does_not_let_go_keeps_no_message(queue: Queue) -> None:
    queue.undelivered("a")
    done = queue.redeliver(Run(lambda: queue.world.job_is_refused("Locked.")))
    assert (done.deleted, done.left_behind) == (1, ())


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "ERROR"])
def test_messages_stay_when_the_run_does_not_succeed_whatever_it_took(
    queue: Queue, state: str
) -> None:
    queue.undelivered("a", "b")
    done = queue.redeliver(Run(queue.world.job_runs, state))
    assert (done.deleted, queue.visible()) == (0, 2)
    assert "the run did not succeed, so every message stays" in said(done)


def test_second_who_redelivers_at_the_same_time_is_told_and_starts_nothing(queue: Queue) -> None:
    queue.undelivered("a", "b")
    second = Run(lambda: None)
    seen: list[Redelivered] = []

    def run() -> None:
        seen.append(queue.redeliver(second))
        queue.world.job_runs()

    first = queue.redeliver(Run(run))
    assert (first.deleted, first.left) == (2, 0)
    assert (second.started, seen[0].held, seen[0].succeeded) == (0, 2, False)
    assert "somebody else has received about 2 messages" in said(seen[0])
    assert "every event was delivered" not in said(seen[0])


def test_both_are_told_when_each_has_some_of_the_messages(queue: Queue) -> None:
    queue.undelivered("a")
    later = Run(queue.world.job_runs)
    seen: list[Redelivered] = []

    def run() -> None:
        queue.undelivered("b")
        seen.append(queue.redeliver(later))

    first = queue.redeliver(Run(run))
    assert (first.deleted, seen[0].deleted, seen[0].held) == (1, 1, 1)
    assert queue.redeliver(Run(lambda: None)).succeeded


class Stopped:
    """SQS, until Ctrl-C comes at the n-th call."""

    def __init__(self, sqs: Any, at: int) -> None:
        self._sqs, self._at, self.calls = sqs, at, 0
        self.stopped: str | None = None

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            if self.calls == self._at:
                self.stopped = name
                raise KeyboardInterrupt
            return getattr(self._sqs, name)(**arguments)

        return call


@pytest.mark.parametrize("takes_all", [True, False])
def test_ctrl_c_at_any_call_loses_no_message_of_a_file_that_waits(
    account: Account, takes_all: bool
) -> None:
    stopped = set()
    for at in range(1, 40):
        queue = Queue(account)
        queue.undelivered(*(f"{number:02}" for number in range(12)))
        sqs = Stopped(queue.sqs, at)
        run = Run(queue.world.job_runs if takes_all else lambda: None)
        with suppress(KeyboardInterrupt):
            queue.redeliver(run, sqs=sqs)
        if queue.world.waiting():
            assert queue.messages() == 12, at
            # What is not put back shows up again by itself.
            if sqs.stopped != "change_message_visibility_batch":
                assert queue.visible() == 12, at
        queue.sqs.delete_queue(QueueUrl=queue.pipeline.dead_letter_queue_url)
        if sqs.stopped is None:
            break
        stopped.add(sqs.stopped)
    assert stopped >= {"receive_message", "get_queue_attributes"}
    assert ("delete_message_batch" in stopped) == takes_all
