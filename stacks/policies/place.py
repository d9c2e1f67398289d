"""Where an environment is, as far as policies speak of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """What the ARNs of an environment's parts have in common."""

    partition: str
    services_suffix: str
    region: str
    account_id: str
    environment: str

    def arn(self, name: str) -> str:
        """The ARN of ``service:resource``; ``{environment}`` and ``{database}`` are filled in."""
        service, _, resource = name.partition(":")
        is_global = service in ("iam", "s3") or resource.startswith("dashboard/")
        region = "" if is_global else self.region
        account = "" if service == "s3" else self.account_id
        resource = resource.format(
            environment=self.environment, database=self.environment.replace("-", "_")
        )
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    def service(self, name: str) -> str:
        """The service of the region as ``kms:ViaService`` spells it."""
        return f"{name}.{self.region}.{self.services_suffix}"
