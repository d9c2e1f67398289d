"""Why files wait in landing and nothing happens: looks at what is deployed and names the cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.sandbox.account import Account


def causes(account: Account, outputs: Mapping[str, Any], pipeline: str) -> list[str]:
    """Every broken link between the landing bucket and the workflow, in the data's order."""
    names = outputs["pipelines"][pipeline]
    return [
        *_notification(account, str(outputs["landing_bucket_name"])),
        *_rule_and_target(account, str(names["rule_name"]), str(names["workflow_name"])),
        *_undelivered(account, str(names["dead_letter_queue_url"])),
    ]


def _notification(account: Account, bucket: str) -> Iterator[str]:
    found = account.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    if "EventBridgeConfiguration" not in found:
        yield (
            f"The landing bucket {bucket} sends no events to EventBridge: EventBridge is not "
            "switched on in its notification configuration (aws_s3_bucket_notification)."
        )


def _rule_and_target(account: Account, rule: str, workflow: str) -> Iterator[str]:
    events = account.client("events")
    rules = {item["Name"]: item for item in events.list_rules()["Rules"]}
    if rule not in rules:
        yield f"The rule {rule} does not exist (aws_cloudwatch_event_rule)."
        return
    if rules[rule].get("State") != "ENABLED":
        yield f"The rule {rule} is {rules[rule].get('State')}: the pipeline is paused."
    targets = [item["Arn"] for item in events.list_targets_by_rule(Rule=rule)["Targets"]]
    if not targets:
        yield f"The rule {rule} has no target (aws_cloudwatch_event_target)."
    for arn in targets:
        if arn.rpartition("/")[2] != workflow:
            yield (
                f"The target of the rule {rule} is {arn} and not the workflow {workflow} "
                "(aws_cloudwatch_event_target)."
            )


def _undelivered(account: Account, queue_url: str) -> Iterator[str]:
    """What EventBridge wrote on the events in the dead-letter queue, each reason once."""
    messages = (
        account.client("sqs")
        .receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        )
        .get("Messages", [])
    )
    reasons = {
        (
            message["MessageAttributes"]["ERROR_CODE"]["StringValue"],
            message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"],
        )
        for message in messages
    }
    for code, text in sorted(reasons):
        yield f"EventBridge could not deliver to the workflow ({code}): {text}"
