"""A landing bucket that is there already: used, and left to its owner."""

from __future__ import annotations

import json

import pytest

from tests.synth.every_stack import Synth
from tests.synth.existing import LENT, environment
from tests.synth.synthesized import Synthesized

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ORDERS = "pipeline-orders"


@pytest.fixture(scope="module", params=["unmanaged", "managed", "cloudtrail"])
def events(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def borrowing(synth: Synth, events: str) -> Synthesized:
    """The environment dev with an existing landing bucket, for each source of events."""
    return synth({"dev": environment(events=events)})["dev"]


def landing(stack: Synthesized, attribute: str) -> str:
    return f"${{{stack.data('aws_s3_bucket', 'landing/bucket')}.{attribute}}}"


def test_nothing_of_the_bucket_is_managed_but_its_notification_where_asked(
    borrowing: Synthesized, events: str
) -> None:
    managed = [
        kind
        for kind, items in borrowing.document["resource"].items()
        for item in items.values()
        if LENT in json.dumps(item) or item.get("bucket") == landing(borrowing, "bucket")
    ]
    assert managed == (["aws_s3_bucket_notification"] if events == "managed" else [])
    paths = {path for kind in borrowing.document["resource"] for path in borrowing.resources(kind)}
    assert [path for path in paths if path.startswith("landing/")] == (
        ["landing/notification"] if events == "managed" else []
    )


def test_managed_notification_goes_to_eventbridge_only(synth: Synth) -> None:
    stack = synth({"dev": environment(events="managed")})["dev"]
    assert stack.resources("aws_s3_bucket_notification")["landing/notification"] == {
        "bucket": landing(stack, "bucket"),
        "eventbridge": True,
    }


def test_plan_fails_where_the_bucket_is_not_there_or_in_another_region(
    borrowing: Synthesized,
) -> None:
    (bucket,) = borrowing.document["data"]["aws_s3_bucket"].values()
    assert bucket["bucket"] == LENT
    (check,) = bucket["lifecycle"]["postcondition"]
    assert check["condition"] == (
        '${strcontains(self.bucket_regional_domain_name, ".s3.eu-central-1.")}'
    )
    assert LENT in check["error_message"]


def test_rule_job_and_permissions_name_the_existing_bucket(
    borrowing: Synthesized, events: str
) -> None:
    rule = borrowing.resources("aws_cloudwatch_event_rule")[f"{ORDERS}/routing/rule"]
    pattern = json.loads(rule["event_pattern"])
    name = landing(borrowing, "bucket")
    if events == "cloudtrail":
        assert pattern["detail"]["requestParameters"]["bucketName"] == [name]
    else:
        assert pattern["detail-type"] == ["Object Created"]
        assert pattern["detail"]["bucket"] == {"name": [name]}
    assert borrowing.only("aws_glue_job")["default_arguments"]["--landing_bucket"] == name
    statements = permission(borrowing)
    assert statements["CheckThatLandingIsVersioned"]["Resource"] == [landing(borrowing, "arn")]
    assert statements["ListWhatWaitsInLanding"]["Resource"] == [landing(borrowing, "arn")]
    assert statements["ReadAndSettleWhatWaitsInLanding"]["Resource"] == [
        f"{landing(borrowing, 'arn')}/orders/*"
    ]
    assert borrowing.document["output"]["landing_bucket_name"]["value"] == name


def permission(stack: Synthesized) -> dict[str, dict[str, object]]:
    (policy,) = [item for item in stack.policies() if item.resource == f"{ORDERS}/job/permission"]
    return {str(statement["Sid"]): statement for statement in policy.statements}


def test_there_is_a_trail_only_where_events_come_from_it(
    borrowing: Synthesized, events: str
) -> None:
    assert bool(borrowing.resources("aws_cloudtrail")) is (events == "cloudtrail")
    buckets = {"lake/bucket"} | ({"trail/logs/bucket"} if events == "cloudtrail" else set())
    assert set(borrowing.resources("aws_s3_bucket")) == buckets


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (
            "unmanaged",
            [
                "Switch EventBridge on",
                f"get-bucket-notification-configuration --bucket {LENT}",
                '"EventBridgeConfiguration": {}',
                "put-bucket-notification-configuration",
                "would remove those of everybody else",
            ],
        ),
        ("managed", ["owns the whole notification configuration", LENT, "removed by the next"]),
        ("cloudtrail", ["trail", LENT, "Nothing of the bucket is managed"]),
    ],
)
def test_output_tells_the_owner_of_the_bucket_what_to_know_and_do(
    synth: Synth, events: str, told: list[str]
) -> None:
    output = synth({"dev": environment(events=events)})["dev"].document["output"]["landing_events"]
    assert len(output["description"]) > 20
    assert [part for part in told if part not in output["value"]] == []


def test_own_landing_bucket_has_nothing_to_tell_its_owner(stack: Synthesized) -> None:
    assert "landing_events" not in stack.document["output"]


def test_job_may_decrypt_with_the_key_of_the_bucket_through_s3_only(synth: Synth) -> None:
    stack = synth({"dev": environment(kms_key_arn=KEY)})["dev"]
    assert permission(stack)["DecryptWhatWaitsInLanding"] == {
        "Sid": "DecryptWhatWaitsInLanding",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [KEY],
        "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}},
    }


def test_service_has_another_name_in_china(synth: Synth) -> None:
    settings = environment(kms_key_arn=KEY.replace("eu-central-1", "cn-north-1"))
    stack = synth({"dev": settings | {"region": "cn-north-1"}})["dev"]
    assert permission(stack)["DecryptWhatWaitsInLanding"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.cn-north-1.amazonaws.com.cn"}
    }


def test_job_needs_no_key_where_the_bucket_has_none(borrowing: Synthesized) -> None:
    assert "DecryptWhatWaitsInLanding" not in permission(borrowing)
