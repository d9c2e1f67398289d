"""A replay brings every file back exactly once, wherever it is interrupted, also two at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.faulty_s3 import Fault, FaultyS3, every
from tests.tools.operate.world import LAKE, LANDING, Interrupting, World, output_prefix
from tools.operate.connection import Connection
from tools.operate.errors import InputError, OperateError
from tools.operate.replays import replay as replaying
from tools.operate.replays.replay import ReplayProgress
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account

MOST_CHANGES = 60


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture
def world(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(replaying, "FILES_PER_RECORD", 2)
    yield World.create(account)
    empty(account)


def empty(account: Account) -> None:
    """Forget all buckets; a request for every version would take longer than the tests."""
    account.backend("s3").reset()


def bodies_of(world: World, *names: str) -> list[tuple[str, bytes]]:
    """What landing is to get: each of these files once."""
    return sorted(
        (f"orders/{name}.csv", body)
        for name in names
        for place, body in world.bodies.items()
        if place.endswith(f"orders/{name}.csv")
    )


def test_quarantined_files_come_back_under_their_keys_with_their_bytes(world: World) -> None:
    world.batch(bad=["a", "b"], good=["c"])
    done = world.replay().run()
    assert (done.sent, done.expired, done.continued) == (2, (), False)
    assert world.arrivals() == bodies_of(world, "a", "b")


def test_same_command_again_finds_nothing_to_do(world: World) -> None:
    world.batch(bad=["a", "b", "c"])
    world.replay().run()
    choice = world.replay().look()
    assert (choice.items, choice.replayed) == ((), 3)


def test_file_that_is_bad_again_can_be_replayed_again(world: World) -> None:
    world.batch(bad=["a"])
    world.replay().run()
    world.batch(bad=["a"])
    choice = world.replay().look()
    assert ([item.key for item in choice.items], choice.replayed) == (["orders/a.csv"], 1)


def test_two_versions_of_one_key_come_back_as_two(world: World) -> None:
    world.batch(bad=["a"])
    world.batch(bad=["a"])
    world.replay().run()
    assert world.arrivals() == bodies_of(world, "a")
    assert len(world.arrivals()) == 2


def test_batch_that_is_not_done_is_left_out(world: World) -> None:
    batch = world.batch(bad=["a"], settled=False)
    choice = world.replay().look()
    assert (choice.items, choice.unsettled) == ((), (batch,))


def test_batch_that_there_is_not_is_bad_input(world: World) -> None:
    with pytest.raises(InputError, match="There is no batch 20200101T000000Z-00000000"):
        world.replay(batch="20200101T000000Z-00000000").look()


@pytest.mark.parametrize(
    ("after", "job_runs"),
    [(False, False), (True, False), (True, True)],
    ids=["before S3 did it", "after S3 did it", "after S3 did it, and the job runs meanwhile"],
)
def test_interrupted_at_any_change_the_same_command_sends_each_file_once(
    account: Account, monkeypatch: pytest.MonkeyPatch, after: bool, job_runs: bool
) -> None:
    monkeypatch.setattr(replaying, "FILES_PER_RECORD", 2)
    for change in range(1, MOST_CHANGES):
        world = World.create(account)
        world.batch(bad=["a", "b", "c"])
        client = Interrupting(world.s3, change, after=after)
        with suppress(KeyboardInterrupt):
            world.replay(s3=client).run()
        if job_runs:
            world.job_runs()
        if world.replay().unfinished() or world.replay().look().items:
            world.replay().run()
        assert world.arrivals() == bodies_of(world, "a", "b", "c"), f"interrupted at {change}"
        assert world.replay().look().items == ()
        assert world.replay().unfinished() is None
        empty(account)
        if not client.struck:
            break
    else:
        pytest.fail("the replay never came through")
    assert change > 10


@pytest.mark.parametrize("after", [False, True], ids=["before S3 did it", "after S3 did it"])
def test_replacing_never_shows_rows_twice_and_loses_none_wherever_it_is_interrupted(
    account: Account, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(replaying, "FILES_PER_RECORD", 2)
    for change in range(1, MOST_CHANGES):
        world = World.create(account)
        batch = world.batch(good=["a", "b", "c"])
        selection: dict[str, Any] = {"area": "archive", "batch": batch, "replace": True}
        client = Interrupting(world.s3, change, after=after)
        with suppress(KeyboardInterrupt):
            world.replay(s3=client, **selection).run()
        old_rows = bool(world.keys(LAKE, output_prefix(batch)))
        assert not (old_rows and world.waiting()), "a run now would load the rows twice"
        if world.replay(**selection).unfinished() or world.replay(**selection).look().items:
            world.replay(**selection).run()
        assert world.arrivals() == bodies_of(world, "a", "b", "c")
        assert world.keys(LAKE, output_prefix(batch)) == []
        assert world.keys(LAKE, f"{output_prefix(batch)[:-1]}9/") != [], "a neighbour's output"
        empty(account)
        if not client.struck:
            break
    else:
        pytest.fail("the replay never came through")


def test_lost_answers_of_s3_make_no_second_version(world: World) -> None:
    world.batch(bad=["a", "b", "c", "d"])
    line = FaultyS3()
    connection = Connection(
        "eu-central-1",
        line.start(),
        Session(),
    )
    try:
        line.set(every(2, Fault.ERROR_AFTER, method="POST"))
        world.replay(s3=connection.s3).run()
        assert line.faults > 2
    finally:
        line.stop()
    assert world.arrivals() == bodies_of(world, "a", "b", "c", "d")


class Session:
    """boto3 with the credentials of the emulated account."""

    def client(self, service: str, **arguments: Any) -> Any:
        import boto3

        return boto3.client(
            service,  # type: ignore[call-overload]
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            **arguments,
        )


def test_two_who_ask_for_the_same_at_once_send_each_file_once(world: World) -> None:
    world.batch(bad=["a", "b", "c", "d", "e"])
    together = threading.Barrier(4)

    def ask(_: int) -> object:
        together.wait()
        return world.replay().run()

    with ThreadPoolExecutor(4) as people:
        list(people.map(ask, range(4)))
    assert world.arrivals() == bodies_of(world, "a", "b", "c", "d", "e")


def test_another_replay_must_wait_for_one_that_was_interrupted(world: World) -> None:
    world.batch(bad=["a", "b"])
    with suppress(KeyboardInterrupt):
        world.replay(s3=Interrupting(world.s3, 6, after=False)).run()
    with pytest.raises(OperateError, match=r"is not finished.*`burst replay` with --quarantine"):
        world.replay(key="orders/b.csv").run()
    assert world.replay(key="orders/b.csv").unfinished() is None
    world.replay().run()
    assert world.arrivals() == bodies_of(world, "a", "b")


def test_uploads_that_expired_are_reported_and_come_with_the_next_command(
    world: World,
) -> None:
    world.batch(bad=["a", "b", "c"])
    first_completion = 1 + 1 + 2 * 2 + 1 + 2 + 1 + 1
    with suppress(KeyboardInterrupt):
        world.replay(s3=Interrupting(world.s3, first_completion, after=True)).run()
    arrived = world.waiting()
    uploads = world.s3.list_multipart_uploads(Bucket=LANDING)["Uploads"]
    for upload in uploads:
        world.s3.abort_multipart_upload(
            Bucket=LANDING, Key=upload["Key"], UploadId=upload["UploadId"]
        )
    done = world.replay().run()
    assert {item.key for item in done.expired} == {upload["Key"] for upload in uploads}
    assert world.waiting() == arrived
    world.replay().run()
    assert world.arrivals() == bodies_of(world, "a", "b", "c")


def test_corrected_file_takes_the_place_of_the_one_in_quarantine(
    world: World, tmp_path: Path
) -> None:
    world.batch(bad=["a", "b"])
    fixed = tmp_path / "fixed.csv"
    fixed.write_bytes(b"as it should be")
    world.replay(key="orders/a.csv", content="0a", file=fixed).run()
    assert world.arrivals() == [("orders/a.csv", b"as it should be")]
    assert [item.key for item in world.replay().look().items] == ["orders/b.csv"]


def test_empty_corrected_file_comes_back_empty(world: World, tmp_path: Path) -> None:
    world.batch(bad=["a"])
    fixed = tmp_path / "fixed.csv"
    fixed.touch()
    world.replay(content="0a", file=fixed).run()
    assert world.arrivals() == [("orders/a.csv", b"")]


def test_corrected_file_for_more_than_one_is_bad_input(world: World, tmp_path: Path) -> None:
    world.batch(bad=["a", "b"])
    with pytest.raises(InputError, match="takes the place of one file, and this selection means 2"):
        world.replay(content="0a", file=tmp_path).look()


def test_archived_files_since_a_moment_come_back_and_their_rows_stay(world: World) -> None:
    batch = world.batch(good=["a", "b"])
    world.replay(area="archive", since="2h").run()
    assert world.arrivals() == bodies_of(world, "a", "b")
    assert world.keys(LAKE, output_prefix(batch)) != []
    assert world.replay(area="archive", since="1m").look().items == ()


def test_damaged_record_stops_a_replay(world: World) -> None:
    world.batch(bad=["a"])
    world.replay().run()
    world.s3.put_object(Bucket=LAKE, Key="ledger/orders/replays/latest.json", Body=b"{")
    with pytest.raises(OperateError, match="is damaged or from another version"):
        world.replay().run()


def test_progress_ends_where_it_should(world: World) -> None:
    world.batch(bad=["a", "b", "c"])
    seen: list[ReplayProgress] = []
    world.replay(report=seen.append).run()
    assert ReplayProgress("prepare", 3, 3) in seen
    assert seen[-1] == ReplayProgress("send", 3, 3)


def test_ledger_of_the_job_does_not_take_a_replay_for_a_batch(world: World) -> None:
    from burst.ledger import Ledger

    batch = world.batch(bad=["a"])
    world.replay().run()
    names = [key.rpartition("/")[2] for key in world.keys(LAKE, "ledger/orders/replays/")]
    assert set(names) == {
        "latest.json",
        "plan.json",
        "prepared-0001.json",
        "sent-0001.json",
        "done.json",
    }
    ledger = Ledger(world.s3, LAKE, "orders", "dev")
    assert list(ledger.batches()) == [batch]
    assert ledger.open_batches() == []
    record = world.s3.get_object(Bucket=LAKE, Key="ledger/orders/replays/latest.json")
    assert json.loads(record["Body"].read())["state"] == "done"
