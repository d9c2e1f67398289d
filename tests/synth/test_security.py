"""The security bar: what holds for every resource and every policy of every stack.

What a single policy grants is asserted where its part is tested; here are the rules that no
policy may break. An exception is data: what, and the page that says why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from parliament import analyze_policy_string

from tests.synth.every_stack import NAMES
from tests.synth.sample_arns import resolved
from tests.synth.synthesized import Policy, Synthesized

Statement = dict[str, Any]
SERVICE_AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference"


@dataclass(frozen=True)
class Unbounded:
    """Actions that AWS lets nobody narrow to a resource, and the page that says so.

    ``conditional`` where a condition can narrow them instead, so that it must.
    """

    actions: frozenset[str]
    page: str
    conditional: bool = False


UNBOUNDED = (
    Unbounded(
        frozenset({"cloudwatch:PutMetricData"}),
        f"{SERVICE_AUTHORIZATION}/list_amazoncloudwatch.html",
        conditional=True,
    ),
    Unbounded(
        frozenset(
            {
                "glue:CreateSecurityConfiguration",
                "glue:DeleteSecurityConfiguration",
                "glue:GetSecurityConfiguration",
            }
        ),
        f"{SERVICE_AUTHORIZATION}/list_awsglue.html",
    ),
    Unbounded(
        frozenset({"sns:GetSubscriptionAttributes", "sns:Unsubscribe"}),
        f"{SERVICE_AUTHORIZATION}/list_amazonsns.html",
    ),
    Unbounded(frozenset({"kms:ListAliases"}), f"{SERVICE_AUTHORIZATION}/list_awskms.html"),
    Unbounded(
        # "To add tags while creating a KMS key, the principal must have permission in an IAM policy
        # that isn't restricted to particular KMS keys."
        frozenset({"kms:CreateKey", "kms:TagResource"}),
        "https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html",
        conditional=True,
    ),
    Unbounded(
        # Also a question for one name is one about all alarms: the API reference wants the scope *.
        frozenset({"cloudwatch:DescribeAlarms"}),
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html",
    ),
    Unbounded(
        frozenset({"logs:DescribeLogGroups"}),
        f"{SERVICE_AUTHORIZATION}/list_amazoncloudwatchlogs.html",
    ),
    Unbounded(
        frozenset({"cloudtrail:DescribeTrails"}),
        f"{SERVICE_AUTHORIZATION}/list_awscloudtrail.html",
    ),
)

# Actions on a bucket as a whole that read or write no object. ListBucketMultipartUploads shows the
# keys of unfinished uploads and has no condition on the prefix that S3A's committers would meet.
KNOW_NO_KEY = {
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:ListBucketMultipartUploads",
}


@dataclass(frozen=True)
class Unconditional:
    """A service that may assume a role without a condition on whose behalf it comes."""

    service: str
    reason: str
    page: str


UNCONDITIONAL = {
    item.service: item
    for item in (
        Unconditional(
            service="glue.amazonaws.com",
            reason="No page says that Glue sends aws:SourceAccount or aws:SourceArn when it "
            "assumes the role of a job, and a condition on what is not sent lets no run start. "
            "The page names the service alone. Whoever gives the role to a job must be allowed "
            "to pass it (iam:PassRole), which works inside one account only "
            "(https://repost.aws/knowledge-center/iam-passrole-error).",
            page="https://docs.aws.amazon.com/glue/latest/dg/create-an-iam-role.html",
        ),
    )
}

# Statements that let EventBridge in without a source condition, with the page that says that there
# can be none. What narrows them instead is asserted in test_alerts.py.
KNOW_NO_SOURCE = {
    "TakeMessagesOfTheRules": "https://docs.aws.amazon.com/eventbridge/latest/userguide/"
    "eb-use-resource-based.html",
}
CONTEXT = "kms:encryptioncontext:aws:"

# Whatever may be reached from outside by a resource policy, and what carries that policy.
GUARDED = {
    "aws_s3_bucket": ("aws_s3_bucket_policy", "bucket"),
    "aws_sqs_queue": ("aws_sqs_queue_policy", "queue_url"),
    "aws_sns_topic": ("aws_sns_topic_policy", "arn"),
}


@pytest.fixture(scope="module", params=NAMES)
def stack(request: pytest.FixtureRequest, every_stack: Mapping[str, Synthesized]) -> Synthesized:
    """Each stack in turn."""
    return every_stack[request.param]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(stack: Synthesized, effect: str) -> Iterator[tuple[Policy, Statement]]:
    for policy in stack.policies():
        for statement in policy.statements:
            if statement["Effect"] == effect:
                yield policy, statement


def conditions(statement: Statement) -> set[str]:
    """The condition keys of a statement, in lower case as IAM compares them."""
    return {key.lower() for block in statement.get("Condition", {}).values() for key in block}


def test_every_statement_says_its_purpose(stack: Synthesized) -> None:
    for policy in stack.policies():
        sids = [statement.get("Sid", "") for statement in policy.statements]
        assert all(re.fullmatch("[A-Za-z0-9]{5,}", sid) for sid in sids), policy
        assert len(sids) == len(set(sids)), policy


def test_no_statement_allows_an_action_by_a_wildcard_or_by_leaving_others_out(
    stack: Synthesized,
) -> None:
    for policy, statement in statements(stack, "Allow"):
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), policy
        assert not [name for name in as_list(statement["Action"]) if "*" in name], policy


def test_every_resource_is_named_where_aws_can_narrow_it(stack: Synthesized) -> None:
    for policy, statement in statements(stack, "Allow"):
        if policy.kind == "aws_kms_key":
            # In a key's own policy * is the key: KMS developer guide, "Key policy document",
            # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
            assert statement["Resource"] == "*", policy
        elif any(is_unbounded(resource) for resource in as_list(statement.get("Resource", []))):
            exceptions = [
                item for item in UNBOUNDED if item.actions >= set(as_list(statement["Action"]))
            ]
            assert exceptions, (
                f"{policy}, {statement['Sid']}: name the resource, or add the actions to "
                f"UNBOUNDED with the page that says that AWS cannot narrow them"
            )
            assert bool(statement.get("Condition")) or not exceptions[0].conditional, policy


def is_unbounded(resource: str) -> bool:
    """Whether a resource of a statement says of nothing what it is."""
    parts = resolved(resource).split(":", 5)
    return resource == "*" or len(parts) < 6 or parts[5].strip("*") == ""


@pytest.mark.parametrize(
    ("resource", "unbounded"),
    [
        ("*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:glue:eu-central-1:123456789012:*", True),
        ("arn:aws:glue:*:123456789012:job/burst-*", False),
        ("arn:aws:s3:::bucket/*", False),
    ],
)
def test_what_counts_as_unbounded(resource: str, unbounded: bool) -> None:
    assert is_unbounded(resource) is unbounded


def test_no_policy_lets_everyone_in(stack: Synthesized) -> None:
    for policy, statement in statements(stack, "Allow"):
        principal = statement.get("Principal", {})
        named = principal.values() if isinstance(principal, dict) else [principal]
        assert "*" not in [name for names in named for name in as_list(names)], policy


def test_every_service_that_may_assume_a_role_must_come_on_behalf_of_this_account(
    stack: Synthesized,
) -> None:
    for policy, statement in statements(stack, "Allow"):
        if policy.attribute != "assume_role_policy":
            continue
        for service in as_list(statement["Principal"].get("Service", [])):
            if not conditions(statement) & {"aws:sourceaccount", "aws:sourcearn"}:
                assert service in UNCONDITIONAL, f"{policy}: {service} needs a source condition"


def test_whoever_comes_with_a_token_must_show_for_what_and_for_whom_it_was_made(
    stack: Synthesized,
) -> None:
    for policy, statement in statements(stack, "Allow"):
        if "Federated" in statement.get("Principal", {}):
            assert statement["Action"] == "sts:AssumeRoleWithWebIdentity", policy
            compared = {key.rpartition(":")[2] for key in statement["Condition"]["StringEquals"]}
            assert compared >= {"aud", "sub"}, policy
            assert "*" not in json.dumps(statement["Condition"]), policy


def test_every_service_that_a_resource_lets_in_must_come_for_a_named_source(
    stack: Synthesized,
) -> None:
    for policy, statement in statements(stack, "Allow"):
        principal = statement.get("Principal", {})
        if policy.attribute == "assume_role_policy" or statement["Sid"] in KNOW_NO_SOURCE:
            continue
        if "Service" in principal:
            sources = {"aws:sourceaccount", "aws:sourcearn"}
            if policy.kind == "aws_kms_key":
                # Of what is encrypted a service may name the ARN instead (KMS developer guide,
                # "Encryption context").
                sources |= {key for key in conditions(statement) if key.startswith(CONTEXT)}
            assert conditions(statement) & sources, (
                f"{policy}, {statement['Sid']}: {principal} needs a source condition"
            )


def test_no_exception_is_stale(every_stack: Mapping[str, Synthesized]) -> None:
    unbounded, unconditional, sourceless = set(), set(), set()
    for stack in every_stack.values():
        for policy, statement in statements(stack, "Allow"):
            if any(is_unbounded(item) for item in as_list(statement.get("Resource", []))):
                unbounded |= set(as_list(statement["Action"]))
            if policy.attribute == "assume_role_policy" and not conditions(statement):
                unconditional |= set(as_list(statement["Principal"].get("Service", [])))
            if not conditions(statement) & {"aws:sourceaccount", "aws:sourcearn"}:
                sourceless.add(statement["Sid"])
    assert set().union(*(item.actions for item in UNBOUNDED)) <= unbounded
    assert set(UNCONDITIONAL) <= unconditional
    assert set(KNOW_NO_SOURCE) <= sourceless


@pytest.mark.parametrize("kind", GUARDED)
def test_every_bucket_queue_and_topic_refuses_whoever_comes_without_tls(
    stack: Synthesized, kind: str
) -> None:
    carrier, attribute = GUARDED[kind]
    guards: dict[str, list[Policy]] = {}
    for policy in stack.policies():
        if policy.kind == carrier:
            guards.setdefault(address_of(policy.settings[attribute]), []).append(policy)
    for path in stack.resources(kind):
        address = stack.address(kind, path)
        (policy,) = guards[address]
        denied = [item for item in policy.statements if is_tls_guard(item)]
        assert denied, f"{policy} lets in requests without TLS"
        covered = {name for item in denied for name in as_list(item["Action"])}
        allowed = {
            name
            for item in policy.statements
            if item["Effect"] == "Allow"
            for name in as_list(item["Action"])
        }
        service = kind.split("_")[1]
        assert f"{service}:*" in covered or (covered and allowed <= covered), policy
        if kind == "aws_s3_bucket":
            arn = f"${{{address}.arn}}"
            assert {arn, f"{arn}/*"} <= {r for item in denied for r in as_list(item["Resource"])}


def is_tls_guard(statement: Statement) -> bool:
    return (
        statement["Effect"] == "Deny"
        and statement["Principal"] in ("*", {"AWS": "*"})
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


def address_of(reference: str) -> str:
    """The address of the resource that a reference like `${aws_s3_bucket.x.id}` names."""
    return re.sub(r"^\$\{(\w+\.[\w-]+)\..*\}$", r"\1", reference)


def test_every_dead_letter_queue_takes_only_from_the_rules_that_name_it(
    stack: Synthesized,
) -> None:
    senders: dict[str, set[str]] = {}
    for target in stack.resources("aws_cloudwatch_event_target").values():
        if letters := target.get("dead_letter_config"):
            rule = address_of(target["rule"])
            senders.setdefault(address_of(letters["arn"]), set()).add(f"${{{rule}.arn}}")
    takers: dict[str, set[str]] = {}
    for policy, statement in statements(stack, "Allow"):
        if statement.get("Principal") == {"Service": "events.amazonaws.com"} and (
            policy.kind == "aws_sqs_queue_policy"
        ):
            assert as_list(statement["Action"]) == ["sqs:SendMessage"]
            takers.setdefault(address_of(policy.settings["queue_url"]), set()).update(
                as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
            )
    assert takers == senders


def test_job_of_a_pipeline_reaches_no_data_but_its_own(stack: Synthesized) -> None:
    pipelines = stack.document.get("locals", {}).get("deployed", {})
    for pipeline, parts in pipelines.items():
        prefix, folders = re.escape(parts["prefix"]), "(curated|archive|quarantine|ledger)"
        own_key = re.compile(
            rf"/{prefix}\*"
            rf"|/{folders}/{pipeline}(/\*|_\$folder\$)"
            # The mark that Spark sets on the folder of all curated data; it holds no byte.
            r"|/curated_\$folder\$"
            r"|/\$\{aws_s3_object\.[\w-]+\.key\}"
        )
        own_prefix = re.compile(rf"{prefix}\*|{folders}/{pipeline}(/\*)?")
        keys, prefixes = reached(stack, f"pipeline-{pipeline}/job/")
        assert len(keys) > 5
        assert [key for key in keys if not own_key.fullmatch(key)] == []
        assert [item for item in prefixes if not own_prefix.fullmatch(item)] == []


def reached(stack: Synthesized, part: str) -> tuple[list[str], list[str]]:
    """What a part's policies allow in S3: keys of objects, and prefixes in lists of a bucket."""
    keys, prefixes = [], []
    for policy, statement in statements(stack, "Allow"):
        actions = {name for name in as_list(statement["Action"]) if name.startswith("s3:")}
        if not policy.resource.startswith(part) or not actions:
            continue
        for resource in as_list(statement["Resource"]):
            key = re.sub(r"^\$\{(data\.)?aws_s3_bucket\.[\w-]+\.arn\}", "", resource)
            if key:
                keys.append(key)
            elif actions <= {"s3:ListBucket", "s3:ListBucketVersions"}:
                prefixes += as_list(statement["Condition"]["StringLikeIfExists"]["s3:prefix"])
            else:
                assert actions <= KNOW_NO_KEY, f"{policy}, {statement['Sid']}"
    return keys, prefixes


