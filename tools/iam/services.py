"""Which permissions a call to another service than S3 needs.

Resources of actions, and what a call asks for beside its own action, are those of the Service
Authorization Reference. Only operations that roles of this project call are here; every other one
raises `UnknownCallError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.iam.conditions import Context
from tools.iam.decision import Request

Parameters = Mapping[str, Any]


class UnknownCallError(Exception):
    """Nobody has looked up which permissions this call needs."""


@dataclass(frozen=True)
class Where:
    """The account and region of a call."""

    partition: str
    region: str
    account_id: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource; what is an ARN already stays as it is."""
        if resource == "*" or resource.startswith("arn:"):
            return resource
        is_global = service == "iam" or resource.startswith("dashboard/")
        region = "" if is_global else self.region
        return f"arn:{self.partition}:{service}:{region}:{self.account_id}:{resource}"


@dataclass(frozen=True)
class ServiceCall:
    """One call.

    Attributes:
        service: IAM's prefix of it, such as `glue`.
        operation: as the API reference names it.
        parameters: as the caller sends them: those of the JSON protocol as they are, those of the
            query protocol by their flat names (`Tags.member.1.Key`).
    """

    service: str
    operation: str
    parameters: Parameters

    @property
    def action(self) -> str:
        """The permission that has the operation's name."""
        return f"{self.service}:{self.operation}"


# Calls that every caller may make (STS API reference, GetCallerIdentity: "No permissions are
# required").
FREE = frozenset({"sts:GetCallerIdentity"})

# By service: resources, made of parameters, and the operations on all of them. A dot leads into a
# structure, `[]` stands for every value of a list, `|` for the first parameter that is there.
RESOURCES: Mapping[str, Mapping[str, str]] = {
    "cloudtrail": {
        "trail/{Name}": "CreateTrail DeleteTrail GetTrail GetTrailStatus StartLogging StopLogging "
        "UpdateTrail",
        "trail/{TrailName}": "GetEventSelectors GetInsightSelectors PutEventSelectors",
        "{ResourceIdList[]}": "ListTags",
        "{ResourceId}": "AddTags RemoveTags",
        "*": "DescribeTrails",
    },
    "cloudwatch": {
        "*": "DescribeAlarms PutMetricData",
        "alarm:{AlarmName}": "PutMetricAlarm",
        "alarm:{AlarmNames[]}": "DeleteAlarms",
        "dashboard/{DashboardName}": "GetDashboard PutDashboard",
        "dashboard/{DashboardNames[]}": "DeleteDashboards",
        "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
    },
    "events": {
        "rule/{Name}": "DeleteRule DescribeRule DisableRule EnableRule PutRule",
        "rule/{Rule}": "ListTargetsByRule PutTargets RemoveTargets",
        "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
    },
    "glue": {
        "job/{Name|JobName}": "CreateJob DeleteJob GetJob UpdateJob",
        "trigger/{Name}": "CreateTrigger DeleteTrigger GetTrigger UpdateTrigger",
        "workflow/{Name}": "CreateWorkflow DeleteWorkflow GetWorkflow UpdateWorkflow",
        "{ResourceArn}": "GetTags TagResource UntagResource",
        "*": "CreateSecurityConfiguration DeleteSecurityConfiguration GetSecurityConfiguration",
        "catalog database/{Name|DatabaseInput.Name}": "CreateDatabase GetDatabase UpdateDatabase",
        "catalog database/{Name} table/{Name}/* userDefinedFunction/{Name}/*": "DeleteDatabase",
        "catalog database/{DatabaseName} table/{DatabaseName}/{Name|TableName|TableInput.Name}": (
            "CreateTable DeleteTable GetPartitionIndexes GetTable UpdateTable"
        ),
    },
    "iam": {
        "role/{RoleName}": "CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy "
        "ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies "
        "PutRolePermissionsBoundary PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy "
        "UpdateRole UpdateRoleDescription",
        # Without a name it is about whoever asks.
        "*": "GetUser",
    },
    "kms": {
        "key/{KeyId}": "Decrypt DescribeKey DisableKeyRotation EnableKeyRotation Encrypt "
        "GenerateDataKey GetKeyPolicy GetKeyRotationStatus ListResourceTags PutKeyPolicy "
        "ScheduleKeyDeletion TagResource UntagResource UpdateKeyDescription",
        "key/{TargetKeyId} {AliasName}": "CreateAlias UpdateAlias",
        # Its key as well, which the call does not name.
        "{AliasName}": "DeleteAlias",
        "*": "CreateKey ListAliases",
    },
    "logs": {
        # IAM knows a group by its ARN with and without the colon and star that the API shows.
        "log-group:{logGroupName} log-group:{logGroupName}:*": "AssociateKmsKey CreateLogGroup "
        "DeleteLogGroup DeleteRetentionPolicy DisassociateKmsKey PutRetentionPolicy",
        # As AWS names what it refuses ("is not authorized to perform ... on resource").
        "log-group:{logGroupName}:log-stream:{logStreamName}": "CreateLogStream PutLogEvents",
        "{resourceArn}": "ListTagsForResource TagResource UntagResource",
        "*": "DescribeLogGroups",
    },
    "sns": {
        "{Name}": "CreateTopic",
        "{TopicArn}": "DeleteTopic GetTopicAttributes ListSubscriptionsByTopic Publish "
        "SetTopicAttributes Subscribe",
        "{ResourceArn}": "ListTagsForResource TagResource UntagResource",
        "*": "GetSubscriptionAttributes Unsubscribe",
    },
    "sqs": {
        "{QueueName|QueueUrl}": "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl "
        "ListQueueTags SetQueueAttributes TagQueue UntagQueue",
    },
}
# What giving tags to a new resource asks for.
_TAGGING = {
    "cloudtrail": "AddTags",
    "iam": "TagRole",
    "sqs": "TagQueue",
}
_BY_THEIR_ENDS = frozenset({"KeyId", "QueueUrl", "TargetKeyId"})
_TAG_PARAMETERS = re.compile(r"(?i)tags?(List)?(\.|$)")
_TAGGED_WHEN_MADE = re.compile(r"Create|Put(Rule|MetricAlarm)$")


