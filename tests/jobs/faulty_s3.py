"""The emulated S3 behind a bad line: the faults are in front of it, in HTTP, not in our code.

A WSGI layer around the emulator asks its `plan` about each request. A fault may keep the request
from S3, or let it through and spoil the answer: cut it short, reset the connection in the middle
of it, delay it, or replace it by an error although S3 has carried the request out.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

SLOW_SECONDS = 0.2


class Fault(Enum):
    """What becomes of one request."""

    SLOW_DOWN = auto()  # 503 before S3 did anything
    ERROR_BEFORE = auto()  # 500 before S3 did anything
    ERROR_AFTER = auto()  # 500 after S3 did it
    RESET = auto()  # S3 did it; the connection is reset in the middle of the answer's body
    CUT = auto()  # S3 did it; the connection ends in the middle of the answer's body
    SLOW = auto()  # S3 did it; the answer takes its time


@dataclass(frozen=True)
class Request:
    """What a plan may look at. number counts from 1 since the plan was set."""

    number: int
    method: str
    path: str


Plan = Callable[[Request], Fault | None]


def no_faults(_: Request) -> Fault | None:
    """The line is fine."""
    return None


def every(k: int, fault: Fault, *, method: str = "") -> Plan:
    """This fault for every k-th request (of this method)."""
    numbers = iter(range(1, 10**9))

    def plan(request: Request) -> Fault | None:
        if method and request.method != method:
            return None
        return fault if next(numbers) % k == 0 else None

    return plan


@dataclass
class FaultyS3:
    """The emulator over HTTP on a port of its own; all of them in a process share their buckets."""

    plan: Plan = no_faults
    faults: int = 0
    _requests: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: BaseWSGIServer | None = None

    def start(self) -> str:
        """Serve until stop; returns the address."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=MotoRequestHandler
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def set(self, plan: Plan) -> None:
        """From now on these faults; both counts begin anew."""
        with self._lock:
            self.plan, self.faults, self._requests = plan, 0, 0

    def _answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        with self._lock:
            self._requests += 1
            request = Request(self._requests, environ["REQUEST_METHOD"], environ["PATH_INFO"])
            fault = self.plan(request)
            self.faults += fault is not None
        if fault is None:
            return self._app(environ, start)
        if fault not in (Fault.SLOW_DOWN, Fault.ERROR_BEFORE):
            return self._spoiled(fault, environ, start)
        # What is left of the request must be read, or closing the connection would reset it.
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if fault is Fault.SLOW_DOWN:
            return _error(start, environ, "503 Slow Down", "SlowDown")
        return _error(start, environ, "500 Internal Server Error", "InternalError")

    def _spoiled(
        self, fault: Fault, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        said: list[Any] = []

        def keep(*status_and_headers: Any) -> Callable[[bytes], object]:
            said[:] = status_and_headers
            return _no_write

        body = b"".join(self._app(environ, keep))
        if fault is Fault.ERROR_AFTER:
            return _error(start, environ, "500 Internal Server Error", "InternalError")
        if fault is Fault.SLOW:
            time.sleep(SLOW_SECONDS)
            start(*said)
            return [body]
        start(*said)
        # After the end of a line, where only its length gives the body away.
        half = body[: body.rfind(b"\n", 0, len(body) // 2) + 1 or len(body) // 2]
        return [half] if fault is Fault.CUT else _reset_after(half, environ["werkzeug.socket"])


def _reset_after(data: bytes, connection: socket.socket) -> Iterator[bytes]:
    """Send this, then RST: a real close of a connection that has nothing to linger for.

    The server's files hold the connection open and go on using its number, so another socket,
    which is closed at its other end, takes its place under this number.
    """
    yield data
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ours, other = socket.socketpair()
    other.shutdown(socket.SHUT_WR)
    os.dup2(ours.fileno(), connection.fileno())
    ours.close()
    # Kept until here, or what the server still writes would be a broken pipe.
    yield b""
    other.close()


def _error(
    start: StartResponse, environ: WSGIEnvironment, status: str, code: str
) -> Iterable[bytes]:
    body = f"<Error><Code>{code}</Code><Message>Please try again</Message></Error>".encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else []


def _no_write(_: bytes) -> object:
    raise NotImplementedError("the emulator returns its bodies")
