#!/usr/bin/env python3
"""Print the environments that GitHub plans and deploys, as a workflow's matrix takes them.

They are those of `cdktf.json` with the setting `github`. Needs nothing but Python: whether the
settings are right is for the synthesis to say.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def main(cdktf_json: str = "cdktf.json") -> int:
    """Print `environments=[...]`, for `$GITHUB_OUTPUT`."""
    document = json.loads(Path(cdktf_json).read_text(encoding="utf-8"))
    environments = document["context"]["environments"]
    matrix = [
        entry(name, settings) for name, settings in environments.items() if settings.get("github")
    ]
    print(f"environments={json.dumps(matrix, separators=(',', ':'))}")
    return 0


def entry(name: str, settings: dict[str, Any]) -> dict[str, str]:
    """What the jobs of one environment need to know."""
    region, github = settings["region"], settings["github"]
    partition = next((p for start, p in PARTITIONS.items() if region.startswith(start)), "aws")
    role = f"arn:{partition}:iam::{settings['account_id']}:role/github-burst-{name}"
    return {
        "environment": name,
        "region": region,
        "plan_role": f"{role}-plan",
        "deploy_role": f"{role}-deploy",
        "deploy_environment": github.get("deploy_environment", name),
    }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