def needed(call: ServiceCall, where: Where) -> tuple[Request, ...]:
    """Every permission that the call needs, but for those that a key of KMS asks for.

    Raises:
        UnknownCallError: it is not known here on which resource it acts.
    """
    if call.action in FREE:
        return ()
    known = RESOURCES.get(call.service, {})
    patterns = [pattern for pattern, names in known.items() if call.operation in names.split()]
    if not patterns:
        raise UnknownCallError(f"It is not known here on which resource {call.action} acts.")
    resources = [
        where.arn(call.service, resource)
        for pattern in patterns[0].split()
        for resource in _filled(pattern, call.parameters)
    ]
    context = _context(call)
    requests = [Request(call.action, resource, context) for resource in resources]
    if _TAGGED_WHEN_MADE.match(call.operation) and any(
        _TAG_PARAMETERS.match(name) for name in call.parameters
    ):
        action = f"{call.service}:{_TAGGING.get(call.service, 'TagResource')}"
        # The catalog is asked because of a database in it, which is what gets the tags.
        tagged = [one for one in requests if not str(one.resource).endswith(":catalog")]
        requests += [replace(request, action=action) for request in tagged]
    return (*requests, *_passed_roles(call))


def key_for_logs(call: ServiceCall) -> str | None:
    """The key that CloudWatch Logs gives to a group in the caller's name, if it does."""
    if call.action in ("logs:AssociateKmsKey", "logs:CreateLogGroup"):
        return call.parameters.get("kmsKeyId")
    return None


def _filled(pattern: str, parameters: Parameters) -> Sequence[str]:
    """The pattern with its parameters; once for each value of a list."""
    filled = [""]
    for text, names in re.findall(r"([^{]*)(?:\{([^}]*)\})?", pattern):
        values = _values(names, parameters) if names else [""]
        filled = [begun + text + value for begun in filled for value in values]
    return filled


def _values(names: str, parameters: Parameters) -> Sequence[str]:
    for name in names.split("|"):
        found = list(_found(name, parameters))
        if found:
            return [_name(name, value) for value in found]
    return ["*"]


def _found(name: str, parameters: Parameters) -> Iterator[str]:
    if name.endswith("[]"):
        plain = name.removesuffix("[]")
        yield from parameters.get(plain, [])
        flat = (key for key in parameters if re.fullmatch(rf"{plain}\.member\.\d+", key))
        yield from (parameters[key] for key in flat)
        return
    value: Any = parameters
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        yield value


def _name(parameter: str, value: str) -> str:
    """What the ARN has of it: the end of a queue's address or of a key's ARN."""
    return value.rpartition("/")[2] if parameter in _BY_THEIR_ENDS else value


def _context(call: ServiceCall) -> Context:
    parameters = call.parameters
    context: dict[str, str] = {}
    if call.action == "cloudwatch:PutMetricData":
        context["cloudwatch:namespace"] = str(parameters.get("Namespace", ""))
    if call.service == "iam" and "PermissionsBoundary" in parameters:
        context["iam:PermissionsBoundary"] = parameters["PermissionsBoundary"]
    if call.action == "kms:CreateKey":
        for tag in parameters.get("Tags", []):
            context[f"aws:RequestTag/{tag['TagKey']}"] = tag["TagValue"]
    return context


def _passed_roles(call: ServiceCall) -> Iterator[Request]:
    """Giving a role to a service (IAM user guide, "Grant a user permissions to pass a role")."""
    parameters = call.parameters
    roles: list[str] = []
    if call.action in ("glue:CreateJob", "glue:UpdateJob"):
        roles = [parameters.get("JobUpdate", parameters)["Role"]]
    if call.action == "events:PutTargets":
        roles = [item["RoleArn"] for item in parameters["Targets"] if item.get("RoleArn")]
    for role in roles:
        yield Request(
            "iam:PassRole", role, {"iam:PassedToService": f"{call.service}.amazonaws.com"}
        )
