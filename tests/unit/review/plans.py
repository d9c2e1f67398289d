"""Plans as `terraform show -json` prints them, from a few values."""

from __future__ import annotations

import json
from typing import Any

from tools.review import markdown
from tools.review.page import page_of
from tools.review.plan import Plan
from tools.review.reading import read_plan
from tools.review.review import Review, review

BUCKET = "burst-dev-landing-20261124"
LANDING = "landing_bucket_34B0CCFA"


def resource(
    type_: str,
    before: Any = None,
    after: Any = None,
    *,
    name: str = "pipeline-orders_job_BBA96BCE",
    actions: list[str] | None = None,
    unknown: Any = None,
    marks: tuple[Any, Any] = (False, False),
    **more: Any,
) -> dict[str, Any]:
    """One entry of `resource_changes`; the actions follow from what is there before and after."""
    if actions is None:
        actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    change = {
        "actions": actions,
        "before": before,
        "after": after,
        "after_unknown": {} if unknown is None else unknown,
        "before_sensitive": marks[0],
        "after_sensitive": marks[1],
    }
    if "replace_paths" in more:
        change["replace_paths"] = more.pop("replace_paths")
    return {
        "address": f"{type_}.{name}",
        "mode": "managed",
        "type": type_,
        "name": name,
        "change": change,
        **more,
    }


def bucket(before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    """The landing bucket."""
    return resource("aws_s3_bucket", before, after, **{"name": LANDING, **more})


def document(
    *changes: dict[str, Any], drift: tuple[dict[str, Any], ...] = (), **more: Any
) -> dict[str, Any]:
    """A whole plan."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"outputs": {"environment": {"sensitive": False, "value": "dev"}}},
        "resource_changes": list(changes),
        "resource_drift": list(drift),
        "errored": False,
        **more,
    }


def plan(*changes: dict[str, Any], **more: Any) -> Plan:
    """The same, read."""
    return read_plan(json.dumps(document(*changes, **more)).encode(), source="plan.json")[0]


def reviewed(*changes: dict[str, Any], **more: Any) -> Review:
    """The same, reviewed."""
    return review(plan(*changes, **more))


def page(*changes: dict[str, Any], **more: Any) -> str:
    """The same, as Markdown."""
    return markdown.render(page_of(reviewed(*changes, **more)))


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(sid: str = "Read", action: Any = "s3:GetObject", on: Any = "*", **more: Any) -> Any:
    """A statement that allows something."""
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": on, **more}


def deny(sid: str = "OnlyTls", action: Any = "s3:*", on: Any = "*", **more: Any) -> Any:
    """A statement that refuses something."""
    return {**allow(sid, action, on), "Effect": "Deny", **more}
