"""The end of the deployment; the file's name lets it run after the others that share it."""

from __future__ import annotations

import re

from tests.deploy.conftest import STATE_BUCKET, Deployed, Encrypted


def test_destroying_one_environment_leaves_the_other_one_alone(
    deployed: Deployed, encrypted: Encrypted
) -> None:
    key_id = encrypted.outputs["kms_key_arn"]
    encrypted.client("s3").put_object(
        Bucket=encrypted.outputs["lake_bucket_name"], Key="archive/orders/x", Body=b"x"
    )
    encrypted.terraform.destroy()
    key = encrypted.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"
    assert encrypted.client("kms").list_aliases(KeyId=key_id)["Aliases"] == []
    assert encrypted.client("glue").get_security_configurations()["SecurityConfigurations"] == []
    rules = encrypted.client("events").list_rules()["Rules"]
    assert rules
    assert all(re.match(r"burst-dev[-.]", rule["Name"]) for rule in rules)
    assert deployed.terraform.plan() is False


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
    assert account.client("glue").get_databases()["DatabaseList"] == []
    assert account.client("sns").list_topics()["Topics"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert account.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert account.client("glue").list_workflows()["Workflows"] == []
    assert account.client("glue").list_triggers()["TriggerNames"] == []
    assert account.client("iam").list_roles()["Roles"] == []
    assert "QueueUrls" not in account.client("sqs").list_queues()
    assert account.client("logs").describe_log_groups()["logGroups"] == []
