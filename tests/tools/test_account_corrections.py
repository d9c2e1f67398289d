"""Each correction of moto, twice: that moto still needs it, and that it works over HTTP.

Where the first half of a pair fails, moto has learned it: delete the correction.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tools.sandbox.account import Account
from tools.sandbox.account.corrections import CORRECTIONS, Correction

ARN = "arn:aws:{}:eu-central-1:123456789012:{}"
WORKFLOW_ARN = ARN.format("glue", "workflow/orders")
BUCKET = "landing"
JOB = {"Role": "job", "Command": {"Name": "glueetl", "ScriptLocation": "s3://code/job.py"}}


@pytest.fixture
def vanilla() -> Iterator[Account]:
    """Plain moto."""
    with Account(corrections=()) as account:
        yield account


@pytest.fixture
def corrected() -> Iterator[Account]:
    """The account as the sandbox uses it."""
    with Account() as account:
        yield account


def still_needed(name: str, defect: bool) -> None:
    assert name in {correction.name for correction in CORRECTIONS}
    assert defect, f"moto does this right now: delete the correction '{name}'"


def make_bucket(account: Account, *, versioning: Any = None) -> None:
    s3 = account.client("s3")
    s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    if versioning:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": versioning})


def watch(
    account: Account,
    *,
    first_target: str | None = None,
    pattern: dict[str, Any] | None = None,
    queue: str = "seen",
    **rule: Any,
) -> Callable[[], list[dict[str, Any]]]:
    """Deploys a rule that sends to a queue; returns what reads the events that arrived there."""
    url = account.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    events = account.client("events")
    created = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
    rule = rule or {"EventPattern": json.dumps(pattern or created)}
    events.put_rule(Name=f"rule-{queue}", **rule)
    targets = [first_target] if first_target else []
    targets.append(ARN.format("sqs", queue))
    events.put_targets(
        Rule=f"rule-{queue}",
        Targets=[{"Id": f"t{n}", "Arn": arn} for n, arn in enumerate(targets)],
    )

    def received() -> list[dict[str, Any]]:
        answer = account.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    return received


def upload(account: Account, key: str = "orders/1.csv") -> None:
    account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"id\n1\n")


def fails(call: Callable[[], Any]) -> str | None:
    """The status with which a call is refused; None if it is not."""
    try:
        call()
    except ClientError as error:
        return str(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return None


# ---- workflows and topics are targets ----------------------------------------------------------


def after_a_workflow(account: Account) -> list[dict[str, Any]]:
    make_bucket(account)
    received = watch(account, first_target=WORKFLOW_ARN)
    upload(account)
    return received()


def test_vanilla_a_target_after_a_workflow_gets_nothing(vanilla: Account) -> None:
    still_needed("workflows and topics are targets", after_a_workflow(vanilla) == [])


def test_a_target_after_a_workflow_gets_its_event(corrected: Account) -> None:
    assert len(after_a_workflow(corrected)) == 1


class Listener:
    """Keeps what it is handed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.error = error

    def event_for_workflow(self, *args: Any) -> None:
        self.heard.append(args)
        if self.error:
            raise self.error

    def start_job_run(self, job_name: str, **kwargs: Any) -> str:
        self.heard.append((job_name, kwargs))
        return "jr_1"

    def start_workflow_run(self, *args: Any) -> str:
        self.heard.append(args)
        return "wr_1"

    def stop_workflow_run(self, *args: Any) -> None:
        self.heard.append(args)


def test_a_workflow_is_handed_its_event_with_rule_and_target(corrected: Account) -> None:
    corrected.hooks.listener = listener = Listener()
    after_a_workflow(corrected)
    [(event, rule_arn, target)] = listener.heard
    assert event["detail"]["object"]["key"] == "orders/1.csv"
    assert event["time"].endswith("Z")
    assert "ingestion-time" not in event
    assert rule_arn == ARN.format("events", "rule/rule-seen")
    assert target["Arn"] == WORKFLOW_ARN


