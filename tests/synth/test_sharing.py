"""What the settings say of accounts, concurrent runs and sharing, as the stacks have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized


def test_environment_with_an_account_works_in_no_other(
    synth: Synth, two_pipelines: Mapping[str, Any], stack: Synthesized
) -> None:
    environment = {**two_pipelines, "account_id": "111122223333"}
    (provider,) = synth({"dev": environment})["dev"].document["provider"]["aws"]
    assert provider["allowed_account_ids"] == ["111122223333"]
    assert "allowed_account_ids" not in stack.document["provider"]["aws"][0]


def test_limit_of_workflow_runs_is_three_unless_the_settings_ask_for_more(
    synth: Synth, two_pipelines: Mapping[str, Any]
) -> None:
    pipelines = two_pipelines["pipelines"]
    limited = {**pipelines["orders"], "workflow_max_concurrent_runs": 5}
    environment = {**two_pipelines, "pipelines": {**pipelines, "orders": limited}}
    workflows = synth({"dev": environment})["dev"].resources("aws_glue_workflow")
    assert {path: item.get("max_concurrent_runs") for path, item in workflows.items()} == {
        "pipeline-orders/workflow/workflow": 5,
        "pipeline-web-returns/workflow/workflow": 3,
    }


def test_pipelines_share_buckets_code_key_database_and_alerts_and_nothing_else(
    encrypted: Synthesized,
) -> None:
    shared = {"landing", "lake", "code", "encryption", "catalog", "alerts", "dashboard"}
    for kind in encrypted.document["resource"]:
        rooms = [path.split("/")[0] for path in encrypted.resources(kind)]
        orders, returns = (rooms.count(f"pipeline-{name}") for name in ("orders", "web-returns"))
        assert orders == returns, kind
        assert set(rooms) <= shared | {"pipeline-orders", "pipeline-web-returns"}, kind
