"""Columns that came, as settings: what changes in cdktf.json, for a plan and its review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from burst.contract import Column, column_fields, parse_type, united

from stacks.settings import parse_context, parse_text
from tools.authoring.drift import Came
from tools.authoring.writing import (
    ENVIRONMENTS,
    PIPELINES,
    PROPOSED_SETTINGS,
    SETTINGS,
    laid_out,
)
from tools.operate.json_text import indentation, with_text


def declared(text: str, environment: str, pipeline: str, came: Sequence[Came]) -> str:
    """The text of cdktf.json with the columns that are proposed; the rest keeps every character.

    Raises `SettingsError` where the settings could not be used then.
    """
    if not any(one.proposal for one in came):
        return text
    pipelines = parse_context(text, SETTINGS)[ENVIRONMENTS][environment][PIPELINES]
    columns: list[dict[str, Any]] = [dict(one) for one in pipelines[pipeline]["input"]["columns"]]
    for one in came:
        if one.proposal and one.column:
            changed = next(item for item in columns if item["name"] == one.column.name)
            # Several fields may be new in one column.
            wider = united(parse_type(changed["type"]), parse_type(one.proposal.type))
            changed["type"] = str(wider)
        elif one.proposal:
            columns.append(_new(one.proposal, columns))
    path = ("context", ENVIRONMENTS, environment, PIPELINES, pipeline, "input")
    shown = laid_out(columns, indentation(text, path))
    line_end = "\r\n" if "\r\n" in text else "\n"
    after = with_text(text, path, "columns", shown.replace("\n", line_end))
    parse_text(after, PROPOSED_SETTINGS)
    return after


def _new(column: Column, columns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The column under a name that no other has: two may be proposed with the same one."""
    taken = {item["name"] for item in columns}
    numbers = range(2, len(columns) + 3)
    free = (column.name, *(f"{column.name[:250]}_{number}" for number in numbers))
    name = next(one for one in free if one not in taken)
    source = column.in_file if name != column.in_file else ""
    return column_fields(Column(name, column.type, source, column.optional, column.format))
