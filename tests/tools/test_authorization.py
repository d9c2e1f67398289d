"""A role's session does in the account what its deployed policies allow, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.tools.small_pipeline import policy_document
from tools.sandbox.account import Account

BUCKET, LAKE = "landing", "lake"
ARN = f"arn:aws:s3:::{BUCKET}"
ROLE = "job"


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as account:
        s3 = account.client("s3")
        for name in (BUCKET, LAKE):
            s3.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "glue.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        account.client("iam").create_role(
            RoleName=ROLE, AssumeRolePolicyDocument=policy_document(trust)
        )
        yield account


def allow(account: Account, *statements: Mapping[str, Any]) -> None:
    """The one policy of the role."""
    account.client("iam").put_role_policy(
        RoleName=ROLE,
        PolicyName="all",
        PolicyDocument=policy_document(*({"Effect": "Allow", **s} for s in statements)),
    )


def grant(action: str | list[str], resource: str, **more: Any) -> dict[str, Any]:
    return {"Action": action, "Resource": resource, **more}


def session(account: Account, service: str = "s3") -> Any:
    credentials = account.assume_role(ROLE, service="glue.amazonaws.com", session_name="run")
    assert credentials
    return account.client_of(credentials, service)


def put(account: Account, key: str, **more: Any) -> str:
    return account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x", **more)["VersionId"]


def code_of(call: Any, **arguments: Any) -> str:
    """The error code that the call is refused with, or "" if it is allowed."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


OBJECT = {"Bucket": BUCKET, "Key": "orders/a.csv"}
COPY = {"Bucket": LAKE, "Key": "archive/a.csv"}
LAKE_ARN = "arn:aws:s3:::lake"


@pytest.mark.parametrize(
    ("operation", "arguments", "needed"),
    [
        ("get_object", OBJECT, [("s3:GetObject", f"{ARN}/orders/*")]),
        ("head_object", OBJECT, [("s3:GetObject", f"{ARN}/orders/*")]),
        ("get_object", OBJECT | {"VersionId": "v"}, [("s3:GetObjectVersion", f"{ARN}/orders/*")]),
        ("head_object", OBJECT | {"VersionId": "v"}, [("s3:GetObjectVersion", f"{ARN}/*")]),
        ("get_object_tagging", OBJECT, [("s3:GetObjectTagging", f"{ARN}/orders/*")]),
        (
            "get_object_tagging",
            OBJECT | {"VersionId": "v"},
            [("s3:GetObjectVersionTagging", f"{ARN}/orders/*")],
        ),
        ("put_object", OBJECT | {"Body": b"y"}, [("s3:PutObject", f"{ARN}/orders/*")]),
        (
            "put_object",
            OBJECT | {"Tagging": "a=b"},
            [("s3:PutObject", f"{ARN}/*"), ("s3:PutObjectTagging", f"{ARN}/*")],
        ),
        (
            "put_object",
            OBJECT | {"IfMatch": '"9dd4e461268c8034f5c8564e155c67a6"'},
            [("s3:PutObject", f"{ARN}/*"), ("s3:GetObject", f"{ARN}/*")],
        ),
        ("delete_object", OBJECT, [("s3:DeleteObject", f"{ARN}/orders/*")]),
        (
            "delete_object",
            OBJECT | {"VersionId": "v"},
            [("s3:DeleteObject", f"{ARN}/*"), ("s3:DeleteObjectVersion", f"{ARN}/orders/*")],
        ),
        (
            "copy_object",
            COPY | {"CopySource": OBJECT | {"VersionId": "v"}},
            [
                ("s3:GetObjectVersion", f"{ARN}/*"),
                ("s3:GetObjectVersionTagging", f"{ARN}/*"),
                ("s3:PutObject", f"{LAKE_ARN}/*"),
                ("s3:PutObjectTagging", f"{LAKE_ARN}/*"),
            ],
        ),
        ("list_objects_v2", {"Bucket": BUCKET}, [("s3:ListBucket", ARN)]),
        ("list_object_versions", {"Bucket": BUCKET}, [("s3:ListBucketVersions", ARN)]),
        ("list_multipart_uploads", {"Bucket": BUCKET}, [("s3:ListBucketMultipartUploads", ARN)]),
        ("head_bucket", {"Bucket": BUCKET}, [("s3:ListBucket", ARN)]),
        ("get_bucket_versioning", {"Bucket": BUCKET}, [("s3:GetBucketVersioning", ARN)]),
        ("get_bucket_location", {"Bucket": BUCKET}, [("s3:GetBucketLocation", ARN)]),
        ("create_multipart_upload", OBJECT, [("s3:PutObject", f"{ARN}/orders/*")]),
        (
            "upload_part",
            OBJECT | {"UploadId": "u", "PartNumber": 1},
            [("s3:PutObject", f"{ARN}/*")],
        ),
        ("list_parts", OBJECT | {"UploadId": "u"}, [("s3:ListMultipartUploadParts", f"{ARN}/*")]),
        (
            "abort_multipart_upload",
            OBJECT | {"UploadId": "u"},
            [("s3:AbortMultipartUpload", f"{ARN}/*")],
        ),
    ],
)
def test_each_call_needs_exactly_its_permissions(
    account: Account, operation: str, arguments: dict[str, Any], needed: list[tuple[str, str]]
) -> None:
    version = put(account, "orders/a.csv", Tagging="kind=order")
    upload = account.client("s3").create_multipart_upload(**OBJECT)["UploadId"]
    text = json.dumps(arguments, default=lambda data: data.decode())
    text = text.replace('"VersionId": "v"', f'"VersionId": "{version}"')
    arguments = json.loads(text.replace('"UploadId": "u"', f'"UploadId": "{upload}"'))
    for left_out in range(len(needed)):
        rest = [grant(*part) for number, part in enumerate(needed) if number != left_out]
        allow(account, grant("s3:ListAllMyBuckets", "*"), *rest)
        assert code_of(getattr(session(account), operation), **arguments) in ("AccessDenied", "403")
    allow(account, *(grant(*part) for part in needed))
    assert code_of(getattr(session(account), operation), **arguments) == ""


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
@pytest.mark.parametrize(
    ("listing", "codes"),
    [
        (None, {"AccessDenied", "403"}),
        ({"StringLike": {"s3:prefix": "customers/*"}}, {"AccessDenied", "403"}),
        ({"StringLike": {"s3:prefix": "orders/*"}}, {"NoSuchKey", "404"}),
        ({}, {"NoSuchKey", "404"}),
    ],
)
def test_absent_object_is_told_only_to_those_who_may_list_it(
    account: Account, operation: str, listing: Any, codes: set[str]
) -> None:
    may_list = [] if listing is None else [grant("s3:ListBucket", ARN, Condition=listing)]
    allow(account, grant("s3:GetObject", f"{ARN}/*"), *may_list)
    assert code_of(getattr(session(account), operation), **OBJECT) in codes


