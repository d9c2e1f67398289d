"""Every IAM and resource policy of the project, as data.

One function a policy, one statement a purpose, with a ``Sid`` that says it. The functions take
plain values (Terraform references are strings too) and return a policy document as JSON.
"""

from stacks.policies.bucket import (
    Producers,
    bucket,
    landing_bucket,
    state_bucket,
    trail_bucket,
)
from stacks.policies.job import Decryption, JobKey, assumed_by_glue, job
from stacks.policies.key import key
from stacks.policies.place import Place
from stacks.policies.routing import assumed_by_eventbridge, dead_letter_queue, notify_workflow
from stacks.policies.topic import topic

__all__ = [
    "Decryption",
    "JobKey",
    "Place",
    "Producers",
    "assumed_by_eventbridge",
    "assumed_by_glue",
    "bucket",
    "dead_letter_queue",
    "job",
    "key",
    "landing_bucket",
    "notify_workflow",
    "state_bucket",
    "topic",
    "trail_bucket",
]