def test_a_listener_that_fails_keeps_no_other_target_from_its_event(corrected: Account) -> None:
    corrected.hooks.listener = Listener(error=RuntimeError("boom"))
    assert len(after_a_workflow(corrected)) == 1
    assert "boom" in corrected.faults[-1]


# ---- schedule rules match no event -------------------------------------------------------------


def of_a_schedule(account: Account) -> list[dict[str, Any]]:
    make_bucket(account)
    received = watch(account, ScheduleExpression="rate(1 day)")
    upload(account)
    return received()


def test_vanilla_a_schedule_rule_matches_every_event(vanilla: Account) -> None:
    still_needed("schedule rules match no event", of_a_schedule(vanilla) != [])


def test_a_schedule_rule_matches_no_event(corrected: Account) -> None:
    assert of_a_schedule(corrected) == []


# ---- disabled rules deliver nothing ------------------------------------------------------------


def of_a_disabled_rule(account: Account) -> list[dict[str, Any]]:
    make_bucket(account)
    received = watch(account)
    account.client("events").disable_rule(Name="rule-seen")
    upload(account)
    return received()


def test_vanilla_a_disabled_rule_delivers(vanilla: Account) -> None:
    still_needed("disabled rules deliver nothing", of_a_disabled_rule(vanilla) != [])


def test_a_disabled_rule_delivers_nothing_until_it_is_enabled(corrected: Account) -> None:
    assert of_a_disabled_rule(corrected) == []
    corrected.client("events").enable_rule(Name="rule-seen")
    upload(corrected)
    assert len(of_queue(corrected)) == 1


def of_queue(account: Account) -> list[Any]:
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName="seen")["QueueUrl"]
    return list(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []))


# ---- object events are as documented -----------------------------------------------------------


def of_two_uploads(account: Account, versioning: str | None = None) -> list[dict[str, Any]]:
    make_bucket(account, versioning=versioning)
    received = watch(account)
    upload(account, "orders/ä b.csv")
    upload(account, "orders/2.csv")
    return received()


def test_vanilla_events_are_not_as_documented(vanilla: Account) -> None:
    first, second = of_two_uploads(vanilla)
    thing = first["detail"]["object"]
    defects = [
        first["id"] == second["id"],
        thing["sequencer"] == second["detail"]["object"]["sequencer"],
        "etag" not in thing,
        thing.get("version-id") == "null",
        first["detail"]["reason"] != "PutObject",
        first["detail"]["request-id"] == second["detail"]["request-id"],
    ]
    still_needed("object events are as documented", any(defects))


def test_events_are_as_documented(corrected: Account) -> None:
    first, second = of_two_uploads(corrected)
    assert first["id"] != second["id"]
    assert first["detail"]["request-id"] != second["detail"]["request-id"]
    assert first["resources"] == [f"arn:aws:s3:::{BUCKET}"]
    assert first["detail"]["bucket"] == {"name": BUCKET}
    assert first["detail"]["reason"] == "PutObject"
    thing = first["detail"]["object"]
    assert thing["key"] == "orders/ä b.csv"
    assert thing["size"] == 5
    head = corrected.client("s3").head_object(Bucket=BUCKET, Key=thing["key"])
    assert thing["etag"] == head["ETag"].strip('"')
    assert "version-id" not in thing
    assert thing["sequencer"] < second["detail"]["object"]["sequencer"]


def test_events_name_the_version_where_the_bucket_has_versions(corrected: Account) -> None:
    first, _ = of_two_uploads(corrected, versioning="Enabled")
    thing = first["detail"]["object"]
    head = corrected.client("s3").head_object(Bucket=BUCKET, Key=thing["key"])
    assert thing["version-id"] == head["VersionId"]


def test_a_copy_says_so(corrected: Account) -> None:
    make_bucket(corrected)
    upload(corrected, "source")
    received = watch(corrected)
    corrected.client("s3").copy_object(
        Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "source"}
    )
    assert [e["detail"]["reason"] for e in received()] == ["CopyObject"]


