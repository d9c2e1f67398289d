"""Whatever a producer may send: it arrives whole or with a reason, and never alone stops a burst.

What a parser makes of one file is in tests/unit/jobs/test_parse.py. Here the same files, and keys
of every kind, go all the way.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from burst.batch_run import PART_FILES
from burst.drain import Summary
from burst.errors import SettleError

from tests.jobs.invariants import Proof
from tests.jobs.memory_s3 import Answer, MemoryS3
from tests.jobs.one_process import OneProcess
from tests.jobs.test_drain import STRANGE_KEYS
from tests.jobs.world import World, as_csv, memory_world, order
from tests.unit.jobs.test_parse import BAD, COLUMNS, GOOD

COLUMNS_JSON = json.dumps([vars(column) for column in COLUMNS])

# The emulator cannot list these; S3 can.
STRANGER_KEYS = [
    "orders/line\nbreak.csv",
    "orders/carriage\rreturn.csv",
    "orders/control\x01\x1f\x7f.csv",
    "orders/ends with a space ",
    "orders/\u00a0\u2028\ufeff.csv",
    "orders/\ufffe\uffff.csv",
    "orders/ledger/orders/20250131T235959Z-0123abcd/plan.json",
    "orders/a.csv.reason.json",
    "orders/_temporary/0/_SUCCESS",
    "orders/%2e%2e/%00",
    "orders/" + "😀" * 254 + "x",
]


@pytest.fixture
def proof(tmp_path: Path) -> Proof:
    return Proof(memory_world(tmp_path, page_size=1000))


@pytest.mark.parametrize("key", [*STRANGE_KEYS, *STRANGER_KEYS])
def test_good_and_bad_file_of_any_key_go_where_they_belong(proof: Proof, key: str) -> None:
    proof.put(key, as_csv([order(1)]), ["o-00001"])
    proof.put(key, b"bad\n", None)

    summary = proof.world.drain_plain()

    assert (summary.files, summary.bad_files) == (2, 1)
    proof.check_settled()


def test_keys_of_every_kind_leave_together(proof: Proof) -> None:
    for number, key in enumerate([*STRANGE_KEYS, *STRANGER_KEYS]):
        proof.put(key, as_csv([order(number)]), [order(number)["order_id"]])

    assert proof.world.drain_plain().bad_files == 0

    proof.check_settled()


def drain_all(world: World, kind: str) -> Summary:
    return world.drain_plain(input_format=kind, columns=COLUMNS_JSON, max_bad_fraction=1)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_files_of_every_kind_in_one_burst_give_their_rows_or_their_reason(
    proof: Proof, kind: str
) -> None:
    world = proof.world
    # With a suffix of their own, as a name that ends in .gz would mean a gzip file.
    good = {f"orders/{name}.{kind}": case for name, case in GOOD.items() if case[0] == kind}
    bad = {f"orders/{name}.{kind}": case for name, case in BAD.items() if case[0] == kind}
    for key, (_, body, _) in {**good, **bad}.items():
        world.put(key, body)

    summary = drain_all(world, kind)

    assert (summary.files, summary.bad_files) == (len(good) + len(bad), len(bad))
    assert world.in_landing() == []
    assert counted(world.curated()) == counted(
        {**row, "_source_key": key} for key, (_, _, rows) in good.items() for row in rows
    )
    kept = world.in_lake("quarantine/")
    reasons = {
        record["key"]: (record["reason"], kept[name.removesuffix(".reason.json")])
        for name, body in kept.items()
        if name.endswith(".reason.json")
        for record in [json.loads(body)]
    }
    assert reasons.keys() == bad.keys()
    for key, (_, body, reason) in bad.items():
        assert reason in reasons[key][0]
        assert reasons[key][1] == body
    assert len(world.in_lake("archive/")) == len(good)


def counted(rows: Any) -> Counter[tuple[object, ...]]:
    names = [*(column.name for column in COLUMNS), "_source_key"]
    return Counter(tuple(row[name] for name in names) for row in rows)


def test_folder_markers_and_empty_files_are_good_files_without_rows(proof: Proof) -> None:
    for key in ("orders/", "orders/2025/", "orders/empty.csv", "orders/empty/"):
        proof.put(key, b"", [])

    assert (proof.world.drain_plain().rows, proof.world.curated()) == (0, [])

    proof.check_settled()


def test_run_over_an_empty_landing_writes_nothing(proof: Proof) -> None:
    process = OneProcess()

    assert proof.world.drain_plain(process) == Summary()

    assert sorted(call.split()[0] for call in process.calls) == [
        "GetBucketVersioning",
        "GetObject",
        "ListObjectVersions",
        "ListObjectsV2",
    ]
    assert proof.world.in_lake("") == {}


@pytest.mark.parametrize("files", [2_000, pytest.param(10_000, marks=pytest.mark.full)])
def test_many_files_take_two_requests_each_and_a_few_for_all(proof: Proof, files: int) -> None:
    for number in range(files):
        name = f"o-{number:05}"
        if number % 100 == 0:
            proof.put(f"orders/{number}.csv", b"bad\n", None)
        else:
            proof.put(f"orders/{number}.csv", as_csv([order(number)]), [name])
    process = OneProcess()

    proof.world.drain_plain(process)

    proof.check_settled()
    calls = Counter(call.split()[0] for call in process.calls)
    staged = {call for call in process.calls if call.startswith("PutObject") and "_staging" in call}
    published = len(staged) - 1  # Without `_SUCCESS`.
    # Two listings: pages of a thousand, and the empty one at the end.
    assert calls["ListObjectVersions"] == files // 1_000 + 1
    assert calls["CopyObject"] == files + published
    # The head of the ledger and the record of unreadable files are asked for, too.
    assert calls["GetObject"] == files + 2
    # The files leave landing in parts, and then there is the stage.
    assert calls["DeleteObjects"] == files // PART_FILES + 1
    # Three records, three heads, a reason for every hundredth file.
    assert calls["PutObject"] == 3 + 3 + files // 100 + len(staged)


class Contradicting(MemoryS3):
    """Lists a version of which it says that it does not exist."""

    def get_object(self, *, VersionId: str | None = None, **params: Any) -> Answer:
        return super().get_object(VersionId=VersionId and "none", **params)

    def copy_object(self, *, CopySource: Mapping[str, str], **params: Any) -> Answer:
        return super().copy_object(CopySource={**CopySource, "VersionId": "none"}, **params)


def test_version_that_s3_lists_but_does_not_have_stops_the_run_and_is_named(
    tmp_path: Path,
) -> None:
    world = memory_world(tmp_path, s3=Contradicting())
    world.put("orders/a.csv", as_csv([order(1)]))

    with pytest.raises(SettleError, match=r"1 versions are still in landing .* 'orders/a\.csv'"):
        world.drain_plain()

    assert len(world.ledger()) == 1


BOMB_BYTES = 512 * 1024**2
# What a file may take: blocks, their rows, the copies in between. Far from what it unzips to.
BOUND_BYTES = 200 * 1024**2


def bomb(piece: bytes, end: bytes) -> bytes:
    """A small gzip file that unzips to half a gigabyte, and what comes at the end."""
    zipped = gzip.compress(piece * (4 * 1024**2 // len(piece)), compresslevel=1)
    return zipped * (BOMB_BYTES // (4 * 1024**2)) + gzip.compress(end)


def json_line(text: str) -> bytes:
    return json.dumps({"a": 1, "b": text, "d": None, "t": None}).encode() + b"\n"


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """By how many bytes this process's resident memory was larger at its highest than before."""
    grown: list[int] = []
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    yield grown
    grown.append(resident("VmHWM") - before)


