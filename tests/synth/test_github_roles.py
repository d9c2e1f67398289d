"""What a repository's workflows may do: enough to plan and to deploy, and not a step further."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from stacks.policies.permissions import PARTS
from tests import example
from tests.synth.conftest import Synth
from tests.synth.every_stack import ENCRYPTIONS, ENVIRONMENTS, GITHUB
from tests.synth.provider_calls import PHASES, Call, calls_for
from tests.synth.sample_arns import ACCOUNT, REGION, resolved
from tests.synth.synthesized import Policy, Synthesized
from tools.iam import Request, allows

BOUNDARY = "arn:aws:iam::123456789012:policy/github-burst-dev-boundary"
SUBJECT = "token.actions.githubusercontent.com:sub"


@pytest.fixture(scope="module", params=ENCRYPTIONS)
def roles(request: pytest.FixtureRequest, every_stack: Mapping[str, Synthesized]) -> Synthesized:
    """The stack with the roles of `dev`, in each mode of encryption."""
    return every_stack[f"dev-github, {request.param}"]


@pytest.fixture(scope="module", params=ENCRYPTIONS)
def pair(
    request: pytest.FixtureRequest, every_stack: Mapping[str, Synthesized]
) -> tuple[Synthesized, Synthesized]:
    """An environment and the stack with its roles."""
    return every_stack[f"dev, {request.param}"], every_stack[f"dev-github, {request.param}"]


def with_github(**changes: Any) -> dict[str, Any]:
    """The shipped environment `dev`, planned and deployed from GitHub."""
    state = {"backend": "s3", "bucket": "example-terraform-state"}
    own = {"state": state, "account_id": ACCOUNT, "github": GITHUB}
    return {"dev": example.environments()["dev"] | own | changes}


def policy(stack: Synthesized, resource: str) -> Policy:
    (found,) = [item for item in stack.policies() if item.resource == resource]
    return found


def document(stack: Synthesized, resource: str) -> dict[str, Any]:
    """A policy as AWS would get it."""
    found: dict[str, Any] = json.loads(resolved(json.dumps(policy(stack, resource).document)))
    return found


def deploy_documents(stack: Synthesized) -> list[dict[str, Any]]:
    return [document(stack, name) for name in ("read", "change", "deploy-roles")]


def test_each_role_is_for_one_kind_of_run_of_one_repository(roles: Synthesized) -> None:
    subjects = {
        name: policy(roles, f"{name}-role").statements[0]["Condition"]["StringEquals"]
        for name in ("plan", "deploy")
    }
    audience = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
    assert subjects == {
        "plan": audience | {SUBJECT: "repo:octo-org/octo-repo:pull_request"},
        "deploy": audience | {SUBJECT: "repo:octo-org/octo-repo:environment:dev"},
    }


def test_plan_role_gets_only_what_reads_and_the_lock_of_the_state(roles: Synthesized) -> None:
    attached = [
        item["policy_arn"]
        for path, item in roles.resources("aws_iam_role_policy_attachment").items()
        if path.startswith("plan-")
    ]
    assert attached == [f"${{{roles.address('aws_iam_policy', 'read')}.arn}}"]
    assert [p for p in roles.resources("aws_iam_role_policy") if p.startswith("plan")] == []
    writes = {
        (action, resource)
        for statement in document(roles, "read")["Statement"]
        for action in statement["Action"]
        if not re.match(r"\w+:(Get|List|Describe|Decrypt$)", action)
        for resource in statement["Resource"]
    }
    lock = "arn:aws:s3:::example-terraform-state/burst/dev.tfstate.tflock"
    assert writes == {("s3:PutObject", lock), ("s3:DeleteObject", lock)}


@pytest.mark.parametrize(
    "key",
    ["burst-dev-landing-1/orders/a.csv", "burst-dev-lake-1/curated/orders/x.parquet"],
)
def test_neither_role_reads_what_was_landed_or_made_of_it(roles: Synthesized, key: str) -> None:
    for action in ("s3:GetObject", "s3:GetObjectVersion"):
        request = Request(action, f"arn:aws:s3:::{key}")
        assert not allows(deploy_documents(roles), request)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutBucketPolicy", "arn:aws:s3:::burst-prod-landing-1"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::somebody-elses"),
        ("s3:PutObject", "arn:aws:s3:::example-terraform-state/burst/prod.tfstate"),
        ("s3:PutObject", "arn:aws:s3:::example-terraform-state/burst/dev-github.tfstate"),
        ("glue:UpdateJob", f"arn:aws:glue:{REGION}:{ACCOUNT}:job/burst-prod-orders"),
        ("glue:UpdateJob", f"arn:aws:glue:us-east-1:{ACCOUNT}:job/burst-dev-orders"),
        ("glue:UpdateTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/burst_prod/orders"),
        ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/github-burst-dev-plan"),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/github-burst-dev-deploy"),
        ("iam:CreatePolicyVersion", BOUNDARY),
        ("iam:DeleteRolePermissionsBoundary", f"arn:aws:iam::{ACCOUNT}:role/burst-dev-orders-job"),
        ("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/burst-dev-orders-job"),
        ("kms:ScheduleKeyDeletion", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/somebody-elses"),
    ],
)
def test_deploy_role_reaches_nothing_beyond_its_environment(
    roles: Synthesized, action: str, resource: str
) -> None:
    context = {"iam:PermissionsBoundary": BOUNDARY, "aws:RequestTag/environment": "dev"}
    assert not allows(deploy_documents(roles), Request(action, resource, context=context))


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy"])
@pytest.mark.parametrize(("boundary", "allowed"), [(BOUNDARY, True), ("arn:other", False)])
def test_deploy_role_makes_only_roles_that_stay_inside_the_boundary(
    roles: Synthesized, action: str, boundary: str, allowed: bool
) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/burst-dev-orders-job"
    # The sample of a policy's ARN is its construct's name.
    sample = resolved(f"${{{roles.address('aws_iam_policy', 'boundary')}.arn}}")
    documents = [
        json.loads(json.dumps(d).replace(sample, BOUNDARY)) for d in deploy_documents(roles)
    ]
    for context, expected in (({"iam:PermissionsBoundary": boundary}, allowed), ({}, False)):
        assert allows(documents, Request(action, role, context=context)) is expected


@pytest.mark.parametrize(
    ("service", "allowed"), [("glue", True), ("events", True), ("ec2", False), ("lambda", False)]
)
def test_deploy_role_passes_roles_to_the_services_of_the_pipelines_alone(
    roles: Synthesized, service: str, allowed: bool
) -> None:
    request = Request(
        "iam:PassRole",
        f"arn:aws:iam::{ACCOUNT}:role/burst-dev-orders-job",
        context={"iam:PassedToService": f"{service}.amazonaws.com"},
    )
    assert allows(deploy_documents(roles), request) is allowed


@pytest.mark.parametrize("ephemeral", [True, False])
def test_deploy_role_may_empty_the_buckets_of_an_ephemeral_environment_only(
    synth: Synth, ephemeral: bool
) -> None:
    roles = synth(with_github(ephemeral=ephemeral))["dev-github"]
    request = Request("s3:DeleteObjectVersion", "arn:aws:s3:::burst-dev-landing-1/orders/a.csv")
    assert allows(deploy_documents(roles), request) is ephemeral


def test_every_role_of_the_environment_carries_the_boundary(
    pair: tuple[Synthesized, Synthesized],
) -> None:
    environment, roles = pair
    name = roles.resources("aws_iam_policy")["boundary"]["name"]
    carried = {
        resolved(item["permissions_boundary"])
        for item in environment.resources("aws_iam_role").values()
    }
    assert carried == {f"arn:aws:iam::{ACCOUNT}:policy/{name}"} == {BOUNDARY}


def test_no_role_carries_a_boundary_where_nothing_makes_one(stack: Synthesized) -> None:
    for item in stack.resources("aws_iam_role").values():
        assert "permissions_boundary" not in item


def test_boundary_leaves_every_role_all_that_its_own_policy_grants(
    pair: tuple[Synthesized, Synthesized],
) -> None:
    environment, roles = pair
    boundary = [document(roles, "boundary")]
    asked = list(granted(environment))
    assert len(asked) > 20
    assert [request for request in asked if not allows(boundary, request)] == []


def granted(environment: Synthesized) -> Iterator[Request]:
    """What the roles of an environment may do, one request for each action and resource."""
    for item in environment.policies():
        if item.kind != "aws_iam_role_policy":
            continue
        for statement in json.loads(resolved(json.dumps(item.document), named=True))["Statement"]:
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    context = {
                        key: values[0] if isinstance(values, list) else values
                        for block in statement.get("Condition", {}).values()
                        for key, values in block.items()
                    }
                    yield Request(action, resource, context=context)


def calls_of(environment: Synthesized, name: str, *, with_key: bool) -> list[Call]:
    """Every call of the provider for everything that an environment has."""
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/github-burst-{name}-boundary"
    return [
        call
        for kind in environment.document["resource"]
        for item in environment.resources(kind).values()
        for call in calls_for(
            kind,
            deployed_name(environment, kind, item),
            environment=name,
            boundary=boundary,
            with_key=with_key,
        )
    ]


def deployed_name(environment: Synthesized, kind: str, item: Mapping[str, Any]) -> str:
    """The resource's name, or that of the one which it belongs to, as AWS has it."""
    for attribute in (
        "name",
        "alarm_name",
        "dashboard_name",
        "rule",
        "role",
        "bucket",
        "queue_url",
    ):
        if kind == "aws_iam_role_policy" and attribute == "name":
            continue
        if isinstance(found := item.get(attribute), str):
            return named(environment, found)
    if prefix := item.get("bucket_prefix"):
        return f"{prefix}1"
    return named(environment, item["arn"] if "arn" in item else item.get("topic_arn", ""))


