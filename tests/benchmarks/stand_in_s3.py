"""S3 over HTTP for benchmarks: quick enough that the job and not the server is measured.

The emulator answers about 240 GETs a second on two cores, and its listings get slower with every
object; a benchmark of 20,000 files would measure the emulator. This one answers thousands: the
objects are those of `tests/jobs/memory_s3.py`, whose answers are held against the emulator's, and
each request waits for a set latency, as a real one does. `tests/jobs/test_stand_in_s3.py` holds the
HTTP around it against the emulator, too.

It is a program of its own, so that its memory and its processor time count for nobody else:

    python -m tests.benchmarks.stand_in_s3 --files 2000 --bytes 20000 --latency-ms 30

It prints its port and serves 127.0.0.1 until its standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from tests.jobs.memory_s3 import Answer, MemoryS3
from tests.jobs.world import order

LANDING, LAKE = "landing", "lake"
PREFIX = "orders/"
PIECE_BYTES = 1024**2
HTTP_STATUS = {
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404"), 404),
    **dict.fromkeys(("PreconditionFailed", "412"), 412),
}
# Conditions on an object, and how they stand in HTTP.
CONDITIONS = {
    "IfMatch": "if-match",
    "IfNoneMatch": "if-none-match",
    "CopySourceIfMatch": "x-amz-copy-source-if-match",
}


@dataclass(frozen=True)
class Request:
    """One HTTP request to a bucket or to an object (key is not empty)."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """What goes back. length: of the body, also where HEAD leaves it out."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


def answer(s3: MemoryS3, request: Request) -> Response:
    """Carry out one request; errors as S3 writes them."""
    try:
        return _handler(request)(s3, request)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        status = HTTP_STATUS.get(code, 400)
        return Response(status, b"" if request.method == "HEAD" else body.encode())


def _handler(request: Request) -> Callable[[MemoryS3, Request], Response]:
    if request.key:
        return {"GET": _get, "HEAD": _head, "PUT": _put, "DELETE": _delete}[request.method]
    for name, handler in _OF_BUCKETS.items():
        if name in request.query:
            return handler
    return _create if request.method == "PUT" else _unknown


def _get(s3: MemoryS3, request: Request) -> Response:
    found = s3.get_object(**_object(request), **_conditions(request, "IfMatch"))
    # The whole body, without a copy.
    body = found["Body"]._raw_stream.getvalue()
    return Response(body=body, headers=_facts(found))


def _head(s3: MemoryS3, request: Request) -> Response:
    found = s3.head_object(**_object(request), **_conditions(request, "IfMatch"))
    return Response(headers=_facts(found), length=found["ContentLength"])


