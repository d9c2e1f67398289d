"""Corrections of moto's S3."""

import itertools
import secrets
import string
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlparse

from moto.events.models import events_backends
from moto.iam.access_control import PermissionResult
from moto.s3 import notifications
from moto.s3.exceptions import AccessDeniedByLock, NoSuchUpload, PreconditionFailed
from moto.s3.models import (
    FakeBucket,
    FakeDeleteMarker,
    FakeKey,
    PublicAccessBlock,
    S3Backend,
)
from moto.s3.responses import S3Response

from tools.sandbox.account.corrections.base import Hooks, correction

# S3 user guide, "Event message structure" for EventBridge: `reason` is the call that made the
# object.
REASONS: Mapping[str, str] = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete": "DeleteObject",
}
REQUEST_ID_ALPHABET = string.ascii_uppercase + string.digits


@correction
def object_events_are_as_documented(hooks: Hooks) -> Iterator[None]:
    """AWS: an event of S3 has its own id and request id, `etag`, a `version-id` only
    where the bucket has versions, a `sequencer` that grows, the call as `reason`, and goes to
    the default bus (S3 user guide, "Event message structure" of EventBridge).
    moto 5.2.5: the same id, sequencer and request id in every event, `eTag`, version "null" on
    buckets without versions, the reason `ObjectCreated`, and it sends to every bus.
    Goes when moto's events are as documented.
    """
    sequence = itertools.count(time.time_ns())

    def send(account_id: str, bucket: FakeBucket, event_name: str, key: Any) -> None:
        try:
            event = _object_event(account_id, bucket, event_name, key, next(sequence))
            bus = events_backends[account_id][bucket.region_name].event_buses["default"]
            for rule in list(bus.rules.values()):
                rule.send_to_targets(event, transform_input=False)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 (S3 answers its caller whatever becomes of the event)
            hooks.faults.append(f"an event of bucket {bucket.name} was lost: {error!r}")

    with patch.object(notifications, "_send_event_bridge_message", send):
        yield


def _object_event(
    account_id: str, bucket: FakeBucket, event_name: str, key: Any, sequence: int
) -> dict[str, Any]:
    name = str(getattr(event_name, "value", event_name))
    s3_object = {
        "key": key.name,
        "size": getattr(key, "size", None),
        "etag": getattr(key, "etag", "").strip('"'),
        "version-id": key.version_id if bucket.versioning_status else None,
        "sequencer": f"{sequence:016X}",
    }
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": notifications._detail_type(name),
        "source": "aws.s3",
        "account": account_id,
        # A number, because moto's own targets expect one.
        "time": time.time(),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {field: value for field, value in s3_object.items() if value is not None},
            "request-id": "".join(secrets.choice(REQUEST_ID_ALPHABET) for _ in range(16)),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": REASONS.get(name, name.split(":")[1]),
        },
    }


@correction
def multipart_uploads_send_one_event(hooks: Hooks) -> Iterator[None]:
    """AWS: a multipart upload sends one event, when it is completed (S3 user guide, "Event
    message structure": reason CompleteMultipartUpload).
    moto 5.2.5: completes it by its own PutObject, which sends an event too.
    Goes when moto sends one.
    """
    vanilla = S3Backend.put_object

    def put_object(backend: S3Backend, *args: Any, **kwargs: Any) -> Any:
        # Only the completion of an upload and a copy pass `multipart`, and a copy is quiet here
        # anyway.
        if kwargs.get("multipart") is not None:
            kwargs["disable_notification"] = True
        return vanilla(backend, *args, **kwargs)

    with patch.object(S3Backend, "put_object", put_object):
        yield


@correction
def uploads_that_are_gone_are_refused(hooks: Hooks) -> Iterator[None]:
    """AWS: CompleteMultipartUpload of an upload that was completed or aborted answers 404
    NoSuchUpload, or what it answered the first time (API reference, CompleteMultipartUpload).
    moto 5.2.5: answers 500 where the object that came of the upload is gone, and with it
    botocore tries again and again.
    Goes when moto answers NoSuchUpload.
    """
    vanilla = S3Backend.complete_multipart_upload

    def complete(backend: S3Backend, bucket_name: str, multipart_id: str, body: Any) -> Any:
        if multipart_id not in backend.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return vanilla(backend, bucket_name, multipart_id, body)

    with patch.object(S3Backend, "complete_multipart_upload", complete):
        yield