@dataclass(frozen=True)
class Lint:
    """What IAM's linter says of a policy (its path, a pattern of its words) and we accept."""

    policy: str
    words: str
    reason: str

    def covers(self, policy: Policy, words: str) -> bool:
        return policy.resource == self.policy and bool(re.match(self.words, words))


ACCEPTED_LINT = (
    Lint(
        "change",
        r"RESOURCE_POLICY_PRIVILEGE_ESCALATION .* due to .* but does allow "
        r"s3:Put(BucketPolicy|LifecycleConfiguration)",
        "Whoever deploys a bucket writes its policy and its lifecycle, and could write others. "
        "That is why the deploy role is for one GitHub environment with its approval, and why a "
        "review shows a changed bucket policy first.",
    ),
    Lint(
        "change",
        r"RESOURCE_MISMATCH - (\[|, |\{'action': 'kms:(Create|Delete|Update)Alias', "
        r"'required_format': 'arn:\*:kms:\*:\*:(key|alias)/\*'\})+\] ",
        "An alias takes the right on the alias, known by its name, and on the key, known by its "
        "tags; those are two statements (KMS developer guide, Controlling access to aliases).",
    ),
    Lint(
        "encryption/key",
        r"RESOURCE_MISMATCH - (\[|, |\{'action': 'kms:(Create|Delete|Update)Alias', "
        r"'required_format': 'arn:\*:kms:\*:\*:alias/\*'\})+\] ",
        "A key's policy grants the key's half of the right; the alias has no policy.",
    ),
    Lint(
        "encryption/key",
        r"MISMATCHED_TYPE - Type mismatch: ArnLike requires a value of type Arn but given String",
        "The encryption context is a text that holds an ARN, compared as the page does: "
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
    ),
    Lint(
        "encryption/key",
        r"UNKNOWN_CONDITION_FOR_ACTION - Unknown condition "
        r"kms:EncryptionContext:aws:logs:arn for action kms:DescribeKey",
        "CloudWatch Logs asks for it in one statement with the others (the same page).",
    ),
    Lint(
        "read",
        r"RESOURCE_STAR - \['cloudwatch:DescribeAlarms'\]",
        "Also a question for one name is one about all alarms; the API reference of DescribeAlarms "
        "wants the scope *.",
    ),
    Lint(
        "change",
        r"RESOURCE_STAR - \['kms:TagResource'\]",
        "A key gets its tags before it has an ARN; the tags themselves are the condition. "
        "https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html",
    ),
)


