"""Each backend comes out as Terraform wants it, and the state bucket is guarded like no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.settings import StateBucket
from tests import example
from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized

OWN = StateBucket(name="states-of-the-team", region="eu-west-1", tags={"owner": "platform"})
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-86ef-1234567890ab"


@pytest.fixture(scope="module")
def stack(state_stack: Callable[..., Synthesized]) -> Synthesized:
    return state_stack(OWN)


def test_state_bucket_has_all_protections_and_nothing_else(stack: Synthesized) -> None:
    kinds = {kind: len(items) for kind, items in stack.document["resource"].items()}
    bucket = f"${{{stack.address('aws_s3_bucket', 'state/bucket')}.id}}"
    assert kinds == {
        "aws_s3_bucket": 1,
        "aws_s3_bucket_lifecycle_configuration": 1,
        "aws_s3_bucket_ownership_controls": 1,
        "aws_s3_bucket_policy": 1,
        "aws_s3_bucket_public_access_block": 1,
        "aws_s3_bucket_server_side_encryption_configuration": 1,
        "aws_s3_bucket_versioning": 1,
    }
    for kind in kinds.keys() - {"aws_s3_bucket"}:
        assert stack.only(kind)["bucket"] == bucket


def test_state_bucket_is_never_destroyed_and_has_the_name_of_the_settings(
    stack: Synthesized,
) -> None:
    assert stack.only("aws_s3_bucket") == {
        "bucket": "states-of-the-team",
        "lifecycle": {"prevent_destroy": True},
    }
    (provider,) = stack.document["provider"]["aws"]
    assert provider["region"] == "eu-west-1"
    assert provider["default_tags"] == [{"tags": {"project": "burst", "owner": "platform"}}]


def test_state_bucket_is_versioned_encrypted_and_keeps_old_states_for_a_year(
    stack: Synthesized,
) -> None:
    versioning = stack.only("aws_s3_bucket_versioning")["versioning_configuration"]
    (encryption,) = stack.only("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    (cleaning,) = stack.only("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert versioning == {"status": "Enabled"}
    assert encryption["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}
    assert cleaning["noncurrent_version_expiration"] == [{"noncurrent_days": 365}]


def test_nobody_reaches_the_state_without_tls_or_deletes_the_bucket_or_a_version(
    stack: Synthesized,
) -> None:
    arn = f"${{{stack.address('aws_s3_bucket', 'state/bucket')}.arn}}"
    (policy,) = stack.policies()
    assert policy.statements == (
        {
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "KeepTheBucket",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:DeleteBucket",
            "Resource": arn,
        },
        {
            "Sid": "KeepEveryVersion",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:DeleteObjectVersion",
            "Resource": f"{arn}/*",
        },
    )


def test_state_of_the_state_bucket_begins_in_a_file_and_ends_in_the_bucket(
    stack: Synthesized, state_stack: Callable[..., Synthesized]
) -> None:
    assert state_stack(OWN, bootstrap=True).document["terraform"]["backend"] == {
        "local": {"path": "../../../terraform.state.tfstate"}
    }
    assert stack.document["terraform"]["backend"] == {
        "s3": {
            "bucket": "states-of-the-team",
            "key": "burst/state.tfstate",
            "region": "eu-west-1",
            "encrypt": True,
            "use_lockfile": True,
        }
    }


@pytest.mark.parametrize(
    ("state", "terraform"),
    [
        (
            {"backend": "local"},
            {"backend": {"local": {"path": "../../../terraform.dev.tfstate"}}},
        ),
        (
            {"backend": "s3", "bucket": "abc", "key": "k", "kms_key_arn": KEY},
            {
                "backend": {
                    "s3": {
                        "bucket": "abc",
                        "key": "k",
                        "region": "eu-central-1",
                        "encrypt": True,
                        "kms_key_id": KEY,
                        "use_lockfile": True,
                    }
                }
            },
        ),
        (
            {"backend": "cloud", "organization": "acme"},
            {"cloud": {"organization": "acme", "workspaces": {"name": "burst-dev"}}},
        ),
        (
            {
                "backend": "cloud",
                "organization": "acme",
                "workspace": "w",
                "hostname": "terraform.example.com",
            },
            {
                "cloud": {
                    "organization": "acme",
                    "workspaces": {"name": "w"},
                    "hostname": "terraform.example.com",
                }
            },
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_backend_is_the_one_of_the_settings(
    synth: Synth, state: dict[str, Any], terraform: dict[str, Any]
) -> None:
    stack = synth({"dev": example.environments()["dev"] | {"state": state}})["dev"]
    written = stack.document["terraform"]
    assert {name: written[name] for name in ("backend", "cloud") if name in written} == terraform
