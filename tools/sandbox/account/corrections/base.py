"""What a correction is, and what the account passes on because moto cannot do it."""

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_FAULTS = 100


class GlueListener(Protocol):
    """The engine, which plays the part of Glue that moto lacks. Refusals are `GlueError`s."""

    def event_for_workflow(
        self, event: Mapping[str, Any], rule_arn: str, target: Mapping[str, Any]
    ) -> None:
        """A deployed rule matched an event, and this target of it is a workflow's ARN."""

    def message_published(self, topic_arn: str, message: str) -> None:
        """A deployed rule sent a message to a topic."""

    def start_job_run(
        self,
        job_name: str,
        *,
        arguments: Mapping[str, str],
        timeout: int | None,
        queuing_enabled: bool | None,
    ) -> str:
        """StartJobRun was called; returns the run's id."""

    def start_workflow_run(self, workflow_name: str, properties: Mapping[str, str]) -> str:
        """StartWorkflowRun was called; returns the run's id."""

    def stop_workflow_run(self, workflow_name: str, run_id: str) -> None:
        """StopWorkflowRun was called."""


@dataclass
class Hooks:
    """What the layers of one account share: who listens, what failed, and what was called."""

    listener: GlueListener | None = None
    faults: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_FAULTS))
    calls: set[str] = field(default_factory=set)

    def called(self, operation: str) -> None:
        """An operation was called, such as `glue:CreateJob`."""
        self.calls.add(operation)


@dataclass(frozen=True)
class Correction:
    """One behaviour of moto put right while an account is open.

    Attributes:
        name: what is right afterwards, as a short sentence.
        reason: what AWS does and where that is documented, what moto 5.2.5 does instead, and
            when the correction can go.
    """

    name: str
    reason: str
    apply: Callable[[Hooks], AbstractContextManager[None]]


def correction(function: Callable[[Hooks], Iterator[None]]) -> Correction:
    """Makes a correction of a generator that patches, yields once, and undoes its patches.

    Its name becomes the correction's name and its docstring the reason.
    """
    return Correction(
        name=function.__name__.replace("_", " "),
        reason=inspect.getdoc(function) or "",
        apply=contextmanager(function),
    )
