"""What is kept for how long, and that no rule touches what people and the job rely on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized

KEPT = ("curated/", "quarantine/", "ledger/", "artifacts/")


@pytest.fixture(scope="module")
def rules(synth: Synth, two_pipelines: Mapping[str, Any]) -> Any:
    """A function that gives a bucket's lifecycle rules by id, for settings of the retention."""

    @cache
    def stack_with(**retention: Any) -> Synthesized:
        return synth({"dev": {**two_pipelines, "retention": retention}})["dev"]

    def of(bucket: str, **retention: Any) -> dict[str, dict[str, Any]]:
        stack = stack_with(**retention)
        configuration = stack.resources("aws_s3_bucket_lifecycle_configuration")
        return {rule.pop("id"): rule for rule in configuration[f"{bucket}/lifecycle"]["rule"]}

    return of


@pytest.mark.parametrize("bucket", ["landing", "lake"])
def test_unfinished_uploads_and_old_versions_go_after_the_days_of_the_settings(
    rules: Any, bucket: str
) -> None:
    assert rules(bucket, unfinished_upload_days=2, old_version_days=90) == {
        "remove-aborted-uploads-and-old-versions": {
            "status": "Enabled",
            "filter": [{"prefix": ""}],
            "abort_incomplete_multipart_upload": [{"days_after_initiation": 2}],
            "noncurrent_version_expiration": [{"noncurrent_days": 90}],
            "expiration": [{"expired_object_delete_marker": True}],
        }
    }


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        (
            {"archive_move_days": 0},
            {"transition": [{"days": 0, "storage_class": "GLACIER_IR"}]},
        ),
        (
            {"archive_move_days": 30, "archive_storage_class": "STANDARD_IA"},
            {"transition": [{"days": 30, "storage_class": "STANDARD_IA"}]},
        ),
        ({"archive_expire_days": 1}, {"expiration": [{"days": 1}]}),
        (
            {
                "archive_move_days": 10,
                "archive_expire_days": 190,
                "archive_storage_class": "DEEP_ARCHIVE",
            },
            {
                "transition": [{"days": 10, "storage_class": "DEEP_ARCHIVE"}],
                "expiration": [{"days": 190}],
            },
        ),
    ],
)
def test_archive_moves_and_expires_as_the_settings_say(
    rules: Any, retention: dict[str, Any], expected: dict[str, Any]
) -> None:
    rule = rules("lake", **retention)["move-and-expire-the-archive"]
    assert rule == {"status": "Enabled", "filter": [{"prefix": "archive/"}], **expected}
    assert set(rules("landing", **retention)) == {"remove-aborted-uploads-and-old-versions"}


def test_no_rule_moves_or_expires_anything_current_but_the_archive(rules: Any) -> None:
    everything = rules("lake", archive_move_days=1, archive_expire_days=100)
    for name, rule in everything.items():
        (where,) = rule["filter"]
        touches_current = "transition" in rule or "days" in rule.get("expiration", [{}])[0]
        if touches_current:
            assert where == {"prefix": "archive/"}, name
            assert not any(folder.startswith(where["prefix"]) for folder in KEPT)


def test_archive_is_kept_for_ever_where_it_is_without_settings(stack: Synthesized) -> None:
    for configuration in stack.resources("aws_s3_bucket_lifecycle_configuration").values():
        assert [rule["id"] for rule in configuration["rule"]] == [
            "remove-aborted-uploads-and-old-versions"
        ]


def test_logs_are_kept_for_the_days_of_the_settings(
    synth: Synth, two_pipelines: Mapping[str, Any]
) -> None:
    stack = synth({"dev": {**two_pipelines, "retention": {"log_days": 30}}})["dev"]
    groups = stack.resources("aws_cloudwatch_log_group").values()
    assert {group["retention_in_days"] for group in groups} == {30}
