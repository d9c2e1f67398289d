"""From what came to the columns that are proposed: ledger and curated as the job leaves them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import Column, FileFormat

from stacks.settings import SettingsError, read_environments
from tests.jobs.world import COLUMNS, World, as_csv, as_json, as_parquet, memory_world, order
from tests.tools.authoring.conftest import Burst
from tests.unit.operate.test_deployment import OUTPUTS
from tools.authoring.declaring import declared
from tools.authoring.drift import Came, Report, look
from tools.operate.ledger import PipelineLedger
from tools.sandbox.account import Account

START = datetime(2025, 1, 31, 12, tzinfo=UTC)
KINDS = {"csv": as_csv, "json": as_json, "parquet": as_parquet}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return memory_world(tmp_path)


def drain(world: World, at: datetime, kind: str = "csv", columns: Any = COLUMNS) -> None:
    replace(world, clock=lambda: at).drain_plain(
        unknown_columns="rescue",
        bad_values="rescue",
        input_format=kind,
        columns=json.dumps(columns),
    )


def report(
    world: World, kind: Any = "csv", columns: Any = COLUMNS, since: datetime = START, **how: Any
) -> Report:
    ledger = PipelineLedger(world.s3, world.landing, world.lake, "orders", "dev")
    format = FileFormat(kind, tuple(Column(**one) for one in columns), "rescue", "rescue")
    return look(ledger, format, since, **how)


def wider(rows: list[dict[str, Any]], more: Mapping[str, list[str]]) -> bytes:
    header, *lines = as_csv(rows).decode().splitlines()
    lines = [",".join((line, *(more[name][at] for name in more))) for at, line in enumerate(lines)]
    return "\n".join([",".join((header, *more)), *lines, ""]).encode()


def test_what_came_has_its_beginning_its_shares_its_examples_and_a_type(world: World) -> None:
    world.put("orders/a.csv", as_csv([order(n) for n in range(6)]))
    drain(world, START)
    world.put("orders/b.csv", wider([order(7), order(8)], {"Sales Channel": ["web", ""]}))
    drain(world, START + timedelta(hours=1))
    more = {"Sales Channel": ["shop", "web"], "due": ["25.11.2026", "1.12.2026"]}
    world.put("orders/c.csv", wider([order(9), order(10)], more))
    drain(world, START + timedelta(hours=2))

    found = report(world)

    assert (found.files, found.rows, found.looked) == (3, 10, 3)
    channel, due = found.came
    assert (channel.name, channel.files, channel.rows) == ("Sales Channel", 2, 3)
    assert channel.since == START + timedelta(hours=1)
    assert set(channel.examples) == {"web", "shop"}
    assert channel.proposal == Column("sales_channel", "string", "Sales Channel", True)
    assert (due.files, due.rows, due.since) == (1, 2, START + timedelta(hours=2))
    assert due.proposal == Column("due", "date", "", True, "d.M.yyyy")


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_type_is_that_of_the_files(world: World, kind: str) -> None:
    world.put(f"orders/a.{kind}", KINDS[kind]([order(1), order(2)]))
    fewer = [column for column in COLUMNS if column["name"] not in ("quantity", "updated_at")]
    drain(world, START, kind, fewer)

    types = {
        one.name: one.proposal and one.proposal.type for one in report(world, kind, fewer).came
    }

    whole = "bigint"
    assert types == {"quantity": whole, "updated_at": "timestamp"}


def test_values_that_do_not_fit_widen_a_type_where_the_rows_that_are_there_can_still_be_read(
    world: World,
) -> None:
    rows = [order(1, quantity=3_000_000_000, ordered_at="soon"), order(2, unit_price="n/a")]
    world.put("orders/a.csv", as_csv(rows))
    drain(world, START)

    found = {one.name: one for one in report(world).came}

    assert found["quantity"].proposal == Column("quantity", "bigint")
    assert (found["ordered_at"].proposal, found["unit_price"].proposal) == (None, None)
    assert "no type beside timestamp takes them" in found["ordered_at"].why
    assert found["unit_price"].why == "if 'n/a' means null, put it into null_texts"


def test_column_that_may_have_been_renamed_is_pointed_out_and_not_guessed(world: World) -> None:
    columns = [*COLUMNS, {"name": "area", "type": "string", "optional": True}]
    world.put("orders/a.csv", wider([order(1)], {"area": ["north"]}))
    drain(world, START, columns=columns)
    world.put("orders/b.csv", wider([order(2)], {"region": ["south"]}))
    drain(world, START, columns=columns)

    [region] = report(world, columns=columns).came

    assert (region.name, region.empty) == ("region", ("area",))
    assert region.proposal == Column("region", "string", optional=True)


def test_once_declared_it_is_said_that_a_replay_fills_it_and_then_nothing(world: World) -> None:
    world.put("orders/a.csv", wider([order(1)], {"stock": ["12"]}))
    drain(world, START)
    [batch] = world.ledger()
    columns = [*COLUMNS, {"name": "stock", "type": "bigint", "optional": True}]

    [stock] = report(world, columns=columns).came
    assert (stock.proposal, stock.why) == (None, "declared by now; a replay fills it in")

    assert report(world, columns=columns, replaced={batch}).came == ()
    assert report(world, since=START + timedelta(days=1)).came == ()


NESTED = [
    {"name": "id", "type": "int"},
    {"name": "items", "type": "array<struct<sku:string,unitPrice:decimal(5,2)>>"},
]


def nested_file(kind: str, items: list[dict[str, Any]], **others: Any) -> bytes:
    if kind == "json":
        return json.dumps({"id": 1, "items": items, **others}).encode()
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{"id": 1, "items": items, **others}]), body)
    return body.getvalue()


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_field_that_no_struct_declares_is_proposed_inside_of_its_column(
    world: World, kind: str
) -> None:
    world.put("orders/a", nested_file(kind, [{"sku": "a"}]))
    drain(world, START, kind, NESTED)
    more = [{"sku": "b", "qty": 2, "size": {"cm": [7]}}, {"sku": "c", "qty": 3, "size": None}]
    world.put("orders/b", nested_file(kind, more))
    drain(world, START + timedelta(hours=1), kind, NESTED)

    found = {one.name: one for one in report(world, kind, NESTED).came}

    qty = found["items[].qty"]
    assert (qty.files, qty.rows, set(qty.examples)) == (1, 1, {"2", "3"})
    assert qty.what == "a field that no struct declares, could be bigint"
    text = JSON_TEXT.replace('"json"', f'"{kind}"')
    after = declared(text, "dev", "orders", list(found.values()))
    pipelines = json.loads(after)["context"]["environments"]["dev"]["pipelines"]
    columns = pipelines["orders"]["input"]["columns"]
    assert columns[1]["type"] == (
        "array<struct<sku:string,unitPrice:decimal(5,2),qty:bigint,size:struct<cm:array<bigint>>>>"
    )

    again = report(world, kind, columns).came
    assert {one.why for one in again} == {"declared by now; a replay fills it in"}


def test_value_inside_that_does_not_fit_is_told_and_nothing_is_proposed(world: World) -> None:
    world.put("orders/a", nested_file("json", [{"sku": "a", "unitPrice": 1000}]))
    drain(world, START, "json", NESTED)

    [price] = report(world, "json", NESTED).came

    assert (price.name, price.proposal) == ("items[].unitPrice", None)
    assert (price.what, price.why) == (
        "values that decimal(5,2) does not take",
        "decimal(5,2) does not take them",
    )


# ---- the settings ------------------------------------------------------------------------------

TEXT = """{"context": {"environments": {"dev": {
  "region": "eu-central-1",
  "state": {"backend": "local"},
  "pipelines": {
    "orders": {
      "prefix": "orders/", "batch_size": 1,
      "input": {
        "format": "csv",
        "columns": [
          {"name": "id", "type": "int"}
        ],
        "unknown_columns": "rescue"
      },
      "transform": "none"
    }
  }
}}}}
"""


JSON_TEXT = TEXT.replace('"csv"', '"json"').replace(
    """{"name": "id", "type": "int"}""",
    """{"name": "id", "type": "int"},
          {"name": "items", "type": "array<struct<sku:string,unitPrice:decimal(5,2)>>"}""",
)


def came(proposal: Column | None, column: Column | None = None) -> Came:
    return Came("x", START, START, 1, 1, column=column, proposal=proposal)


def test_proposals_become_columns_and_the_rest_keeps_every_character() -> None:
    after = declared(
        TEXT,
        "dev",
        "orders",
        [
            came(Column("id", "bigint"), Column("id", "int")),
            came(Column("a_b", "string", "A B", True)),
            came(Column("a_b", "date", "A-B", False, "d.M.yyyy")),
            came(None),
        ],
    )

    lines = [
        '{"name": "id", "type": "bigint"},',
        '{"name": "a_b", "type": "string", "source": "A B", "optional": true},',
        '{"name": "a_b_2", "type": "date", "source": "A-B", "format": "d.M.yyyy"}',
    ]
    shown = "".join(f"          {line}\n" for line in lines)
    assert after == TEXT.replace('          {"name": "id", "type": "int"}\n', shown)
    assert declared(TEXT, "dev", "orders", []) == TEXT


def test_columns_that_could_not_be_are_refused_before_anything_is_written() -> None:
    text = TEXT.replace('"transform": "none"', '"output": {"added_columns": [%s]}')
    text = text % '{"name": "total", "type": "int"}'
    with pytest.raises(SettingsError, match="the files have total already"):
        declared(text, "dev", "orders", [came(Column("total", "int"))])


# ---- the command -------------------------------------------------------------------------------


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with Account() as account:
        for name, value in account.environment().items():
            monkeypatch.setenv(name, value)
        yield account


def test_command_shows_what_came_and_writes_what_it_proposes(
    account: Account, project: Path, burst: Burst, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(OUTPUTS))
    where = ["dev", "orders", "--outputs", str(outputs), "--since", "2025-01-31"]

    code, said = burst("drift", *where)
    assert (code, "keeps nothing of what its columns do not take" in said) == (2, True)

    file = project / "cdktf.json"
    kept = '"format": "csv",\n              "unknown_columns": "rescue",'
    file.write_text(file.read_text().replace('"format": "csv",', kept))
    s3 = account.client("s3")
    world = World(s3, "landing", "lake", tmp_path / "curated", curated_in_s3=True)
    for bucket in (world.landing, world.lake):
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        versioning = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
    code, said = burst("drift", *where)
    assert (code, "Nothing came since 2025-01-31 00:00:00Z" in said) == (0, True), said

    world.put("orders/a.csv", wider([order(1), order(2)], {"Channel": ["web", ""]}))
    drain(world, START)
    before = file.read_text()
    code, said = burst("drift", *where)
    assert code == 1
    assert "Channel: a column that nobody declared, could be channel string (1 value" in said
    assert '+                {"name": "channel", "type": "string", "source": "Channel", ' in said
    assert (
        "  pipenv run burst replay dev orders --archive \\\n    --since 2025-01-31T12:00Z" in said
    )
    assert file.read_text() == before

    code, said = burst("drift", *where, "--write")
    assert code == 0, said
    columns = read_environments(file)["dev"].pipelines["orders"].input.columns
    assert (columns[-1].name, columns[-1].source, columns[-1].optional) == (
        "channel",
        "Channel",
        True,
    )

    code, said = burst("drift", *where, "--json")
    assert code == 1
    [one] = json.loads(said)["came"]
    assert one["why"] == "declared by now; a replay fills it in"
