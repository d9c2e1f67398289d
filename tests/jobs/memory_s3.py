"""A stand-in for S3 in memory: two hundred times as fast as the emulator over HTTP.

It knows the calls that the job and its tests make, of versioned buckets, and nothing else.
`test_memory_s3.py` holds it to what the emulator answers over HTTP. Why not the emulator in the
process: that still takes about 5 ms a call, and half a millisecond for each object in a listing;
a proof here makes a hundred thousand calls.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter
from botocore.response import StreamingBody

Answer = dict[str, Any]

_MESSAGES = {
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchVersion": "The specified version does not exist.",
    "NoSuchUpload": (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
        "been aborted or completed."
    ),
    "404": "Not Found",
    "KeyTooLongError": "Your key is too long",
    "MalformedXML": "The XML you provided was not well-formed",
    "InvalidObjectState": "The operation is not valid for the object's storage class",
    "ObjectNotInActiveTierError": (
        "The source object of the COPY operation is not in the active tier and is only stored in "
        "Amazon Glacier."
    ),
    "InvalidRequest": (
        "The object was stored using a form of Server Side Encryption. The correct parameters "
        "must be provided to retrieve the object."
    ),
    "AccessDenied": "Access Denied",
    "PreconditionFailed": "At least one of the pre-conditions you specified did not hold",
    "412": "Precondition Failed",
    "KMS.DisabledException": "The key is disabled.",
}

# What says where a listing goes on.
_MARKERS = {
    "list_object_versions": ("KeyMarker", "VersionIdMarker"),
    "list_objects_v2": ("ContinuationToken",),
}

# Two limits that S3 has and the emulator has not: the length of a key in bytes, and that the body
# of DeleteObjects is XML, which cannot write these.
MAX_KEY_BYTES = 1024
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Version:
    """One version of a key; without a body it is a delete marker.

    refused: the code of the error that S3 answers to whoever asks for the bytes. storage_class and
    restore: what HeadObject and listings say of it. parts: of the upload that made it, if it was.
    """

    key: str
    version_id: str
    body: bytes | None
    modified: datetime
    refused: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    restore: str | None = None
    parts: tuple[bytes, ...] = ()

    @property
    def etag(self) -> str:
        if self.parts:
            digests = b"".join(map(_digest, self.parts))
            return f'"{_digest(digests).hex()}-{len(self.parts)}"'
        return f'"{_digest(self.body or b"").hex()}"'


@dataclass
class Upload:
    """An upload that is not completed. parts: by number."""

    bucket: str
    key: str
    metadata: Mapping[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


class MemoryS3:
    """The methods of boto3's client that the job calls. Listings come in pages of `page_size`.

    Each call is announced to `meta.events` as botocore does it (before-call, after-call), so what
    watches a real client watches this one, too.
    """

    def __init__(self, page_size: int = 1000) -> None:
        self.meta = SimpleNamespace(events=HierarchicalEmitter())
        self._page_size = page_size
        self._buckets: dict[str, defaultdict[str, list[Version]]] = {}
        self._uploads: dict[str, Upload] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self.late: Callable[[], object] | None = None

    def another_client(self) -> MemoryS3:
        """A client of another process: the same buckets, and events that only it announces."""
        other = type(self)(self._page_size)
        other._buckets, other._numbers, other._lock = self._buckets, self._numbers, self._lock
        other._uploads = self._uploads
        return other

    def create_bucket(self, *, Bucket: str) -> Answer:
        self._buckets[Bucket] = defaultdict(list)
        return {}

    def get_bucket_versioning(self, *, Bucket: str) -> Answer:
        return self._call(
            "GetBucketVersioning", f"/{Bucket}?versioning", lambda: {"Status": "Enabled"}
        )

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        ContentType: str = "",
        StorageClass: str = "STANDARD",
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
    ) -> Answer:
        def put() -> Answer:
            self._check_target("PutObject", Bucket, Key, IfMatch, IfNoneMatch)
            archived = StorageClass in ("GLACIER", "DEEP_ARCHIVE")
            refused = "InvalidObjectState" if archived else None
            written = self._append(Bucket, Key, Body, refused=refused, storage_class=StorageClass)
            return {"ETag": written.etag, "VersionId": written.version_id}

        return self._call("PutObject", f"/{Bucket}/{Key}", put)

    def get_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, IfMatch: str | None = None
    ) -> Answer:
        def get() -> Answer:
            found = self._find("GetObject", Bucket, Key, VersionId)
            if IfMatch not in (None, found.etag):
                raise _error("PreconditionFailed", "GetObject")
            if found.refused:
                raise _error(found.refused, "GetObject")
            body = found.body or b""
            return {**_facts(found), "Body": StreamingBody(io.BytesIO(body), len(body))}

        return self._call("GetObject", f"/{Bucket}/{Key}", get)

    def head_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, IfMatch: str | None = None
    ) -> Answer:
        def head() -> Answer:
            # An answer to HEAD has no body that could say more than the status.
            try:
                found = self._find("HeadObject", Bucket, Key, VersionId)
            except ClientError:
                raise _error("404", "HeadObject") from None
            if IfMatch not in (None, found.etag):
                raise _error("412", "HeadObject")
            return _facts(found)

        return self._call("HeadObject", f"/{Bucket}/{Key}", head)

    def copy_object(
        self,
        *,
        Bucket: str,
        Key: str,
        CopySource: Mapping[str, str],
        CopySourceIfMatch: str | None = None,
        IfNoneMatch: str | None = None,
    ) -> Answer:
        def copy() -> Answer:
            source = self._find(
                "CopyObject", CopySource["Bucket"], CopySource["Key"], CopySource.get("VersionId")
            )
            if source.refused:
                archived = source.refused == "InvalidObjectState"
                raise _error(
                    "ObjectNotInActiveTierError" if archived else source.refused, "CopyObject"
                )
            if CopySourceIfMatch not in (None, source.etag):
                raise _error("PreconditionFailed", "CopyObject")
            self._check_target("CopyObject", Bucket, Key, None, IfNoneMatch)
            written = self._append(Bucket, Key, source.body, metadata=source.metadata)
            return {
                "CopySourceVersionId": source.version_id,
                "VersionId": written.version_id,
                "CopyObjectResult": {"ETag": written.etag},
            }

        return self._call("CopyObject", f"/{Bucket}/{Key}", copy)

    def refuse(self, *, Bucket: str, Key: str, VersionId: str, code: str | None) -> None:
        """From now on S3 answers with this error, or hands the version out again (None)."""
        versions = self._bucket("GetObject", Bucket)[Key]
        for index, version in enumerate(versions):
            if version.version_id == VersionId:
                versions[index] = replace(version, refused=code)

    def restore_object(
        self,
        *,
        Bucket: str,
        Key: str,
        RestoreRequest: Mapping[str, Any],
        VersionId: str | None = None,
    ) -> Answer:
        def restore() -> Answer:
            found = self._find("RestoreObject", Bucket, Key, VersionId)
            self.refuse(Bucket=Bucket, Key=Key, VersionId=found.version_id, code=None)
            versions = self._bucket("RestoreObject", Bucket)[Key]
            versions[:] = [
                replace(version, restore='ongoing-request="false"')
                if version.version_id == found.version_id
                else version
                for version in versions
            ]
            return {}

        return self._call("RestoreObject", f"/{Bucket}/{Key}", restore)

    def create_multipart_upload(
        self, *, Bucket: str, Key: str, Metadata: Mapping[str, str] | None = None
    ) -> Answer:
        def create() -> Answer:
            upload = f"upload{next(self._numbers):06}"
            self._uploads[upload] = Upload(Bucket, Key, Metadata or {})
            return {"UploadId": upload}

        return self._call("CreateMultipartUpload", f"/{Bucket}/{Key}?uploads", create)

    def upload_part(
        self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes
    ) -> Answer:
        def upload() -> Answer:
            self._upload("UploadPart", Bucket, Key, UploadId).parts[PartNumber] = Body
            return {"ETag": f'"{_digest(Body).hex()}"'}

        return self._call("UploadPart", f"/{Bucket}/{Key}", upload)

    def upload_part_copy(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        PartNumber: int,
        CopySource: Mapping[str, str],
    ) -> Answer:
        def copy() -> Answer:
            parts = self._upload("UploadPartCopy", Bucket, Key, UploadId).parts
            source = self._find("UploadPartCopy", CopySource["Bucket"], CopySource["Key"], None)
            if source.refused:
                raise _error(source.refused, "UploadPartCopy")
            parts[PartNumber] = source.body or b""
            return {"CopyPartResult": {"ETag": f'"{_digest(parts[PartNumber]).hex()}"'}}

        return self._call("UploadPartCopy", f"/{Bucket}/{Key}", copy)

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any]
    ) -> Answer:
        def complete() -> Answer:
            upload = self._upload("CompleteMultipartUpload", Bucket, Key, UploadId)
            del self._uploads[UploadId]
            parts = tuple(upload.parts[part["PartNumber"]] for part in MultipartUpload["Parts"])
            written = self._append(
                Bucket, Key, b"".join(parts), metadata=upload.metadata, parts=parts
            )
            return {"ETag": written.etag, "VersionId": written.version_id}

        return self._call("CompleteMultipartUpload", f"/{Bucket}/{Key}", complete)

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> Answer:
        def abort() -> Answer:
            self._upload("AbortMultipartUpload", Bucket, Key, UploadId)
            del self._uploads[UploadId]
            return {}

        return self._call("AbortMultipartUpload", f"/{Bucket}/{Key}", abort)

    def list_multipart_uploads(self, *, Bucket: str) -> Answer:
        def page() -> Answer:
            return {
                "Uploads": [
                    {"Key": upload.key, "UploadId": name}
                    for name, upload in self._uploads.items()
                    if upload.bucket == Bucket
                ]
            }

        return self._call("ListMultipartUploads", f"/{Bucket}?uploads", page)

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> Answer:
        def delete() -> Answer:
            if VersionId is None:
                marker = self._append(Bucket, Key, None)
                return {"DeleteMarker": True, "VersionId": marker.version_id}
            self._remove(Bucket, Key, VersionId)
            return {"VersionId": VersionId}

        return self._call("DeleteObject", f"/{Bucket}/{Key}", delete)

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> Answer:
        def delete() -> Answer:
            if any(NOT_IN_XML.search(item["Key"]) for item in Delete["Objects"]):
                raise _error("MalformedXML", "DeleteObjects")
            for item in Delete["Objects"]:
                if "VersionId" in item:
                    self._remove(Bucket, item["Key"], item["VersionId"])
                else:
                    self._append(Bucket, item["Key"], None)
            return {} if Delete.get("Quiet") else {"Deleted": list(Delete["Objects"])}

        return self._call("DeleteObjects", f"/{Bucket}", delete)

    def list_object_versions(
        self,
        *,
        Bucket: str,
        Prefix: str = "",
        KeyMarker: str = "",
        VersionIdMarker: str = "",
        MaxKeys: int | None = None,
    ) -> Answer:
        def page() -> Answer:
            # Newest first. What is put meanwhile in front of the marker is on no later page.
            found = [
                (version, version is versions[-1])
                for key, versions in sorted(self._bucket("ListObjectVersions", Bucket).items())
                if key.startswith(Prefix) and key >= KeyMarker
                for version in reversed(versions)
                if key > KeyMarker or version.version_id < VersionIdMarker
            ]
            shown = found[: MaxKeys or self._page_size]
            answer: Answer = {"IsTruncated": len(shown) < len(found)}
            for version, latest in shown:
                kind = "DeleteMarkers" if version.body is None else "Versions"
                item = {"Key": version.key, "VersionId": version.version_id, "IsLatest": latest}
                answer.setdefault(kind, []).append({**item, **_listed(version)})
            if answer["IsTruncated"]:
                last = shown[-1][0]
                answer["NextKeyMarker"] = last.key
                answer["NextVersionIdMarker"] = last.version_id
            return answer

        return self._call("ListObjectVersions", f"/{Bucket}?versions&prefix={Prefix}", page)

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str = "",
        StartAfter: str = "",
        ContinuationToken: str = "",
        MaxKeys: int | None = None,
    ) -> Answer:
        def page() -> Answer:
            found = [
                versions[-1]
                for key, versions in sorted(self._bucket("ListObjectsV2", Bucket).items())
                if key.startswith(Prefix)
                and key > max(StartAfter, ContinuationToken)
                and versions[-1].body is not None
            ]
            shown = found[: MaxKeys or self._page_size]
            answer: Answer = {"IsTruncated": len(shown) < len(found)}
            if shown:
                answer["Contents"] = [{"Key": item.key, **_listed(item)} for item in shown]
            if answer["IsTruncated"]:
                answer["NextContinuationToken"] = shown[-1].key
            return answer

        return self._call("ListObjectsV2", f"/{Bucket}?prefix={Prefix}", page)

    def get_paginator(self, operation: str) -> SimpleNamespace:
        """A paginator; each of its pages is a call."""
        list_page: Callable[..., Answer] = getattr(self, operation)
        names = _MARKERS[operation]

        def paginate(
            PaginationConfig: Mapping[str, int] | None = None, **params: Any
        ) -> Iterator[Answer]:
            size = (PaginationConfig or {}).get("PageSize")
            page = list_page(**params, MaxKeys=size)
            yield page
            while page["IsTruncated"]:
                markers = {name: page[f"Next{name}"] for name in names}
                page = list_page(**{**params, **markers}, MaxKeys=size)
                yield page

        return SimpleNamespace(paginate=paginate)

    def _call(self, operation: str, path: str, effect: Callable[[], Answer]) -> Answer:
        event = {"model": SimpleNamespace(name=operation), "params": {"url_path": path}}
        try:
            self.meta.events.emit(f"before-call.s3.{operation}", **event)
        except BaseException:
            # The process died; its request may still be on its way.
            self.late = self.late or effect
            raise
        try:
            with self._lock:
                return effect()
        finally:
            # An error is an answer, too.
            self.meta.events.emit(f"after-call.s3.{operation}", **event)

    def _bucket(self, operation: str, name: str) -> defaultdict[str, list[Version]]:
        if name not in self._buckets:
            raise _error("NoSuchBucket", operation)
        return self._buckets[name]

    def _upload(self, operation: str, bucket: str, key: str, name: str) -> Upload:
        upload = self._uploads.get(name)
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise _error("NoSuchUpload", operation)
        return upload

    def _append(self, bucket: str, key: str, body: bytes | None, **facts: Any) -> Version:
        if len(key.encode()) > MAX_KEY_BYTES:
            raise _error("KeyTooLongError", "PutObject")
        number = next(self._numbers)
        version = Version(key, f"v{number:06}", body, datetime.now(UTC), **facts)
        self._bucket("PutObject", bucket)[key].append(version)
        return version

    def _remove(self, bucket: str, key: str, version_id: str) -> None:
        keys = self._bucket("DeleteObject", bucket)
        if left := [item for item in keys[key] if item.version_id != version_id]:
            keys[key] = left
        else:
            del keys[key]

    def _check_target(
        self, operation: str, bucket: str, key: str, match: str | None, none_match: str | None
    ) -> None:
        """Raise unless what lies at the key is as the writer expects it."""
        versions = self._bucket(operation, bucket).get(key, [])
        here = versions[-1] if versions and versions[-1].body is not None else None
        if match is not None and here is None:
            raise _error("NoSuchKey", operation)
        if (match is not None and here and here.etag != match) or (none_match == "*" and here):
            raise _error("PreconditionFailed", operation)

    def _find(self, operation: str, bucket: str, key: str, version_id: str | None) -> Version:
        versions = self._bucket(operation, bucket).get(key, [])
        if version_id is None:
            if not versions or versions[-1].body is None:
                raise _error("NoSuchKey", operation)
            return versions[-1]
        for version in versions:
            if version.version_id == version_id and version.body is not None:
                return version
        raise _error("NoSuchVersion", operation)


def _facts(version: Version) -> Answer:
    facts: Answer = {
        "ContentLength": len(version.body or b""),
        "ETag": version.etag,
        "LastModified": version.modified,
        "VersionId": version.version_id,
        "Metadata": dict(version.metadata),
    }
    # S3 names every class but STANDARD.
    if version.storage_class != "STANDARD":
        facts["StorageClass"] = version.storage_class
    if version.restore:
        facts["Restore"] = version.restore
    return facts


def _listed(version: Version) -> Answer:
    if version.body is None:
        return {"LastModified": version.modified}
    size = len(version.body)
    return {
        "LastModified": version.modified,
        "ETag": version.etag,
        "Size": size,
        "StorageClass": version.storage_class,
    }


def _digest(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": _MESSAGES[code]}}, operation)