def test_refusal_says_who_what_and_why_as_aws_does(account: Account) -> None:
    allow(account, grant("s3:PutObject", f"{ARN}/orders/*"))
    with pytest.raises(ClientError) as refused:
        session(account).put_object(Bucket=BUCKET, Key="customers/a.csv", Body=b"x")
    assert refused.value.response["Error"]["Message"] == (
        "User: arn:aws:sts::123456789012:assumed-role/job/run is not authorized to perform: "
        's3:PutObject on resource: "arn:aws:s3:::landing/customers/a.csv" because no '
        "identity-based policy allows the s3:PutObject action"
    )


@pytest.mark.parametrize("quiet", [False, True])
def test_deleting_many_deletes_what_may_be_deleted_and_names_the_rest(
    account: Account, quiet: bool
) -> None:
    mine, other = put(account, "orders/a.csv"), put(account, "customers/b & c.csv")
    deletion = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    allow(account, grant(deletion, f"{ARN}/orders/*"))
    answer = session(account).delete_objects(
        Bucket=BUCKET,
        Delete={
            "Quiet": quiet,
            "Objects": [
                {"Key": "orders/a.csv", "VersionId": mine},
                {"Key": "customers/b & c.csv", "VersionId": other},
            ],
        },
    )
    assert quiet or [item["Key"] for item in answer["Deleted"]] == ["orders/a.csv"]
    [error] = answer["Errors"]
    assert (error["Key"], error["VersionId"]) == ("customers/b & c.csv", other)
    assert error["Code"] == "AccessDenied"
    left = account.client("s3").list_object_versions(Bucket=BUCKET)
    assert [version["Key"] for version in left["Versions"]] == ["customers/b & c.csv"]


def test_deleting_many_of_which_none_may_be_deleted_deletes_none(account: Account) -> None:
    version = put(account, "orders/a.csv")
    allow(account, grant("s3:DeleteObject", f"{ARN}/*"))
    objects = [{"Key": "orders/a.csv", "VersionId": version}]
    answer = session(account).delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert account.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_bucket_policy_counts_for_a_role_too(account: Account) -> None:
    allow(account, grant("s3:GetObject", f"{ARN}/*"))
    put(account, "orders/a.csv")
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": f"arn:aws:iam::{account.account_id}:role/{ROLE}"},
        "Action": "s3:GetObject",
        "Resource": f"{ARN}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    }
    account.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=policy_document(statement))
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        session(account).get_object(**OBJECT)


def test_producer_that_the_bucket_policy_names_needs_no_policy_of_its_own(account: Account) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.account_id}:role/{ROLE}"},
        "Action": "s3:PutObject",
        "Resource": f"{ARN}/orders/*",
    }
    account.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=policy_document(statement))
    producer = session(account)
    assert code_of(producer.put_object, **OBJECT, Body=b"x") == ""
    elsewhere = {"Bucket": BUCKET, "Key": "customers/a.csv"}
    assert code_of(producer.put_object, **elsewhere, Body=b"x") == "AccessDenied"
    assert code_of(producer.get_object, **OBJECT) == "AccessDenied"