@correction
def notifications_can_be_read_back(hooks: Hooks) -> Iterator[None]:
    """AWS: GetBucketNotificationConfiguration returns `EventBridgeConfiguration` where it is
    set.
    moto 5.2.5: leaves it out, so Terraform wants to set it again with every plan.
    Goes when moto returns it.
    """
    vanilla = S3Response.get_bucket_notification

    def get_bucket_notification(response: S3Response) -> Any:
        answer = vanilla(response)
        configuration = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if configuration is None or configuration.event_bridge is None:
            return answer
        return _with_event_bridge(answer)

    with patch.object(S3Response, "get_bucket_notification", get_bucket_notification):
        yield


def _with_event_bridge(answer: Any) -> Any:
    status, headers, body = answer
    text = body.decode() if isinstance(body, bytes) else body
    end = "</NotificationConfiguration>"
    if end in text:
        text = text.replace(end, f"<EventBridgeConfiguration/>{end}")
    else:
        start = text[: text.rindex("/>")]
        text = f"{start}><EventBridgeConfiguration/>{end}"
    return status, _without_length(headers), text


def _without_length(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers of an answer whose body moto counted before it was changed."""
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}


@correction
def bucket_policies_are_left_to_the_judge(hooks: Hooks) -> Iterator[None]:
    """AWS: a statement of a bucket policy applies only where its Condition holds (S3 user
    guide, "Bucket policy examples using condition keys"); the usual Deny of requests without
    TLS (`aws:SecureTransport` false) touches plain HTTP only.
    moto 5.2.5: ignores Condition and Principal, and takes every DELETE for DeleteObject, so that
    Deny refuses every request.
    Here: `account/authorization` judges the call before moto sees it, so moto says nothing. The
    emulator listens on the loopback device only, where no other machine listens in, so a request
    counts as secure transport although it is plain HTTP.
    Goes when moto evaluates bucket policies as AWS does and can be told so.
    """

    def get_permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
        return PermissionResult.NEUTRAL

    with patch.object(FakeBucket, "get_permission", get_permission):
        yield


@correction
def suspended_buckets_delete_one_version(hooks: Hooks) -> Iterator[None]:
    """AWS: DeleteObject with a version id deletes that version, also when versioning is
    suspended (S3 user guide, "Deleting objects from versioning-suspended buckets").
    moto 5.2.5: drops every version of the key, and fails with 500 where one of them is a delete
    marker. Terraform suspends versioning before it empties a bucket with `force_destroy`.
    Goes when moto deletes by version id on suspended buckets.
    """
    vanilla = S3Backend.delete_object

    def delete_object(
        backend: S3Backend,
        bucket_name: str,
        key_name: str,
        version_id: str | None = None,
        bypass: bool = False,
    ) -> tuple[bool, dict[str, Any]]:
        bucket = backend.get_bucket(bucket_name)
        if version_id is None or bucket.versioning_status != "Suspended":
            return vanilla(backend, bucket_name, key_name, version_id, bypass)
        return _delete_version(bucket, key_name, version_id, bypass)

    with patch.object(S3Backend, "delete_object", delete_object):
        yield


def _delete_version(
    bucket: FakeBucket, key_name: str, version_id: str, bypass: bool
) -> tuple[bool, dict[str, Any]]:
    versions = bucket.keys.getlist(key_name, [])
    kept = [version for version in versions if version.version_id != version_id]
    gone = [version for version in versions if version.version_id == version_id]
    if any(isinstance(v, FakeKey) and v.is_locked(governance_bypass=bypass) for v in gone):
        raise AccessDeniedByLock
    bucket.keys.setlist(key_name, kept)
    if not kept:
        bucket.keys.pop(key_name)
    answer = {"version-id": version_id}
    if any(isinstance(version, FakeDeleteMarker) for version in gone):
        answer["delete-marker"] = "true"
    return bool(gone), answer


@correction
def copies_keep_their_conditions(hooks: Hooks) -> Iterator[None]:
    """AWS: CopyObject with `x-amz-copy-source-if-match` or `If-None-Match: *` answers 412 where the
    source has another etag, or something lies at the target (API reference, CopyObject).
    moto 5.2.5: copies all the same.
    Goes when moto answers 412.
    """
    vanilla = S3Response.copy_object

    def copy_object(response: S3Response) -> Any:
        headers, backend = response.headers, response.backend
        if etag := headers.get("x-amz-copy-source-if-match"):
            source = urlparse(headers["x-amz-copy-source"])
            bucket, _, key = unquote(source.path).lstrip("/").partition("/")
            version = parse_qs(source.query).get("versionId", [None])[0]
            found = backend.get_object(bucket, key, version_id=version)
            if found is not None and found.etag.strip('"') != etag.strip('"'):
                raise PreconditionFailed("x-amz-copy-source-If-Match")
        target = (response.bucket_name, response.parse_key_name())
        if headers.get("If-None-Match") == "*" and backend.get_object(*target) is not None:
            raise PreconditionFailed("If-None-Match")
        return vanilla(response)

    with patch.object(S3Response, "copy_object", copy_object):
        yield


@correction
def buckets_say_what_encryption_they_block(hooks: Hooks) -> Iterator[None]:
    """AWS: GetBucketEncryption reports `BlockedEncryptionTypes`: `SSE-C` for every bucket that was
    made since April 2026, unless PutBucketEncryption says otherwise (S3 user guide, "Blocking or
    unblocking SSE-C for a general purpose bucket").
    moto 5.2.5: leaves it out, so a plan that would never be empty on AWS is empty.
    Goes when moto reports it.
    """
    vanilla = S3Response.get_bucket_encryption

    def get_bucket_encryption(response: S3Response) -> Any:
        answer: Any = vanilla(response)
        status, headers, body = answer
        rule = (response.backend.get_bucket_encryption(response.bucket_name) or {})["Rule"]
        stated = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType", "SSE-C")
        kind = f"<EncryptionType>{stated}</EncryptionType>"
        text = body.decode() if isinstance(body, bytes) else body
        text = text.replace(
            "</Rule>", f"<BlockedEncryptionTypes>{kind}</BlockedEncryptionTypes></Rule>"
        )
        return status, _without_length(headers), text

    with patch.object(S3Response, "get_bucket_encryption", get_bucket_encryption):
        yield


@correction
def new_buckets_are_private_and_encrypted(hooks: Hooks) -> Iterator[None]:
    """AWS: a new bucket blocks public access, has no ACLs (BucketOwnerEnforced), and is encrypted
    with keys of S3, to which DeleteBucketEncryption also leads back (S3 user guide, "Default
    settings for new S3 buckets FAQ"; API reference, DeleteBucketEncryption).
    moto 5.2.5: has none of the three, so a stack that leaves them out looks worse than it is, and
    one that loses them looks no different.
    Goes when moto's buckets start so.
    """
    vanilla = S3Backend.create_bucket

    def create_bucket(backend: S3Backend, *arguments: Any, **named: Any) -> FakeBucket:
        bucket = vanilla(backend, *arguments, **named)
        bucket.public_access_block = PublicAccessBlock(*["true"] * 4)
        bucket.ownership_rule = "BucketOwnerEnforced"  # type: ignore[assignment]
        bucket.encryption = _keys_of_s3()
        return bucket

    def delete_bucket_encryption(backend: S3Backend, bucket_name: str) -> None:
        backend.get_bucket(bucket_name).encryption = _keys_of_s3()

    with (
        patch.object(S3Backend, "create_bucket", create_bucket),
        patch.object(S3Backend, "delete_bucket_encryption", delete_bucket_encryption),
    ):
        yield


def _keys_of_s3() -> dict[str, Any]:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    return {"Rule": rule | {"BucketKeyEnabled": "false"}}
