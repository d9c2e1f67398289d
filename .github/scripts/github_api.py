"""GitHub's REST API, as far as the workflows need it. Needs nothing but Python.

The variables are those that GitHub sets for every run; `GITHUB_TOKEN` is handed to the step.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

ATTEMPTS = 4
PAGE = 100


class GithubError(Exception):
    """GitHub did not do what it was asked for; the message says what and why."""


def call(method: str, path: str, body: Any = None) -> Any:
    """Ask for `path` of the repository (`/pulls/1`); returns what GitHub answered.

    Asks again where GitHub itself failed or asked to wait. Raises `GithubError`.
    """
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}{path}"
    request = urllib.request.Request(  # noqa: S310 - GitHub sets the URL.
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            if attempt == ATTEMPTS or error.code not in (429, 500, 502, 503, 504):
                raise GithubError(
                    f"{method} {path}: GitHub answered {error.code}: {said}"
                ) from None
        except OSError as error:
            if attempt == ATTEMPTS:
                raise GithubError(f"{method} {path}: {error}") from None
        time.sleep(float(os.environ.get("BURST_RETRY_SECONDS", "5")) * attempt)
    raise AssertionError("the last attempt returns or raises")


def listed(path: str, *, key: str | None = None) -> Iterator[Any]:
    """Every element of a list that GitHub gives in pages; below `key`, where it is wrapped."""
    mark, number = ("&" if "?" in path else "?"), 1
    while True:
        answer = call("GET", f"{path}{mark}per_page={PAGE}&page={number}")
        elements = answer[key] if key else answer
        yield from elements
        if len(elements) < PAGE:
            return
        number += 1