# ---- multipart uploads send one event ----------------------------------------------------------


def of_a_multipart_upload(account: Account) -> list[dict[str, Any]]:
    make_bucket(account)
    received = watch(account)
    s3 = account.client("s3")
    upload_id = s3.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="big", UploadId=upload_id, PartNumber=1, Body=b"12345")
    s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key="big",
        UploadId=upload_id,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    return received()


def test_vanilla_a_multipart_upload_sends_two_events(vanilla: Account) -> None:
    still_needed("multipart uploads send one event", len(of_a_multipart_upload(vanilla)) != 1)


def test_a_multipart_upload_sends_one_event(corrected: Account) -> None:
    [event] = of_a_multipart_upload(corrected)
    assert event["detail"]["reason"] == "CompleteMultipartUpload"
    assert event["detail"]["object"]["size"] == 5


# ---- notifications can be read back ------------------------------------------------------------


def notification(account: Account) -> dict[str, Any]:
    make_bucket(account)
    answer = account.client("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_vanilla_forgets_the_notification(vanilla: Account) -> None:
    missing = "EventBridgeConfiguration" not in notification(vanilla)
    still_needed("notifications can be read back", missing)


def test_the_notification_is_read_back_beside_others(corrected: Account) -> None:
    assert notification(corrected) == {"EventBridgeConfiguration": {}}
    queue = {"QueueArn": ARN.format("sqs", "q"), "Events": ["s3:ObjectCreated:*"], "Id": "q"}
    s3 = corrected.client("s3")
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "EventBridgeConfiguration": {},
            "QueueConfigurations": [queue],  # type: ignore[list-item]
        },
    )
    answer = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert answer["EventBridgeConfiguration"] == {}
    assert answer["QueueConfigurations"] == [queue]


def test_a_bucket_without_eventbridge_does_not_claim_it(corrected: Account) -> None:
    make_bucket(corrected)
    s3 = corrected.client("s3")
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    answer = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert "EventBridgeConfiguration" not in answer


# ---- bucket policies are left to the judge -----------------------------------------------------


def upload_under_a_policy(account: Account, **statement: Any) -> str | None:
    make_bucket(account)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [{**deny, **statement}]}
    account.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    return fails(lambda: upload(account))


TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


def test_vanilla_a_tls_only_policy_refuses_everything(vanilla: Account) -> None:
    refused = upload_under_a_policy(vanilla, Condition=TLS_ONLY) is not None
    still_needed("bucket policies are left to the judge", refused)


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ({"Condition": TLS_ONLY}, None),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "403"),
        # An operator that is not known is never guessed.
        ({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}, "403"),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:role/job"}}, None),
        ({"Action": "s3:DeleteObjectVersion"}, None),
        ({}, "403"),
        ({"Action": "s3:GetObject"}, None),
    ],
)
def test_a_policy_applies_where_its_condition_holds(
    corrected: Account, statement: dict[str, Any], refused: str | None
) -> None:
    assert upload_under_a_policy(corrected, **statement) == refused


# ---- suspended buckets delete one version ------------------------------------------------------


def empty_after_suspending(account: Account) -> str | None:
    """What Terraform does with `force_destroy`; returns the status of the failure, if any."""
    make_bucket(account, versioning="Enabled")
    s3 = account.client("s3")
    upload(account, "a")
    upload(account, "a")
    s3.delete_object(Bucket=BUCKET, Key="a")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})

    def empty() -> None:
        listed = s3.list_object_versions(Bucket=BUCKET)
        for kind in (listed["Versions"], listed["DeleteMarkers"]):
            for entry in kind:
                s3.delete_object(
                    Bucket=BUCKET, Key=str(entry["Key"]), VersionId=str(entry["VersionId"])
                )
        s3.delete_bucket(Bucket=BUCKET)

    return fails(empty)


