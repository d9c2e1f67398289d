"""A temporary subscriber of the topic: the only way to see that a message arrives."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tools.operate.checking.facts import Place
from tools.operate.connection import Connection
from tools.operate.deployment import Deployment
from tools.operate.probes import MARK
from tools.operate.refusals import Unavailable, known_or_why, sentence

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LISTEN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 1.0
_PER_REQUEST = 10


@dataclass
class Listener:
    """What arrived at the topic since it was made. left: what could not be removed again."""

    sqs: SQSClient
    queue_url: str
    left: list[str] = field(default_factory=list)
    _heard: list[str] = field(default_factory=list)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def hears(self, text: str, pause: Callable[[float], None]) -> bool:
        """Whether a message with this text arrives within a minute."""
        deadline = time.monotonic() + LISTEN_SECONDS
        while not self._has(text):
            if time.monotonic() > deadline:
                return False
            pause(LOOK_EVERY_SECONDS)
        return True

    def _has(self, text: str) -> bool:
        with self._one_at_a_time:
            answer = self.sqs.receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=_PER_REQUEST
            )
            self._heard += [message.get("Body", "") for message in answer.get("Messages", [])]
            return any(text in body for body in self._heard)


@contextmanager
def listening(
    connection: Connection, deployment: Deployment, check: str
) -> Iterator[Listener | Unavailable]:
    """Subscribe a queue to the topic, and remove both at the end; why not, where AWS refuses."""
    if not deployment.topic_arn:
        yield Unavailable("The outputs do not name the topic: deploy again.")
        return
    listener = known_or_why(lambda: _queue(connection, deployment, check))
    if isinstance(listener, Unavailable):
        yield listener
        return
    subscription = known_or_why(lambda: _subscribe(connection, deployment, listener))
    try:
        yield subscription if isinstance(subscription, Unavailable) else listener
    finally:
        if isinstance(subscription, str):
            _remove(listener, lambda: connection.sns.unsubscribe(SubscriptionArn=subscription))
        _remove(listener, lambda: connection.sqs.delete_queue(QueueUrl=listener.queue_url))


def _queue(connection: Connection, deployment: Deployment, check: str) -> Listener:
    name = f"burst-{deployment.environment}-{MARK}-{check}"[-80:]
    queue_arn = Place.of(deployment.topic_arn).arn("sqs", name)
    statement = {
        "Sid": "TakeMessagesOfTheTopic",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": deployment.topic_arn}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    url = connection.sqs.create_queue(
        QueueName=name,
        Attributes={"Policy": json.dumps(policy), "MessageRetentionPeriod": "3600"},
    )["QueueUrl"]
    return Listener(connection.sqs, url)


def _subscribe(connection: Connection, deployment: Deployment, listener: Listener) -> str:
    name = listener.queue_url.rpartition("/")[2]
    answer = connection.sns.subscribe(
        TopicArn=deployment.topic_arn,
        Protocol="sqs",
        Endpoint=Place.of(deployment.topic_arn).arn("sqs", name),
        ReturnSubscriptionArn=True,
    )
    return answer["SubscriptionArn"]


def _remove(listener: Listener, remove: Callable[[], object]) -> None:
    try:
        remove()
    except ClientError as error:
        listener.left.append(
            f"The temporary queue {listener.queue_url} or its subscription stays: {sentence(error)}"
        )
