"""What every part of an environment must know about it."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.settings import RetentionSettings

PROJECT = "burst"


@dataclass(frozen=True)
class Environment:
    """One deployment, as its parts see it.

    name: as in `cdktf.json`.
    account_id: a Terraform reference, known at apply.
    deletable: Terraform may delete the data. It takes both keys: ``ephemeral`` in the settings,
        and the deployer's variable.
    kms_key_arn: the environment's own key; None where S3 and SQS encrypt with their own keys.
    """

    name: str
    account_id: str
    region: str
    deletable: bool
    retention: RetentionSettings
    kms_key_arn: str | None = None

    @property
    def prefix(self) -> str:
        """How the names of all its resources begin."""
        return f"{PROJECT}-{self.name}"