def test_vanilla_a_suspended_bucket_with_a_delete_marker_cannot_be_emptied(
    vanilla: Account,
) -> None:
    failed = empty_after_suspending(vanilla) is not None
    still_needed("suspended buckets delete one version", failed)


def test_a_suspended_bucket_with_a_delete_marker_can_be_emptied(corrected: Account) -> None:
    assert empty_after_suspending(corrected) is None


def test_a_suspended_bucket_loses_only_the_version_that_is_deleted(corrected: Account) -> None:
    make_bucket(corrected, versioning="Enabled")
    s3 = corrected.client("s3")
    first = s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=BUCKET, Key="a", Body=b"2")["VersionId"]
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_object(Bucket=BUCKET, Key="a", VersionId=first)
    left = s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert [version["VersionId"] for version in left] == [second]


# ---- uploads that are gone are refused ---------------------------------------------------------


def completed_upload(account: Account) -> tuple[dict[str, Any], str]:
    """An upload that became a version: how to ask for its completion once more, and the version."""
    make_bucket(account, versioning="Enabled")
    s3 = account.client("s3")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
    request: dict[str, Any] = {"Bucket": BUCKET, "Key": "a", "UploadId": upload}
    etag = s3.upload_part(**request, PartNumber=1, Body=b"1")["ETag"]
    request["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    return request, s3.complete_multipart_upload(**request)["VersionId"]


def complete_again_after_deleting(account: Account) -> str | None:
    """The job has taken the file from landing when its completion is requested once more."""
    request, version = completed_upload(account)
    s3 = account.client("s3")
    s3.delete_object(Bucket=BUCKET, Key="a", VersionId=version)
    return fails(lambda: s3.complete_multipart_upload(**request))


def test_vanilla_an_upload_that_is_gone_is_an_error_of_the_server(vanilla: Account) -> None:
    failed = complete_again_after_deleting(vanilla)
    still_needed("uploads that are gone are refused", failed != "404")


def test_an_upload_that_is_gone_is_refused(corrected: Account) -> None:
    assert complete_again_after_deleting(corrected) == "404"


def test_an_upload_that_was_completed_answers_again_as_the_first_time(corrected: Account) -> None:
    request, version = completed_upload(corrected)
    s3 = corrected.client("s3")
    assert s3.complete_multipart_upload(**request)["VersionId"] == version
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 1


# ---- triggers and jobs -------------------------------------------------------------------------


def updated_trigger(account: Account) -> dict[str, Any]:
    glue = account.client("glue")
    glue.create_job(Name="orders", **JOB)  # type: ignore[arg-type]
    glue.create_workflow(Name="orders")
    glue.create_trigger(
        Name="batch",
        WorkflowName="orders",
        Type="EVENT",
        Actions=[{"JobName": "orders"}],
        Description="old",
        EventBatchingCondition={"BatchSize": 10, "BatchWindow": 60},
    )
    glue.update_trigger(
        Name="batch",
        TriggerUpdate={
            "Actions": [{"JobName": "other"}],
            "EventBatchingCondition": {"BatchSize": 20},
        },
    )
    return dict(glue.get_trigger(Name="batch")["Trigger"])


def test_vanilla_a_trigger_cannot_be_updated(vanilla: Account) -> None:
    still_needed("triggers can be updated", fails(lambda: updated_trigger(vanilla)) == "500")
    assert "update_trigger" in vanilla.faults[-1]


def test_a_trigger_is_replaced_by_its_update(corrected: Account) -> None:
    assert updated_trigger(corrected) == {
        "Name": "batch",
        "WorkflowName": "orders",
        "Type": "EVENT",
        "State": "CREATED",
        "Actions": [{"JobName": "other"}],
        "EventBatchingCondition": {"BatchSize": 20},
    }


def updated_job(account: Account) -> dict[str, Any]:
    glue = account.client("glue")
    glue.create_job(Name="orders", **JOB, Timeout=5, DefaultArguments={"--a": "1"})  # type: ignore[arg-type]
    update = {**JOB, "GlueVersion": "5.1", "DefaultArguments": {"--b": "2"}}
    glue.update_job(JobName="orders", JobUpdate=update)  # type: ignore[arg-type]
    return dict(glue.get_job(JobName="orders")["Job"])


def test_vanilla_a_job_cannot_be_updated(vanilla: Account) -> None:
    still_needed("jobs can be updated", fails(lambda: updated_job(vanilla)) == "500")


def test_a_job_is_replaced_by_its_update(corrected: Account) -> None:
    job = updated_job(corrected)
    assert job["DefaultArguments"] == {"--b": "2"}
    assert job["GlueVersion"] == "5.1"
    assert "Timeout" not in job
    assert "ExecutionClass" not in job


def queuing(account: Account) -> bool | None:
    glue = account.client("glue")
    glue.create_job(Name="orders", **JOB, JobRunQueuingEnabled=True)  # type: ignore[arg-type]
    return glue.get_job(JobName="orders")["Job"].get("JobRunQueuingEnabled")


def test_vanilla_a_job_forgets_its_queuing(vanilla: Account) -> None:
    still_needed("jobs keep their queuing", queuing(vanilla) is not True)


def test_a_job_keeps_its_queuing_until_an_update_drops_it(corrected: Account) -> None:
    assert queuing(corrected) is True
    glue = corrected.client("glue")
    glue.update_job(JobName="orders", JobUpdate=JOB)  # type: ignore[arg-type]
    assert glue.get_job(JobName="orders")["Job"]["JobRunQueuingEnabled"] is False


def execution_class(account: Account, **given: Any) -> str | None:
    glue = account.client("glue")
    glue.create_job(Name="orders", **JOB, **given)  # type: ignore[arg-type]
    return glue.get_job(JobName="orders")["Job"].get("ExecutionClass")


def test_vanilla_a_job_shows_an_execution_class_that_was_not_given(vanilla: Account) -> None:
    name = "jobs show only the execution class they were given"
    still_needed(name, execution_class(vanilla) is not None)


@pytest.mark.parametrize("given", [None, "STANDARD", "FLEX"])
def test_a_job_shows_the_execution_class_that_it_was_given(
    corrected: Account, given: str | None
) -> None:
    settings = {"ExecutionClass": given} if given else {}
    assert execution_class(corrected, **settings) == given


# ---- job runs come newest first ----------------------------------------------------------------


def last_run_comes_first(account: Account) -> bool:
    glue = account.client("glue")
    glue.create_job(Name="orders", **JOB, ExecutionProperty={"MaxConcurrentRuns": 9})
    started = [glue.start_job_run(JobName="orders")["JobRunId"] for _ in range(3)]
    return glue.get_job_runs(JobName="orders", MaxResults=1)["JobRuns"][0]["Id"] == started[-1]


def test_vanilla_the_oldest_job_run_comes_first(vanilla: Account) -> None:
    still_needed("job runs come newest first", not last_run_comes_first(vanilla))


def test_the_newest_job_run_comes_first(corrected: Account) -> None:
    assert last_run_comes_first(corrected)


# ---- runs belong to the engine -----------------------------------------------------------------


def test_vanilla_a_job_run_succeeds_although_nothing_ran(vanilla: Account) -> None:
    glue = vanilla.client("glue")
    glue.create_job(Name="orders", **JOB)  # type: ignore[arg-type]
    run_id = glue.start_job_run(JobName="orders")["JobRunId"]
    state = glue.get_job_run(JobName="orders", RunId=run_id)["JobRun"]["JobRunState"]
    still_needed("runs belong to the engine", state == "SUCCEEDED")


def test_runs_are_started_and_stopped_by_the_listener(corrected: Account) -> None:
    corrected.hooks.listener = listener = Listener()
    glue = corrected.client("glue")
    glue.create_job(Name="orders", **JOB)  # type: ignore[arg-type]
    glue.create_workflow(Name="orders")
    arguments = {"--prefix": "orders/"}
    started = glue.start_job_run(JobName="orders", Arguments=arguments, Timeout=7)
    assert started["JobRunId"] == "jr_1"
    run = glue.start_workflow_run(Name="orders", RunProperties={"by": "hand"})
    assert run["RunId"] == "wr_1"
    glue.stop_workflow_run(Name="orders", RunId="wr_1")
    settings = {"arguments": arguments, "timeout": 7, "queuing_enabled": None}
    assert listener.heard == [
        ("orders", settings),
        ("orders", {"by": "hand"}),
        ("orders", "wr_1"),
    ]


# ---- trails ------------------------------------------------------------------------------------


def trails_after_deleting_by_arn(account: Account) -> list[Any]:
    make_bucket(account)
    cloudtrail = account.client("cloudtrail")
    trail = cloudtrail.create_trail(Name="uploads", S3BucketName=BUCKET)
    cloudtrail.delete_trail(Name=trail["TrailARN"])
    return list(cloudtrail.describe_trails()["trailList"])


def test_vanilla_a_trail_that_is_deleted_by_its_arn_stays(vanilla: Account) -> None:
    left = trails_after_deleting_by_arn(vanilla)
    still_needed("trails can be deleted by arn", left != [])


def test_a_trail_that_is_deleted_by_its_arn_is_gone(corrected: Account) -> None:
    assert trails_after_deleting_by_arn(corrected) == []


def test_a_trail_that_is_not_there_cannot_be_deleted(corrected: Account) -> None:
    cloudtrail = corrected.client("cloudtrail")
    assert fails(lambda: cloudtrail.delete_trail(Name="uploads")) == "400"


# ---- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda correction: correction.name)
def test_a_correction_says_what_aws_does_what_moto_does_and_when_it_goes(
    correction: Correction,
) -> None:
    assert correction.reason.startswith("AWS: ")
    assert "\nmoto 5.2.5: " in correction.reason
    assert "\nGoes " in correction.reason


def test_names_of_corrections_are_unique() -> None:
    assert len({correction.name for correction in CORRECTIONS}) == len(CORRECTIONS)


def test_moto_is_vanilla_again_after_the_account() -> None:
    with Account() as account:
        assert of_a_disabled_rule(account) == []
    with Account(corrections=()) as account:
        still_needed("disabled rules deliver nothing", of_a_disabled_rule(account) != [])


def copies_that_must_not_be(account: Account) -> list[str | None]:
    make_bucket(account)
    s3 = account.client("s3")
    etag = s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")["ETag"]
    s3.put_object(Bucket=BUCKET, Key="there", Body=b"2")
    copy = {"Bucket": BUCKET, "CopySource": {"Bucket": BUCKET, "Key": "a"}}
    s3.copy_object(**copy, Key="new", CopySourceIfMatch=etag, IfNoneMatch="*")
    assert s3.get_object(Bucket=BUCKET, Key="new")["Body"].read() == b"1"
    return [
        fails(lambda: s3.copy_object(**copy, Key="b", CopySourceIfMatch='"another"')),
        fails(lambda: s3.copy_object(**copy, Key="there", IfNoneMatch="*")),
    ]


def test_vanilla_copies_whatever_the_conditions_say(vanilla: Account) -> None:
    still_needed("copies keep their conditions", copies_that_must_not_be(vanilla) == [None, None])


def test_copy_whose_condition_does_not_hold_is_refused(corrected: Account) -> None:
    assert copies_that_must_not_be(corrected) == ["412", "412"]


# ---- what a bucket blocks ------------------------------------------------------------------


def blocked_types(account: Account, *stated: str) -> list[str]:
    """Without boto3: Glue 5.1's does not know the element."""
    make_bucket(account)
    url = f"{account.endpoint_url}/{BUCKET}?encryption"
    kinds = "".join(f"<EncryptionType>{kind}</EncryptionType>" for kind in stated)
    blocked = f"<BlockedEncryptionTypes>{kinds}</BlockedEncryptionTypes>" if stated else ""
    body = (
        '<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>'
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
        f"</ApplyServerSideEncryptionByDefault>{blocked}</Rule></ServerSideEncryptionConfiguration>"
    )
    xml = {"Content-Type": "application/xml"}
    urlopen(Request(url, data=body.encode(), headers=xml, method="PUT")).close()
    with urlopen(url) as answer:
        return re.findall("<EncryptionType>(.*?)</EncryptionType>", answer.read().decode())


def test_moto_does_not_say_what_encryption_a_bucket_blocks(vanilla: Account) -> None:
    still_needed("buckets say what encryption they block", blocked_types(vanilla) == [])


@pytest.mark.parametrize(
    ("stated", "found"), [((), ["SSE-C"]), (("SSE-C",), ["SSE-C"]), (("NONE",), ["NONE"])]
)
def test_bucket_blocks_keys_of_the_caller_unless_it_is_said_otherwise(
    corrected: Account, stated: tuple[str, ...], found: list[str]
) -> None:
    assert blocked_types(corrected, *stated) == found


# ---- testing a pattern ---------------------------------------------------------------------


EVENT = {
    "id": "1",
    "account": "123456789012",
    "source": "aws.s3",
    "time": "2026-01-31T12:00:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail-type": "Object Created",
    "detail": {"object": {"key": "orders/1.csv"}},
}


def pattern_matches(account: Account, key: Any, event: dict[str, Any] | None = None) -> Any:
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [key]}}}
    return (
        account.client("events")
        .test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event or EVENT))
        .get("Result")
    )


