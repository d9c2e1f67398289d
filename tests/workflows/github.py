"""A stand-in for the part of GitHub's REST API that the workflows use, on this machine.

It keeps comments as GitHub does and gives lists in pages; pull requests and runs are given.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "octo-org/octo-repo"
BOT = "github-actions[bot]"


@dataclass
class Github:
    """What the stand-in knows, and what it was asked.

    ``failures`` are the HTTP codes that the next requests get instead of an answer.
    """

    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""

    def comment(self, body: str, login: str = BOT) -> dict[str, Any]:
        """Somebody's comment."""
        number = len(self.comments) + 1
        made = {"id": number, "body": body, "user": {"login": login}, "html_url": f"#{number}"}
        self.comments.append(made)
        return made

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """What GitHub answers: the code and the document."""
        if self.failures:
            return self.failures.pop(0), {"message": "it went wrong"}
        place, _, query = path.removeprefix(f"/repos/{REPOSITORY}").partition("?")
        wanted = {name: values[0] for name, values in parse_qs(query).items()}
        match method, place:
            case "GET", "/issues/7/comments":
                return 200, page(self.comments, wanted)
            case "POST", "/issues/7/comments":
                return 201, self.comment(body["body"])
            case "PATCH", _ if found := re.fullmatch(r"/issues/comments/(\d+)", place):
                changed = self.comments[int(found[1]) - 1]
                changed["body"] = body["body"]
                return 200, changed
            case "GET", _ if found := re.fullmatch(r"/commits/(\w+)/pulls", place):
                return 200, self.pulls.get(found[1], [])
            case "GET", "/actions/workflows/plan.yml/runs":
                found_runs = [
                    run
                    for run in self.runs
                    if all(run.get(name) == wanted[name] for name in ("event", "status"))
                    and run["head_sha"] == wanted["head_sha"]
                ]
                return 200, {"workflow_runs": page(found_runs, wanted)}
        return 404, {"message": f"Not Found: {method} {place}"}


def page(elements: list[Any], wanted: dict[str, str]) -> list[Any]:
    size, number = int(wanted["per_page"]), int(wanted["page"])
    return elements[size * (number - 1) : size * number]


@contextmanager
def listening(github: Github) -> Iterator[Github]:
    """Answer on a free port of the loopback device."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            github.requests.append(f"{self.command} {urlsplit(self.path).path}")
            github.tokens.add(self.headers["Authorization"])
            code, document = github.answer(self.command, self.path, body)
            content = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        github.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
