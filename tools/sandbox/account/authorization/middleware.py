"""The layer in front of the emulator that asks the judge about every call."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from xml.sax.saxutils import escape

from tools.iam import UnsupportedPolicyError
from tools.iam.s3 import ObjectName, S3Call, UnknownOperationError
from tools.iam.services import ServiceCall, UnknownCallError
from tools.sandbox.account.authorization import s3_http
from tools.sandbox.account.authorization.judge import Judge, Refusal, Session

# Signature version 4: the key's id, the date, the region and the service that the call is for.
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/[^/]+/([^/]+)/aws4_request")
# IAM's prefix of a service where it is not the name in the signature.
_PREFIXES = {"monitoring": "cloudwatch"}
# Answers that say that an object is not there.
_ABSENT_CODES = (b"<Code>NoSuchKey</Code>", b"<Code>NoSuchVersion</Code>")

_NONE_DELETED = b'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>'

SessionOf = Callable[[str], Session | None]


class Authorization:
    """A WSGI application around the emulator's.

    Args:
        session_of: who makes a call, by the access key; None for a key that is left to moto.
        report: is called with a sentence about every call that nobody has looked up.
        called: is called with the name of every operation, such as `glue:CreateJob`.
    """

    def __init__(
        self,
        application: WSGIApplication,
        judge: Judge,
        session_of: SessionOf,
        report: Callable[[str], None],
        called: Callable[[str], None],
    ) -> None:
        self._application = application
        self._judge = judge
        self._session_of = session_of
        self._report = report
        self._called = called

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        session = self._session_of(signed[1]) if signed else None
        if signed is None or session is None:
            return self._application(environ, start)
        try:
            if signed[2] == "s3":
                return self._s3(session, environ, start)
            return self._other(session, signed[2], environ, start)
        except (UnknownOperationError, UnknownCallError, UnsupportedPolicyError) as error:
            if session.administrator and not isinstance(error, UnsupportedPolicyError):
                return self._application(environ, start)
            self._report(f"A call of {session.arn} cannot be judged: {error}")
            return _answer(environ, start, signed[2], Refusal(f"The sandbox refuses it: {error}"))

    # ---- S3 --------------------------------------------------------------------------------

    def _s3(
        self, session: Session, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        call = s3_http.s3_call(
            environ["REQUEST_METHOD"], _path(environ), environ["QUERY_STRING"], _headers(environ)
        )
        self._called(f"s3:{call.operation}")
        if call.operation == "DeleteObjects":
            return self._delete_objects(session, call, environ, start)
        refusal = self._judge.s3(session, call)
        if refusal is not None:
            return _answer(environ, start, "s3", refusal)
        if call.operation in ("GetObject", "HeadObject", "GetObjectTagging"):
            name = ObjectName(call.bucket, call.key, call.version_id)
        elif call.source is not None:
            name = call.source
        else:
            return self._application(environ, start)
        return self._without_telling_absence(session, name, environ, start)

    def _without_telling_absence(
        self, session: Session, name: ObjectName, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        status, headers, body = _called(self._application, environ)
        absent = status.startswith("404") and (
            environ["REQUEST_METHOD"] == "HEAD" or any(code in body for code in _ABSENT_CODES)
        )
        if absent and not self._judge.may_learn_absence(session, name):
            what = f"arn:aws:s3:::{name.bucket}"
            return _answer(
                environ,
                start,
                "s3",
                Refusal(
                    f"User: {session.arn} is not authorized to perform: s3:ListBucket on "
                    f'resource: "{what}" because no identity-based policy allows the '
                    "s3:ListBucket action"
                ),
            )
        start(status, headers)
        return [body]

    def _delete_objects(
        self, session: Session, call: S3Call, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        """Deletes what may be deleted; the answer names what may not (API reference,
        DeleteObjects)."""
        body = _body(environ)
        refused: dict[ObjectName, Refusal] = {}
        for deletion in s3_http.deletions(call, body):
            refusal = self._judge.s3(session, deletion)
            if refusal is not None:
                refused[ObjectName("", deletion.key, deletion.version_id)] = refusal
        if refused:
            body = s3_http.without(body, set(refused))
        status, headers, answer = "200 OK", [("Content-Type", "application/xml")], _NONE_DELETED
        if body:
            _with_body(environ, body)
            status, headers, answer = _called(self._application, environ)
        errors = "".join(_deletion_error(name, why) for name, why in refused.items())
        answer = _with_errors(answer, errors.encode()) if status.startswith("200") else answer
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start(status, [*headers, ("Content-Length", str(len(answer)))])
        return [answer]

    # ---- other services --------------------------------------------------------------------

    def _other(
        self, session: Session, service: str, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        body = _body(environ)
        _with_body(environ, body)
        operation, parameters = _operation(environ, body)
        call = ServiceCall(_PREFIXES.get(service, service), operation, parameters)
        self._called(call.action)
        refusal = None if session.administrator else self._judge.other(session, call)
        if refusal is not None:
            return _answer(environ, start, service, refusal)
        return self._application(environ, start)


def _operation(environ: WSGIEnvironment, body: bytes) -> tuple[str, Mapping[str, Any]]:
    """The operation's name and its parameters, in the JSON and the query protocol.

    Raises:
        UnknownCallError: it is another protocol.
    """
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return target.rpartition(".")[2], json.loads(body or b"{}")
    query = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if "Action" in query:
        return query["Action"], query
    raise UnknownCallError(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} names no action.")


def _path(environ: WSGIEnvironment) -> str:
    """The path as it was sent, with its escapes resolved: WSGI keeps it as Latin-1."""
    return str(environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "surrogateescape")


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _body(environ: WSGIEnvironment) -> bytes:
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _with_body(environ: WSGIEnvironment, body: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


def _called(
    application: WSGIApplication, environ: WSGIEnvironment
) -> tuple[str, list[tuple[str, str]], bytes]:
    said: list[Any] = []

    def keep(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        said[:] = status, headers
        return lambda data: None

    body = b"".join(application(environ, keep))
    return said[0], said[1], body


def _answer(
    environ: WSGIEnvironment, start: StartResponse, service: str, refusal: Refusal
) -> Iterable[bytes]:
    """The refusal in the words and the protocol of the service."""
    _body(environ)  # What is left of the request must be read, or closing would reset it.
    if service == "s3":
        status, kind = "403 Forbidden", "application/xml"
        body = _xml("Error", refusal)
    elif environ.get("HTTP_X_AMZ_TARGET"):
        status, kind = "400 Bad Request", "application/x-amz-json-1.1"
        body = json.dumps({"__type": "AccessDeniedException", "Message": refusal.message})
    else:
        status, kind = "403 Forbidden", "text/xml"
        body = f"<ErrorResponse>{_xml('Error', refusal)}</ErrorResponse>"
    data = b"" if environ["REQUEST_METHOD"] == "HEAD" else body.encode()
    start(status, [("Content-Type", kind), ("Content-Length", str(len(data)))])
    return [data]


def _with_errors(answer: bytes, errors: bytes) -> bytes:
    """The answer to DeleteObjects with these errors as well; a quiet one has no other content."""
    start, end = answer.rstrip().removesuffix(b"/>"), b"</DeleteResult>"
    opened = start + b">" + end if start != answer.rstrip() else answer
    return opened.replace(end, errors + end)


def _xml(element: str, refusal: Refusal, more: str = "") -> str:
    return (
        f"<{element}>{more}<Code>AccessDenied</Code>"
        f"<Message>{escape(refusal.message)}</Message></{element}>"
    )


def _deletion_error(name: ObjectName, why: Refusal) -> str:
    version = f"<VersionId>{escape(name.version_id)}</VersionId>" if name.version_id else ""
    return _xml("Error", why, f"<Key>{escape(name.key)}</Key>{version}")