def test_vanilla_no_pattern_can_be_tested(vanilla: Account) -> None:
    still_needed("patterns can be tested", pattern_matches(vanilla, {"prefix": "orders/"}) is None)


def test_pattern_is_tested_against_an_event(corrected: Account) -> None:
    assert pattern_matches(corrected, {"prefix": "orders/"}) is True
    assert pattern_matches(corrected, {"wildcard": "orders/*.json"}) is False
    incomplete = {name: value for name, value in EVENT.items() if name != "resources"}
    assert fails(lambda: pattern_matches(corrected, {"prefix": "orders/"}, incomplete)) == "400"


# ---- asking what a role may do -------------------------------------------------------------


def simulation(account: Account) -> dict[str, str]:
    """What a role that may list one prefix of a bucket may do with it."""
    iam = account.client("iam")
    trust = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    statement = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::lake",
        "Condition": {"StringLike": {"s3:prefix": "ledger/*"}},
    }
    denied = {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}
    iam.put_role_policy(
        RoleName="job",
        PolicyName="list",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement, denied]}),
    )
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role["Arn"],
        ActionNames=["s3:ListBucket", "s3:PutObject", "s3:DeleteBucket"],
        ResourceArns=["arn:aws:s3:::lake"],
        ContextEntries=[
            {
                "ContextKeyName": "s3:prefix",
                "ContextKeyValues": ["ledger/orders/"],
                "ContextKeyType": "string",
            }
        ],
    )
    return {
        result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]
    }


