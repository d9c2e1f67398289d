"""Where Terraform may keep the state of an environment, and the bucket made for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from stacks.settings.regions import Region
from stacks.settings.setting import Settings, setting
from stacks.settings.tags import TAGS_ALLOWED, Tags

# What Terraform's S3 backend takes: a key's own id (of one region or of several), no alias.
KEY_ARN = (
    r"^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:key/"
    r"([a-f0-9]{8}-[a-f0-9]{4}-[1-5][a-f0-9]{3}-[ab89][a-f0-9]{3}-[a-f0-9]{12}|mrk-[a-f0-9]{32})$"
)
HCP_HOST = "app.terraform.io"
HCP_NAME = r"^[A-Za-z0-9_-]{1,90}$"


class LocalState(Settings):
    """Terraform state in a file beside `cdktf.json`: for trying things out alone."""

    backend: Literal["local"] = setting(
        "local", allowed="local", description="A file in the project folder."
    )


class S3State(Settings):
    """Terraform state in an S3 bucket, locked by a file beside it (`use_lockfile`)."""

    backend: Literal["s3"] = setting(allowed="s3", description="An object in an S3 bucket.")
    bucket: str = setting(
        allowed="the name of an existing bucket, 3 to 63 characters; it may be left out where the "
        "project has a `state_bucket`",
        description="Bucket that keeps the state; not one of Burst's buckets. Left out, it "
        "is the project's `state_bucket`.",
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    )
    key: str | None = setting(
        None,
        allowed="1 to 1024 characters",
        description="Object key; `burst/<environment>.tfstate` where left out.",
        min_length=1,
        max_length=1024,
    )
    region: Region | None = setting(
        None,
        allowed="a region such as eu-central-1",
        description="Region of the bucket; the environment's where left out (for the project's "
        "`state_bucket`: its own).",
    )
    kms_key_arn: str | None = setting(
        None,
        allowed="the ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>, not of an alias; "
        "or left out",
        description="Key that encrypts the state, where the bucket asks for one; SSE-S3 where "
        "left out.",
        pattern=KEY_ARN,
    )


class CloudState(Settings):
    """Terraform state in HCP Terraform, or in a Terraform Enterprise of one's own.

    There is no setting for the token: `terraform login` keeps it, or the variable
    ``TF_TOKEN_<hostname>`` (Terraform documentation, "CLI Configuration: Credentials").
    """

    backend: Literal["cloud"] = setting(
        allowed="cloud", description="A workspace of HCP Terraform; log in with `terraform login`."
    )
    organization: str = setting(
        allowed="1 to 90 letters, digits, - and _",
        description="Organization that the workspace belongs to.",
        pattern=HCP_NAME,
    )
    workspace: str | None = setting(
        None,
        allowed="1 to 90 letters, digits, - and _",
        description="Workspace, made by `terraform init` where there is none; "
        "`burst-<environment>` where left out.",
        pattern=HCP_NAME,
    )
    hostname: str | None = setting(
        None,
        allowed="a host name such as terraform.example.com, without https://",
        description="Host of a Terraform Enterprise; `app.terraform.io` where left out.",
        pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?$",
        max_length=253,
    )


class StateBucket(Settings):
    """A bucket for the state of all environments, made by a separate stack, called `state`."""

    name: str = setting(
        allowed="a name that no other bucket in AWS has, 3 to 63 lower-case letters, digits and "
        "hyphens, beginning and ending with a letter or digit",
        description="Name of the bucket. The stack `state` makes it and keeps its own state there.",
        pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
    )
    region: Region = setting(
        allowed="a region such as eu-central-1",
        description="Region of the bucket.",
    )
    tags: Tags = setting(
        {}, allowed=TAGS_ALLOWED, description="Tags on the bucket, beside `project`."
    )


# The name of the stack that makes the bucket.
STATE_STACK = "state"
STATE_BACKENDS: Mapping[str, type[Settings]] = {
    "local": LocalState,
    "s3": S3State,
    "cloud": CloudState,
}


def with_state_bucket(given: Any) -> Any:
    """The settings as given, with the `state_bucket` wherever S3 is asked for without a bucket.

    This happens before anything is checked, so whatever has not the right shape is left as it is.
    """
    match given:
        case {
            "state_bucket": {"name": name, "region": region},
            "environments": {**environments},
        }:
            own = {"bucket": name, "region": region}
            return given | {
                "environments": {
                    environment: _with_bucket(settings, own)
                    for environment, settings in environments.items()
                }
            }
    return given


def _with_bucket(settings: Any, own: Mapping[str, Any]) -> Any:
    match settings:
        case {"state": {"backend": "s3", **state}} if (
            state.get("bucket", own["bucket"]) == own["bucket"]
        ):
            return settings | {"state": {**own, **settings["state"]}}
    return settings


def location(environment: str, state: Settings) -> tuple[str, ...]:
    """What tells the state of an environment from all others."""
    match state:
        case S3State():
            return ("s3", state.bucket, state_key(environment, state))
        case CloudState():
            host = state.hostname or HCP_HOST
            return ("cloud", host, state.organization, workspace(environment, state))
    return ("local", environment)


def state_key(environment: str, state: S3State) -> str:
    """The key of the state's object."""
    return state.key or f"burst/{environment}.tfstate"


def workspace(environment: str, state: CloudState) -> str:
    """The name of the workspace."""
    return state.workspace or f"burst-{environment}"
