"""What a transform gives is what the settings declare, before it is deployed and when it runs."""

from __future__ import annotations

import json

import pytest
from burst.contract import LINEAGE
from burst.errors import RowEngineError

from tests.jobs.world import COLUMNS, World, as_csv, order

ADDED = [
    {"name": "order_total", "type": "decimal(21,2)"},
    {"name": "is_current", "type": "boolean"},
    {"name": "is_late", "type": "boolean"},
]


def test_what_is_declared_is_written_in_the_declared_order_with_the_lineage_last(
    spark_world: World,
) -> None:
    spark_world.put("orders/a.csv", as_csv([order(1)]))
    declared = [*reversed(ADDED), *COLUMNS]
    spark_world.drain(curated_columns=json.dumps(declared))
    [row] = spark_world.curated()
    assert list(row) == [*(column["name"] for column in declared), *LINEAGE]
    assert row["order_id"] == "o-00001"


def test_transform_that_gives_other_columns_stops_the_run_and_loads_nothing(
    spark_world: World,
) -> None:
    spark_world.put("orders/a.csv", as_csv([order(1)]))
    wrong = [*COLUMNS, {"name": "order_total", "type": "double"}, {"name": "tax", "type": "int"}]

    with pytest.raises(RowEngineError) as stopped:
        spark_world.drain(curated_columns=json.dumps(wrong))

    assert str(stopped.value) == (
        "The transform 'orders' gives other columns than the settings declare: tax is missing; "
        "order_total is decimal(21,2) and not double; is_current is not declared; "
        "is_late is not declared. Correct the transform, or the pipeline's added_columns and "
        "dropped_columns, and deploy. Nothing of the batch was written; the next run starts it "
        "again."
    )
    assert spark_world.curated() == []
    assert spark_world.in_landing() == ["orders/a.csv"]
    # Once the settings are corrected, the next run goes on from there.
    assert spark_world.drain(curated_columns=json.dumps(COLUMNS + ADDED)).rows == 1
