"""Settings of an existing landing bucket and of producers that depend on other settings."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stacks.settings import parse_environments
from tests.unit.settings.test_settings import KEY, LENT, ORDERS, SHOP, changed, problems


def environments(*users: dict[str, Any]) -> dict[str, Any]:
    """Environments `one`, `two` ... whose landing is the same bucket, with the given changes."""
    made = {}
    for name, user in zip(("one", "two", "three"), users, strict=False):
        environment = copy.deepcopy(changed("existing_landing", LENT)["dev"])
        environment["pipelines"]["orders"]["prefix"] = user.get("prefix", f"{name}/")
        environment["existing_landing"] |= {"events": user.get("events", "unmanaged")}
        made[name] = environment
    return made


def test_defaults_of_an_existing_landing_bucket_change_nothing_of_it() -> None:
    landing = parse_environments(changed("existing_landing", LENT))["dev"].existing_landing
    assert landing is not None
    assert (landing.events, landing.kms_key_arn) == ("unmanaged", None)


@pytest.mark.parametrize(
    "landing",
    [
        {"events": "managed"},
        {"events": "cloudtrail"},
        {"kms_key_arn": KEY},
        {"kms_key_arn": KEY.replace("1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-" + "0a" * 16)},
        {"name": "uploads.of-the-shop.2"},
    ],
)
def test_what_an_existing_bucket_may_be_is_accepted(landing: dict[str, str]) -> None:
    parse_environments(changed("existing_landing", LENT | landing))


@pytest.mark.parametrize(
    "principal",
    [
        SHOP,
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/ann@example.com",
        "arn:aws:iam::111122223333:role/team/data/producer+1",
    ],
)
def test_roles_users_and_accounts_are_producers(principal: str) -> None:
    environment = parse_environments(changed(f"{ORDERS}.producers", [principal]))["dev"]
    assert environment.pipelines["orders"].producers == (principal,)


def test_producers_of_an_existing_bucket_are_refused_because_its_policy_is_not_ours() -> None:
    settings = changed("existing_landing", LENT)
    settings["dev"]["pipelines"]["orders"]["producers"] = [SHOP]
    message = problems(settings)
    assert "pipeline 'orders' names producers, but the policy of the existing bucket" in message
    assert "let the owner allow s3:PutObject under 'orders/'" in message


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
    ],
)
def test_producers_are_of_the_partition_of_the_region(region: str, partition: str) -> None:
    settings = changed(f"{ORDERS}.producers", [SHOP.replace("arn:aws:", f"arn:{partition}:")])
    settings["dev"]["region"] = region
    parse_environments(settings)

    settings["dev"]["pipelines"]["orders"]["producers"] = ["arn:aws-other:iam::111122223333:root"]
    message = problems(settings)
    assert f"a bucket in {region} takes principals of the partition {partition} only" in message


def test_wrong_region_is_named_without_a_word_on_partitions() -> None:
    settings = changed(f"{ORDERS}.producers", [SHOP]) | {}
    settings["dev"]["region"] = "Frankfurt"
    assert "partition" not in problems(settings)


def test_bucket_that_keeps_the_state_is_refused_as_landing() -> None:
    settings = changed("existing_landing", LENT)
    settings["dev"]["state"] = {"backend": "s3", "bucket": LENT["name"]}
    assert "keeps Terraform's state as well" in problems(settings)


@pytest.mark.parametrize(("first", "second"), [("a/", "a/"), ("a/", "a/b/"), ("a/b/", "a/")])
def test_environments_that_would_take_each_others_files_are_refused(
    first: str, second: str
) -> None:
    message = problems(environments({"prefix": first}, {"prefix": second}))
    assert "one.pipelines.orders" in message
    assert "two.pipelines.orders" in message
    assert "overlap in the bucket uploads" in message


def test_environments_with_the_same_prefix_in_different_buckets_are_accepted() -> None:
    made = environments({"prefix": "a/"}, {"prefix": "a/"})
    made["two"]["existing_landing"]["name"] = "other-uploads"
    parse_environments(made)


def test_two_owners_of_one_notification_configuration_are_refused() -> None:
    message = problems(environments({"events": "managed"}, {}, {"events": "managed"}))
    assert "one and three would both own the notification configuration of the bucket" in message


@pytest.mark.parametrize("others", ["unmanaged", "cloudtrail"])
def test_one_owner_and_others_that_use_the_bucket_are_accepted(others: str) -> None:
    parse_environments(environments({"events": "managed"}, {"events": others}, {}))
