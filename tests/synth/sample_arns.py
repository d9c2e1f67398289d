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
    "aws_iam_openid_connect_provider.arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{{name}}",
    "aws_iam_policy.arn": f"arn:aws:iam::{ACCOUNT}:policy/{{name}}",
    "aws_iam_role.arn": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "aws_kms_key.arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{name}}",
    "aws_partition.dns_suffix": "amazonaws.com",
    "aws_partition.partition": "aws",
    "aws_region.region": REGION,
    "aws_s3_bucket.arn": "arn:aws:s3:::{name}",
    "aws_s3_object.key": "artifacts/{name}.py",
    "aws_sns_topic.arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}",
    "aws_sqs_queue.arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{name}}",
}


def resolved(text: str, *, named: bool = False, environment: str = "dev") -> str:
    """The text with every Terraform reference replaced; raises `KeyError` for one not known.

    The name of a sample is that of the resource in the stack; with ``named`` it begins as the
    stacks' own names do in this environment.
    """

    def sample(reference: re.Match[str]) -> str:
        kind, name, attribute = reference.groups()
        own = f"burst-{environment}-{name}" if named else name
        if named and kind == "aws_cloudwatch_log_group":
            own = f"burst/{environment}/{name}"
        return SAMPLES[f"{kind}.{attribute}"].format(name=own.lower().replace("_", "-"))

    return re.sub(r"\$\{(?:data\.)?(\w+)\.([\w-]+)\.(\w+)\}", sample, text)