def test_vanilla_no_policy_can_be_simulated(vanilla: Account) -> None:
    with pytest.raises(ResponseParserError, match="500 Internal Server Error") as failed:
        simulation(vanilla)
    still_needed("policies of roles can be simulated", bool(failed.value))


def test_simulation_says_what_the_policies_of_a_role_allow(corrected: Account) -> None:
    assert simulation(corrected) == {
        "s3:ListBucket": "allowed",
        "s3:PutObject": "implicitDeny",
        "s3:DeleteBucket": "explicitDeny",
    }


def test_simulation_of_a_role_that_is_not_there_is_refused(corrected: Account) -> None:
    iam = corrected.client("iam")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{corrected.account_id}:role/nobody",
            ActionNames=["s3:ListBucket"],
        )


# ---- names and parts in Glue ---------------------------------------------------------------------


@pytest.fixture
def made_twice() -> dict[str, Callable[[Any], Any]]:
    return {
        "job": lambda glue: glue.create_job(Name="orders", **JOB),
        "workflow": lambda glue: glue.create_workflow(Name="orders"),
        "trigger": lambda glue: glue.create_trigger(
            Name="orders", Type="EVENT", WorkflowName="orders", Actions=[{"JobName": "orders"}]
        ),
    }


def refused_the_second_time(
    account: Account, made_twice: dict[str, Callable[[Any], Any]]
) -> dict[str, str | None]:
    glue = account.client("glue")
    for make in made_twice.values():
        make(glue)
    return {kind: fails(lambda m=make: m(glue)) for kind, make in made_twice.items()}  # type: ignore[misc]


