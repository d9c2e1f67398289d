"""Who asks for what, as data: the calls that each policy of the stacks has to decide about.

The calls of EventBridge are those that the sandbox judges (`tools/iam/eventbridge.py`), the calls
of Terraform those of `provider_calls.py`. The job's are recorded by tests/jobs/test_permissions.py,
and only those about its key are here. A call that nothing here makes says why it is made on AWS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from stacks.policies.github import AUDIENCE, ISSUER
from tests.synth.every_stack import GITHUB
from tests.synth.provider_calls import Call
from tests.synth.sample_arns import ACCOUNT, REGION, resolved
from tests.synth.synthesized import Policy, Synthesized
from tools.iam import Document, Identity, Principal, Request, decide, eventbridge

EVERYTHING = json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
ADMINISTRATOR = Principal.aws(f"arn:aws:iam::{ACCOUNT}:root")
PRODUCER = Principal.aws(f"arn:aws:iam::{ACCOUNT}:role/shop")
GLUE = Principal.service("glue.amazonaws.com")
ALARMS = Principal.service("cloudwatch.amazonaws.com")
LOGS = Principal.service(f"logs.{REGION}.amazonaws.com")
CLOUDTRAIL = Principal.service("cloudtrail.amazonaws.com")
RUN = Principal("Federated", "any")
STATE = "arn:aws:s3:::example-terraform-state"
OF_ANOTHER_ACCOUNT = {"aws:SourceAccount": "999999999999"}

# Why nothing here makes a call.
BY_HAND = "an administrator does it by hand"
BY_LOGS = "CloudWatch Logs asks for it itself; the emulator's does not encrypt"
BY_ALARMS = "the emulator's CloudWatch raises no alarm"
BY_CLOUDTRAIL = "the emulator's CloudTrail writes no files"
BY_GLUE = "Glue gives the job's log groups their key; the sandbox's Terraform does, and nobody else"
BY_PRODUCERS = "producers have no role in the sandbox's deployments"
BY_GITHUB = "GitHub signs the token"
OF_A_SOURCE = (
    "no page says that EventBridge tells a topic whose the rule is; if it does, this counts"
)


@dataclass(frozen=True)
class Asked:
    """A call, and whether it must go through.

    Attributes:
        others: the caller's policies beside the one that is looked at.
        on_aws_only: why nothing here makes the call; empty for a call that is made here.
    """

    caller: Principal
    request: Request
    allowed: bool = True
    others: Sequence[Document] = ()
    on_aws_only: str = ""

    def with_context(self, **changed: str) -> Asked:
        context = {**self.request.context, **changed}
        return replace(self, request=replace(self.request, context=context))


@dataclass(frozen=True)
class Deployment:
    """An environment and the stack of its GitHub roles, with the names that they get on AWS."""

    name: str
    stack: Synthesized
    roles: Synthesized
    calls: Sequence[Call] = field(repr=False)
    ephemeral: bool = False

    def document(self, policy: Policy) -> str:
        """A policy as AWS would get it."""
        text = json.dumps(policy.document)
        for name, lent in self.lent_buckets.items():
            text = text.replace(f"${{data.aws_s3_bucket.{name}.arn}}", f"arn:aws:s3:::{lent}")
        text = resolved(text, named=True, environment=self.name)
        # The boundary has a name that the environment's roles know without a reference.
        return text.replace(f"policy/burst-{self.name}-boundary", f"policy/{self.boundary}")

    @property
    def lent_buckets(self) -> dict[str, str]:
        """The buckets of others that the stack only looks at, by the name of the data source."""
        found = self.stack.document.get("data", {}).get("aws_s3_bucket", {})
        return {name: item["bucket"] for name, item in found.items()}

    @property
    def boundary(self) -> str:
        return f"github-burst-{self.name}-boundary"

    def arn(self, kind: str, path: str) -> str:
        reference = f"${{{self.stack.address(kind, path)}.arn}}"
        return resolved(reference, named=True, environment=self.name)

    def arns(self, kind: str, below: str) -> list[str]:
        return [self.arn(kind, path) for path in self.stack.resources(kind) if below in path]

    def policy_of(self, stack: Synthesized, resource: str) -> str:
        (found,) = [item for item in stack.policies() if item.resource == resource]
        return self.document(found)


def goes_through(asked: Asked, policy: Policy, document: Document) -> bool:
    """Whether the call is allowed with this document in place of the policy."""
    if policy.attribute == "assume_role_policy" or policy.kind == "aws_kms_key":
        where: dict[str, Any] = {"resource_policy": document, "resource_policy_decides": True}
    elif policy.kind.startswith("aws_iam_"):
        is_boundary = policy.resource == "boundary"
        own = [*asked.others] if is_boundary else [*asked.others, document]
        identity = Identity(asked.caller, own, document if is_boundary else None)
        return decide(asked.request, identity).allowed
    else:
        where = {"resource_policy": document}
    return decide(asked.request, Identity(asked.caller, asked.others), **where).allowed


def asked_of(deployment: Deployment, policy: Policy) -> list[Asked]:
    """Every call that this policy decides about.

    Raises `LookupError` for a policy of which nobody has said for whom it is.
    """
    for pattern, calls in _BY_POLICY.items():
        if re.fullmatch(pattern, str(policy)):
            return list(calls(deployment, policy))
    raise LookupError(f"say in tests/synth/asked.py which calls need the policy: {policy}")


# ---- trust policies -------------------------------------------------------------------------


def _assumed_by_eventbridge(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    yield Asked(eventbridge.EVENTBRIDGE, eventbridge.assuming(ACCOUNT))
    yield Asked(GLUE, eventbridge.assuming(ACCOUNT), allowed=False)


def _assumed_by_glue(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    yield Asked(GLUE, Request("sts:AssumeRole"))
    yield Asked(eventbridge.EVENTBRIDGE, Request("sts:AssumeRole"), allowed=False)


def _assumed_by_a_workflow(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    (provider,) = deployment.roles.document["resource"]["aws_iam_openid_connect_provider"]
    arn = resolved(
        f"${{aws_iam_openid_connect_provider.{provider}.arn}}",
        named=True,
        environment=deployment.name,
    )
    run = "pull_request" if policy.resource == "plan-role" else f"environment:{deployment.name}"
    subject = f"repo:{GITHUB['repository']}:{run}"
    context = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}
    request = Request("sts:AssumeRoleWithWebIdentity", context=context)
    yield Asked(Principal("Federated", arn), request, on_aws_only=BY_GITHUB)


# ---- roles of a pipeline --------------------------------------------------------------------


def _hand_to_the_workflow(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    own = policy.resource.split("/")[0]
    for path in deployment.stack.resources("aws_glue_workflow"):
        request = eventbridge.notifying(deployment.arn("aws_glue_workflow", path))
        yield Asked(ADMINISTRATOR, request, allowed=path.startswith(f"{own}/"))


def _use_the_key(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    """What the job asks about keys; the rest is recorded where the job runs."""
    if deployment.stack.document["resource"].get("aws_kms_key"):
        key = deployment.arn("aws_kms_key", "encryption/key")
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            yield Asked(ADMINISTRATOR, Request(action, key, _through("s3")))
        for action in ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"):
            request = Request(action, key, _through("logs"))
            yield Asked(ADMINISTRATOR, request, on_aws_only=BY_GLUE)
        for group in deployment.arns("aws_cloudwatch_log_group", policy.resource.split("/")[0]):
            for arn in (group, f"{group}:*"):
                request = Request("logs:AssociateKmsKey", arn)
                yield Asked(ADMINISTRATOR, request, on_aws_only=BY_GLUE)
    for statement in policy.statements:
        if statement["Sid"] == "DecryptWhatWaitsInLanding":
            (lent,) = statement["Resource"]
            yield Asked(ADMINISTRATOR, Request("kms:Decrypt", lent, _through("s3")))


def _through(service: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}


# ---- what belongs to a resource --------------------------------------------------------------


def _with_and_without_tls(*requests: Request) -> Iterator[Asked]:
    for request in requests:
        for tls in (True, False):
            context = {**request.context, "aws:SecureTransport": str(tls).lower()}
            secured = replace(request, context=context)
            yield Asked(ADMINISTRATOR, secured, allowed=tls, others=[EVERYTHING])


def _bucket(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    bucket = _bucket_of(deployment, policy)
    yield from _with_and_without_tls(
        Request("s3:ListBucket", bucket), Request("s3:GetObject", f"{bucket}/any")
    )
    for kind in deployment.stack.resources("aws_kms_key"):
        yield from _encrypted_uploads(f"{bucket}/any", deployment.arn("aws_kms_key", kind))


def _bucket_of(deployment: Deployment, policy: Policy) -> str:
    return deployment.arn("aws_s3_bucket", f"{policy.resource.removesuffix('/policy')}/bucket")


def _encrypted_uploads(target: str, key: str) -> Iterator[Asked]:
    header, key_header = (
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    )
    for context, allowed in (
        ({}, True),
        ({header: "AES256"}, False),
        ({header: "aws:kms"}, False),
        ({header: "aws:kms", key_header: f"{key}-of-others"}, False),
        ({header: "aws:kms", key_header: key}, True),
    ):
        request = Request("s3:PutObject", target, context)
        yield Asked(ADMINISTRATOR, request, allowed=allowed, others=[EVERYTHING])


def _landing(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    yield from _bucket(deployment, policy)
    bucket = _bucket_of(deployment, policy)
    for key, allowed in (("orders/a.csv", True), ("returns/web/a.csv", False)):
        request = Request("s3:PutObject", f"{bucket}/{key}")
        yield Asked(PRODUCER, request, allowed=allowed, on_aws_only=BY_PRODUCERS)


def _bucket_of_the_trail(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    bucket = _bucket_of(deployment, policy)
    yield from _with_and_without_tls(
        Request("s3:ListBucket", bucket), Request("s3:GetObject", f"{bucket}/any")
    )
    source = {"aws:SourceArn": _trail(deployment)}
    check = Request("s3:GetBucketAcl", bucket, source)
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    write = Request("s3:PutObject", f"{bucket}/AWSLogs/{ACCOUNT}/any", source | acl)
    yield Asked(CLOUDTRAIL, check, on_aws_only=BY_CLOUDTRAIL)
    yield Asked(CLOUDTRAIL, write, on_aws_only=BY_CLOUDTRAIL)


def _trail(deployment: Deployment) -> str:
    name = deployment.stack.only("aws_cloudtrail")["name"]
    return f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"


def _queue(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    own = policy.resource.rpartition("/")[0]
    queue = deployment.arn("aws_sqs_queue", f"{own}/undelivered")
    yield from _with_and_without_tls(Request("sqs:ReceiveMessage", queue))
    for path in deployment.stack.resources("aws_cloudwatch_event_rule"):
        rule = deployment.arn("aws_cloudwatch_event_rule", path)
        request = eventbridge.sending(queue, eventbridge.sending_context(rule, ACCOUNT))
        yield Asked(eventbridge.EVENTBRIDGE, request, allowed=path.startswith(f"{own}/"))


def _topic(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    (topic,) = deployment.arns("aws_sns_topic", "alerts")
    yield from _with_and_without_tls(Request("sns:Publish", topic))
    by_rule = Asked(eventbridge.EVENTBRIDGE, eventbridge.publishing(topic))
    yield by_rule
    told = replace(by_rule, on_aws_only=OF_A_SOURCE)
    yield told.with_context(**{"aws:SourceAccount": ACCOUNT})
    yield replace(told, allowed=False).with_context(**OF_ANOTHER_ACCOUNT)
    by_alarm = Request("sns:Publish", topic, {"aws:SourceAccount": ACCOUNT})
    yield Asked(ALARMS, by_alarm, on_aws_only=BY_ALARMS)


def _key(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    key = deployment.arn("aws_kms_key", policy.resource)
    administered = {call.action for call in deployment.calls if ":key/" in call.resource}
    for action in sorted(administered - set(eventbridge.TO_USE_A_KEY) - {"kms:Encrypt"}):
        yield Asked(ADMINISTRATOR, Request(action, key), others=[EVERYTHING])
    for action in (
        "kms:CancelKeyDeletion",
        "kms:DisableKey",
        "kms:EnableKey",
        "kms:ListGrants",
        "kms:ListKeyPolicies",
        "kms:ListKeyRotations",
        "kms:RevokeGrant",
        "kms:RotateKeyOnDemand",
        "kms:TagResource",
    ):
        request = Request(action, key)
        yield Asked(ADMINISTRATOR, request, others=[EVERYTHING], on_aws_only=BY_HAND)
    yield from _used_through_services(key)
    yield from _used_by_eventbridge(deployment, key)
    yield from _used_by_others(deployment, key)


def _used_through_services(key: str) -> Iterator[Asked]:
    """The job and a deployment by way of S3, who redelivers by way of SQS, who gives a log group
    its key by way of CloudWatch Logs, and who tries a topic by way of SNS."""
    actions = ("kms:Decrypt", "kms:GenerateDataKey")
    for service, why in (("s3", ""), ("sqs", ""), ("sns", BY_HAND), ("logs", BY_LOGS)):
        for action in (*actions, "kms:Encrypt") if service == "logs" else actions:
            request = Request(action, key, _through(service))
            yield Asked(ADMINISTRATOR, request, others=[EVERYTHING], on_aws_only=why)


def _used_by_eventbridge(deployment: Deployment, key: str) -> Iterator[Asked]:
    for action in eventbridge.TO_USE_A_KEY:
        for rule in deployment.arns("aws_cloudwatch_event_rule", "/routing/"):
            context = {"aws:SourceArn": rule}
            yield Asked(eventbridge.EVENTBRIDGE, Request(action, key, context))
        for topic in deployment.arns("aws_sns_topic", "alerts"):
            yield Asked(eventbridge.EVENTBRIDGE, Request(action, key, eventbridge.of_topic(topic)))


def _used_by_others(deployment: Deployment, key: str) -> Iterator[Asked]:
    here = f"{REGION}:{ACCOUNT}"
    alarm = {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:aws:cloudwatch:{here}:alarm:burst-{deployment.name}-any",
    }
    for action in eventbridge.TO_USE_A_KEY:
        yield Asked(ALARMS, Request(action, key, alarm), on_aws_only=BY_ALARMS)
    group = deployment.arns("aws_cloudwatch_log_group", "/job/")[0]
    # Its user guide, "Encrypt log data in CloudWatch Logs using AWS KMS", lists these.
    for action in (
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:DescribeKey",
    ):
        context = {"kms:EncryptionContext:aws:logs:arn": group}
        yield Asked(LOGS, Request(action, key, context), on_aws_only=BY_LOGS)
    if deployment.stack.document["resource"].get("aws_cloudtrail"):
        context = {"aws:SourceArn": _trail(deployment)}
        for action in ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"):
            yield Asked(CLOUDTRAIL, Request(action, key, context), on_aws_only=BY_CLOUDTRAIL)
    else:
        landing = deployment.arn("aws_s3_bucket", "landing/bucket")
        context = {**_through("s3"), "kms:EncryptionContext:aws:s3:arn": landing}
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            yield Asked(PRODUCER, Request(action, key, context), on_aws_only=BY_PRODUCERS)


def _state_bucket(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    bucket = _bucket_of(deployment, policy)
    yield from _with_and_without_tls(
        Request("s3:ListBucket", bucket), Request("s3:GetObject", f"{bucket}/any")
    )
    for action, resource in (
        ("s3:DeleteBucket", bucket),
        ("s3:DeleteObjectVersion", f"{bucket}/burst/dev.tfstate"),
    ):
        request = Request(action, resource)
        yield Asked(ADMINISTRATOR, request, allowed=False, others=[EVERYTHING])


# ---- GitHub's roles --------------------------------------------------------------------------


def _plan(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    for request in (*_state(deployment), *_terraform(deployment, "read")):
        yield Asked(ADMINISTRATOR, request)


def _deploy(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    documents = ("read", "change", "deploy-roles")
    others = [
        deployment.policy_of(deployment.roles, name)
        for name in documents
        if name != policy.resource
    ]
    write = Request("s3:PutObject", f"{STATE}/burst/{deployment.name}.tfstate")
    requests = [*_state(deployment), write, *_terraform(deployment)]
    if deployment.ephemeral:
        requests += _emptied(deployment)
    for request in requests:
        yield Asked(ADMINISTRATOR, request, others=others)


def _terraform(deployment: Deployment, phase: str = "") -> Iterator[Request]:
    for call in deployment.calls:
        if not phase or call.phase == phase:
            yield Request(call.action, call.resource, call.context)

    for bucket in deployment.lent_buckets.values():
        for action in ("s3:GetBucketLocation", "s3:ListBucket"):
            yield Request(action, f"arn:aws:s3:::{bucket}")


def _emptied(deployment: Deployment) -> Iterator[Request]:
    """What `force_destroy` asks for before it deletes a bucket."""
    bucket = f"arn:aws:s3:::burst-{deployment.name}-landing-1"
    yield Request("s3:ListBucketVersions", bucket)
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        yield Request(action, f"{bucket}/orders/a.csv")


def _state(deployment: Deployment) -> Iterator[Request]:
    """What Terraform's backend asks of the state, of its lock, and of what is not there yet."""
    key = f"burst/{deployment.name}.tfstate"
    for prefix in ({}, {"s3:prefix": key}, {"s3:prefix": "env:/"}):
        yield Request("s3:ListBucket", STATE, prefix)
    yield Request("s3:GetObject", f"{STATE}/{key}")
    for action in ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"):
        yield Request(action, f"{STATE}/{key}.tflock")