def resident(name: str) -> int:
    [line] = re.findall(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    return int(line) * 1024


BOMBS = {
    "zeros for csv": ("csv", b"\0", "The header cannot be read"),
    "zeros for json": ("json", b"\0", "A line is longer than 16 MiB"),
    "one line for json": ("json", b"{", "A line is longer than 16 MiB"),
    "good lines but the last": ("json", json_line("x" * 2000), "found 'the end'"),
    "zeros for parquet": ("parquet", b"\0", "not readable parquet"),
}


@pytest.mark.parametrize(("kind", "piece", "reason"), BOMBS.values(), ids=BOMBS)
def test_gzip_bomb_is_quarantined_in_bounded_memory(
    proof: Proof, kind: str, piece: bytes, reason: str
) -> None:
    body = bomb(piece, b"the end")
    assert len(body) * 20 < BOMB_BYTES
    proof.world.put("orders/bomb.gz", body)
    with peak_memory() as grown:
        summary = drain_all(proof.world, kind)

    assert (summary.rows, summary.bad_files) == (0, 1)
    [record] = [
        json.loads(body)
        for name, body in proof.world.in_lake("quarantine/").items()
        if name.endswith(".reason.json")
    ]
    assert reason in record["reason"]
    assert grown[0] < BOUND_BYTES
