"""What a transform gives against what the settings declare."""

from __future__ import annotations

import json

import pytest
from burst.columns import differences
from burst.contract import LINEAGE, Column, JobSpec
from burst.errors import ArgumentError

from tests.unit.jobs.test_contract import argv

DECLARED = (Column("sku", "string"), Column("total", "decimal(21, 2)"))
AS_DECLARED = {"sku": "string", "total": "decimal(21,2)", **dict.fromkeys(LINEAGE, "string")}


def test_columns_as_declared_differ_in_nothing_whatever_their_order() -> None:
    assert differences(DECLARED, AS_DECLARED) == []
    assert differences(DECLARED, dict(reversed(AS_DECLARED.items()))) == []


@pytest.mark.parametrize(
    ("found", "sentences"),
    [
        ({**AS_DECLARED, "total": "double"}, ["total is double and not decimal(21,2)"]),
        ({**AS_DECLARED, "_batch": "int"}, ["_batch is int and not string"]),
        ({**AS_DECLARED, "Total": "int"}, ["Total is not declared"]),
        (
            {name: kind for name, kind in AS_DECLARED.items() if name not in ("sku", "_batch")},
            ["sku is missing", "_batch is missing"],
        ),
        (
            {**AS_DECLARED, "total": "array<string>", "late": "boolean"},
            ["total is array<string> and not decimal(21,2)", "late is not declared"],
        ),
    ],
)
def test_every_difference_is_a_sentence(found: dict[str, str], sentences: list[str]) -> None:
    assert differences(DECLARED, found) == sentences


def test_declared_columns_come_as_an_argument_and_may_be_left_out() -> None:
    assert JobSpec.from_arguments(argv()).output.columns is None
    declared = json.dumps([{"name": "sku", "type": "string"}])
    assert JobSpec.from_arguments(argv(curated_columns=declared)).output.columns == (
        Column("sku", "string"),
    )


def test_rescued_values_have_a_column_of_the_table_and_never_one_of_the_files() -> None:
    declared = json.dumps([{"name": "_rescued", "type": "string"}])
    assert JobSpec.from_arguments(argv(curated_columns=declared)).output.columns == (
        Column("_rescued", "string"),
    )
    with pytest.raises(ArgumentError, match="'_rescued', a name that the job itself uses"):
        JobSpec.from_arguments(argv(columns=declared))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sku", "--curated_columns is not JSON"),
        ("[]", "--curated_columns must be a JSON list with at least one column"),
        ('[{"name": "_batch", "type": "string"}]', "--curated_columns has '_batch', a name that"),
        ('[{"name": "sku", "type": "text"}]', "--curated_columns: 'sku' has the type 'text'"),
    ],
)
def test_declared_columns_that_cannot_be_are_named(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        JobSpec.from_arguments(argv(curated_columns=text))
