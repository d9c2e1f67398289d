"""Giving up the bad files of a batch that was stopped, by the job itself and by the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from burst.errors import TooManyBadFilesError
from typer.testing import CliRunner

from tests.jobs.invariants import Proof
from tests.jobs.world import World, as_csv, memory_world, order
from tests.unit.operate.test_deployment import OUTPUTS
from tools import cli
from tools.operate import connection, history, setting_aside
from tools.operate.errors import InputError, OperateError
from tools.operate.inspection import ReplayIndex, batch_story
from tools.operate.ledger import PipelineLedger
from tools.operate.options import utc_now


@pytest.fixture
def proof(tmp_path: Path) -> Proof:
    """One good file and six bad ones, and a run that they stopped."""
    proof = Proof(memory_world(tmp_path))
    proof.put("orders/good.csv", as_csv([order(1)]), [order(1)["order_id"]])
    for number in range(6):
        proof.put(f"orders/bad {number}.csv", b"no,such,columns\n1,2,3\n", None)
    with pytest.raises(TooManyBadFilesError):
        proof.world.drain_plain()
    return proof


def ledger_of(world: World) -> PipelineLedger:
    return PipelineLedger(world.s3, world.landing, world.lake, "orders", "dev")


def the_batch(proof: Proof) -> str:
    [batch] = proof.world.ledger()
    return batch


def test_files_that_are_set_aside_go_to_quarantine_and_the_others_are_loaded(proof: Proof) -> None:
    ledger, batch = ledger_of(proof.world), the_batch(proof)

    for given_up in (False, True):
        verdicts = setting_aside.look(ledger, batch)
        assert (len(verdicts.files), verdicts.given_up) == (6, given_up)
        setting_aside.set_aside(ledger, verdicts, utc_now())
    assert len(proof.outstanding()) == 7
    proof.world.drain_plain()

    proof.check_settled()
    with pytest.raises(OperateError, match="is committed"):
        setting_aside.look(ledger, batch)


def test_status_and_inspect_name_the_bad_files_of_a_batch_that_was_stopped(proof: Proof) -> None:
    ledger, batch = ledger_of(proof.world), the_batch(proof)

    [open_batch] = history.look(ledger, last=5, now=utc_now()).open
    records = ledger.records(batch)
    assert records is not None
    story = batch_story(records, ReplayIndex(()))

    assert [file.key for file in open_batch.bad] == [f"orders/bad {n}.csv" for n in range(6)]
    assert {file.key for file in story.files if file.reason} == {f.key for f in open_batch.bad}
    assert story.steps[-1].what == "stopped: 6 files are bad"


def test_batch_of_which_no_file_is_known_to_be_bad_cannot_be_set_aside(proof: Proof) -> None:
    batch = the_batch(proof)
    proof.world.s3.delete_object(
        Bucket=proof.world.lake, Key=f"ledger/orders/{batch}/attempts.json"
    )
    with pytest.raises(OperateError, match="No file of batch"):
        setting_aside.look(ledger_of(proof.world), batch)
    with pytest.raises(OperateError, match="There is no batch"):
        setting_aside.look(ledger_of(proof.world), "19990101T000000Z-0123abcd")


def test_command_asks_before_it_sets_files_aside(
    proof: Proof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, batch = ledger_of(proof.world), the_batch(proof)
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(OUTPUTS))
    monkeypatch.setattr(connection.Connection, "s3", property(lambda _: proof.world.s3))
    monkeypatch.setattr(PipelineLedger, "of", classmethod(lambda *_: ledger))
    arguments = ["set-aside", "dev", "orders", "--batch", batch, "--outputs", str(outputs)]

    asked = CliRunner().invoke(cli.app, arguments)
    assert isinstance(asked.exception, InputError)
    assert "--yes" in str(asked.exception)
    assert ledger.given_up(batch) is None

    done = CliRunner().invoke(cli.app, [*arguments, "--yes", "--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["set_aside"]["files"]) == 6
    again = CliRunner().invoke(cli.app, [*arguments])
    assert again.exit_code == 0, again.output
    assert "set aside before" in again.stdout
