"""The end of the deployment; the file's name lets it run after the others that share it."""

from __future__ import annotations

from tests.deploy.conftest import STATE_BUCKET, Deployed


def test_destroy_leaves_nothing_though_the_buckets_hold_versions(deployed: Deployed) -> None:
    account, outputs = deployed.sandbox.account, deployed.sandbox.outputs
    s3 = account.client("s3")
    for _ in range(2):
        s3.put_object(Bucket=outputs["landing_bucket_name"], Key="elsewhere/twice", Body=b"x")
    s3.delete_object(Bucket=outputs["landing_bucket_name"], Key="elsewhere/twice")
    deployed.terraform.destroy()
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [STATE_BUCKET]
    assert account.client("events").list_rules()["Rules"] == []
    assert account.client("glue").list_jobs()["JobNames"] == []
    assert account.client("glue").list_workflows()["Workflows"] == []
    assert account.client("glue").list_triggers()["TriggerNames"] == []
    assert account.client("iam").list_roles()["Roles"] == []
    assert "QueueUrls" not in account.client("sqs").list_queues()
    assert account.client("logs").describe_log_groups()["logGroups"] == []
