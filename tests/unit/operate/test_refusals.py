"""Whatever AWS refuses is a sentence with what to do; a missing permission is named."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from tools.operate.errors import InputError, OperateError
from tools.operate.refusals import Unavailable, explained, known_or_why, sentence

NAMED = (
    "User: arn:aws:iam::1:user/u is not authorized to perform: glue:GetJobRuns on resource: job/x "
    "because no identity-based policy allows the glue:GetJobRuns action"
)


def refusal(
    operation: str, code: str = "AccessDenied", message: str = "Access Denied"
) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (refusal("ListObjectVersions"), "s3:ListBucketVersions"),
        (refusal("ListObjectsV2"), "s3:ListBucket"),
        (refusal("HeadObject", "403", "Forbidden"), "s3:GetObject"),
        (refusal("GetObject"), "s3:GetObject"),
        (refusal("CompleteMultipartUpload"), "s3:PutObject"),
        (refusal("UploadPartCopy"), "s3:PutObject (and s3:GetObject"),
        (refusal("DescribeRule", "AccessDeniedException"), "events:DescribeRule"),
        (refusal("GetQueueAttributes"), "sqs:GetQueueAttributes"),
        (refusal("FilterLogEvents", "AccessDeniedException"), "logs:FilterLogEvents"),
        (refusal("DeleteMessageBatch"), "sqs:DeleteMessage"),
        (refusal("StartWorkflowRun", "AccessDeniedException"), "glue:StartWorkflowRun"),
        (refusal("GetBucketNotificationConfiguration"), "s3:GetBucketNotification"),
        (refusal("TestEventPattern", "AccessDeniedException"), "events:TestEventPattern"),
        (refusal("ListSubscriptionsByTopic", "AuthorizationError"), "sns:ListSubscriptionsByTopic"),
        (refusal("Subscribe", "AuthorizationError"), "sns:Subscribe"),
        (refusal("DescribeLogGroups", "AccessDeniedException"), "logs:DescribeLogGroups"),
        (refusal("GetMetricStatistics"), "cloudwatch:GetMetricStatistics"),
        (refusal("SimulatePrincipalPolicy"), "iam:SimulatePrincipalPolicy"),
        (refusal("GetKeyPolicy", "AccessDeniedException"), "kms:GetKeyPolicy"),
        (refusal("GetTrigger", "AccessDeniedException"), "glue:GetTrigger"),
        (refusal("Whatever", "AccessDeniedException", NAMED), "glue:GetJobRuns"),
    ],
)
def test_missing_permission_is_named(error: ClientError, action: str) -> None:
    assert f"lack the permission {action}" in sentence(error)


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (NoCredentialsError(), InputError, "There are no AWS credentials"),
        (refusal("GetObject", "ExpiredToken", "x"), InputError, "does not accept"),
        (refusal("GetObject", "SlowDown", "x"), OperateError, "asks to slow down"),
        (refusal("ListObjectsV2", "NoSuchBucket", "x"), OperateError, "another account"),
        (EndpointConnectionError(endpoint_url="http://x"), OperateError, "AWS cannot be reached"),
        (refusal("GetObject", "Odd", "message"), OperateError, "refused GetObject: Odd: message"),
    ],
)
def test_errors_of_boto3_become_sentences(
    error: Exception, kind: type[OperateError], what: str
) -> None:
    with pytest.raises(OperateError, match=what) as caught, explained():
        raise error
    assert type(caught.value) is kind


def test_one_refusal_hides_nothing_else() -> None:
    def denied() -> int:
        raise refusal("GetQueueAttributes")

    assert known_or_why(lambda: 3) == 3
    assert isinstance(known_or_why(denied), Unavailable)


def test_expired_credentials_end_everything() -> None:
    def expired() -> int:
        raise refusal("GetQueueAttributes", "ExpiredToken")

    with pytest.raises(InputError):
        known_or_why(expired)
