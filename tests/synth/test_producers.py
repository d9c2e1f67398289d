"""Producers may put files under the prefixes of their pipelines, and do nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from stacks.settings import SettingsError
from tests import example
from tests.synth.every_stack import Synth
from tests.synth.synthesized import Synthesized

SHOP = "arn:aws:iam::111122223333:role/shop"
PARTNER = "arn:aws:iam::444455556666:root"


def environment(producers: dict[str, list[str]]) -> dict[str, Any]:
    """The example's environment `dev` with a pipeline for each list of producers."""
    dev: dict[str, Any] = example.environments()["dev"]
    orders = dev["pipelines"].pop("orders") | {"transform": "orders"}
    for name, principals in producers.items():
        dev["pipelines"][name] = copy.deepcopy(orders) | {
            "prefix": f"{name}/",
            "producers": principals,
        }
    return {"dev": dev}


def statements(stack: Synthesized, resource: str = "landing/policy") -> list[dict[str, Any]]:
    (policy,) = [item for item in stack.policies() if item.resource == resource]
    return list(policy.statements)


def test_each_producer_may_put_objects_under_the_prefix_and_nothing_else(synth: Synth) -> None:
    stack = synth(environment({"orders": [SHOP, PARTNER], "returns": [SHOP], "stock": []}))["dev"]
    landing = f"${{{stack.address('aws_s3_bucket', 'landing/bucket')}.arn}}"
    assert [item for item in statements(stack) if item["Effect"] == "Allow"] == [
        {
            "Sid": "LetProducersPutFilesOforders",
            "Effect": "Allow",
            "Principal": {"AWS": [SHOP, PARTNER]},
            "Action": "s3:PutObject",
            "Resource": f"{landing}/orders/*",
        },
        {
            "Sid": "LetProducersPutFilesOfreturns",
            "Effect": "Allow",
            "Principal": {"AWS": [SHOP]},
            "Action": "s3:PutObject",
            "Resource": f"{landing}/returns/*",
        },
    ]


def test_producers_come_over_tls_like_everybody_else(synth: Synth) -> None:
    stack = synth(environment({"orders": [SHOP]}))["dev"]
    landing = f"${{{stack.address('aws_s3_bucket', 'landing/bucket')}.arn}}"
    denied = {item["Sid"]: item for item in statements(stack) if item["Effect"] == "Deny"}
    assert denied["DenyWithoutTls"] == {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [landing, f"{landing}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_producers_reach_no_other_bucket(synth: Synth) -> None:
    stack = synth(environment({"orders": [SHOP, PARTNER]}))["dev"]
    named = [
        policy.resource for policy in stack.policies() if SHOP in json.dumps(policy.statements)
    ]
    assert named == ["landing/policy"]


def test_statements_of_pipelines_with_similar_names_have_different_sids(synth: Synth) -> None:
    stack = synth(environment({"a1": [SHOP], "a-1": [SHOP], "ax1": [SHOP], "a-x1": [SHOP]}))["dev"]
    sids = [item["Sid"] for item in statements(stack)]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)


def test_without_producers_the_policy_allows_nobody_anything(stack: Synthesized) -> None:
    assert [item for item in statements(stack) if item["Effect"] == "Allow"] == []


def test_more_producers_than_a_bucket_policy_holds_are_refused_before_anything_is_written(
    synth: Synth,
) -> None:
    many = [f"arn:aws:iam::111122223333:role/producer-{number:04}" for number in range(500)]
    with pytest.raises(SettingsError) as refused:
        synth(environment({"orders": many}))
    message = str(refused.value)
    assert "environment 'dev', field 'producers' of the pipelines" in message
    assert "Allowed: 20480 bytes" in message
    assert "Name accounts" in message


def test_as_many_producers_as_a_bucket_policy_holds_are_accepted(synth: Synth) -> None:
    many = [f"arn:aws:iam::111122223333:role/producer-{number:04}" for number in range(380)]
    stack = synth(environment({"orders": many}))["dev"]
    assert statements(stack)[0]["Principal"] == {"AWS": many}


def test_with_a_key_producers_may_encrypt_for_landing_by_way_of_s3_and_for_nothing_else(
    synth: Synth,
) -> None:
    settings = environment({"orders": [SHOP, PARTNER], "returns": [SHOP]})
    stack = synth({"dev": settings["dev"] | {"encryption": "sse-kms"}})["dev"]
    aws = stack.data("aws_partition", "encryption/partition")
    (statement,) = [
        item for item in statements(stack, "encryption/key") if SHOP in json.dumps(item)
    ]
    assert statement == {
        "Sid": "EncryptFilesOfProducers",
        "Effect": "Allow",
        "Principal": {"AWS": [SHOP, PARTNER]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:ViaService": f"s3.eu-central-1.${{{aws}.dns_suffix}}"},
            "ArnLike": {
                "kms:EncryptionContext:aws:s3:arn": f"arn:${{{aws}.partition}}:s3:::"
                "burst-dev-landing-*"
            },
        },
    }


def test_with_a_key_and_without_producers_or_a_trail_the_key_knows_neither(
    encrypted: Synthesized,
) -> None:
    sids = {item["Sid"] for item in statements(encrypted, "encryption/key")}
    assert not sids & {"EncryptFilesOfProducers", "EncryptFilesOfTheTrail"}
