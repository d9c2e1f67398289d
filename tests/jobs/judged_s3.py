"""A client of S3 that may do what the deployed role of the job allows, and is refused the rest.

It stands before any client, the one over HTTP and the one in memory, and asks the evaluator that
the sandbox uses. So every test of the job runs with the permissions that the job has on AWS.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from stacks import policies
from tools.iam import Request, allows
from tools.iam.s3 import ObjectName, S3Call, may_learn_absence, needed

OPERATIONS = (
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "DeleteObjects",
    "GetBucketVersioning",
    "GetObject",
    "GetObjectTagging",
    "HeadObject",
    "ListObjectVersions",
    "ListObjectsV2",
    "PutObject",
    "UploadPart",
    "UploadPartCopy",
)
BY_METHOD = {xform_name(operation): operation for operation in OPERATIONS}
# Arguments of boto3 with the names that HTTP gives them.
PARAMETERS = {"Prefix": "prefix", "Tagging": "x-amz-tagging", "IfMatch": "if-match"}
ABSENT = ("NoSuchKey", "NoSuchVersion", "404")
PARTITION = "aws"


def policy_of_the_job(landing: str, lake: str) -> str:
    """The policy that the stack gives to the job of the pipeline `orders`."""
    arn = f"arn:{PARTITION}:s3:::"
    return policies.job(
        pipeline="orders",
        prefix="orders/",
        landing_arn=f"{arn}{landing}",
        lake_arn=f"{arn}{lake}",
        code_arns=[f"{arn}{lake}/artifacts/job.py"],
        log_group_arns=["arn:aws:logs:eu-central-1:123456789012:log-group:/burst/dev/orders"],
        key=None,
        decryption=None,
    )


class JudgedS3:
    """The methods of another client, each only as far as the policy allows it.

    asked: how often each permission was asked for, by action and resource.
    """

    def __init__(self, client: Any, policy: str) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self._client = client
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        if name in BY_METHOD:
            return functools.partial(self._judged, BY_METHOD[name], getattr(self._client, name))
        if name == "copy":
            # The managed copy makes its calls with the client that it is given.
            return functools.partial(type(self._client).copy, self)
        return getattr(self._client, name)

    def another_client(self) -> JudgedS3:
        """A client of another process with the same permissions."""
        return JudgedS3(self._client.another_client(), self._policy)

    def get_paginator(self, method: str) -> SimpleNamespace:
        """As boto3's, where each listing is asked for once."""
        paginator = self._client.get_paginator(method)

        def paginate(**arguments: Any) -> Iterator[Any]:
            self._check(BY_METHOD[method], arguments)
            yield from paginator.paginate(**arguments)

        return SimpleNamespace(paginate=paginate)

    def _judged(self, operation: str, method: Any, /, **arguments: Any) -> Any:
        if operation == "DeleteObjects":
            return self._delete_objects(method, arguments)
        self._check(operation, arguments)
        try:
            return method(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT and "Key" in arguments:
                self._check_absence(operation, arguments)
            raise

    def _delete_objects(self, method: Any, arguments: Mapping[str, Any]) -> Any:
        allowed, errors = [], []
        for item in arguments["Delete"]["Objects"]:
            try:
                self._check("DeleteObject", {"Bucket": arguments["Bucket"], **item})
            except ClientError as error:
                errors.append({**item, **error.response["Error"]})
            else:
                allowed.append(item)
        if not allowed:
            return {"Errors": errors}
        answer = method(**{**arguments, "Delete": {**arguments["Delete"], "Objects": allowed}})
        return {**answer, "Errors": [*answer.get("Errors", []), *errors]}

    def _check(self, operation: str, arguments: Mapping[str, Any]) -> None:
        for request in needed(_call(operation, arguments), PARTITION):
            self._ask(operation, request)

    def _check_absence(self, operation: str, arguments: Mapping[str, Any]) -> None:
        source = arguments.get("CopySource")
        name = _name(source) if source else _name(arguments)
        self._ask(operation, may_learn_absence(name.bucket, name.key, PARTITION))

    def _ask(self, operation: str, request: Request) -> None:
        self.asked[request.action, str(request.resource)] += 1
        if not allows([self._policy], request):
            code = "403" if operation == "HeadObject" else "AccessDenied"
            message = f"not authorized to perform: {request.action} on {request.resource}"
            raise ClientError(
                {
                    "Error": {"Code": code, "Message": message},
                    "ResponseMetadata": {"HTTPStatusCode": 403},  # type: ignore[typeddict-item]
                },
                operation,
            )


def _call(operation: str, arguments: Mapping[str, Any]) -> S3Call:
    source = arguments.get("CopySource")
    return S3Call(
        operation=operation,
        bucket=arguments["Bucket"],
        key=arguments.get("Key", ""),
        version_id=arguments.get("VersionId"),
        source=_name(source) if source else None,
        # Any producer may tag what it uploads; what the job writes has no tags.
        source_has_tags=source is not None and source["Bucket"].endswith("landing"),
        parameters={
            PARAMETERS[name]: str(value) for name, value in arguments.items() if name in PARAMETERS
        },
    )


def _name(arguments: Mapping[str, Any]) -> ObjectName:
    return ObjectName(arguments["Bucket"], arguments["Key"], arguments.get("VersionId"))
