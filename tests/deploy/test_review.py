"""What `burst review` says of plans that Terraform makes of real changes to a real deployment."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cdktf import App

import stacks.pipeline.code
from stacks.burst_stack import BurstStack
from stacks.settings import parse_environments
from tests import example
from tests.deploy.conftest import Deployed, Encrypted, initialized, synthesize_encrypted
from tools.review import markdown
from tools.review.dangers import Kind, errored
from tools.review.page import page_of
from tools.review.plan import Action
from tools.review.reading import read_plan
from tools.review.review import Review, review
from tools.review.synthesized import filled, is_of
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from tools.sandbox.errors import SandboxError
from tools.sandbox.terraform import OVERRIDE_FILE, Terraform, write_override

Edit = Callable[[dict[str, Any]], None]
SECRET = "correct-horse-battery-staple"

# Each plan takes many seconds: `pytest tests/deploy -m full`.
long = pytest.mark.full


class Workbench:
    """The deployed stack, of which any change can be planned; nothing is applied.

    Attributes:
        changes: whether Terraform said of the newest plan that there is something to change.
    """

    changes: bool

    def __init__(self, deployed: Deployed, folder: Path) -> None:
        self._deployed = deployed
        self._folder = folder
        self.stack_folder = deployed.sandbox.stack_folder

    def plan(self, *arguments: str, terraform: Terraform | None = None) -> dict[str, Any]:
        """Plan what lies in the stack's folder; the plan as `terraform show -json` prints it."""
        terraform = terraform or self._deployed.terraform
        saved = self._folder / "plan"
        self.changes = terraform.plan(f"-out={saved}", "-parallelism=20", *arguments)
        return terraform.show(str(saved))

    def plan_text(self) -> str:
        """The newest plan as Terraform prints it for people."""
        return self._deployed.terraform.show_text(str(self._folder / "plan"))

    def plan_edited(self, edit: Edit) -> dict[str, Any]:
        """Plan the stack with a change in what was synthesized or in the override file."""
        for name in ("cdk.tf.json", OVERRIDE_FILE):
            file = self.stack_folder / name
            content = json.loads(file.read_text(encoding="utf-8"))
            edit(content.get("resource", {}))
            file.write_text(json.dumps(content), encoding="utf-8")
        return self.plan("-refresh=false")

    def plan_settings(self, edit: Edit, *, allow_data_loss: bool = False) -> dict[str, Any]:
        """Plan what the stack is after a change of the settings."""
        environments = {"dev": example.environments()["dev"]}
        edit(environments["dev"])
        app = App(outdir=str(self._folder / "cdktf.out"))
        (settings,) = parse_environments(environments).values()
        BurstStack(app, "dev", settings, allow_data_loss=allow_data_loss)
        app.synth()
        shutil.copytree(
            self._folder / "cdktf.out" / "stacks" / "dev", self.stack_folder, dirs_exist_ok=True
        )
        self._override_as_before()
        return self.plan("-refresh=false")

    def _override_as_before(self) -> None:
        """What the sandbox replaces in resources, for those that there are now."""
        file = self.stack_folder / OVERRIDE_FILE
        override = json.loads(file.read_text(encoding="utf-8"))
        override["resource"] |= self._deployed.sandbox.replacements()
        file.write_text(json.dumps(override), encoding="utf-8")


@pytest.fixture
def workbench(deployed: Deployed, tmp_path: Path) -> Iterator[Workbench]:
    """The stack's folder is afterwards what it was before."""
    folder = deployed.sandbox.stack_folder
    before = {name: (folder / name).read_bytes() for name in ("cdk.tf.json", OVERRIDE_FILE)}
    yield Workbench(deployed, tmp_path)
    for name, content in before.items():
        (folder / name).write_bytes(content)


def reviewed(shown: dict[str, Any], stack: dict[str, Any] | None = None) -> tuple[Review, str]:
    """The findings, and the comment that they make."""
    plan, redact = read_plan(json.dumps(shown).encode(), source="plan.json")
    if stack is not None:
        plan = filled(plan, stack, redact)
    found = review(plan, commit="0123456")
    return found, markdown.render(page_of(found))


