"""The rule that starts a pipeline, and the queue for what could not be delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.operate.deployment import DeployedPipeline

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

RULE_MISSING = "MISSING"
# Facts of the SQS API: ReceiveMessage and DeleteMessageBatch take ten messages.
PER_REQUEST = 10
# With a wait SQS asks all of its servers (SQS developer guide, "Long polling").
WAIT_SECONDS = 1


@dataclass(frozen=True)
class DeadLetter:
    """An event that EventBridge could not deliver, and why (EventBridge user guide, "Using
    dead-letter queues to process undelivered events"). key: of the file; None where unreadable."""

    message_id: str
    receipt_handle: str
    error_code: str
    error_message: str
    key: str | None


def rule_state(events: EventBridgeClient, rule_name: str) -> str:
    """ENABLED, DISABLED (EventBridge API, DescribeRule), or MISSING."""
    try:
        return str(events.describe_rule(Name=rule_name)["State"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return RULE_MISSING


def depth(sqs: SQSClient, pipeline: DeployedPipeline) -> int:
    """About how many messages are in the dead-letter queue, with those that somebody is reading."""
    return sum(_visible_and_hidden(sqs, pipeline))


def hidden(sqs: SQSClient, pipeline: DeployedPipeline) -> int:
    """About how many messages of the dead-letter queue somebody has received and not deleted."""
    return _visible_and_hidden(sqs, pipeline)[1]


def _visible_and_hidden(sqs: SQSClient, pipeline: DeployedPipeline) -> tuple[int, int]:
    answer = sqs.get_queue_attributes(
        QueueUrl=pipeline.dead_letter_queue_url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    numbers = answer["Attributes"]
    return (
        int(numbers["ApproximateNumberOfMessages"]),
        int(numbers["ApproximateNumberOfMessagesNotVisible"]),
    )


def receive(
    sqs: SQSClient, pipeline: DeployedPipeline, *, most: int, hide_seconds: int
) -> Iterator[DeadLetter]:
    """Messages of the dead-letter queue, up to ``most``, hidden from others for a while.

    A message that SQS delivers twice is returned twice: only the later receipt deletes it.
    """
    taken = 0
    while taken < most:
        answer = sqs.receive_message(
            QueueUrl=pipeline.dead_letter_queue_url,
            MaxNumberOfMessages=min(PER_REQUEST, most - taken),
            MessageAttributeNames=["All"],
            VisibilityTimeout=hide_seconds,
            WaitTimeSeconds=WAIT_SECONDS,
        )
        messages = answer.get("Messages", [])
        if not messages:
            return
        taken += len(messages)
        for message in messages:
            yield _dead_letter(message)


def delete(sqs: SQSClient, pipeline: DeployedPipeline, letters: Sequence[DeadLetter]) -> int:
    """Delete exactly these messages; returns how many SQS deleted."""
    deleted = 0
    for group in _groups(letters):
        answer = sqs.delete_message_batch(
            QueueUrl=pipeline.dead_letter_queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": letter.receipt_handle}
                for number, letter in enumerate(group)
            ],
        )
        deleted += len(answer.get("Successful", []))
    return deleted


def put_back(sqs: SQSClient, pipeline: DeployedPipeline, letters: Sequence[DeadLetter]) -> None:
    """Let others see these messages again at once."""
    for group in _groups(letters):
        sqs.change_message_visibility_batch(
            QueueUrl=pipeline.dead_letter_queue_url,
            Entries=[
                {
                    "Id": str(number),
                    "ReceiptHandle": letter.receipt_handle,
                    "VisibilityTimeout": 0,
                }
                for number, letter in enumerate(group)
            ],
        )


def _groups(letters: Sequence[DeadLetter]) -> Iterator[Sequence[DeadLetter]]:
    for start in range(0, len(letters), PER_REQUEST):
        yield letters[start : start + PER_REQUEST]


def _dead_letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes = message.get("MessageAttributes") or {}

    def attribute(name: str) -> str:
        return str((attributes.get(name) or {}).get("StringValue", "unknown"))

    return DeadLetter(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        error_code=attribute("ERROR_CODE"),
        error_message=attribute("ERROR_MESSAGE"),
        key=_key(message.get("Body", "")),
    )


def _key(body: str) -> str | None:
    try:
        key = json.loads(body)["detail"]["object"]["key"]
    except (ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) else None
