"""What the workflows do, done here: the roles, a plan, its deployment, and what is refused.

The scripts are the workflows' own. What is not here is GitHub: who may start what, and the token
with which AWS lets a role in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stacks.policies.github import AUDIENCE
from stacks.settings.github import policy_name, role_name
from tests import example
from tests.deploy.conftest import STATE_BUCKET, make_state_bucket, s3_backend
from tests.synth.every_stack import GITHUB
from tests.synth.provider_calls import CALLS, PHASES
from tools.sandbox.account import Account
from tools.sandbox.sandbox import PROJECT_FOLDER
from tools.sandbox.terraform import (
    Terraform,
    terraform_environment,
    write_override,
)

pytestmark = pytest.mark.gate

ENVIRONMENT = "ci"
STATE_KEY = f"burst/{ENVIRONMENT}.tfstate"
REFUSED = 3
# What Terraform asks for beside resources: where the state lies, and who it is.
OF_THE_BACKEND = {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "iam:GetUser"}
SUBJECTS = {"plan": "pull_request", "deploy": f"environment:{ENVIRONMENT}"}


@dataclass
class Project:
    """A checkout of the project whose environment `ci` is planned and deployed from GitHub."""

    folder: Path
    account: Account
    environment: dict[str, str] = field(default_factory=dict)
    judged: set[tuple[str, str]] = field(default_factory=set)

    def run(self, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the workflows as a step does: in the checkout, with its variables."""
        return subprocess.run(
            [str(self.folder / ".github" / "scripts" / script), *arguments],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, env=self.environment, check=True)

    def role(self, kind: str) -> dict[str, str]:
        """The variables of a session of a role, as GitHub's runner has them."""
        iam = self.account.client("iam")
        (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        subject = f"repo:{GITHUB['repository']}:{SUBJECTS[kind]}"
        session = self.account.assume_role_with_web_identity(
            role_name(ENVIRONMENT, kind),
            provider=provider["Arn"],
            claims={"aud": AUDIENCE, "sub": subject},
            session_name=kind,
        )
        assert session
        return session.environment

    def asked(self, kind: str) -> set[str]:
        """The permissions that sessions of a role have asked for."""
        role = f"assumed-role/{role_name(ENVIRONMENT, kind)}/"
        return {action for arn, action in self.judged if role in arn}


@pytest.fixture(scope="module")
def project(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, committed and synthesized, with the emulated account as its AWS."""
    make_state_bucket(account)
    folder = tmp_path_factory.mktemp("checkout")
    example.copy_project(folder)
    for name in ("tools", ".github"):
        shutil.copytree(
            PROJECT_FOLDER / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(PROJECT_FOLDER / ".gitignore", folder)
    settings = example.environments()["dev"] | {
        "encryption": "sse-kms",
        "account_id": account.account_id,
        "github": GITHUB,
        "state": {"backend": "s3", "bucket": STATE_BUCKET},
    }
    document = {
        "language": "python",
        "app": "python main.py",
        "context": {"environments": {ENVIRONMENT: settings}},
    }
    (folder / "cdktf.json").write_text(json.dumps(document), encoding="utf-8")
    own = folder.with_name(f"{folder.name}-own")
    own.mkdir()
    environment = terraform_environment(own, account.environment()) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(own / "summary.md"),
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Test"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "test@example.com"),
    }
    made = Project(folder, account, environment)
    account.observers.append(lambda session, asked: made.judged.add((session.arn, asked.action)))
    made.git("init", "--quiet")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "Everything")
    done = made.run("synth.sh")
    assert done.returncode == 0, done.stderr
    for stack, key in ((ENVIRONMENT, STATE_KEY), (f"{ENVIRONMENT}-github", "burst/roles.tfstate")):
        (backend,) = s3_backend(account, key).values()
        without_keys = {name: own for name, own in backend.items() if not name.endswith("_key")}
        write_override(
            folder / "cdktf.out" / "stacks" / stack,
            access_key=None,
            secret_key=None,
            resources={},
            backend={"s3": without_keys},
        )
    return made


@pytest.fixture(scope="module")
def roles(project: Project) -> Iterator[Terraform]:
    """The stack of the roles, applied as an administrator does, and removed again."""
    stack = project.folder / "cdktf.out" / "stacks" / f"{ENVIRONMENT}-github"
    terraform = Terraform(stack, environment=project.account.environment())
    terraform.init()
    terraform.apply()
    yield terraform
    terraform.destroy(refresh=False)
    names = [role["RoleName"] for role in project.account.client("iam").list_roles()["Roles"]]
    assert [name for name in names if name.startswith("github-burst-")] == []


@dataclass(frozen=True)
class Planned:
    """What a plan left for the review and for the deployment."""

    folder: Path

    @property
    def archive(self) -> Path:
        return self.folder / "plan.tar.gz"


@pytest.fixture(scope="module")
def planned(
    project: Project, roles: Terraform, tmp_path_factory: pytest.TempPathFactory
) -> Planned:
    """The plan of everything, from an empty account."""
    out = tmp_path_factory.mktemp("plan")
    return plan(project, out)


def plan(project: Project, out: Path) -> Planned:
    done = project.run("plan.sh", ENVIRONMENT, str(out), **project.role("plan"))
    assert done.returncode == 0, done.stderr
    return Planned(out)


@pytest.fixture(scope="module")
def applied(project: Project, planned: Planned) -> Iterator[Terraform]:
    """The deployment of that plan, and the stack as its role removes it again."""
    done = project.run("apply.sh", ENVIRONMENT, str(planned.archive), **project.role("deploy"))
    assert done.returncode == 0, done.stdout + done.stderr
    # Without the guards against deletion, which a deployment from GitHub always has.
    stack = project.folder / "cdktf.out" / "stacks" / ENVIRONMENT
    text = (stack / "cdk.tf.json").read_text(encoding="utf-8")
    (stack / "cdk.tf.json").write_text(
        text.replace('"prevent_destroy": true', '"prevent_destroy": false'), encoding="utf-8"
    )
    environment = project.account.environment() | project.role("deploy")
    yield Terraform(stack, environment=environment)
    if project.account.client("glue").list_workflows()["Workflows"]:
        # The test that removes it was not among those that ran, or failed.
        Terraform(stack, environment=project.account.environment()).destroy()


def test_roles_are_there_as_they_were_written_and_a_second_plan_is_empty(
    project: Project, roles: Terraform
) -> None:
    assert roles.plan() is False
    outputs = roles.outputs()
    for kind in ("plan", "deploy"):
        assert outputs[f"{kind}_role_arn"].endswith(f":role/{role_name(ENVIRONMENT, kind)}")
    role = project.account.client("iam").get_role(RoleName=role_name(ENVIRONMENT, "deploy"))
    (trust,) = role["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"]["Federated"].endswith(
        ":oidc-provider/token.actions.githubusercontent.com"
    )


def test_plan_leaves_a_review_and_what_a_deployment_needs(
    project: Project, planned: Planned
) -> None:
    comment = (planned.folder / "comment.md").read_text(encoding="utf-8")
    assert ENVIRONMENT in comment
    assert "aws_s3_bucket" in comment
    assert Path(project.environment["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8") == comment
    with tarfile.open(planned.archive) as archive:
        names = {name.removeprefix("./").split("/")[0] for name in archive.getnames()}
    assert {"tfplan", "cdk.tf.json", "assets", ".terraform.lock.hcl", "planned-tree"} <= names
    assert ".terraform" not in names
    assert not (planned.folder / "plan.json").exists()


def test_deployment_makes_what_was_planned_inside_the_boundary(
    project: Project, applied: Terraform
) -> None:
    workflow = project.account.client("glue").get_workflow(Name=f"burst-{ENVIRONMENT}-orders")
    assert workflow["Workflow"]["Name"] == f"burst-{ENVIRONMENT}-orders"
    role = project.account.client("iam").get_role(RoleName=f"burst-{ENVIRONMENT}-orders-job")
    boundary = role["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert boundary.endswith(f":policy/{policy_name(ENVIRONMENT, 'boundary')}")


def test_same_plan_is_refused_once_the_state_has_changed(
    project: Project, planned: Planned, applied: Terraform
) -> None:
    done = project.run("apply.sh", ENVIRONMENT, str(planned.archive))
    assert done.returncode == REFUSED
    assert "Saved plan is stale" in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("::error")]
    assert "The state changed after the plan was made." in said
    assert "review its plan and merge it" in said


def test_plan_of_other_files_is_refused_before_anything_is_asked(
    project: Project, planned: Planned, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(project.folder, other, ignore=shutil.ignore_patterns("cdktf.out"))
    moved_on = Project(other, project.account, project.environment | {"AWS_ENDPOINT_URL": ""})
    (other / "README.md").write_text("Another pull request was merged.", encoding="utf-8")
    moved_on.git("add", ".")
    moved_on.git("commit", "--quiet", "--message", "Move on")
    done = moved_on.run("apply.sh", ENVIRONMENT, str(planned.archive))
    assert done.returncode == REFUSED
    assert done.stdout == ""
    assert "main moved on between the plan and the merge" in done.stderr


def test_plan_of_the_same_files_in_another_commit_is_the_same_plan(
    project: Project, planned: Planned, applied: Terraform
) -> None:
    """A merge makes a new commit of the files that were planned."""
    project.git("commit", "--quiet", "--allow-empty", "--message", "Merge")
    done = project.run("apply.sh", ENVIRONMENT, str(planned.archive))
    assert "main moved on" not in done.stderr
    assert "Saved plan is stale" in done.stderr


def test_next_plan_has_nothing_to_do_and_its_role_may_make_it(
    project: Project, applied: Terraform, tmp_path: Path
) -> None:
    again = plan(project, tmp_path)
    assert "No changes" in (again.folder / "plan.txt").read_text(encoding="utf-8")
    assert len(project.asked("plan")) > 40
    assert project.account.faults == ()


def test_deploy_role_removes_all_and_what_it_asked_for_is_in_the_table(
    project: Project, applied: Terraform
) -> None:
    """The last test, because nothing is left after it."""
    applied.destroy()
    asked = project.asked("deploy")
    made = {"s3:CreateBucket", "iam:CreateRole", "kms:CreateKey", "glue:CreateJob", "iam:PassRole"}
    gone = {"s3:DeleteBucket", "iam:DeleteRole", "kms:ScheduleKeyDeletion", "glue:DeleteJob"}
    assert made | gone <= asked
    known = {
        f"{service}:{action}"
        for calls in CALLS.values()
        for call in calls
        for service in [call.arn.split(":")[2] if call.arn.startswith("arn:") else call.arn[:-2]]
        for phase in PHASES
        for action in getattr(call, phase).split()
    }
    assert asked - known - OF_THE_BACKEND == set()
    assert project.account.faults == ()
