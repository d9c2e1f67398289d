"""The roles with which a GitHub repository's workflows plan and deploy an environment."""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_openid_connect_provider import (
    DataAwsIamOpenidConnectProvider,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from stacks.policies import Place
from stacks.policies import github as policies
from stacks.provider import add_provider
from stacks.settings import EnvironmentSettings, GithubSettings, S3State
from stacks.settings.github import policy_name, role_name, roles_stack
from stacks.settings.state import state_key
from stacks.state.backend import keep_state

ISSUER_URL = f"https://{policies.ISSUER}"
MAX_SESSION_SECONDS = 3600


class GithubRolesStack(TerraformStack):
    """An identity provider, a role that plans and a role that deploys, for one environment.

    It is a separate stack because it comes first, and because neither of the two roles may touch
    it: an administrator deploys it. Their names begin with ``github-burst-`` and not with
    ``burst-``, so that none of their patterns covers themselves.

    - The *plan* role is for every pull request of the repository. It reads what Terraform reads
      in a plan and the state, and writes nothing but the state's lock. It sees no row and no file.
    - The *deploy* role is for jobs in one GitHub environment, which GitHub starts after the
      approval that the environment asks for. It reaches what has the environment's name. The
      roles that it makes for the pipelines stay inside a permissions boundary, so what it may do
      by way of them is bounded as well.
    """

    def __init__(
        self,
        scope: Construct,
        environment: str,
        settings: EnvironmentSettings,
        github: GithubSettings,
    ) -> None:
        name = roles_stack(environment)
        super().__init__(scope, name)
        self._environment = environment
        self._github = github
        keep_state(self, name, _with_own_state(settings))
        add_provider(self, environment, settings)
        aws = DataAwsPartition(self, "partition")
        place = Place(
            partition=aws.partition,
            services_suffix=aws.dns_suffix,
            region=settings.region,
            account_id=DataAwsCallerIdentity(self, "current").account_id,
            environment=environment,
        )
        state = _state_object(environment, settings)
        landing = _existing_landing(settings)
        provider_arn = self._provider()
        with_key = settings.encryption == "sse-kms"
        boundary = self._policy(
            "boundary",
            f"The most that a role of a pipeline of {environment} may do.",
            policies.role_boundary(place, landing, with_key=with_key),
        )
        parts = policies.parts_of(with_key=with_key)
        read = self._policy(
            "read",
            f"What a plan of {environment} compares with the code.",
            policies.plan_environment(place, parts, state, landing),
        )
        change = self._policy(
            "change",
            f"What a deployment of {environment} makes, changes and removes.",
            policies.deploy_environment(place, parts, landing, can_delete_data=settings.ephemeral),
        )
        subject = f"repo:{github.repository}"
        approved_by = github.deploy_environment or environment
        self._role(
            "plan",
            f"Reads {environment} for the plan of a pull request of {github.repository}.",
            policies.assumed_by_workflow(provider_arn, f"{subject}:pull_request"),
            {"read": read},
        )
        deploy = self._role(
            "deploy",
            f"Deploys {environment} from {github.repository}, environment {approved_by}.",
            policies.assumed_by_workflow(provider_arn, f"{subject}:environment:{approved_by}"),
            {"read": read, "change": change},
        )
        IamRolePolicy(
            self,
            "deploy-roles",
            name="make-bounded-roles",
            role=deploy,
            policy=policies.deploy_roles(place, boundary, state),
        )

    def _policy(self, kind: str, description: str, policy: str) -> str:
        """A managed policy, because an inline policy is too short for these.

        IAM allows 10,240 characters in all policies of a role's own and 6,144 in one that is
        attached (IAM user guide, "IAM and AWS STS quotas").
        """
        made = IamPolicy(
            self,
            kind,
            name=policy_name(self._environment, kind),
            description=description,
            policy=policy,
        )
        return str(made.arn)

    def _provider(self) -> str:
        """The ARN of the account's identity provider for GitHub, made here or there already.

        It has no thumbprint: AWS checks the certificate of GitHub with its own list of
        authorities (IAM API reference, UpdateOpenIDConnectProviderThumbprint).
        """
        if self._github.create_provider:
            provider = IamOpenidConnectProvider(
                self, "github", url=ISSUER_URL, client_id_list=[policies.AUDIENCE]
            )
            return str(provider.arn)
        existing = DataAwsIamOpenidConnectProvider(self, "github", url=ISSUER_URL)
        return str(existing.arn)

    def _role(self, kind: str, description: str, trust: str, attached: dict[str, str]) -> str:
        """A role with these policies attached; returns its name."""
        role = IamRole(
            self,
            kind + "-role",
            name=role_name(self._environment, kind),
            description=description,
            assume_role_policy=trust,
            max_session_duration=MAX_SESSION_SECONDS,
        )
        name = str(role.name)
        for policy, policy_arn in attached.items():
            IamRolePolicyAttachment(self, f"{kind}-{policy}", role=name, policy_arn=policy_arn)
        TerraformOutput(
            self,
            f"{kind}_role_arn",
            value=role.arn,
            description=f"Role that the workflow `{kind}` of {self._github.repository} assumes.",
        )
        return name


def _with_own_state(settings: EnvironmentSettings) -> EnvironmentSettings:
    """The settings with a state beside that of the environment."""
    state = settings.state
    if not isinstance(state, S3State) or state.key is None:
        return settings
    stem, dot, suffix = state.key.rpartition(".")
    key = f"{stem}-github{dot}{suffix}" if stem else f"{state.key}-github"
    return settings.model_copy(update={"state": state.model_copy(update={"key": key})})


def _state_object(environment: str, settings: EnvironmentSettings) -> policies.StateObject:
    state = settings.state
    assert isinstance(state, S3State)  # noqa: S101 - the settings refuse any other with `github`.
    return policies.StateObject(state.bucket, state_key(environment, state), state.kms_key_arn)


def _existing_landing(settings: EnvironmentSettings) -> policies.ExistingLanding | None:
    existing = settings.existing_landing
    if existing is None:
        return None
    return policies.ExistingLanding(
        existing.name, existing.kms_key_arn, manages_events=existing.events == "managed"
    )
