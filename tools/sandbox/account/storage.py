"""Buckets, objects and keys as moto keeps them, as far as permissions depend on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import IAMBackend
from moto.kms.models import KmsBackend
from moto.s3.models import FakeBucket, FakeDeleteMarker, S3Backend

from tools.iam.s3 import ObjectName

KMS_ALGORITHMS = frozenset({"aws:kms", "aws:kms:dsse"})


@dataclass(frozen=True)
class Encryption:
    """How something is encrypted with a key of KMS.

    Attributes:
        key: id, ARN or alias; None for the account's own key of S3.
        bucket_key: whether S3 asks KMS once for the bucket and not for each object.
    """

    key: str | None
    bucket_key: bool


@dataclass(frozen=True)
class Key:
    """A key of KMS, its policy and its tags."""

    arn: str
    policy: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Storage:
    """Reads moto's S3, KMS and IAM."""

    def __init__(self, s3: S3Backend, kms: KmsBackend, iam: IAMBackend) -> None:
        self._s3 = s3
        self._kms = kms
        self._iam = iam

    def has_bucket(self, bucket: str) -> bool:
        """Whether there is such a bucket."""
        return bucket in self._s3.buckets

    def bucket_policy(self, bucket: str) -> str | None:
        """The policy of a bucket, if it has one."""
        policy = self._bucket(bucket).policy
        return policy.decode() if policy else None

    def default_encryption(self, bucket: str) -> Encryption | None:
        """The key of KMS that encrypts a new object; None where no key of KMS does."""
        configured = self._bucket(bucket).encryption
        if not configured:
            return None
        rule = configured["Rule"]
        default = rule["ApplyServerSideEncryptionByDefault"]
        if default["SSEAlgorithm"] not in KMS_ALGORITHMS:
            return None
        bucket_key = str(rule.get("BucketKeyEnabled", "false")).lower() == "true"
        return Encryption(default.get("KMSMasterKeyID"), bucket_key)

    def object_encryption(self, name: ObjectName) -> Encryption | None:
        """The key of KMS that encrypts an object; None where it is absent or no key does."""
        found = self._object(name)
        if found is None or found.encryption not in KMS_ALGORITHMS:
            return None
        return Encryption(found.kms_key_id, str(found.bucket_key_enabled).lower() == "true")

    def has_tags(self, name: ObjectName) -> bool:
        """Whether an object has tags."""
        found = self._object(name)
        return found is not None and bool(self._s3.tagger.get_tag_dict_for_resource(found.arn))

    def key(self, name: str) -> Key | None:
        """A key by its id, ARN or alias; None if there is none."""
        return key_of(self._kms, name)

    def boundary(self, role: str) -> str | None:
        """The ARN of a role's permissions boundary, if there are such a role and boundary."""
        found = next((one for one in self._iam.roles.values() if one.name == role), None)
        boundary = found.permissions_boundary if found else None
        return (boundary or {}).get("PermissionsBoundaryArn")

    def _bucket(self, bucket: str) -> FakeBucket:
        return self._s3.buckets[bucket]

    def _object(self, name: ObjectName) -> Any | None:
        versions = list(self._bucket(name.bucket).keys.getlist(name.key, []))
        if name.version_id is not None:
            versions = [v for v in versions if v.version_id == name.version_id]
        found = versions[-1] if versions else None
        return None if isinstance(found, FakeDeleteMarker) else found


def key_of(kms: KmsBackend, name: str) -> Key | None:
    """A key by its id, ARN or alias; None if there is none."""
    try:
        found = kms.describe_key(name)
    except Exception:  # noqa: BLE001 (moto answers an unknown key with several errors)
        return None
    tags = {
        tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(found.id).get("Tags", [])
    }
    return Key(found.arn, found.policy, tags)
