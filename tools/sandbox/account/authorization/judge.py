"""Judges the calls of a role's session by the deployed policies: its own and the resources'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tools.iam import Decision, Identity, Request, decide, services
from tools.iam.s3 import ObjectName, S3Call, may_learn_absence, needed
from tools.iam.services import ServiceCall, Where
from tools.sandbox.account.storage import Encryption, Key, Storage

_READS = frozenset({"GetObject"})
_WRITES = frozenset({"PutObject", "CopyObject"})
# S3 user guide, "Multipart upload API and permissions": a multipart upload also decrypts.
_MULTIPART = frozenset(
    {"CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload"}
)
# CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS": in the name of
# whoever gives a group its key.
_FOR_LOGS = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")


@dataclass(frozen=True)
class Session:
    """Who makes a call: a session of a role, or the administrator.

    Attributes:
        administrator: the account's own key. It may do everything, unless a bucket's policy
            refuses it; only calls whose permissions are known here are held against that.
    """

    arn: str
    identity: Identity
    administrator: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a call is refused, as AWS words it."""

    message: str


Observer = Callable[[Session, Request], None]


class Judge:
    """Decides about calls in one account and region.

    Args:
        observe: is called with every permission that somebody asks for.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        partition: str,
        region: str,
        account_id: str,
        observe: Observer,
    ) -> None:
        self._storage = storage
        self._observe = observe
        self._where = Where(partition, region, account_id)
        self._partition = partition
        self._region = region
        self._account_id = account_id

    def s3(self, session: Session, call: S3Call) -> Refusal | None:
        """Why S3 refuses the call; None if it may be made.

        Raises:
            UnknownOperationError: it is not known here which permissions it needs.
        """
        source = call.source
        if source is not None and self._storage.has_bucket(source.bucket):
            call = replace(call, source_has_tags=self._storage.has_tags(source))
        for request in needed(call, self._partition):
            refusal = self._on_bucket(session, request)
            if refusal is not None:
                return refusal
        for request, encryption in self._kms(call):
            refusal = self._on_key(session, request, encryption)
            if refusal is not None:
                return refusal
        return None

    def may_learn_absence(self, session: Session, name: ObjectName) -> bool:
        """Whether S3 tells this caller that an object is not there."""
        request = may_learn_absence(name.bucket, name.key, self._partition)
        return self._on_bucket(session, request) is None

    def other(self, session: Session, call: ServiceCall) -> Refusal | None:
        """Why a call to another service is refused; None if it may be made.

        The policies of queues and topics are not asked: they allow their services only, and
        refuse only whoever comes without TLS.

        Raises:
            UnknownCallError: it is not known here on which resource it acts.
        """
        requests = [*services.needed(call, self._where), *self._also_needed(call)]
        refusals = (self._on_resource(session, request) for request in requests)
        return next((refusal for refusal in refusals if refusal is not None), None)

    def _also_needed(self, call: ServiceCall) -> Iterator[Request]:
        """What depends on what is there already."""
        if call.action == "kms:DeleteAlias":
            key = self._storage.key(call.parameters["AliasName"])
            yield from [Request(call.action, key.arn)] if key else []
        name = services.key_for_logs(call)
        key = self._storage.key(name) if name else None
        for action in _FOR_LOGS if key else ():
            suffix = self._services_suffix()
            via = {"kms:ViaService": f"logs.{self._region}.{suffix}"}
            yield Request(action, key.arn if key else None, via)

    def _on_resource(self, session: Session, request: Request) -> Refusal | None:
        context = {**self._global_context(session), **request.context}
        resource = str(request.resource)
        if resource.startswith(f"arn:{self._partition}:iam:") and ":role/" in resource:
            boundary = self._storage.boundary(resource.rpartition("/")[2])
            # The one that a call sets counts, where it sets one.
            context = {"iam:PermissionsBoundary": boundary} | context if boundary else context
        is_key = resource.startswith(f"arn:{self._partition}:kms:") and ":key/" in resource
        key = self._storage.key(resource.rpartition("/")[2]) if is_key else None
        if key is not None:
            context |= _tags(key)
        asked = replace(request, context=context)
        decision = decide(
            asked,
            session.identity,
            resource_policy=key.policy if key else None,
            resource_policy_decides=key is not None,
        )
        return self._refusal(session, asked, decision)

    def _on_bucket(self, session: Session, request: Request) -> Refusal | None:
        bucket = str(request.resource).split(":::")[1].partition("/")[0]
        policy = None
        if self._storage.has_bucket(bucket):
            policy = self._storage.bucket_policy(bucket)
        elif request.action != "s3:CreateBucket":
            return None  # S3 then says that there is no such bucket.
        asked = replace(request, context={**self._global_context(session), **request.context})
        return self._refusal(
            session, asked, decide(asked, session.identity, resource_policy=policy)
        )

    def _kms(self, call: S3Call) -> Iterator[tuple[Request, Encryption]]:
        """What S3 asks of KMS in the caller's name (S3 user guide, "Using server-side encryption
        with AWS KMS keys"; AWS KMS developer guide, "kms:EncryptionContext")."""
        own = ObjectName(call.bucket, call.key, call.version_id)
        if call.operation in _READS:
            yield from self._key_call("kms:Decrypt", own, self._of_object(own))
        if call.source is not None:
            yield from self._key_call("kms:Decrypt", call.source, self._of_object(call.source))
        if call.operation in _WRITES | _MULTIPART:
            encryption = self._of_upload(call)
            yield from self._key_call("kms:GenerateDataKey", own, encryption)
            if call.operation in _MULTIPART:
                yield from self._key_call("kms:Decrypt", own, encryption)

    def _of_object(self, name: ObjectName) -> Encryption | None:
        known = self._storage.has_bucket(name.bucket)
        return self._storage.object_encryption(name) if known else None

    def _of_upload(self, call: S3Call) -> Encryption | None:
        if not self._storage.has_bucket(call.bucket):
            return None
        default = self._storage.default_encryption(call.bucket)
        algorithm = call.parameters.get("x-amz-server-side-encryption")
        if algorithm is None:
            return default
        if not algorithm.startswith("aws:kms"):
            return None
        key = call.parameters.get("x-amz-server-side-encryption-aws-kms-key-id")
        return Encryption(key, default.bucket_key if default else False)

    def _key_call(
        self, action: str, name: ObjectName, encryption: Encryption | None
    ) -> Iterator[tuple[Request, Encryption]]:
        if encryption is None or encryption.key is None:
            return
        bucket = f"arn:{self._partition}:s3:::{name.bucket}"
        context = {
            "kms:ViaService": f"s3.{self._region}.{self._services_suffix()}",
            "kms:CallerAccount": self._account_id,
            "kms:EncryptionContext:aws:s3:arn": (
                bucket if encryption.bucket_key else f"{bucket}/{name.key}"
            ),
        }
        yield Request(action, context=context), encryption

    def _on_key(self, session: Session, request: Request, encryption: Encryption) -> Refusal | None:
        key = self._storage.key(str(encryption.key))
        if key is None:
            return Refusal(f"The key {encryption.key} does not exist.")
        asked = replace(
            request,
            resource=key.arn,
            context={**self._global_context(session), **_tags(key), **request.context},
        )
        decision = decide(
            asked, session.identity, resource_policy=key.policy, resource_policy_decides=True
        )
        return self._refusal(session, asked, decision)

    def _services_suffix(self) -> str:
        return "amazonaws.com.cn" if self._partition == "aws-cn" else "amazonaws.com"

    def _global_context(self, session: Session) -> dict[str, str]:
        return {
            # The emulator listens on the loopback device only.
            "aws:SecureTransport": "true",
            "aws:PrincipalArn": session.identity.principal.name,
            "aws:PrincipalAccount": self._account_id,
            "aws:PrincipalIsAWSService": "false",
        }

    def _refusal(self, session: Session, request: Request, decision: Decision) -> Refusal | None:
        self._observe(session, request)
        if decision.allowed:
            return None
        return Refusal(
            f"User: {session.arn} is not authorized to perform: {request.action} on resource: "
            f'"{request.resource}" {decision.reason}'
        )


def _tags(key: Key) -> dict[str, str]:
    return {f"aws:ResourceTag/{name}": value for name, value in key.tags.items()}