def test_every_policy_passes_the_linter_of_iam(stack: Synthesized) -> None:
    """parliament knows every action, its resources and its condition keys."""
    for policy in stack.policies():
        unexpected = [
            words
            for words in lint(policy)
            if not any(item.covers(policy, words) for item in ACCEPTED_LINT)
        ]
        assert "\n".join(unexpected) == "", str(policy)


def test_no_accepted_word_of_the_linter_is_stale(every_stack: Mapping[str, Synthesized]) -> None:
    said = [
        (policy, words)
        for stack in every_stack.values()
        for policy in stack.policies()
        if policy.resource in {item.policy for item in ACCEPTED_LINT}
        for words in lint(policy)
    ]
    assert [item for item in ACCEPTED_LINT if not any(item.covers(*one) for one in said)] == []


def lint(policy: Policy) -> list[str]:
    """What the linter says, in its words."""
    if policy.attribute == "assume_role_policy":
        return []  # A trust policy names no resource, which parliament takes for a mistake.
    text = resolved(json.dumps(policy.document))
    if policy.kind == "aws_kms_key":
        text = text.replace(
            '"Resource": "*"', f'"Resource": "{resolved("${aws_kms_key.own.arn}")}"'
        )
    return [str(finding) for finding in analyze_policy_string(text).findings]
