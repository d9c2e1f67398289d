"""Looking at the ledger and uploading, against the emulated account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tests.tools.operate.world import LANDING, World
from tests.unit.operate.records import DEPLOYMENT, PIPELINE
from tests.unit.operate.test_deployment import OUTPUTS
from tools import cli
from tools.operate import connection, history, waiting
from tools.operate.errors import InputError, OperateError
from tools.operate.inspection import inspect_batch, inspect_key
from tools.operate.ledger import PipelineLedger
from tools.operate.putting import put_file, put_key, put_keys
from tools.operate.replays.records import ReplayRecords
from tools.operate.replays.selection import Selection
from tools.sandbox.account import Account


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture
def world(account: Account) -> Iterator[World]:
    yield World.create(account)
    account.backend("s3").reset()


def test_batch_is_found_by_the_beginning_of_its_id(world: World) -> None:
    first, second = world.batch(good=["a"]), world.batch(bad=["b"])
    for text in (second, second[:-3], second[:16]):
        story = inspect_batch(world.s3, DEPLOYMENT, PIPELINE, text)
        assert (story.batch, story.state) == (second, "done")
    with pytest.raises(InputError, match="the beginning of 2 ids"):
        inspect_batch(world.s3, DEPLOYMENT, PIPELINE, first[:8])


@pytest.mark.parametrize("text", ["19990101T000000Z-0123abcd", "19991399", "99990101"])
def test_batch_that_there_is_not_is_said_to_be_missing(world: World, text: str) -> None:
    world.batch(good=["a"])
    with pytest.raises(OperateError, match=f"There is no batch {text}"):
        inspect_batch(world.s3, DEPLOYMENT, PIPELINE, text)


def test_id_of_a_replay_is_said_to_be_one_and_what_to_type(world: World) -> None:
    world.batch(bad=["a", "b"])
    world.replay().run()
    [done] = ReplayRecords.of(world.s3, DEPLOYMENT, PIPELINE).done()
    with pytest.raises(InputError) as error:
        inspect_batch(world.s3, DEPLOYMENT, PIPELINE, done.id)
    assert str(error.value).startswith(
        f"{done.id} is a replay and no batch. It brought back 2 files"
    )
    assert "`burst inspect dev orders orders/a.csv`" in str(error.value)

    records = ReplayRecords.of(world.s3, DEPLOYMENT, PIPELINE)
    unfinished, _ = records.begin(Selection("quarantine"), datetime.now(UTC))
    with pytest.raises(InputError, match=f"{unfinished.id} is a replay and .*, or runs at this"):
        inspect_batch(world.s3, DEPLOYMENT, PIPELINE, unfinished.id)


def test_story_of_a_key_comes_from_the_batches_that_took_it(world: World) -> None:
    world.batch(good=["a"])
    taken = world.batch(bad=["b"])
    story = inspect_key(world.s3, DEPLOYMENT, PIPELINE, "orders/b.csv")
    (version,) = story.versions
    assert (version.where, version.batch, story.batches) == ("quarantine", taken, 2)


def test_file_that_s3_does_not_let_go_is_shown_with_its_reason_and_does_not_wait(
    world: World,
) -> None:
    world.s3.put_object(Bucket=LANDING, Key="orders/a.csv", Body=b"a")
    batch = world.job_is_refused("Access denied.")
    world.s3.put_object(Bucket=LANDING, Key="orders/b.csv", Body=b"b")

    story = inspect_batch(world.s3, DEPLOYMENT, PIPELINE, batch)
    (version,) = inspect_key(world.s3, DEPLOYMENT, PIPELINE, "orders/a.csv").versions
    ledger = PipelineLedger.of(world.s3, DEPLOYMENT, PIPELINE)
    (found,) = history.look(ledger, last=1, now=datetime.now(UTC)).open

    assert [(file.key, file.reason) for file in story.unsettled] == [
        ("orders/a.csv", "Access denied.")
    ]
    assert version.where == "unsettled"
    assert version.steps[-1].what == "S3 does not let it go from landing: Access denied."
    assert found.unsettled == story.unsettled
    assert waiting.look(world.s3, DEPLOYMENT, PIPELINE).files == 1


def test_plan_that_is_lost_is_said_to_be_lost_and_not_the_batch(world: World) -> None:
    batch = world.batch(good=["a"])
    world.s3.delete_object(
        Bucket=DEPLOYMENT.lake_bucket, Key=f"ledger/{PIPELINE.name}/{batch}/plan.json"
    )
    with pytest.raises(Exception, match=r"plan.json is missing"):
        PipelineLedger.of(world.s3, DEPLOYMENT, PIPELINE).records(batch)


@pytest.mark.parametrize("name", ["Größe.csv", "日本.csv", "a b.csv"])
def test_file_with_any_name_is_uploaded(world: World, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"a,b\n")
    put_file(world.s3, DEPLOYMENT, file, put_key(PIPELINE, file, None))
    assert world.keys(LANDING, "orders/") == [f"orders/{name}"]


def test_two_files_of_one_name_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "june.csv", tmp_path / "b" / "june.csv"
    for files in ([first, second], [first, first]):
        with pytest.raises(InputError, match="would both be uploaded") as said:
            put_keys(PIPELINE, files, None)
        assert all(part in str(said.value) for part in (*map(str, files), "'orders/june.csv'"))
    assert len(put_keys(PIPELINE, [first, first.with_name("may.csv")], None)) == 2


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("wr_zzz", "There is no run wr_zzz in the job"),
        ("2025-01", "There is no batch 2025-01 in the ledger"),
    ],
)
def test_id_that_cannot_be_one_is_not_taken_for_a_key(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, said: str
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(OUTPUTS))
    glue = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: []))
    monkeypatch.setattr(connection.Connection, "s3", property(lambda _: world.s3))
    monkeypatch.setattr(connection.Connection, "glue", property(lambda _: glue))
    for command in ("inspect", "logs"):
        words = [command, "dev", "orders", what, "--outputs", str(outputs)]
        assert said in str(CliRunner().invoke(cli.app, words).exception)
