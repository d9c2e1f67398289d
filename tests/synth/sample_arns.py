"""ARNs as AWS would give them, for whatever must read a policy before anything is deployed."""

from __future__ import annotations

import re

ACCOUNT, REGION = "123456789012", "eu-central-1"

# What a reference becomes, by its type and attribute; {name} is the name in the stack.
SAMPLES = {
    "aws_caller_identity.account_id": ACCOUNT,
    "aws_cloudwatch_event_rule.arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{name}}",
    "aws_cloudwatch_log_group.arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{{name}}",
    "aws_glue_workflow.arn": f"arn:aws:glue:{REGION}:{ACCOUNT}:workflow/{{name}}",
    "aws_iam_role.arn": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "aws_kms_key.arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{name}}",
    "aws_partition.partition": "aws",
    "aws_region.region": REGION,
    "aws_s3_bucket.arn": "arn:aws:s3:::{name}",
    "aws_s3_object.key": "artifacts/{name}.py",
    "aws_sns_topic.arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}",
    "aws_sqs_queue.arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{name}}",
}


def resolved(text: str) -> str:
    """The text with every Terraform reference replaced; raises `KeyError` for one not known."""

    def sample(reference: re.Match[str]) -> str:
        kind, name, attribute = reference.groups()
        return SAMPLES[f"{kind}.{attribute}"].format(name=name.lower().replace("_", "-"))

    return re.sub(r"\$\{(?:data\.)?(\w+)\.([\w-]+)\.(\w+)\}", sample, text)
