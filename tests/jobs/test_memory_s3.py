"""The stand-in in memory answers as the emulator does over HTTP.

Random calls go to both, and what the job looks at in the answers is compared. Version ids are
random in one and numbered in the other, so they count by the order in which they were given.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client

from tests.jobs.memory_s3 import MemoryS3

LANDING, LAKE = "landing", "lake"
KEYS = ["a", "a/b", "ä +%", "b"]
# What the job reads of an answer, whether it comes from one or the other.
COMPARED = ("ContentLength", "ETag", "Size", "Key", "IsLatest")

_numbers = itertools.count(1)

Call = tuple[str, dict[str, Any]]


class Account:
    """One of the two, and the version ids that it has given so far."""

    def __init__(self, s3: S3Client, prefix: str) -> None:
        self.s3 = s3
        self.prefix = prefix
        self.given = ["00000000-0000-0000-0000-000000000000"]
        for bucket in (LANDING, LAKE):
            s3.create_bucket(Bucket=prefix + bucket)

    def call(self, name: str, params: Mapping[str, Any]) -> object:
        """The answer without what differs by nature; of an error its code and message."""
        call = _CALLS[name]
        try:
            return self._plain(call(self.s3, self._own(params)))
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]

    def _own(self, params: Mapping[str, Any]) -> dict[str, Any]:
        own: dict[str, Any] = {}
        for name, value in params.items():
            if name == "Bucket":
                own[name] = self.prefix + value
            elif name == "VersionId":
                own[name] = self.given[value % len(self.given)]
            elif isinstance(value, dict):
                own[name] = self._own(value)
            elif name == "Objects":
                own[name] = [self._own(item) for item in value]
            else:
                own[name] = value
        return own

    def _plain(self, answer: Any) -> Any:
        if isinstance(answer, list):
            return [self._plain(item) for item in answer]
        plain = {name: answer[name] for name in COMPARED if name in answer}
        for name in ("VersionId", "CopySourceVersionId"):
            if name in answer:
                if answer[name] not in self.given:
                    self.given.append(answer[name])
                plain[name] = self.given.index(answer[name])
        for name in ("Versions", "DeleteMarkers", "Contents", "Errors", "Pages"):
            if name in answer:
                plain[name] = self._plain(answer[name])
        if "Body" in answer:
            plain["Body"] = answer["Body"].read()
        return plain


def _pages(operation: str) -> Callable[[Any, dict[str, Any]], Any]:
    def pages(s3: Any, params: dict[str, Any]) -> Any:
        config = {"PageSize": params.pop("PageSize")}
        return {
            "Pages": list(s3.get_paginator(operation).paginate(**params, PaginationConfig=config))
        }

    return pages


_CALLS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "put": lambda s3, params: s3.put_object(**params),
    "get": lambda s3, params: s3.get_object(**params),
    "head": lambda s3, params: s3.head_object(**params),
    "copy": lambda s3, params: s3.copy_object(**params),
    # The job looks at the effect of a delete and at errors, not at the rest of the answer.
    # And only at its effect here: a restored version can be read.
    "restore": lambda s3, params: s3.restore_object(**params, RestoreRequest={"Days": 1}) and {},
    "delete": lambda s3, params: s3.delete_object(**params) and {},
    "delete many": lambda s3, params: {"Errors": s3.delete_objects(**params).get("Errors", [])},
    "versions": _pages("list_object_versions"),
    "objects": _pages("list_objects_v2"),
}

buckets = st.sampled_from([LANDING, LAKE])
keys = st.sampled_from(KEYS)
versions = st.integers(0, 9)
objects = st.fixed_dictionaries({"Bucket": buckets, "Key": keys})
exact = st.fixed_dictionaries({"Bucket": buckets, "Key": keys, "VersionId": versions})
any_object = objects | exact
bodies = st.fixed_dictionaries(
    {"Bucket": buckets, "Key": keys, "Body": st.sampled_from([b"", b"1", b"2"])},
    optional={"StorageClass": st.sampled_from(["STANDARD", "GLACIER", "DEEP_ARCHIVE"])},
)
etags = st.sampled_from(
    [f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"' for body in (b"", b"1", b"2")]
)
conditions = st.fixed_dictionaries({"IfMatch": etags}) | st.just({"IfNoneMatch": "*"})
conditional_puts = st.builds(lambda put, condition: {**put, **condition}, bodies, conditions)
conditional_gets = st.builds(lambda get, etag: {**get, "IfMatch": etag}, any_object, etags)
copies = st.fixed_dictionaries({"Bucket": buckets, "Key": keys, "CopySource": any_object})
many = st.fixed_dictionaries(
    {
        "Bucket": buckets,
        "Delete": st.fixed_dictionaries(
            {
                "Objects": st.lists(
                    st.fixed_dictionaries({"Key": keys, "VersionId": versions}),
                    min_size=1,
                    max_size=3,
                    unique_by=lambda item: (item["Key"], item["VersionId"]),
                ),
                "Quiet": st.just(True),
            }
        ),
    }
)
listings = st.fixed_dictionaries(
    {"Bucket": buckets, "Prefix": st.sampled_from(["", "a"]), "PageSize": st.integers(1, 4)}
)
starts = st.fixed_dictionaries(
    {"Bucket": buckets, "StartAfter": st.sampled_from([*KEYS, "a/"]), "PageSize": st.just(1)}
)
calls = st.one_of(
    st.tuples(st.just("put"), bodies),
    st.tuples(st.just("put"), bodies),
    st.tuples(st.just("put"), conditional_puts),
    st.tuples(st.just("get"), any_object),
    st.tuples(st.just("get"), conditional_gets),
    st.tuples(st.just("head"), any_object),
    st.tuples(st.just("copy"), copies),
    st.tuples(st.just("delete"), any_object),
    st.tuples(st.just("delete many"), many),
    st.tuples(st.sampled_from(["versions", "objects"]), listings),
    st.tuples(st.just("objects"), starts),
)
WHOLE: list[Call] = [
    (kind, {"Bucket": bucket, "Prefix": "", "PageSize": 1000})
    for kind in ("versions", "objects")
    for bucket in (LANDING, LAKE)
]


def both(s3: S3Client) -> tuple[Account, Account]:
    prefix = f"contract{next(_numbers)}-"
    emulated = Account(s3, prefix)
    for bucket in (LANDING, LAKE):
        s3.put_bucket_versioning(
            Bucket=prefix + bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    return emulated, Account(cast(S3Client, MemoryS3()), prefix)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(calls, min_size=5, max_size=25))
@example(
    [
        ("put", {"Bucket": LANDING, "Key": "a", "Body": b"1"}),
        ("put", {"Bucket": LANDING, "Key": "a", "Body": b"2"}),
        ("delete", {"Bucket": LANDING, "Key": "a"}),
        ("get", {"Bucket": LANDING, "Key": "a"}),
        ("get", {"Bucket": LANDING, "Key": "a", "VersionId": 1}),
        ("versions", {"Bucket": LANDING, "Prefix": "", "PageSize": 2}),
        (
            "copy",
            {
                "Bucket": LAKE,
                "Key": "b",
                "CopySource": {"Bucket": LANDING, "Key": "a", "VersionId": 1},
            },
        ),
        ("delete", {"Bucket": LANDING, "Key": "a", "VersionId": 1}),
        ("get", {"Bucket": LANDING, "Key": "a", "VersionId": 1}),
        (
            "copy",
            {
                "Bucket": LAKE,
                "Key": "b",
                "CopySource": {"Bucket": LANDING, "Key": "a", "VersionId": 1},
            },
        ),
        ("get", {"Bucket": LAKE, "Key": "b"}),
    ]
)
def test_any_calls_are_answered_as_the_emulator_answers_them(
    s3: S3Client, sequence: list[Call]
) -> None:
    emulated, memory = both(s3)

    for name, params in [*sequence, *WHOLE]:
        if name == "delete" and "VersionId" not in params:
            # S3 puts a delete marker on a key that has nothing, the emulator does not.
            emulated.call("put", {**params, "Body": b"0"})
            memory.call("put", {**params, "Body": b"0"})
        assert memory.call(name, params) == emulated.call(name, params), (name, params)


def test_archived_version_is_handed_out_once_it_is_restored(s3: S3Client) -> None:
    emulated, memory = both(s3)
    version = {"Bucket": LANDING, "Key": "a", "VersionId": 1}
    copy = {"Bucket": LAKE, "Key": "b", "CopySource": version}
    calls = [
        ("put", {"Bucket": LANDING, "Key": "a", "Body": b"1", "StorageClass": "GLACIER"}),
        *[("get", version), ("head", version), ("copy", copy)],
        ("restore", version),
        *[("get", version), ("copy", copy), ("get", {"Bucket": LAKE, "Key": "b"})],
    ]

    answers = [(memory.call(*call), emulated.call(*call)) for call in calls]

    assert [ours for ours, _ in answers] == [theirs for _, theirs in answers]
    assert {str(ours[0]) for ours, _ in answers if isinstance(ours, tuple)} == {
        "InvalidObjectState",
        "ObjectNotInActiveTierError",
    }


@pytest.mark.parametrize("name", ["get", "head", "versions", "objects"])
def test_bucket_that_is_not_there_is_the_same_error(s3: S3Client, name: str) -> None:
    params = {"Bucket": "nowhere", "Key": "a"}
    if name in ("versions", "objects"):
        params = {"Bucket": "nowhere", "PageSize": cast(str, 5)}
    emulated, memory = both(s3)

    assert memory.call(name, params) == emulated.call(name, params)


def test_calls_are_announced_as_botocore_announces_them(s3: S3Client) -> None:
    seen: dict[str, list[str]] = {"memory": [], "http": []}
    clients = {"memory": cast(S3Client, MemoryS3()), "http": s3}
    for name, client in clients.items():
        bucket = f"announced{next(_numbers)}"
        client.create_bucket(Bucket=bucket)

        def note(event_name: str, name: str = name, **_: Any) -> None:
            seen[name].append(event_name)

        for event in ("before-call.s3", "after-call.s3"):
            client.meta.events.register(event, note)
        client.put_object(Bucket=bucket, Key="a", Body=b"1")
        client.get_object(Bucket=bucket, Key="a")["Body"].read()
        list(client.get_paginator("list_object_versions").paginate(Bucket=bucket))
        for event in ("before-call.s3", "after-call.s3"):
            client.meta.events.unregister(event, note)

    assert seen["memory"] == seen["http"]
    assert len(seen["memory"]) == 6
