"""The matrix of a workflow is what cdktf.json says, with the roles that the stack makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stacks.settings.github import role_name
from tests import example
from tests.synth.every_stack import ACCOUNT, GITHUB
from tests.workflows.conftest import Script


def matrix(script: Script, folder: Path, environments: dict[str, Any]) -> Any:
    document = {"context": {"environments": environments}}
    (folder / "cdktf.json").write_text(json.dumps(document), encoding="utf-8")
    done = script("environments.py")
    assert done.returncode == 0, done.stderr
    name, _, value = done.stdout.strip().partition("=")
    assert name == "environments"
    return json.loads(value)


def test_only_environments_that_github_deploys_are_planned(script: Script, tmp_path: Path) -> None:
    environments = {
        "dev": {"region": "eu-central-1", "account_id": ACCOUNT, "github": GITHUB},
        "lab": {"region": "eu-central-1"},
        "prod": {
            "region": "us-gov-west-1",
            "account_id": ACCOUNT,
            "github": GITHUB | {"deploy_environment": "production"},
        },
    }
    assert matrix(script, tmp_path, environments) == [
        {
            "environment": "dev",
            "region": "eu-central-1",
            "plan_role": f"arn:aws:iam::123456789012:role/{role_name('dev', 'plan')}",
            "deploy_role": f"arn:aws:iam::123456789012:role/{role_name('dev', 'deploy')}",
            "deploy_environment": "dev",
        },
        {
            "environment": "prod",
            "region": "us-gov-west-1",
            "plan_role": f"arn:aws-us-gov:iam::123456789012:role/{role_name('prod', 'plan')}",
            "deploy_role": f"arn:aws-us-gov:iam::123456789012:role/{role_name('prod', 'deploy')}",
            "deploy_environment": "production",
        },
    ]


def test_environments_without_github_are_left_alone(script: Script, tmp_path: Path) -> None:
    assert matrix(script, tmp_path, example.environments()) == []