def test_vanilla_a_name_in_glue_is_given_twice(
    vanilla: Account, made_twice: dict[str, Callable[[Any], Any]]
) -> None:
    answers = refused_the_second_time(vanilla, made_twice)
    still_needed("names in glue are given once", None in answers.values())


def test_a_name_in_glue_is_given_once(
    corrected: Account, made_twice: dict[str, Callable[[Any], Any]]
) -> None:
    answers = refused_the_second_time(corrected, made_twice)
    assert answers == dict.fromkeys(made_twice, "400")


def trigger_of(account: Account, workflow: str, job: str) -> str | None:
    glue = account.client("glue")
    glue.create_job(Name="orders", **JOB)  # type: ignore[arg-type]
    glue.create_workflow(Name="orders")
    return fails(
        lambda: glue.create_trigger(
            Name="batch", Type="EVENT", WorkflowName=workflow, Actions=[{"JobName": job}]
        )
    )


def test_vanilla_a_trigger_is_made_before_its_workflow(vanilla: Account) -> None:
    made = trigger_of(vanilla, "missing", "orders")
    still_needed("triggers need their workflow and jobs", made is None)


@pytest.mark.parametrize(
    ("workflow", "job", "status"),
    [("orders", "orders", None), ("missing", "orders", "400"), ("orders", "missing", "400")],
)
def test_a_trigger_needs_its_workflow_and_its_job(
    corrected: Account, workflow: str, job: str, status: str | None
) -> None:
    assert trigger_of(corrected, workflow, job) == status