def named(environment: Synthesized, text: str) -> str:
    """A name as it is, or the name of the resource that a reference leads to."""
    reference = re.fullmatch(r"\$\{(\w+)\.([\w-]+)\.\w+\}", text)
    if reference is None:
        return text
    kind, name = reference.groups()
    return deployed_name(environment, kind, environment.document["resource"][kind][name])


@pytest.fixture(
    scope="module",
    params=[f"{name}, {mode}" for name in ENVIRONMENTS for mode in ENCRYPTIONS],
)
def called(
    request: pytest.FixtureRequest, every_stack: Mapping[str, Synthesized]
) -> tuple[list[Call], list[dict[str, Any]], list[dict[str, Any]]]:
    """The calls for an environment, the policies of its plan role and of its deploy role."""
    name, _, mode = request.param.partition(", ")
    roles = every_stack[f"{name}-github, {mode}"]
    sample = resolved(f"${{{roles.address('aws_iam_policy', 'boundary')}.arn}}")
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/github-burst-{name}-boundary"
    deploy = [
        json.loads(json.dumps(found).replace(sample, boundary)) for found in deploy_documents(roles)
    ]
    calls = calls_of(every_stack[request.param], name, with_key=mode == "sse-kms")
    return calls, [document(roles, "read")], deploy


