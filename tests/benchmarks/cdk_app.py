"""The rival of the synth benchmark: the same burst pipeline as an AWS CDK app in Python.

Bucket that reports to EventBridge, rule with a custom target, role, Glue workflow, job and EVENT
trigger; two stacks, as ours has two environments. It runs in a virtual environment of its own,
which the benchmark makes, so that nothing of it is installed beside the product.
"""

from __future__ import annotations

import os

import jsii
from aws_cdk import App, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct


@jsii.implements(events.IRuleTarget)
class WorkflowTarget:
    """CDK has no target for a Glue workflow, so an app writes its own."""

    def __init__(self, arn: str, role: iam.IRole) -> None:
        self._arn = arn
        self._role = role

    def bind(self, rule: events.IRule, id: str | None = None) -> events.RuleTargetConfig:
        return events.RuleTargetConfig(arn=self._arn, role=self._role)


class BurstStack(Stack):
    """One environment."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        bucket = s3.Bucket(self, "landing", event_bridge_enabled=True, versioned=True)
        workflow = glue.CfnWorkflow(self, "workflow", name=f"burst-{id_}-orders")
        job_role = iam.Role(
            self,
            "job-role",
            assumed_by=iam.ServicePrincipal("glue.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AWSGlueServiceRole")
            ],
        )
        bucket.grant_read(job_role)
        job = glue.CfnJob(
            self,
            "job",
            name=f"burst-{id_}-orders",
            role=job_role.role_arn,
            glue_version="5.1",
            worker_type="G.1X",
            number_of_workers=2,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location="s3://example/burst_job.py"
            ),
        )
        glue.CfnTrigger(
            self,
            "trigger",
            type="EVENT",
            workflow_name=workflow.ref,
            actions=[glue.CfnTrigger.ActionProperty(job_name=job.ref)],
            event_batching_condition=glue.CfnTrigger.EventBatchingConditionProperty(
                batch_size=10, batch_window=60
            ),
        )
        role = iam.Role(
            self, "events-role", assumed_by=iam.ServicePrincipal("events.amazonaws.com")
        )
        arn = f"arn:{self.partition}:glue:{self.region}:{self.account}:workflow/{workflow.ref}"
        role.add_to_policy(iam.PolicyStatement(actions=["glue:notifyEvent"], resources=[arn]))
        events.Rule(
            self,
            "rule",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [bucket.bucket_name]}},
            ),
            targets=[WorkflowTarget(arn, role)],
        )


app = App(outdir=os.environ["CDK_OUTDIR"])
for environment in ("dev", "prod"):
    BurstStack(app, environment)
app.synth()
