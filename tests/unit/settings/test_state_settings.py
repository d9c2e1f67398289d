"""Wrong settings of the state are named, and two stacks never share one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import (
    CloudState,
    Environments,
    S3State,
    SettingsError,
    parse_settings,
    read_settings,
)
from tests import example
from tests.unit.settings.test_settings import CLOUD, S3, STATE_KEY, valid

OWN = {"name": "states-of-the-team", "region": "eu-west-1"}


def with_states(*states: Mapping[str, Any], bucket: Any = None) -> dict[str, Any]:
    """Environments `one`, `two`, ... with these states, beside a state bucket."""
    names = ("one", "two", "three")
    return {"state_bucket": bucket} | {
        "environments": {
            name: copy.deepcopy(valid()["dev"]) | {"state": state}
            for name, state in zip(names, states, strict=False)
        }
    }


def refused(given: Mapping[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_settings(given, source="cdktf.json")
    return str(caught.value)


HOST = "terraform.example.com"
WRONG_BUCKET = [
    ([], "field 'state_bucket' = []", "an object with `name` and `region`"),
    ("states", "field 'state_bucket' = \"states\"", "an object with `name` and `region`"),
    ({"name": "abc"}, "field 'state_bucket.region' is missing", "such as eu-central-1"),
    (OWN | {"name": "Abc"}, "'state_bucket.name' = \"Abc\"", "3 to 63 lower-case"),
    (OWN | {"name": "ab"}, "'state_bucket.name' = \"ab\"", "3 to 63 lower-case"),
    (OWN | {"name": "a.b.c"}, "'state_bucket.name' = \"a.b.c\"", "lower-case letters, digits and"),
    (OWN | {"name": "-abc"}, "'state_bucket.name' = \"-abc\"", "beginning and ending with a"),
    (OWN | {"name": 3}, "'state_bucket.name' = 3", "3 to 63 lower-case"),
    (OWN | {"region": "eu"}, "'state_bucket.region' = \"eu\"", "such as eu-central-1"),
    (OWN | {"versioned": False}, "'state_bucket.versioned' = false: there is no", "name, region"),
    (OWN | {"tags": {"aws:x": "1"}}, "AWS keeps these keys for itself: aws:x", "up to 40 tags"),
]


@pytest.mark.parametrize(
    ("bucket", "what", "allowed"), WRONG_BUCKET, ids=[what for _, what, _ in WRONG_BUCKET]
)
def test_wrong_state_bucket_is_named_once(bucket: Any, what: str, allowed: str) -> None:
    message = refused(with_states({"backend": "s3"}, bucket=bucket))
    first, *others = message.splitlines()
    assert what in first
    assert allowed in first.split("Allowed:", 1)[1]
    assert [line for line in others if "state_bucket" not in line] == []


@pytest.mark.parametrize(
    "key", [STATE_KEY, STATE_KEY.replace("aws:", "aws-cn:"), f"{STATE_KEY[:-36]}mrk-{'0a' * 16}"]
)
def test_keys_that_terraform_takes_are_allowed(key: str) -> None:
    parse_settings(with_states(S3 | {"kms_key_arn": key}))


def test_environment_without_a_bucket_gets_the_projects_with_its_region() -> None:
    settings = parse_settings(with_states({"backend": "s3"}, S3, bucket=OWN))
    one, two = (environment.state for environment in settings.environments.values())
    assert isinstance(one, S3State)
    assert isinstance(two, S3State)
    assert (one.bucket, one.region) == ("states-of-the-team", "eu-west-1")
    assert (two.bucket, two.region) == ("abc", None)


def test_environment_that_names_the_projects_bucket_gets_its_region_too() -> None:
    named = {"backend": "s3", "bucket": OWN["name"]}
    settings = parse_settings(with_states(named, bucket=OWN))
    assert settings.environments["one"].state == S3State(**named, region="eu-west-1")


def test_without_a_projects_bucket_the_missing_one_is_named() -> None:
    message = refused(with_states({"backend": "s3"}))
    assert "environment 'one', field 'state.bucket' is missing" in message


SHARED = [
    (S3 | {"key": "k"}, S3 | {"key": "k"}),
    (S3, S3 | {"key": "burst/one.tfstate"}),
    (CLOUD | {"workspace": "w"}, CLOUD | {"workspace": "w"}),
    (CLOUD, CLOUD | {"workspace": "burst-one", "hostname": "app.terraform.io"}),
]


@pytest.mark.parametrize(("first", "second"), SHARED)
def test_two_environments_with_one_state_are_refused(first: Any, second: Any) -> None:
    assert "'one' and 'two' share one state" in refused(with_states(first, second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"backend": "local"}, {"backend": "local"}),
        (S3, S3),
        (S3 | {"key": "k"}, S3 | {"key": "k", "bucket": "abd"}),
        (CLOUD, CLOUD),
        (CLOUD | {"workspace": "w"}, CLOUD | {"workspace": "w", "hostname": HOST}),
    ],
)
def test_two_environments_with_a_state_each_are_taken(first: Any, second: Any) -> None:
    assert len(parse_settings(with_states(first, second)).environments) == 2


def test_environment_with_the_state_of_the_state_bucket_is_refused() -> None:
    given = with_states({"backend": "s3", "key": "burst/state.tfstate"}, bucket=OWN)
    assert "'one' and 'state' share one state" in refused(given)


def test_state_bucket_that_is_a_landing_bucket_too_is_refused() -> None:
    given = with_states({"backend": "local"}, bucket=OWN)
    given["environments"]["one"]["existing_landing"] = {"name": OWN["name"], "versioned": True}
    message = refused(given)
    assert "'one' reads files from states-of-the-team, which is the `state_bucket`" in message


def test_environment_called_like_the_state_buckets_stack_is_refused_only_beside_it() -> None:
    environments = {"state": valid()["dev"]}
    parse_settings({"environments": environments})
    message = refused({"environments": environments, "state_bucket": OWN})
    assert "the name 'state' is taken by the stack of the `state_bucket`" in message


def test_context_may_hold_settings_of_others() -> None:
    settings = read_settings(example.SETTINGS)
    assert isinstance(settings, Environments)
    assert settings.state_bucket is None


def test_workspace_is_named_after_project_and_environment() -> None:
    state = parse_settings(with_states(CLOUD)).environments["one"].state
    assert isinstance(state, CloudState)
    assert (state.workspace, state.hostname) == (None, None)