# ---- how buckets and alarms begin ----------------------------------------------------------------


def how_a_bucket_begins(account: Account) -> list[str | None]:
    make_bucket(account)
    s3 = account.client("s3")
    return [
        fails(lambda: s3.get_public_access_block(Bucket=BUCKET)),
        fails(lambda: s3.get_bucket_ownership_controls(Bucket=BUCKET)),
        fails(lambda: s3.get_bucket_encryption(Bucket=BUCKET)),
    ]


def test_vanilla_a_new_bucket_is_open(vanilla: Account) -> None:
    begins = how_a_bucket_begins(vanilla)
    still_needed("new buckets are private and encrypted", None not in begins)


def test_a_new_bucket_is_private_and_encrypted_and_stays_encrypted(corrected: Account) -> None:
    assert how_a_bucket_begins(corrected) == [None, None, None]
    s3 = corrected.client("s3")
    blocked = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    owner = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert owner == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.delete_bucket_encryption(Bucket=BUCKET)
    found: Any = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
    [rule] = found["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def first_state_of_an_alarm(account: Account) -> str:
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="files-wait",
        Namespace="Burst",
        MetricName="OldestFileMinutes",
        Statistic="Maximum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=60.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    return str(cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"])


def test_vanilla_a_new_alarm_is_ok(vanilla: Account) -> None:
    still_needed("new alarms wait for data", first_state_of_an_alarm(vanilla) == "OK")


def test_a_new_alarm_has_no_data_yet(corrected: Account) -> None:
    assert first_state_of_an_alarm(corrected) == "INSUFFICIENT_DATA"
