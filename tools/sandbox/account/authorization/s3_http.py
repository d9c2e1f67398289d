"""Which operation of S3 an HTTP request is, by botocore's description of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET

import botocore.session

from tools.iam.s3 import ObjectName, S3Call, UnknownOperationError


@dataclass(frozen=True)
class _Operation:
    name: str
    method: str
    on_object: bool
    on_bucket: bool
    query: frozenset[tuple[str, str]]
    parameters: frozenset[str]

    @property
    def specific(self) -> int:
        return len(self.query) + len(self.parameters)


def s3_call(method: str, path: str, query_string: str, headers: Mapping[str, str]) -> S3Call:
    """The call that a request in path style makes.

    Args:
        path: with its escapes resolved.
        headers: by their lower-case names.

    Raises:
        UnknownOperationError: botocore knows no such operation.
    """
    bucket, _, key = path.removeprefix("/").partition("/")
    query = {name.lower(): value for name, value in parse_qsl(query_string, True)}
    found = [op for op in _operations() if _is(op, method, bucket, key, query, headers)]
    if not found:
        raise UnknownOperationError(f"S3 has no operation {method} {path}?{query_string}.")
    operation = max(found, key=lambda op: op.specific)
    source = headers.get("x-amz-copy-source")
    return S3Call(
        operation=operation.name,
        bucket=bucket,
        key=key,
        version_id=query.get("versionid"),
        source=_source(source) if source else None,
        parameters={**query, **headers},
    )


def deletions(call: S3Call, body: bytes) -> Iterator[S3Call]:
    """The single deletions of a DeleteObjects call."""
    for element in _root(body).iter():
        if _local(element) == "Object":
            parts = {_local(part): part.text or "" for part in element}
            yield replace(
                call,
                operation="DeleteObject",
                key=parts["Key"],
                version_id=parts.get("VersionId"),
            )


def without(body: bytes, refused: set[ObjectName]) -> bytes:
    """The body of a DeleteObjects call without these objects; empty where none is left."""
    root = _root(body)
    for element in list(root):
        parts = {_local(part): part.text or "" for part in element}
        name = ObjectName("", parts.get("Key", ""), parts.get("VersionId"))
        if _local(element) == "Object" and name in refused:
            root.remove(element)
    if not any(_local(element) == "Object" for element in root):
        return b""
    namespace = root.tag.partition("}")[0].removeprefix("{") if "}" in root.tag else None
    return ET.tostring(root, default_namespace=namespace)


def _root(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314 (our own programs send it)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _is(
    operation: _Operation,
    method: str,
    bucket: str,
    key: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
) -> bool:
    return (
        operation.method == method
        and operation.on_object == bool(key)
        and operation.on_bucket == bool(bucket)
        and all(query.get(name) == value for name, value in operation.query)
        and all(name in query or name in headers for name in operation.parameters)
    )


def _source(header: str) -> ObjectName:
    path, _, query = header.partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    return ObjectName(bucket, key, query or None)


@cache
def _operations() -> tuple[_Operation, ...]:
    model = botocore.session.Session().get_service_model("s3")
    models = (model.operation_model(name) for name in model.operation_names)
    # GetBucketLifecycle, for one, is the same request as GetBucketLifecycleConfiguration.
    return tuple(_described(model) for model in models if not model.deprecated)


def _described(model: Any) -> _Operation:
    shape = model.input_shape
    path, _, query = model.http["requestUri"].partition("?")
    names = shape.required_members if shape else ()
    required = [shape.members[name].serialization for name in names]
    return _Operation(
        name=model.name,
        method=model.http["method"],
        on_object="{Key" in path,
        on_bucket="{Bucket}" in path,
        query=frozenset((name.lower(), value) for name, value in parse_qsl(query, True)),
        parameters=frozenset(
            member["name"].lower()
            for member in required
            if member.get("location") in ("querystring", "header")
        ),
    )