def counts(found: Review) -> dict[str, int]:
    return {
        action.value: number
        for action, number in found.counts.items()
        if number and action not in (Action.NO_OP, Action.READ)
    }


def titles(found: Review) -> list[str]:
    return [danger.subject.title for danger in found.dangers]


def landing_bucket(resources: dict[str, Any]) -> dict[str, Any]:
    """The bucket in what was synthesized; the override file has none."""
    buckets: dict[str, Any] = resources.get("aws_s3_bucket", {})
    return next((item for name, item in buckets.items() if name.startswith("landing")), {})


def test_plan_that_would_delete_the_landing_bucket_warns_before_anything_else(
    workbench: Workbench, deployed: Deployed
) -> None:
    name = deployed.sandbox.outputs["landing_bucket_name"]

    def rename(resources: dict[str, Any]) -> None:
        bucket = landing_bucket(resources)
        bucket["bucket_prefix"] = "another-"
        bucket.pop("lifecycle", None)

    found, text = reviewed(workbench.plan_edited(rename))
    assert text.startswith(
        "> [!CAUTION]\n> **Data would go**\n>\n"
        f"> - **landing bucket** `{name}` is destroyed and created again (forced by "
        "`bucket_prefix` `burst-dev-landing-` → `another-`): It goes if it is empty; AWS refuses"
    )
    assert found.loses_data
    assert titles(found)[0] == "landing bucket"


@long
def test_protected_bucket_makes_a_plan_that_is_refused_and_names_the_bucket(
    workbench: Workbench, tmp_path: Path
) -> None:
    def rename(resources: dict[str, Any]) -> None:
        landing_bucket(resources)["bucket_prefix"] = "another-"

    with pytest.raises(SandboxError, match="Instance cannot be destroyed"):
        workbench.plan_edited(rename)
    shown = workbench._deployed.terraform.show(str(tmp_path / "plan"))
    plan, _ = read_plan(json.dumps(shown).encode(), source="plan.json")
    assert plan.errored
    assert "It wanted to destroy or replace: landing bucket" in errored(plan, "plan.json")


@long
def test_both_keys_to_deleting_data_are_shown_as_protection_that_goes(
    workbench: Workbench,
) -> None:
    found, text = reviewed(workbench.plan_settings(lambda settings: None, allow_data_loss=True))
    assert not found.loses_data
    assert sorted(titles(found)) == ["lake bucket", "landing bucket"]
    assert text.count("From now on a destroy empties the bucket and deletes it.") == 2


@long
def test_environment_that_gives_up_its_key_is_warned_of_and_keeps_what_is_in_it(
    encrypted: Encrypted, tmp_path: Path
) -> None:
    folder = synthesize_encrypted(encrypted.sandbox, encryption="sse-s3", allow_data_loss=False)
    terraform = initialized(encrypted.sandbox, folder)
    terraform.plan(f"-out={tmp_path / 'plan'}", "-refresh=false", "-parallelism=20")
    shown = terraform.show(str(tmp_path / "plan"))
    found, text = reviewed(shown)
    assert counts(found)["forget"] == 1
    # The security configuration is part of the names of the logs.
    lost = {danger.subject.noun for danger in found.dangers if danger.kind is Kind.DATA}
    assert lost == {"log group"}
    assert "**KMS key**" in text
    assert "is forgotten (it is no longer in the configuration): It stays, but Terraform" in text
    assert "**landing encryption**" in text
    assert "`aws:kms` → `AES256`" in text


def test_second_plan_is_empty_and_says_that_there_is_nothing_to_do(workbench: Workbench) -> None:
    found, text = reviewed(workbench.plan())
    assert workbench.changes is False
    assert counts(found) == {}
    assert found.dangers == ()
    assert "Nothing to do" in text
    # What the provider reads back in another way than it wrote it is no drift.
    assert found.drifts == ()


