"""Which permissions a call to a service needs, by the names that the API itself has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel

from tools.iam.services import (
    RESOURCES,
    ServiceCall,
    UnknownCallError,
    Where,
    key_for_logs,
    needed,
)

HERE = Where("aws", "eu-central-1", "123456789012")
ROLE = "arn:aws:iam::123456789012:role/r"


def asked(service: str, operation: str, **parameters: Any) -> list[tuple[str, str]]:
    requests = needed(ServiceCall(service, operation, parameters), HERE)
    return [(request.action, str(request.resource)) for request in requests]


PATTERNS = [
    (service, pattern, operation)
    for service, patterns in RESOURCES.items()
    for pattern, operations in patterns.items()
    for operation in operations.split()
]


@cache
def model(service: str) -> ServiceModel:
    return botocore.session.Session().get_service_model(service)


@pytest.mark.parametrize(("service", "pattern", "operation"), PATTERNS)
def test_operation_exists_and_has_the_parameters_of_its_resources(
    service: str, pattern: str, operation: str
) -> None:
    shape = model(service).operation_model(operation)
    for names in re.findall(r"\{([^}]*)\}", pattern):
        plain = [name.split(".")[0].removesuffix("[]") for name in names.split("|")]
        assert shape.input_shape is not None
        assert set(plain) & set(shape.input_shape.members)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("glue", "GetJob", {"JobName": "j"}, ["glue:eu-central-1:123456789012:job/j"]),
        (
            "glue",
            "GetTable",
            {"DatabaseName": "d", "Name": "t"},
            [
                f"glue:eu-central-1:123456789012:{end}"
                for end in ("catalog", "database/d", "table/d/t")
            ],
        ),
        (
            "sqs",
            "GetQueueAttributes",
            {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/123456789012/q"},
            ["sqs:eu-central-1:123456789012:q"],
        ),
        (
            "cloudwatch",
            "DeleteAlarms",
            {"AlarmNames.member.1": "a", "AlarmNames.member.2": "b"},
            [f"cloudwatch:eu-central-1:123456789012:alarm:{name}" for name in "ab"],
        ),
        (
            "cloudwatch",
            "GetDashboard",
            {"DashboardName": "d"},
            ["cloudwatch::123456789012:dashboard/d"],
        ),
        ("iam", "GetRole", {"RoleName": "r"}, ["iam::123456789012:role/r"]),
        (
            "kms",
            "DescribeKey",
            {"KeyId": "arn:aws:kms:eu-central-1:123456789012:key/k"},
            ["kms:eu-central-1:123456789012:key/k"],
        ),
        (
            "logs",
            "DeleteLogGroup",
            {"logGroupName": "/g"},
            [f"logs:eu-central-1:123456789012:log-group:/g{end}" for end in ("", ":*")],
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s", "logEvents": []},
            ["logs:eu-central-1:123456789012:log-group:/g:log-stream:s"],
        ),
    ],
)
def test_call_needs_the_permission_of_its_name_on_its_resources(
    service: str, operation: str, parameters: Mapping[str, Any], expected: list[str]
) -> None:
    found = asked(service, operation, **parameters)
    assert found == [(f"{service}:{operation}", f"arn:aws:{arn}") for arn in expected]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "action"),
    [
        ("glue", "CreateWorkflow", {"Name": "w", "Tags": {"a": "b"}}, "glue:TagResource"),
        ("sqs", "CreateQueue", {"QueueName": "q", "tags": {"a": "b"}}, "sqs:TagQueue"),
        ("iam", "CreateRole", {"RoleName": "r", "Tags.member.1.Key": "a"}, "iam:TagRole"),
        ("events", "PutRule", {"Name": "r", "Tags": [{"Key": "a"}]}, "events:TagResource"),
    ],
)
def test_tags_of_something_new_need_a_permission_too(
    service: str, operation: str, parameters: Mapping[str, Any], action: str
) -> None:
    assert action in {name for name, _ in asked(service, operation, **parameters)}
    without = {name: value for name, value in parameters.items() if "ag" not in name}
    assert action not in {name for name, _ in asked(service, operation, **without)}


def test_tags_of_a_database_are_not_those_of_the_catalog() -> None:
    found = asked("glue", "CreateDatabase", DatabaseInput={"Name": "d"}, Tags={"a": "b"})
    tagged = [arn for action, arn in found if action == "glue:TagResource"]
    assert tagged == ["arn:aws:glue:eu-central-1:123456789012:database/d"]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("glue", "CreateJob", {"Name": "j", "Role": ROLE}),
        ("glue", "UpdateJob", {"JobName": "j", "JobUpdate": {"Role": ROLE}}),
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "RoleArn": ROLE}]}),
    ],
)
def test_role_that_is_given_to_a_service_is_passed(
    service: str, operation: str, parameters: Mapping[str, Any]
) -> None:
    requests = needed(ServiceCall(service, operation, parameters), HERE)
    [passed] = [request for request in requests if request.action == "iam:PassRole"]
    assert passed.resource == ROLE
    assert passed.context == {"iam:PassedToService": f"{service}.amazonaws.com"}


def test_key_is_used_for_logs_where_a_group_gets_one() -> None:
    group = {"logGroupName": "/g"}
    assert key_for_logs(ServiceCall("logs", "CreateLogGroup", group)) is None
    encrypted = ServiceCall("logs", "CreateLogGroup", {**group, "kmsKeyId": "k"})
    assert key_for_logs(encrypted) == "k"


def test_who_asks_for_himself_needs_nothing_and_what_nobody_looked_up_is_refused() -> None:
    assert asked("sts", "GetCallerIdentity") == []
    with pytest.raises(UnknownCallError, match="glue:GetJobs"):
        asked("glue", "GetJobs")