def _boundary(deployment: Deployment, policy: Policy) -> Iterator[Asked]:
    """Whatever the environment's roles may do; a role that a deployment made may say anything."""
    for item in deployment.stack.policies():
        if item.kind == "aws_iam_role_policy":
            for request in granted(deployment.document(item)):
                yield Asked(ADMINISTRATOR, request, others=[EVERYTHING])


def granted(document: str) -> Iterator[Request]:
    """What a role may do, one request for each action, resource and value of a condition."""
    for statement in json.loads(document)["Statement"]:
        keys = {
            key: values if isinstance(values, list) else [values]
            for block in statement.get("Condition", {}).values()
            for key, values in block.items()
        }
        for action, resource, *values in product(
            statement["Action"], statement["Resource"], *keys.values()
        ):
            yield Request(action, resource, dict(zip(keys, values, strict=True)))


_BY_POLICY: Mapping[str, Callable[[Deployment, Policy], Iterator[Asked]]] = {
    r"aws_iam_role pipeline-.*/routing/role assume_role_policy": _assumed_by_eventbridge,
    r"aws_iam_role pipeline-.*/job/role assume_role_policy": _assumed_by_glue,
    r"aws_iam_role (plan|deploy)-role assume_role_policy": _assumed_by_a_workflow,
    r"aws_iam_role_policy pipeline-.*/routing/permission policy": _hand_to_the_workflow,
    r"aws_iam_role_policy pipeline-.*/job/permission policy": _use_the_key,
    r"aws_s3_bucket_policy landing/policy policy": _landing,
    r"aws_s3_bucket_policy lake/policy policy": _bucket,
    r"aws_s3_bucket_policy trail/logs/policy policy": _bucket_of_the_trail,
    r"aws_s3_bucket_policy state/policy policy": _state_bucket,
    r"aws_sqs_queue_policy pipeline-.*/routing/undelivered-policy policy": _queue,
    r"aws_sns_topic_policy alerts/policy policy": _topic,
    r"aws_kms_key encryption/key policy": _key,
    r"aws_iam_policy read policy": _plan,
    r"aws_iam_policy change policy": _deploy,
    r"aws_iam_role_policy deploy-roles policy": _deploy,
    r"aws_iam_policy boundary policy": _boundary,
}
