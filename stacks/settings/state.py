"""Where Terraform may keep the state of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from stacks.settings.setting import REGION, Settings, setting


class LocalState(Settings):
    """Terraform state in a file beside `cdktf.json`: for trying things out alone."""

    backend: Literal["local"] = setting(
        "local", allowed="local", description="A file in the project folder."
    )


class S3State(Settings):
    """Terraform state in an S3 bucket, locked by a file beside it (`use_lockfile`)."""

    backend: Literal["s3"] = setting(allowed="s3", description="An object in an S3 bucket.")
    bucket: str = setting(
        allowed="the name of an existing bucket, 3 to 63 characters",
        description="Bucket that keeps the state; not one of the pipeline's own.",
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    )
    key: str | None = setting(
        None,
        allowed="1 to 1024 characters",
        description="Object key; `burst/<environment>.tfstate` where left out.",
        min_length=1,
        max_length=1024,
    )
    region: str | None = setting(
        None,
        allowed="a region such as eu-central-1",
        description="Region of the bucket; the environment's where left out.",
        pattern=REGION,
    )


STATE_BACKENDS: Mapping[str, type[Settings]] = {"local": LocalState, "s3": S3State}
