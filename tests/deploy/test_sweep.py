"""A file whose event is lost is brought in by the deployed sweep."""

from __future__ import annotations

from datetime import UTC, datetime

from tests import scheduled_event
from tests.deploy.conftest import Deployed
from tests.patience import PATIENCE
from tools.sandbox.orders import generate


def test_deployed_sweep_is_a_schedule_with_the_target_of_the_rule(deployed: Deployed) -> None:
    events = deployed.sandbox.account.client("events")
    orders = deployed.sandbox.outputs["pipelines"]["orders"]
    assert events.describe_rule(Name=orders["sweep_rule_name"])["ScheduleExpression"] == (
        "rate(1 day)"
    )
    own, sweep = (
        events.list_targets_by_rule(Rule=orders[name])["Targets"]
        for name in ("rule_name", "sweep_rule_name")
    )
    assert sweep == own


def test_file_whose_event_was_lost_is_brought_in_by_the_sweep(deployed: Deployed) -> None:
    sandbox = deployed.sandbox
    account, outputs = sandbox.account, sandbox.outputs
    s3, events, orders = account.client("s3"), account.client("events"), outputs["pipelines"]
    landing, lake = outputs["landing_bucket_name"], outputs["lake_bucket_name"]
    before = sandbox.engine.snapshot()
    [file] = generate(1, seed=1, now=datetime.now(UTC))

    # EventBridge loses no event on demand, but a disabled rule drops it just the same.
    events.disable_rule(Name=orders["orders"]["rule_name"])
    s3.put_object(Bucket=landing, Key="orders/lost.csv", Body=file.body)
    events.enable_rule(Name=orders["orders"]["rule_name"])
    assert sandbox.engine.snapshot().matched_events == before.matched_events
    assert s3.list_objects_v2(Bucket=landing, Prefix="orders/lost")["KeyCount"] == 1

    assert scheduled_event.fire(account, orders["orders"]["sweep_rule_name"])

    assert sandbox.engine.wait(
        lambda now: len(now.job_runs) > len(before.job_runs) and now.idle, PATIENCE
    )
    run = sandbox.engine.snapshot().job_runs[-1]
    assert run.state == "SUCCEEDED", run.error_message
    assert s3.list_objects_v2(Bucket=landing, Prefix="orders/lost")["KeyCount"] == 0
    archived = s3.list_objects_v2(Bucket=lake, Prefix="archive/orders/")["Contents"]
    assert "lost.csv" in [item["Key"].rpartition("/")[2] for item in archived]


def test_sweep_that_finds_nothing_ends_well(deployed: Deployed) -> None:
    sandbox = deployed.sandbox
    before = len(sandbox.engine.snapshot().job_runs)
    scheduled_event.fire(sandbox.account, sandbox.outputs["pipelines"]["orders"]["sweep_rule_name"])
    assert sandbox.engine.wait(lambda now: len(now.job_runs) > before and now.idle, PATIENCE)
    assert sandbox.engine.snapshot().job_runs[-1].state == "SUCCEEDED"
