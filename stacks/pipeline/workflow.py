"""The Glue workflow and the EVENT trigger that turns many events into one run."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf_cdktf_provider_aws.glue_trigger import (
    GlueTrigger,
    GlueTriggerActions,
    GlueTriggerEventBatchingCondition,
)
from cdktf_cdktf_provider_aws.glue_workflow import GlueWorkflow
from constructs import Construct

from stacks.settings import PipelineSettings


class Workflow(Construct):
    """Waits for ``batch_size`` events or ``batch_window_seconds``, then starts the job once.

    A burst of more events fires again. The workflow's limit of concurrent runs refuses what is
    needless: an event only says *look*, and a run that waits at the job has not looked yet. Without
    the limit, Glue would start a paid run for each firing, and all but the first would find
    nothing. Why three runs are enough is in docs/forecast.md.

    ``enabled`` and ``start_on_creation`` of the trigger stay unset: any later change of ``enabled``
    on an EVENT trigger fails for good (terraform-provider-aws issue 49407). To pause a pipeline,
    disable its rule.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        job_name: str,
        settings: PipelineSettings,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        workflow = GlueWorkflow(
            self,
            "workflow",
            name=name,
            description="Started by the files that arrive: see the trigger's batching condition.",
            max_concurrent_runs=settings.workflow_max_concurrent_runs,
            tags=dict(tags),
        )
        self.name = workflow.name
        self.arn = workflow.arn
        trigger = GlueTrigger(
            self,
            "trigger",
            name=f"{name}-batch",
            description=f"After {settings.batch_size} events or {settings.batch_window_seconds} "
            "seconds.",
            type="EVENT",
            workflow_name=workflow.name,
            event_batching_condition=[
                GlueTriggerEventBatchingCondition(
                    batch_size=settings.batch_size, batch_window=settings.batch_window_seconds
                )
            ],
            actions=[GlueTriggerActions(job_name=job_name)],
            tags=dict(tags),
        )
        self.trigger_name = trigger.name