@long
def test_changed_batch_size_is_one_row(workbench: Workbench) -> None:
    def enlarge(resources: dict[str, Any]) -> None:
        for trigger in resources.get("aws_glue_trigger", {}).values():
            trigger["event_batching_condition"][0]["batch_size"] = 20

    found, text = reviewed(workbench.plan_edited(enlarge))
    assert counts(found) == {"change": 1}
    assert found.dangers == ()
    assert "| `orders` | batch size (events) | `3` | `20` |  |" in text


@long
def test_changed_job_code_is_a_change_of_code_and_no_loss_of_data(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "burst_job.py"
    script.write_text(stacks.pipeline.code.SCRIPT.read_text(encoding="utf-8") + "# other\n")
    monkeypatch.setattr(stacks.pipeline.code, "SCRIPT", script)
    found, text = reviewed(workbench.plan_settings(lambda settings: None))
    assert found.dangers == ()
    assert {item.label for item in found.settings} == {"job code: script"}
    (policy,) = found.policies
    assert not policy.widened
    assert "| other code runs |" in text


@long
def test_removed_column_and_more_workers_are_rows(workbench: Workbench) -> None:
    def change(settings: dict[str, Any]) -> None:
        orders = settings["pipelines"]["orders"]
        orders["input"]["columns"][-1:] = [{"name": "channel", "type": "string"}]
        orders["job"] |= {"number_of_workers": 10, "worker_type": "G.2X"}

    found, text = reviewed(workbench.plan_settings(change))
    assert counts(found) == {"change": 2}
    assert "| `orders` | curated column `channel` | `(not set)` | `string` |" in text
    assert "| `orders` | column `currency` | `string` | `(not set)` |" in text
    assert "| `orders` | column `channel` | `(not set)` | `string` |" in text
    assert "| `orders` | workers | `2` | `10` | at most 2 → 20 DPU for a run |" in text


@long
def test_renamed_pipeline_is_one_that_goes_with_its_data_and_one_that_comes(
    workbench: Workbench,
) -> None:
    def rename(settings: dict[str, Any]) -> None:
        orders = settings["pipelines"].pop("orders")
        settings["pipelines"]["sales"] = orders | {"transform": "orders"}

    shown = workbench.plan_settings(rename)
    stack = json.loads((workbench.stack_folder / "cdk.tf.json").read_text(encoding="utf-8"))
    found, text = reviewed(shown, stack["resource"])
    assert found.loses_data
    assert {"dead-letter queue of pipeline orders", "pipeline orders"} <= set(titles(found))
    assert "The pipeline sales takes its files from now on." in text
    assert not [title for title in titles(found) if "bucket" in title or "sales" in title]
    assert "| `sales` | new pipeline |" in text
    # The new job's policy is unknown to the plan, and readable all the same.
    assert "+ Allow KeepTheLedger" in text
    assert "- Allow KeepTheLedger" in text


@long
def test_removed_pipeline_warns_of_what_goes_with_it(workbench: Workbench) -> None:
    def replace(settings: dict[str, Any]) -> None:
        other = copy.deepcopy(settings["pipelines"]["orders"])
        settings["pipelines"] = {"other": other | {"prefix": "other/", "transform": "orders"}}

    found, text = reviewed(workbench.plan_settings(replace))
    gone = {danger.subject.title for danger in found.dangers}
    assert {
        "dead-letter queue of pipeline orders",
        "log group of pipeline orders",
        "pipeline orders",
    } <= gone
    assert not {"trigger of pipeline orders", "workflow of pipeline orders"} & gone
    assert "the sweep or a start by hand" not in text
    assert "it is no longer in the configuration" in text
    # The queue's policy goes with the queue; that it refuses nothing any more is no news.
    assert not [policy for policy in found.policies if policy.widened]


@long
def test_widened_role_is_shown_statement_by_statement(workbench: Workbench) -> None:
    def widen(resources: dict[str, Any]) -> None:
        for role_policy in resources.get("aws_iam_role_policy", {}).values():
            document = json.loads(role_policy["policy"])
            for statement in document["Statement"]:
                if statement["Sid"] == "KeepTheLedger":
                    statement.update(Action=["s3:GetObject", "s3:*"], Resource="*")
            role_policy["policy"] = json.dumps(document)

    found, text = reviewed(workbench.plan_edited(widen))
    assert counts(found) == {"change": 1}
    (policy,) = found.policies
    (change,) = policy.statements
    assert change.sid == "KeepTheLedger"
    assert change.widened == (
        "allows one more action, a wildcard: s3:*",
        "allows one more resource, a wildcard: *",
    )
    (danger,) = found.dangers
    assert (danger.kind, danger.where) == (Kind.PERMISSIONS, "KeepTheLedger: s3:*, *")
    assert found.widens
    assert "of `burst-dev-orders-job` (pipeline orders) is changed" in text


@long
def test_drift_made_by_hand_is_reported_with_what_becomes_of_it(
    workbench: Workbench, deployed: Deployed
) -> None:
    account, bucket = deployed.sandbox.account, deployed.sandbox.outputs["landing_bucket_name"]
    s3, iam, events = account.client("s3"), account.client("iam"), account.client("events")
    where = {"RoleName": "burst-dev-orders-events", "PolicyName": "by-hand"}
    statement = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
    by_hand = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    iam.put_role_policy(**where, PolicyDocument=json.dumps(by_hand))
    events.disable_rule(Name="burst-dev-orders")
    try:
        found, text = reviewed(workbench.plan())
    finally:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        iam.delete_role_policy(**where)
        events.enable_rule(Name="burst-dev-orders")
    drifts = {drift.subject.title: drift for drift in found.drifts}
    assert drifts["landing versioning"].undone
    assert not drifts["role of pipeline orders"].undone
    assert "`by-hand`" in text
    assert "+ Allow All" in text
    rule = next(drift for title, drift in drifts.items() if title.startswith("rule"))
    assert [item.path for item in rule.differences] == [("state",)]
    assert len(drifts) == 3


@long
def test_sensitive_value_is_nowhere_in_the_comment_or_its_plan_text(workbench: Workbench) -> None:
    file = workbench.stack_folder / "cdk.tf.json"
    stack = json.loads(file.read_text(encoding="utf-8"))
    stack["variable"] = {"secret": {"type": "string", "sensitive": True, "default": SECRET}}
    for role_policy in stack["resource"]["aws_iam_role_policy"].values():
        role_policy["policy"] = role_policy["policy"].replace("KeepTheLedger", "${var.secret}")
    for role in stack["resource"]["aws_iam_role"].values():
        role["description"] = "${var.secret}"
    file.write_text(json.dumps(stack), encoding="utf-8")
    shown = workbench.plan("-refresh=false")
    assert SECRET in json.dumps(shown)
    plan, redact = read_plan(json.dumps(shown).encode(), source="plan.json")
    page = page_of(review(plan))
    text = markdown.render(page, plan_text=redact(workbench.plan_text() + SECRET))
    assert SECRET not in text
    assert "Terraform marks it as sensitive, so it is not shown" in text
    assert "`description`" in text


@long
def test_first_deployment_shows_every_policy_though_nothing_is_there_yet(
    workbench: Workbench, deployed: Deployed, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    ours = shutil.ignore_patterns(".terraform", "*.tfstate*", OVERRIDE_FILE)
    shutil.copytree(workbench.stack_folder, folder, ignore=ours)
    account = deployed.sandbox.account
    write_override(
        folder,
        access_key=ACCESS_KEY_ID,
        secret_key=SECRET_ACCESS_KEY,
        resources=deployed.sandbox.replacements(),
    )
    terraform = Terraform(folder, environment=account.environment())
    terraform.init()
    shown = workbench.plan(terraform=terraform)
    stack = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    found, text = reviewed(shown, stack["resource"])
    assert is_of(read_plan(json.dumps(shown).encode(), source="plan.json")[0], stack["resource"])
    assert set(counts(found)) == {"add"}
    assert found.dangers == ()
    assert all(policy.unreadable is None for policy in found.policies)
    assert "+ Allow ReadAndSettleWhatWaitsInLanding" in text
    assert "| `orders` | new pipeline |" in text
    assert text.startswith("## Plan of `dev` at `0123456`")
