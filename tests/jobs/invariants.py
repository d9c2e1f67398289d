"""What must be true of landing, lake, curated and ledger: at any moment, and once all is settled.

Nothing here asks the code under test. What was uploaded is known (`Upload`), the rest is read
back: objects, records and Parquet files as they lie there.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.jobs.world import World

Identity = tuple[str, str]
Row = tuple[str, Identity]

LINEAGE = ["order_id", "_source_key", "_source_version", "_batch"]


@dataclass(frozen=True)
class Upload:
    """One version that a producer put into landing; orders is None when its file is bad.

    readable: whether S3 hands it out. archived: whether there was a time when it did not.
    """

    key: str
    version_id: str
    body: bytes
    orders: tuple[str, ...] | None
    readable: bool = True
    archived: bool = False

    @property
    def identity(self) -> Identity:
        return self.key, self.version_id

    @property
    def area(self) -> str:
        return "quarantine" if self.orders is None else "archive"


@dataclass(frozen=True)
class Batch:
    """What the ledger says about one batch."""

    batch: str
    plan: dict[str, Any] | None
    result: dict[str, Any] | None
    done: dict[str, Any] | None

    @property
    def taken(self) -> list[Identity]:
        """What the batch takes out of landing: its inputs, but for those found unreadable."""
        files = (self.result or {}).get("files", [])
        unreadable = {
            (file["key"], file["version_id"]) for file in files if file["outcome"] == "unreadable"
        }
        return [identity for identity in _identities(self.plan) if identity not in unreadable]


@dataclass
class Proof:
    """Uploads, and the world that they went to."""

    world: World
    uploads: dict[Identity, Upload] = field(default_factory=dict)
    _rows_of: dict[tuple[Path, int, int], list[dict[str, Any]]] = field(default_factory=dict)

    def put(self, key: str, body: bytes, orders: Iterable[str] | None) -> Upload:
        """Upload a file that holds these orders, or a bad one (None)."""
        version = self.world.put(key, body)
        upload = Upload(key, version, body, None if orders is None else tuple(orders))
        self.uploads[upload.identity] = upload
        return upload

    def archive(self, key: str, body: bytes, orders: Iterable[str] | None) -> Upload:
        """The same, in a storage class from which S3 does not hand it out."""
        version = self.world.archive(key, body)
        known = None if orders is None else tuple(orders)
        upload = Upload(key, version, body, known, readable=False, archived=True)
        self.uploads[upload.identity] = upload
        return upload

    def restore(self, upload: Upload) -> None:
        """From now on S3 hands it out."""
        self.world.s3.restore_object(
            Bucket=self.world.landing,
            Key=upload.key,
            VersionId=upload.version_id,
            RestoreRequest={"Days": 1},
        )
        self.uploads[upload.identity] = replace(upload, readable=True)

    def unreadable(self) -> set[Identity]:
        return {upload.identity for upload in self.uploads.values() if not upload.readable}

    def outstanding(self) -> set[Identity]:
        return self.world.versions_in_landing()

    def on_record(self) -> set[Identity]:
        """The versions that the job says it cannot read."""
        [record] = self.world.in_lake("ledger/orders/unreadable.json").values() or [None]
        files = json.loads(record)["files"] if record else []
        return {(file["key"], file["version_id"]) for file in files}

    def check(self) -> None:
        """What holds at any moment, also in the middle of a run that died."""
        batches = self._batches()
        self._check_ledger(batches)
        self._check_mark(batches)
        outstanding = self.outstanding()
        settled = self._check_places(batches, outstanding)
        self._check_rows(batches, settled)

    def check_settled(self) -> None:
        """What holds when the job has nothing left to do."""
        self.check()
        assert self.outstanding() == self.unreadable(), "versions are left in landing"
        assert self.on_record() == self.unreadable(), "the record names others than those"
        batches = self._batches()
        assert [item.batch for item in batches if item.done is None] == [], "batches are open"
        taken = Counter(identity for item in batches for identity in item.taken)
        readable = set(self.uploads) - self.unreadable()
        assert taken == Counter(readable), "not every version is taken by exactly one batch"
        rows = Counter(row for row, _ in self._rows())
        expected = Counter(
            (order, upload.identity)
            for upload in self.uploads.values()
            if upload.readable
            for order in upload.orders or ()
        )
        assert rows == expected, "curated does not hold each good row exactly once"

    def _check_mark(self, batches: list[Batch]) -> None:
        """A run does not look at batches up to the mark, so each of them must be done."""
        [checkpoint] = self.world.in_lake("ledger/orders/checkpoint.json").values() or [None]
        if checkpoint:
            mark = json.loads(checkpoint)["done_up_to"]
            hidden = [item.batch for item in batches if not item.done and item.batch <= mark]
            assert hidden == [], f"open batches that no run would find, up to the mark {mark}"

    def _check_ledger(self, batches: list[Batch]) -> None:
        planned: Counter[Identity] = Counter()
        for item in batches:
            assert item.plan is not None, f"{item.batch} has records but no plan"
            assert item.result or not item.done, f"{item.batch} is done without a result"
            planned.update(item.taken)
            if item.result:
                files = item.result["files"]
                identities = [(file["key"], file["version_id"]) for file in files]
                assert identities == _identities(item.plan)
                assert item.result["rows"] == sum(file["rows"] for file in files)
                for file in files:
                    self._check_outcome(file)
            if item.result and item.done:
                outcomes = Counter(file["outcome"] for file in item.result["files"])
                names = {
                    "archived": "curated",
                    **{name: name for name in ("quarantined", "gone", "unreadable")},
                }
                for name, outcome in names.items():
                    assert item.done[name] == outcomes[outcome], name
                assert item.done["missing"] == []
        assert set(planned.values()) <= {1}, "two batches take a version"
        assert sum(item.done is None for item in batches) <= 1, "two batches are open"

    def _check_outcome(self, file: dict[str, Any]) -> None:
        upload = self.uploads[(file["key"], file["version_id"])]
        if upload.archived and file["outcome"] == "unreadable":
            assert (file["rows"], file["destination"]) == (0, None), file
            assert "archive storage class" in file["reason"]
            return
        expected = "quarantined" if upload.orders is None else "curated"
        assert (file["outcome"], file["rows"]) == (expected, len(upload.orders or ())), file
        assert (file["reason"] is None) == (upload.orders is not None)

    def _check_places(self, batches: list[Batch], outstanding: set[Identity]) -> set[Identity]:
        """Every version is in landing, or its bytes are in the one place where they belong."""
        assert outstanding <= set(self.uploads), "landing holds what nobody put there"
        places = {
            (file["key"], file["version_id"]): file["destination"]
            for item in batches
            if item.result
            for file in item.result["files"]
            if file["outcome"] != "unreadable"
        }
        kept = {**self.world.in_lake("archive/"), **self.world.in_lake("quarantine/")}
        reasons = {place + ".reason.json" for place in places.values() if _bad(place)}
        strangers = set(kept) - set(places.values()) - reasons
        assert strangers == set(), f"no result speaks of {strangers}"
        arrived = {identity for identity, place in places.items() if place in kept}
        for identity in arrived:
            upload, place = self.uploads[identity], places[identity]
            assert place.startswith(upload.area + "/"), f"{identity} is in {place}"
            assert kept[place] == upload.body, f"{place} holds other bytes than {identity}"
        gone = set(self.uploads) - outstanding
        assert gone <= arrived, f"lost: {gone - arrived}"
        for identity in gone:
            if self.uploads[identity].orders is None:
                reason = json.loads(kept[places[identity] + ".reason.json"])
                assert (reason["key"], reason["version_id"]) == identity
                assert reason["reason"]
        return gone

    def _check_rows(self, batches: list[Batch], settled: set[Identity]) -> None:
        """No row twice, none of a bad file, and all of a file once its batch is committed."""
        committed = {identity for item in batches if item.result for identity in item.taken}
        assert settled <= committed, "a version left landing before its batch was committed"
        batch_of = {identity: item.batch for item in batches for identity in item.taken}
        found: defaultdict[Identity, list[str]] = defaultdict(list)
        for (order, identity), batch in self._rows():
            assert batch == batch_of.get(identity), f"a row of {identity} is in batch {batch}"
            found[identity].append(order)
        for identity, orders in found.items():
            upload = self.uploads[identity]
            assert upload.orders is not None, f"rows of the bad file {identity} are in curated"
            assert Counter(orders) <= Counter(upload.orders), f"rows of {identity} are there twice"
        for identity in committed:
            expected = Counter(self.uploads[identity].orders or ())
            assert Counter(found[identity]) == expected, f"rows of {identity} are missing"

    def _batches(self) -> list[Batch]:
        records: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for key, body in self.world.in_lake("ledger/").items():
            batch, name = key.split("/")[-2:]
            if name in ("checkpoint.json", "unreadable.json"):
                continue
            records[batch][name.removesuffix(".json")] = json.loads(body)
        return [
            Batch(batch, found.get("plan"), found.get("result"), found.get("done"))
            for batch, found in sorted(records.items())
        ]

    def _rows(self) -> Iterable[tuple[Row, str]]:
        for file in self.world.curated_folder.rglob("*.parquet"):
            state = file.stat()
            # Most files stay as they are while a proof looks at them again and again.
            name = (file, state.st_ino, state.st_mtime_ns)
            if name not in self._rows_of:
                self._rows_of[name] = pq.ParquetFile(file).read(columns=LINEAGE).to_pylist()
            for row in self._rows_of[name]:
                assert f"/batch={row['_batch']}/" in file.as_posix()
                identity = (row["_source_key"], row["_source_version"])
                yield (row["order_id"], identity), row["_batch"]


def _identities(plan: dict[str, Any] | None) -> list[Identity]:
    return [(file["key"], file["version_id"]) for file in (plan or {}).get("inputs", [])]


def _bad(place: str | None) -> bool:
    return place is not None and place.startswith("quarantine/")
