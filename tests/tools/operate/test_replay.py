"""A replay brings every file back exactly once, wherever it is interrupted, also two at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.jobs.faulty_s3 import Fault, FaultyS3, every
from tests.tools.operate.world import LAKE, LANDING, Interrupting, World, output_prefix
from tests.unit.operate.records import DEPLOYMENT, PIPELINE
from tools.operate.connection import Connection
from tools.operate.errors import InputError, OperateError
from tools.operate.probes import MARK
from tools.operate.replays import replay as replaying
from tools.operate.replays import uploads
from tools.operate.replays.giving_up import EndedReplay
from tools.operate.replays.records import ReplayRecords
from tools.operate.replays.replay import ReplayProgress
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account

MOST_CHANGES = 60
# Every third change in the gate, before S3 did it other ones than after it; each with `-m full`.
EVERY = pytest.mark.parametrize(
    "every", [3, pytest.param(1, marks=pytest.mark.full)], ids="every {}".format
)


@pytest.fixture(autouse=True)
def two_files_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "FILES_PER_RECORD", 2)


@pytest.fixture
def world() -> World:
    return World.in_memory()


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture
def world_over_http(account: Account) -> Iterator[World]:
    yield World.create(account)
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
    assert (choice.items, len(choice.replayed)) == ((), 3)


def test_file_that_is_bad_again_can_be_replayed_again(world: World) -> None:
    world.batch(bad=["a"])
    world.replay().run()
    world.batch(bad=["a"])
    choice = world.replay().look()
    assert ([item.key for item in choice.items], len(choice.replayed)) == (["orders/a.csv"], 1)


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
@EVERY
def test_interrupted_at_any_change_the_same_command_sends_each_file_once(
    after: bool, job_runs: bool, every: int
) -> None:
    for change in range(1 + (after + job_runs) % every, MOST_CHANGES, every):
        world = World.in_memory()
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
        if not client.struck:
            break
    else:
        pytest.fail("the replay never came through")
    assert change > 10


BOTH = pytest.mark.parametrize("after", [False, True], ids=["before S3 did it", "after S3 did it"])


@BOTH
@pytest.mark.parametrize("job_runs", [False, True], ids=["alone", "the job runs meanwhile"])
@EVERY
def test_replaced_rows_are_there_at_every_moment_and_once_in_the_end_wherever_it_is_interrupted(
    after: bool, job_runs: bool, every: int
) -> None:
    for change in range(1 + (after + job_runs) % every, MOST_CHANGES, every):
        world = World.in_memory()
        batch = world.batch(good=["a", "b", "c"])
        must_see = partial(must_see_all, world, {f"orders/{name}.csv" for name in "abc"})
        selection: dict[str, Any] = {
            "area": "archive",
            "batch": batch,
            "replace": True,
            "load": partial(load_in_two_batches, world, must_see),
        }
        client = Interrupting(world.s3, change, after=after, seen=must_see)
        with suppress(KeyboardInterrupt):
            world.replay(s3=client, **selection).run()
        must_see()
        if job_runs:
            world.job_runs(seen=must_see)
        if world.replay(**selection).unfinished() or world.replay(**selection).look().items:
            world.replay(s3=Interrupting(world.s3, 0, seen=must_see), **selection).run()
        assert world.arrivals() == bodies_of(world, "a", "b", "c")
        assert set(world.rows().values()) == {1}, f"interrupted at {change}"
        assert world.keys(LAKE, output_prefix(batch)) == []
        assert world.keys(LAKE, f"{output_prefix(batch)[:-1]}9/") != [], "a neighbour's output"
        if not client.struck:
            break
    else:
        pytest.fail("the replay never came through")
    assert change > 10


def must_see_all(world: World, rows: set[str]) -> None:
    """Readers of curated look, and no row is missing."""
    assert set(world.rows()) >= rows


def load_in_two_batches(
    world: World, must_see: Callable[[], None], seen: Callable[[], object]
) -> str:
    """A run that goes on when the command that started it dies."""
    died = False

    def look() -> None:
        nonlocal died
        must_see()
        try:
            if not died:
                seen()
        except KeyboardInterrupt:
            died = True
        must_see()

    for most in (1, None):
        world.job_runs(most=most, seen=look)
        look()
    if died:
        raise KeyboardInterrupt
    return "The run ended as SUCCEEDED."


def test_old_rows_stay_while_the_new_ones_are_not_loaded_and_the_same_command_goes_on(
    world: World,
) -> None:
    batch = world.batch(good=["a", "b"])
    selection: dict[str, Any] = {"area": "archive", "batch": batch, "replace": True}

    def fails(seen: Callable[[], object]) -> str:
        world.job_runs(most=1)
        seen()
        return "The run wr_1 ended as FAILED: no memory."

    with pytest.raises(OperateError, match=r"ended as FAILED.*The old rows of batch .* stay"):
        world.replay(load=fails, **selection).run()
    assert world.rows() == {"orders/a.csv": 2, "orders/b.csv": 1}
    done = world.replay(**selection).run()
    assert (done.continued, len(done.outputs_removed)) == (True, 1)
    assert world.rows() == {"orders/a.csv": 1, "orders/b.csv": 1}


def test_old_rows_go_as_soon_as_their_batch_is_loaded_and_not_at_the_end_of_the_run(
    world: World,
) -> None:
    batches = [world.batch(good=["a"]), world.batch(good=["b"])]
    left: list[int] = []

    def load(seen: Callable[[], object]) -> str:
        for _ in batches:
            world.job_runs(most=1)
            seen()
            left.append(sum(len(world.keys(LAKE, output_prefix(batch))) for batch in batches))
        return "The run ended as SUCCEEDED."

    began = datetime.now(UTC)
    world.replay(area="archive", since="2h", replace=True, load=load).run()
    assert left == [1, 0]
    [done] = ReplayRecords.of(world.s3, DEPLOYMENT, PIPELINE).done()
    assert list(done.removed_at) == batches
    assert all(at >= began.replace(microsecond=0) for at in done.removed_at.values())


def test_file_that_goes_to_quarantine_this_time_keeps_no_old_rows(world: World) -> None:
    batch = world.batch(good=["a", "b"])

    def load(seen: Callable[[], object]) -> str:
        world.job_runs(bad=["orders/b.csv"])
        return "The run ended as SUCCEEDED."

    world.replay(area="archive", batch=batch, replace=True, load=load).run()
    assert world.rows() == {"orders/a.csv": 1}


def test_rows_of_a_probe_go_with_the_rest_of_its_batch(world: World) -> None:
    probe = f"{MARK}-20260301T100000Z-0123abcd-good"
    batch = world.batch(good=["a", probe])
    # The check has taken its file away again.
    [archived] = [key for key in world.keys(LAKE, "archive/") if MARK in key]
    world.s3.delete_object(Bucket=LAKE, Key=archived)

    done = world.replay(area="archive", batch=batch, replace=True, load=world.load).run()

    assert (done.sent, len(done.outputs_removed), done.outputs_kept) == (1, 1, ())
    assert world.rows() == {"orders/a.csv": 1}


def test_old_rows_stay_where_somebody_deleted_a_file_before_it_was_loaded_again(
    world: World,
) -> None:
    batch = world.batch(good=["a", "b"])

    def deletes(seen: Callable[[], object]) -> str:
        [version] = world.s3.list_object_versions(Bucket=LANDING, Prefix="orders/a")["Versions"]
        where = {"Key": version["Key"], "VersionId": version["VersionId"]}
        world.s3.delete_object(Bucket=LANDING, **where)
        return world.load(seen)

    with pytest.raises(OperateError, match=r"orders/a.csv \(.*\) is not loaded yet"):
        world.replay(area="archive", batch=batch, replace=True, load=deletes).run()
    assert world.rows() == {"orders/a.csv": 1, "orders/b.csv": 2}


def test_batch_of_which_files_came_back_before_is_replaced_only_once_these_are_loaded(
    world: World,
) -> None:
    batch = world.batch(good=["a", "b"])
    world.replay(area="archive", key="orders/a.csv").run()
    replace: dict[str, Any] = {"area": "archive", "batch": batch, "replace": True}

    def only_the_new_one(seen: Callable[[], object]) -> str:
        held = world.s3.list_object_versions(Bucket=LANDING, Prefix="orders/a")["Versions"]
        assert len(held) == 1
        return "The run ended as TIMEOUT."

    with pytest.raises(OperateError, match=r"orders/a\.csv"):
        world.replay(load=only_the_new_one, **replace).run()
    world.replay(**replace).run()
    assert world.rows() == {"orders/a.csv": 1, "orders/b.csv": 1}


def test_two_who_replace_the_same_at_once_leave_each_row_once(world: World) -> None:
    batch = world.batch(good=["a", "b", "c"])
    together, one_job = threading.Barrier(2), threading.Lock()

    def load(seen: Callable[[], object]) -> str:
        # Glue runs one job at a time.
        with one_job:
            world.job_runs()
        seen()
        return "The run ended as SUCCEEDED."

    def ask(_: int) -> object:
        together.wait()
        return world.replay(area="archive", batch=batch, replace=True, load=load).run()

    with ThreadPoolExecutor(2) as people:
        list(people.map(ask, range(2)))
    assert world.arrivals() == bodies_of(world, "a", "b", "c")
    assert set(world.rows().values()) == {1}


# ---- giving up ---------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("job_runs", [False, True], ids=["alone", "the job runs meanwhile"])
def test_replay_that_is_given_up_at_any_change_while_it_runs_sends_no_file_twice(
    monkeypatch: pytest.MonkeyPatch, after: bool, job_runs: bool
) -> None:
    """It is given up wholly between two of its changes, and then goes on without knowing."""
    monkeypatch.setattr(uploads, "THREADS", 1)
    outcomes = set()
    for change in range(1, MOST_CHANGES):
        world = World.in_memory()
        world.batch(bad=["a", "b", "c"])
        ended: list[EndedReplay] = []
        client = Interrupting(
            world.s3, change, after=after, then=lambda w=world, e=ended: give_up(w, e, job_runs)
        )
        with suppress(OperateError):
            world.replay(s3=client).run()
        if ended:
            arrived = sorted(item[0] for item in world.arrivals())
            assert arrived == sorted(file.item.key for file in ended[0].sent), f"at {change}"
            outcomes.add(len(arrived))
            assert world.s3.list_multipart_uploads(Bucket=LANDING)["Uploads"] == []
        assert world.replay().unfinished() is None
        if world.replay().look().items:
            world.replay().run()
        assert world.arrivals() == bodies_of(world, "a", "b", "c"), f"given up at {change}"
        if not client.struck:
            break
    else:
        pytest.fail("the replay never came through")
    assert outcomes == {0, 1, 2, 3}


def give_up(world: World, ended: list[EndedReplay], job_runs: bool) -> None:
    if job_runs:
        world.job_runs()
    if found := world.giving_up().look():
        ended.append(world.giving_up().run(found.request))


@BOTH
def test_giving_up_that_is_interrupted_at_any_change_is_finished_by_the_same_command(
    after: bool,
) -> None:
    for change in range(1, MOST_CHANGES):
        world = World.in_memory()
        world.batch(bad=["a", "b", "c", "d", "e"])
        # Two are sent, of two more it is not on record, one is prepared.
        with suppress(KeyboardInterrupt):
            world.replay(s3=Interrupting(world.s3, SENT_THREE, after=True)).run()
        found = world.giving_up().look()
        assert found is not None
        assert (found.files, found.sent, found.uncertain, found.unsent) == (5, 2, 3, 0)
        client = Interrupting(world.s3, change, after=after)
        with suppress(KeyboardInterrupt):
            world.giving_up(client).run(found.request)
        left = world.giving_up().look()
        if left and left.given_up:
            with pytest.raises(OperateError, match=r"ada gave the replay .* up at"):
                world.replay().run()
            ended = world.giving_up().run(found.request)
            assert sorted(file.item.key for file in ended.sent) == sorted(world.waiting())
        assert len(world.waiting()) == 3
        world.replay().run()
        assert world.arrivals() == bodies_of(world, "a", "b", "c", "d", "e")
        if not client.struck:
            break
    else:
        pytest.fail("giving up never came through")
    assert change > 5


# Its request, its plan, five uploads of one part and three records of them; two completed and
# their record; one more completed.
SENT_THREE = 1 + 1 + 5 * 2 + 3 + 2 + 1 + 1


def test_nothing_is_given_up_where_no_replay_is_open(world: World) -> None:
    world.batch(bad=["a"])
    assert world.giving_up().look() is None
    world.replay().run()
    assert world.giving_up().look() is None


def test_replay_that_cannot_choose_its_files_gives_its_lock_back(world: World) -> None:
    world.batch(bad=["a", "b"])
    with pytest.raises(InputError, match="There is no batch"):
        world.replay(batch="20200101T000000Z-00000000").run()
    assert world.replay().run().sent == 2


def test_replacement_that_is_given_up_says_which_rows_are_there_twice(world: World) -> None:
    batch = world.batch(good=["a", "b"])
    replace: dict[str, Any] = {"area": "archive", "batch": batch, "replace": True}
    with pytest.raises(OperateError, match="is not loaded yet"):
        world.replay(load=lambda seen: "The run ended as FAILED.", **replace).run()
    found = world.giving_up().look()
    assert found is not None
    assert (found.sent, found.unsent, len(found.outputs), found.outputs_removed) == (2, 0, 1, ())
    ended = world.giving_up().run(found.request)
    assert [output.batch for output in ended.doubled] == [batch]
    world.job_runs()
    assert world.rows() == {"orders/a.csv": 2, "orders/b.csv": 2}
    done = world.replay(**replace).run()
    assert (done.sent, len(done.outputs_removed)) == (0, 1)
    assert world.rows() == {"orders/a.csv": 1, "orders/b.csv": 1}


# ---- what is archived, and what was sent before -------------------------------------------------


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_archived_file_is_named_and_left_out_until_it_is_restored(
    world: World, storage_class: str
) -> None:
    world.batch(good=["a", "b"])
    [place] = [key for key in world.keys(LAKE, "archive/") if key.endswith("orders/a.csv")]
    body = world.bodies[place]
    world.s3.put_object(Bucket=LAKE, Key=place, Body=body, StorageClass=storage_class)
    choice = world.replay(area="archive", key="*").look()
    assert [item.key for item in choice.items] == ["orders/b.csv"]
    assert [file.words for file in choice.archived] == [f"orders/a.csv ({storage_class})"]
    with pytest.raises(OperateError, match=f"cannot be replaced.*{storage_class}.*restore-object"):
        world.replay(area="archive", since="2h", replace=True).look()
    world.s3.restore_object(Bucket=LAKE, Key=place, RestoreRequest={"Days": 7})
    choice = world.replay(area="archive", key="*").look()
    assert ([item.key for item in choice.items], choice.archived) == (
        ["orders/a.csv", "orders/b.csv"],
        (),
    )


@pytest.mark.parametrize("options", [{"key": "orders/*"}, {"since": "2h"}], ids=["key", "since"])
def test_same_command_for_the_archive_again_finds_no_copy_of_its_own_work(
    world: World, options: dict[str, str]
) -> None:
    world.batch(good=["a", "b"])
    replay = partial(world.replay, area="archive", **options)
    first = replay().run()
    for loaded in (False, True):
        if loaded:
            world.job_runs()
        choice = replay().look()
        assert choice.items == ()
        assert {(file.key, file.replay) for file in choice.replayed} == {
            ("orders/a.csv", first.request),
            ("orders/b.csv", first.request),
        }
        assert all((file.batch is not None) == loaded for file in choice.replayed)
    assert world.rows() == {"orders/a.csv": 2, "orders/b.csv": 2}


def test_copies_that_a_replay_made_come_back_where_their_batch_is_named(world: World) -> None:
    world.batch(good=["a"])
    world.replay(area="archive", key="orders/a.csv").run()
    world.job_runs()
    [file] = world.replay(area="archive", key="orders/a.csv").look().replayed
    assert file.batch is not None
    assert len(world.replay(area="archive", batch=file.batch).look().items) == 1


def test_file_that_was_corrected_and_loaded_comes_back_from_the_archive_once(world: World) -> None:
    world.batch(bad=["a"])
    world.replay().run()
    world.job_runs()
    replay = partial(world.replay, area="archive", key="orders/a.csv")
    assert replay().run().sent == 1
    world.job_runs()
    assert replay().look().items == ()


# ---- faults, and others beside it ----------------------------------------------------------------


def test_lost_answers_of_s3_make_no_second_version(world_over_http: World) -> None:
    world = world_over_http
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
    expired = world.s3.list_multipart_uploads(Bucket=LANDING)["Uploads"]
    for upload in expired:
        world.s3.abort_multipart_upload(
            Bucket=LANDING, Key=upload["Key"], UploadId=upload["UploadId"]
        )
    done = world.replay().run()
    assert {item.key for item in done.expired} == {upload["Key"] for upload in expired}
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


# ---- the stand-in --------------------------------------------------------------------------------


def test_stand_in_answers_uploads_as_the_emulated_account_does(world_over_http: World) -> None:
    assert what_uploads_do(World.in_memory()) == what_uploads_do(world_over_http)


def what_uploads_do(world: World) -> list[object]:
    """Uploads that are completed or aborted, and what a replay reads of them afterwards."""
    s3, where = world.s3, {"Bucket": LANDING, "Key": "a"}
    s3.put_object(Bucket=LAKE, Key="source", Body=b"of a copy", StorageClass="DEEP_ARCHIVE")
    s3.restore_object(Bucket=LAKE, Key="source", RestoreRequest={"Days": 1})

    def upload(*bodies: bytes) -> tuple[str, dict[str, Any]]:
        name = s3.create_multipart_upload(**where, Metadata={"mark": "m"})["UploadId"]
        etags = [
            s3.upload_part(**where, UploadId=name, PartNumber=number, Body=body)["ETag"]
            for number, body in enumerate(bodies, 1)
        ]
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        return name, {"Parts": parts}

    def answer(call: Callable[[], Any]) -> object:
        try:
            return call().get("ETag")
        except ClientError as error:
            return error.response["Error"]["Code"]

    seen: list[object] = []
    for calls in (["complete", "abort"], ["abort", "complete", "abort"]):
        name, parts = upload(b"x" * 5 * 1024**2, b"the rest")
        for call in calls:
            done = {
                "complete": lambda n=name, p=parts: s3.complete_multipart_upload(
                    **where, UploadId=n, MultipartUpload=p
                ),
                "abort": lambda n=name: s3.abort_multipart_upload(**where, UploadId=n),
            }[call]
            seen.append((call, answer(done)))
    upload()
    s3.copy_object(Bucket=LAKE, Key="copy", CopySource=where)
    head, archived = (
        s3.head_object(Bucket=LAKE, Key="copy"),
        s3.head_object(Bucket=LAKE, Key="source"),
    )
    return [
        *seen,
        (head["Metadata"], head["ContentLength"], head.get("StorageClass")),
        (archived["StorageClass"], archived["Restore"].partition(",")[0]),
        [(i["Key"], i["StorageClass"]) for i in s3.list_objects_v2(Bucket=LAKE)["Contents"]],
        [item["Key"] for item in s3.list_multipart_uploads(Bucket=LANDING)["Uploads"]],
    ]