def _put(s3: MemoryS3, request: Request) -> Response:
    source = request.headers.get("x-amz-copy-source")
    if source is None:
        written = s3.put_object(
            Bucket=request.bucket,
            Key=request.key,
            Body=request.body,
            **_conditions(request, "IfMatch", "IfNoneMatch"),
        )
        return Response(headers=_facts(written))
    path, _, version = source.partition("?versionId=")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    found = {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
    copied = s3.copy_object(
        Bucket=request.bucket,
        Key=request.key,
        CopySource=found,
        **_conditions(request, "CopySourceIfMatch", "IfNoneMatch"),
    )
    headers = _facts(copied) | {
        "x-amz-copy-source-version-id": copied["CopySourceVersionId"],
    }
    return _xml("CopyObjectResult", _element("ETag", copied["CopyObjectResult"]["ETag"]), headers)


def _delete(s3: MemoryS3, request: Request) -> Response:
    deleted = s3.delete_object(**_object(request))
    return Response(204, headers=_facts(deleted))


def _delete_many(s3: MemoryS3, request: Request) -> Response:
    objects = [
        {child.tag.rpartition("}")[2]: child.text or "" for child in item}
        for item in ElementTree.fromstring(request.body)
        if item.tag.endswith("Object")
    ]
    s3.delete_objects(Bucket=request.bucket, Delete={"Objects": objects, "Quiet": True})
    return _xml("DeleteResult", "")


def _versioning(s3: MemoryS3, request: Request) -> Response:
    status = s3.get_bucket_versioning(Bucket=request.bucket)["Status"]
    return _xml("VersioningConfiguration", _element("Status", status))


def _create(s3: MemoryS3, request: Request) -> Response:
    s3.create_bucket(Bucket=request.bucket)
    return Response()


def _versions(s3: MemoryS3, request: Request) -> Response:
    query = request.query
    page = s3.list_object_versions(
        Bucket=request.bucket,
        Prefix=query.get("prefix", ""),
        KeyMarker=query.get("key-marker", ""),
        VersionIdMarker=query.get("version-id-marker", ""),
        MaxKeys=int(query["max-keys"]) if "max-keys" in query else None,
    )
    kinds = {"Version": page.get("Versions", []), "DeleteMarker": page.get("DeleteMarkers", [])}
    return _page("ListVersionsResult", page, kinds, ("NextKeyMarker", "NextVersionIdMarker"))


def _objects(s3: MemoryS3, request: Request) -> Response:
    query = request.query
    page = s3.list_objects_v2(
        Bucket=request.bucket,
        Prefix=query.get("prefix", ""),
        StartAfter=query.get("start-after", ""),
        ContinuationToken=query.get("continuation-token", ""),
        MaxKeys=int(query["max-keys"]) if "max-keys" in query else None,
    )
    kinds = {"Contents": page.get("Contents", [])}
    return _page("ListBucketResult", page, kinds, ("NextContinuationToken",))


def _unknown(_: MemoryS3, request: Request) -> Response:
    return Response(501, f"<Error><Code>NotImplemented: {request.method}</Code></Error>".encode())


_OF_BUCKETS = {
    "versioning": _versioning,
    "versions": _versions,
    "list-type": _objects,
    "delete": _delete_many,
}


def _object(request: Request) -> dict[str, str]:
    version = request.query.get("versionId")
    named = {"Bucket": request.bucket, "Key": request.key}
    return named | ({"VersionId": version} if version else {})


def _conditions(request: Request, *names: str) -> dict[str, Any]:
    headers = {name: request.headers.get(CONDITIONS[name]) for name in names}
    return {name: value for name, value in headers.items() if value is not None}


def _facts(found: Answer) -> dict[str, str]:
    names = {"ETag": "ETag", "VersionId": "x-amz-version-id"}
    facts = {header: str(found[name]) for name, header in names.items() if name in found}
    if "LastModified" in found:
        facts["Last-Modified"] = found["LastModified"].strftime("%a, %d %b %Y %H:%M:%S GMT")
    return facts | ({"x-amz-delete-marker": "true"} if found.get("DeleteMarker") else {})


def _page(
    root: str, page: Answer, kinds: Mapping[str, list[Answer]], markers: tuple[str, ...]
) -> Response:
    parts = [_element("IsTruncated", str(page["IsTruncated"]).lower())]
    parts += [_element(name, page[name]) for name in markers if name in page]
    for kind, items in kinds.items():
        for item in items:
            inner = "".join(_element(name, _text(value)) for name, value in item.items())
            parts.append(f"<{kind}>{inner}</{kind}>")
    return _xml(root, "".join(parts))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _xml(root: str, inner: str, headers: Mapping[str, str] | None = None) -> Response:
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    body = f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{space}">{inner}</{root}>'
    return Response(body=body.encode(), headers=headers or {})


async def serve(s3: MemoryS3, latency: float, ready: Callable[[int], None]) -> None:
    """Serve on a free port of 127.0.0.1 until cancelled; each answer waits `latency` seconds."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader, writer):
                if latency:
                    await asyncio.sleep(latency)
                await _write(writer, answer(s3, request), request.method)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The client has gone, or the server is ending.
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=256)
    ready(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    if headers.get("expect"):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    url = urlsplit(target)
    bucket, _, key = unquote(url.path).lstrip("/").partition("/")
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Request(method, bucket, key, query, headers, body)


async def _write(writer: asyncio.StreamWriter, response: Response, method: str) -> None:
    length = len(response.body) if response.length is None else response.length
    headers = {"Content-Length": str(length), **response.headers}
    lines = [f"HTTP/1.1 {response.status} -", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    if method != "HEAD":
        body = memoryview(response.body)
        for start in range(0, len(body), PIECE_BYTES):
            writer.write(body[start : start + PIECE_BYTES])
            await writer.drain()


def json_file(number: int, size: int) -> bytes:
    """A file of orders in JSON lines, of about `size` bytes; every file has orders of its own."""
    line = json.dumps(order(0, order_id="%s"), default=float) + "\n"
    count = max(1, round(size / (len(line) + len("o-00000000000") - len("%s"))))
    ids = tuple(f"o-{number:06}{row:05}" for row in range(count))
    return ((line * count) % ids).encode()


def csv_file(size: int) -> bytes:
    """One CSV file of about `size` bytes."""
    from tests.jobs.world import as_csv

    header, *rows = as_csv([order(number) for number in range(1000)]).splitlines(keepends=True)
    block = b"".join(rows)
    return header + block * max(1, round(size / len(block)))


def filled(files: int, size: int, csv_bytes: int) -> MemoryS3:
    """Both buckets, with these files in landing."""
    s3 = MemoryS3()
    for bucket in (LANDING, LAKE):
        s3.create_bucket(Bucket=bucket)
    for number in range(files):
        key = f"{PREFIX}{number:06}.json"
        s3.put_object(Bucket=LANDING, Key=key, Body=json_file(number, size))
    if csv_bytes:
        s3.put_object(Bucket=LANDING, Key=f"{PREFIX}large.csv", Body=csv_file(csv_bytes))
    return s3


async def _until_nobody_listens(s3: MemoryS3, latency: float) -> None:
    serving = asyncio.create_task(serve(s3, latency, lambda port: print(port, flush=True)))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=0, help="JSON files in landing")
    parser.add_argument("--bytes", type=int, default=20_000, help="size of each of them")
    parser.add_argument("--csv-bytes", type=int, default=0, help="size of one CSV file, 0 for none")
    parser.add_argument("--latency-ms", type=float, default=0, help="wait before each answer")
    options = parser.parse_args()
    s3 = filled(options.files, options.bytes, options.csv_bytes)
    asyncio.run(_until_nobody_listens(s3, options.latency_ms / 1000))


if __name__ == "__main__":
    main()