def refused(calls: Iterable[Call], documents: list[dict[str, Any]]) -> set[str]:
    # A text is read and checked once, whatever the number of calls.
    texts = [json.dumps(document) for document in documents]
    return {
        str(call)
        for call in calls
        if not allows(texts, Request(call.action, call.resource, context=call.context))
    }


def test_plan_role_may_make_every_call_of_a_plan_and_no_call_that_changes_anything(
    called: tuple[list[Call], list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    calls, plan, _ = called
    reading = {(call.action, call.resource) for call in calls if call.phase == "read"}
    assert refused((call for call in calls if call.phase == "read"), plan) == set()
    changing = [call for call in calls if (call.action, call.resource) not in reading]
    assert {str(call) for call in changing} - refused(changing, plan) == set()


def test_deploy_role_may_make_every_call_of_a_deployment_and_of_a_removal(
    called: tuple[list[Call], list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    calls, _, deploy = called
    assert {call.phase for call in calls} == set(PHASES)
    assert refused(calls, deploy) == set()


def test_every_action_of_the_roles_is_needed_by_a_call(
    every_stack: Mapping[str, Synthesized],
) -> None:
    """With one action less some call would be refused, so the test above can fail for each."""
    made = {
        call.action
        for name in ENVIRONMENTS
        for mode in ENCRYPTIONS
        for call in calls_of(every_stack[f"{name}, {mode}"], name, with_key=mode == "sse-kms")
    }
    known = {action for part in PARTS for action in (*part.read, *part.change)}
    assert known - made == set()


def test_plan_and_deployment_know_every_type_of_resource_that_an_environment_has(
    every_stack: Mapping[str, Synthesized],
) -> None:
    known = {kind for part in PARTS for kind in part.types}
    used = {
        kind
        for name, stack in every_stack.items()
        if name.split(",")[0] in ENVIRONMENTS
        for kind in stack.document["resource"]
    }
    assert used - known == set(), (
        "add what Terraform calls for it to stacks/policies/permissions.py"
    )


def test_policies_are_short_enough_for_the_longest_names(synth: Synth) -> None:
    name, region = "e" * 22, "ap-southeast-1"
    settings = with_github(encryption="sse-kms", region=region)["dev"]
    roles = synth({name: settings})[f"{name}-github"]
    for kind, most in (("aws_iam_policy", 6144), ("aws_iam_role_policy", 10240)):
        for item in roles.resources(kind).values():
            text = resolved(item["policy"]).replace("arn:aws:", "arn:aws-us-gov:")
            assert len(json.dumps(json.loads(text), separators=(",", ":"))) <= most


def test_account_gets_its_identity_provider_or_the_one_it_has_is_used(synth: Synth) -> None:
    made = synth(with_github())["dev-github"]
    used = synth(with_github(github=GITHUB | {"create_provider": False}))["dev-github"]
    assert made.only("aws_iam_openid_connect_provider") == {
        "url": "https://token.actions.githubusercontent.com",
        "client_id_list": ["sts.amazonaws.com"],
    }
    assert "aws_iam_openid_connect_provider" not in used.document["resource"]
    assert list(used.document["data"]["aws_iam_openid_connect_provider"]) == ["github"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, "burst/dev-github.tfstate"),
        ("a/b.tfstate", "a/b-github.tfstate"),
        ("plain", "plain-github"),
    ],
)
def test_state_of_the_roles_lies_beside_that_of_the_environment(
    synth: Synth, key: str | None, expected: str
) -> None:
    state = {"backend": "s3", "bucket": "example-terraform-state"} | ({"key": key} if key else {})
    roles = synth(with_github(state=state))["dev-github"]
    assert roles.document["terraform"]["backend"]["s3"]["key"] == expected


def test_only_the_account_of_the_settings_is_changed(roles: Synthesized) -> None:
    (provider,) = roles.document["provider"]["aws"]
    assert provider["allowed_account_ids"] == ["123456789012"]


def test_environment_of_the_repository_may_have_a_name_of_its_own(synth: Synth) -> None:
    github = GITHUB | {"deploy_environment": "Staging", "repository": "o@1/r@2"}
    roles = synth(with_github(github=github))["dev-github"]
    trust = policy(roles, "deploy-role").statements[0]
    assert trust["Condition"]["StringEquals"][SUBJECT] == "repo:o@1/r@2:environment:Staging"
