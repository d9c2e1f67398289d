"""What moto 5.2.5 gets wrong and the sandbox needs right: small, named, each with its reason.

Each correction patches moto while an `Account` is open and is undone when it closes. A test
pair guards each one: the first half fails when moto no longer needs it.
"""

from tools.sandbox.account.corrections.base import Correction, GlueListener, Hooks
from tools.sandbox.account.corrections.events import (
    disabled_rules_deliver_nothing,
    patterns_can_be_tested,
    schedule_rules_match_no_event,
    workflows_and_topics_are_targets,
)
from tools.sandbox.account.corrections.glue import (
    job_runs_come_newest_first,
    jobs_can_be_updated,
    jobs_keep_their_queuing,
    jobs_show_only_the_execution_class_they_were_given,
    runs_belong_to_the_engine,
    triggers_can_be_updated,
)
from tools.sandbox.account.corrections.objects import (
    bucket_policies_are_left_to_the_judge,
    buckets_say_what_encryption_they_block,
    copies_keep_their_conditions,
    multipart_uploads_send_one_event,
    notifications_can_be_read_back,
    object_events_are_as_documented,
    suspended_buckets_delete_one_version,
    uploads_that_are_gone_are_refused,
)
from tools.sandbox.account.corrections.permissions import policies_of_roles_can_be_simulated
from tools.sandbox.account.corrections.trails import trails_can_be_deleted_by_arn

CORRECTIONS: tuple[Correction, ...] = (
    workflows_and_topics_are_targets,
    schedule_rules_match_no_event,
    disabled_rules_deliver_nothing,
    patterns_can_be_tested,
    object_events_are_as_documented,
    multipart_uploads_send_one_event,
    notifications_can_be_read_back,
    bucket_policies_are_left_to_the_judge,
    buckets_say_what_encryption_they_block,
    suspended_buckets_delete_one_version,
    uploads_that_are_gone_are_refused,
    copies_keep_their_conditions,
    triggers_can_be_updated,
    jobs_can_be_updated,
    jobs_keep_their_queuing,
    jobs_show_only_the_execution_class_they_were_given,
    job_runs_come_newest_first,
    runs_belong_to_the_engine,
    trails_can_be_deleted_by_arn,
    policies_of_roles_can_be_simulated,
)

__all__ = ["CORRECTIONS", "Correction", "GlueListener", "Hooks"]
