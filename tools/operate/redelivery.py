"""Undelivered events: show why, run once, delete the messages that were seen if all was taken.

An event only says *look*: the run lists landing and takes the files of all of them. So no event is
sent again (docs/adr on redelivery).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.operate import routing, waiting
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.draining import Drain, Drained
from tools.operate.routing import DeadLetter

# Hidden from others while the run takes their files; afterwards they show up again by themselves.
HIDE_SECONDS = 3600
MOST_MESSAGES = 10_000


@dataclass(frozen=True)
class Reason:
    """Why events were not delivered. example: the key of one of their files, if it is known."""

    code: str
    message: str
    events: int
    example: str | None


@dataclass(frozen=True)
class Redelivered:
    """What became of one pipeline's dead letters.

    drained: None where there was nothing to do, or for a dry run. deleted: messages that were seen
    before the run began. left: messages that are in the queue now. held: about how many of the
    messages somebody else had received. left_behind: keys of the files that waited before the run
    began, and still do.
    """

    pipeline: str
    reasons: tuple[Reason, ...]
    drained: Drained | None
    deleted: int
    left: int
    held: int = 0
    left_behind: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.left == 0 and (self.drained is None or self.drained.succeeded)


def reasons(letters: Sequence[DeadLetter]) -> tuple[Reason, ...]:
    """The reasons that the messages give, the most frequent first."""
    count = Counter((letter.error_code, letter.error_message) for letter in letters)
    examples = {(letter.error_code, letter.error_message): letter.key for letter in letters}
    return tuple(
        Reason(code, message, events, examples[code, message])
        for (code, message), events in count.most_common()
    )


def redeliver(
    connection: Connection,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    drain: Drain,
    *,
    dry_run: bool,
    show: Callable[[tuple[Reason, ...]], None],
) -> Redelivered:
    """Show why, run once, and delete just the messages that were there before the run began.

    Where the run does not succeed, also because of Ctrl-C, or leaves a file behind that waited
    before it began, every message stays in the queue. Of two who do this at once each message is
    in the hands of one; the other is told how many those are.
    """
    letters: dict[str, DeadLetter] = {}
    drained, deleted = None, 0
    left_behind: list[str] = []
    try:
        for letter in routing.receive(
            connection.sqs, pipeline, most=MOST_MESSAGES, hide_seconds=HIDE_SECONDS
        ):
            # What SQS delivers twice counts once, with its latest receipt.
            letters[letter.message_id] = letter
        held = max(0, routing.hidden(connection.sqs, pipeline) - len(letters))
        if letters:
            show(reasons(list(letters.values())))
        if letters and not dry_run:
            waited = waiting.outstanding(connection.s3, deployment, pipeline)
            drained = drain.follow(drain.start())
            still = waiting.outstanding(connection.s3, deployment, pipeline)
            left_behind = sorted(key for key, _ in waited & still)
            if drained.succeeded and not left_behind:
                deleted = routing.delete(connection.sqs, pipeline, list(letters.values()))
    finally:
        if not deleted:
            routing.put_back(connection.sqs, pipeline, list(letters.values()))
    return Redelivered(
        pipeline=pipeline.name,
        reasons=reasons(list(letters.values())),
        drained=drained,
        deleted=deleted,
        left=routing.depth(connection.sqs, pipeline),
        held=held,
        left_behind=tuple(left_behind),
    )
