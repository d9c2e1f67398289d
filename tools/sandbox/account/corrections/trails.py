"""Corrections of moto's CloudTrail."""

from collections.abc import Iterator
from unittest.mock import patch

from moto.cloudtrail.models import CloudTrailBackend

from tools.sandbox.account.corrections.base import Hooks, correction


@correction
def trails_can_be_deleted_by_arn(hooks: Hooks) -> Iterator[None]:
    """AWS: DeleteTrail takes the trail's name or its ARN (API reference, DeleteTrail). Terraform's
    provider gives the ARN.
    moto 5.2.5: knows the name only, answers that it is done and keeps the trail.
    Goes when moto deletes by ARN.
    """
    vanilla = CloudTrailBackend.delete_trail

    def delete_trail(backend: CloudTrailBackend, name: str) -> None:
        vanilla(backend, backend.get_trail(name).trail_name)

    with patch.object(CloudTrailBackend, "delete_trail", delete_trail):
        yield