def test_boundary_limits_what_the_policy_allows(account: Account) -> None:
    allow(account, grant("s3:GetObject", f"{ARN}/*"))
    put(account, "orders/a.csv")
    iam = account.client("iam")
    document = policy_document({"Effect": "Allow", **grant("s3:PutObject", "*")})
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=boundary)
    with pytest.raises(ClientError, match="no permissions boundary allows"):
        session(account).get_object(**OBJECT)


# ---- encryption ----------------------------------------------------------------------------


@pytest.fixture
def key(account: Account) -> str:
    """A key that encrypts the bucket; IAM policies of the account count for it."""
    kms = account.client("kms")
    arn = str(kms.create_key()["KeyMetadata"]["Arn"])
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.account_id}:root"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}},
    }
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=policy_document(statement))
    account.client("s3").put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": arn,
                    },
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    return arn


@pytest.mark.parametrize(
    ("operation", "arguments", "actions"),
    [
        ("put_object", OBJECT, {"kms:GenerateDataKey"}),
        ("get_object", OBJECT, {"kms:Decrypt"}),
        ("head_object", OBJECT, set()),
        ("create_multipart_upload", OBJECT, {"kms:GenerateDataKey", "kms:Decrypt"}),
        ("copy_object", COPY | {"CopySource": OBJECT}, {"kms:Decrypt"}),
        ("copy_object", OBJECT | {"CopySource": COPY}, {"kms:GenerateDataKey"}),
    ],
)
def test_encrypted_object_needs_its_key(
    account: Account, key: str, operation: str, arguments: dict[str, Any], actions: set[str]
) -> None:
    put(account, "orders/a.csv")
    account.client("s3").put_object(**COPY, Body=b"x")
    s3 = grant("s3:*", "*")
    for action in actions:
        allow(account, s3, *(grant(other, key) for other in actions - {action}))
        with pytest.raises(ClientError, match=f"{action} on resource"):
            getattr(session(account), operation)(**arguments)
    allow(account, s3, *(grant(action, key) for action in actions))
    assert code_of(getattr(session(account), operation), **arguments) == ""


def test_key_whose_policy_leaves_iam_out_opens_nothing(account: Account, key: str) -> None:
    put(account, "orders/a.csv")
    allow(account, grant("s3:*", "*"), grant("kms:*", key))
    statement = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}}
    document = policy_document({**statement, "Action": "kms:*", "Resource": "*"})
    account.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=document)
    with pytest.raises(ClientError, match="no resource-based policy allows the kms:Decrypt"):
        session(account).get_object(**OBJECT)


# ---- other services, and what is not known -------------------------------------------------


def test_metrics_go_to_the_namespaces_that_are_allowed(account: Account) -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": ["Burst"]}}
    allow(account, grant("cloudwatch:PutMetricData", "*", Condition=condition))
    cloudwatch = session(account, "cloudwatch")
    data = [{"MetricName": "Files", "Value": 1.0}]
    assert code_of(cloudwatch.put_metric_data, Namespace="Burst", MetricData=data) == ""
    refused = code_of(cloudwatch.put_metric_data, Namespace="Other", MetricData=data)
    assert refused in ("AccessDenied", "AccessDeniedException")


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "name"),
    [
        ("s3", "get_bucket_policy_status", {"Bucket": BUCKET}, "GetBucketPolicyStatus"),
        ("glue", "get_jobs", {}, "glue:GetJobs"),
        ("sns", "list_topics", {}, "sns:ListTopics"),
    ],
)
def test_call_whose_permissions_are_not_known_is_refused_and_reported(
    account: Account, service: str, operation: str, arguments: dict[str, Any], name: str
) -> None:
    allow(account, grant("*", "*"))
    with pytest.raises(ClientError, match="not known here"):
        getattr(session(account, service), operation)(**arguments)
    assert any(name in fault for fault in account.faults)


def test_policy_that_is_not_understood_refuses_and_is_reported(account: Account) -> None:
    condition = {"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}
    allow(account, grant("s3:ListBucket", ARN, Condition=condition))
    assert code_of(session(account).list_objects_v2, Bucket=BUCKET) == "AccessDenied"
    assert any("IpAddress" in fault for fault in account.faults)


def test_everybody_may_ask_who_they_are(account: Account) -> None:
    assert "assumed-role/job" in session(account, "sts").get_caller_identity()["Arn"]


def test_the_administrator_is_not_judged(account: Account) -> None:
    assert code_of(account.client("s3").get_bucket_acl, Bucket=BUCKET) == ""


def test_service_that_the_trust_policy_does_not_name_gets_no_session(account: Account) -> None:
    ec2 = account.assume_role(ROLE, service="ec2.amazonaws.com", session_name="run")
    missing = account.assume_role("none", service="glue.amazonaws.com", session_name="run")
    assert (ec2, missing) == (None, None)
