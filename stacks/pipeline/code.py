"""The code that the jobs run."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path

from burst.contract import ARTIFACTS
from cdktf import AssetType, TerraformAsset, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_object import (
    S3Object,
    S3ObjectOverrideProvider,
    S3ObjectOverrideProviderDefaultTags,
)
from constructs import Construct

from stacks.environment import Environment
from stacks.pipeline import transforms
from stacks.pipeline.transforms import GLUE_JOBS

SCRIPT = GLUE_JOBS / "burst_job.py"


class Code(Construct):
    """The script and the package that every job of an environment runs, as objects in the lake.

    The keys carry a hash of the content: a change of code is a changed key in the plan, and a run
    never sees half an upload. The new object is there before the job points to it.
    """

    def __init__(
        self, scope: Construct, id_: str, *, environment: Environment, lake: S3Bucket
    ) -> None:
        super().__init__(scope, id_)
        self._lake = lake
        self._kms_key_arn = environment.kms_key_arn
        # Not into `cdktf.out`: until the app is synthesized, its settings may still be refused.
        folder = Path(tempfile.mkdtemp(prefix="burst-package-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        package = folder / "burst.zip"
        write_package(package)
        script_object = self._upload("script", SCRIPT)
        package_object = self._upload("package", package)
        self.script_uri = f"s3://{lake.bucket}/{script_object.key}"
        self.package_uri = f"s3://{lake.bucket}/{package_object.key}"
        self.object_arns = [f"{lake.arn}/{item.key}" for item in (script_object, package_object)]

    def _upload(self, id_: str, file: Path) -> S3Object:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        asset = TerraformAsset(
            self, f"{id_}-file", path=str(file), type=AssetType.FILE, asset_hash=digest
        )
        return S3Object(
            self,
            id_,
            bucket=self._lake.id,
            key=f"{ARTIFACTS}/{file.stem}-{digest}{file.suffix}",
            source=asset.path,
            # Not left to the bucket's default, which may come after the object.
            kms_key_id=self._kms_key_arn,
            bucket_key_enabled=True if self._kms_key_arn else None,
            # An object takes 10 tags at most, fewer than an environment may set.
            override_provider=S3ObjectOverrideProvider(
                default_tags=S3ObjectOverrideProviderDefaultTags(tags={})
            ),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )


def write_package(target: Path) -> None:
    """Zip the packages that are shipped beside the script; the same sources give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in (GLUE_JOBS / "burst", transforms.TRANSFORMS):
            for source in sorted(package.rglob("*.py")):
                # A fixed time (the oldest that a zip can hold) instead of the checkout's.
                entry = zipfile.ZipInfo(source.relative_to(package.parent).as_posix())
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, source.read_bytes())
