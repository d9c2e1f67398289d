"""The columns of curated: those of the files, without what is dropped, with what is added."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.settings import parse_environments
from tests.unit.settings.test_settings import PLACE, problems, valid

ADDED, DROPPED = "added_columns", "dropped_columns"


def with_output(output: Any) -> dict[str, Any]:
    """Files with the columns a, b and c, and these settings of the output."""
    environments = valid()
    pipeline = environments["dev"]["pipelines"]["orders"]
    pipeline["input"]["columns"] = [{"name": name, "type": "int"} for name in "abc"]
    pipeline["output"] = output
    return environments


def column(name: str, kind: str = "string") -> dict[str, str]:
    return {"name": name, "type": kind}


@pytest.mark.parametrize(
    ("output", "columns"),
    [
        ({}, [("a", "int"), ("b", "int"), ("c", "int")]),
        ({DROPPED: ["b"]}, [("a", "int"), ("c", "int")]),
        (
            {ADDED: [column("d", "decimal(21,2)")]},
            [("a", "int"), ("b", "int"), ("c", "int"), ("d", "decimal(21,2)")],
        ),
        (
            {ADDED: [column("b", "bigint")], DROPPED: ["b"]},
            [("a", "int"), ("c", "int"), ("b", "bigint")],
        ),
        ({ADDED: [column("d")], DROPPED: ["a", "b", "c"]}, [("d", "string")]),
    ],
)
def test_curated_has_the_files_columns_without_the_dropped_and_with_the_added(
    output: Any, columns: list[tuple[str, str]]
) -> None:
    pipeline = parse_environments(with_output(output))["dev"].pipelines["orders"]
    assert [(item.name, item.type) for item in pipeline.curated_columns] == columns


WRONG = [
    ({ADDED: [column("a")]}, "'output'", "the files have a already; drop it as well"),
    ({ADDED: [column("d"), column("d")]}, "'output.added_columns'", "more than once: d"),
    ({ADDED: [column("batch")]}, "'output.added_columns.0.name'", "taken by a partition"),
    ({ADDED: [column("ingest_date")]}, "'output.added_columns.0.name'", "taken by a partition"),
    ({ADDED: [column("_batch")]}, "'output.added_columns.0.name'", "right form"),
    ({ADDED: [column("Total")]}, "'output.added_columns.0.name'", "right form"),
    (
        {ADDED: [column("d", "real")]},
        "'output.added_columns.0.type'",
        "there is no type 'real' (did you mean 'float'?)",
    ),
    ({ADDED: [{"name": "d"}]}, "'output.added_columns.0.type'", "is missing"),
    (
        {ADDED: [column("d") | {"source": "D"}]},
        "'output.added_columns.0.source'",
        "no such setting",
    ),
    ({ADDED: {"d": "string"}}, "'output.added_columns'", ""),
    ({ADDED: "d"}, "'output.added_columns'", ""),
    ({DROPPED: ["d"]}, "'output'", "the files have no column d that could be dropped"),
    ({DROPPED: ["a", "a"]}, "'output.dropped_columns'", "more than once: a"),
    ({DROPPED: [1]}, "'output.dropped_columns.0'", ""),
    ({DROPPED: "a"}, "'output.dropped_columns'", ""),
    ({DROPPED: ["a", "b", "c"]}, "'output'", "every column is dropped and none is added"),
    ({"columns": []}, "'output.columns'", "there is no such setting"),
]


@pytest.mark.parametrize(("output", "field", "reason"), WRONG, ids=[str(w[0])[:60] for w in WRONG])
def test_columns_that_cannot_be_are_named_with_the_reason(
    output: Any, field: str, reason: str
) -> None:
    message = problems(with_output(output))
    assert f"{PLACE}{field}" in message
    assert reason in message
    assert "Allowed: " in message
