"""What must be true of landing, lake, curated and ledger: at any moment, and once all is settled.

Nothing here asks the code under test. What was uploaded is known (`Upload`), the rest is read
back: objects, records and Parquet files as they lie there.
"""

from __future__ import annotations

import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow.parquet as pq

from tests.jobs.world import World

Identity = tuple[str, str]
Row = tuple[str, Identity]

# From so many lost runs on, a file on which each of them ended may be set aside.
SET_ASIDE_AFTER = 3
LINEAGE = ["order_id", "_source_key", "_source_version", "_batch"]


@dataclass(frozen=True)
class Upload:
    """One version that a producer put into landing; orders is None when its file is bad.

    readable: whether S3 hands it out. archived: whether there was a time when it did not.
    lost_before: how many runs were lost before it came.
    """

    key: str
    version_id: str
    body: bytes
    orders: tuple[str, ...] | None
    readable: bool = True
    archived: bool = False
    lost_before: int = 0

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

    named: bool

    @property
    def counts(self) -> bool:
        """Not if it was only planned and never begun, nor if it was closed before its commit."""
        if self.result is None:
            return self.named
        return self.result.get("replaced_by") is None

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
    # Runs that did not come to their end: died, or lost the head to another one.
    lost_runs: int = 0
    _seen: dict[str, bytes] = field(default_factory=dict)
    _rows_of: dict[bytes, list[dict[str, Any]]] = field(default_factory=dict)

    def put(self, key: str, body: bytes, orders: Iterable[str] | None) -> Upload:
        """Upload a file that holds these orders, or a bad one (None)."""
        version = self.world.put(key, body)
        known = None if orders is None else tuple(orders)
        upload = Upload(key, version, body, known, lost_before=self.lost_runs)
        self.uploads[upload.identity] = upload
        return upload

    def archive(self, key: str, body: bytes, orders: Iterable[str] | None) -> Upload:
        """The same, in a storage class from which S3 does not hand it out."""
        version = self.world.archive(key, body)
        known = None if orders is None else tuple(orders)
        upload = Upload(
            key, version, body, known, readable=False, archived=True, lost_before=self.lost_runs
        )
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
        outstanding = self.outstanding()
        settled = self._check_places(batches, outstanding)
        self._check_rows(batches, settled)
        self.check_readers()

    def check_readers(self) -> None:
        """A reader of curated sees committed files only, and what it saw once stays as it was."""
        visible = self.world.curated_files()
        for path, body in self._seen.items():
            assert visible.get(path) == body, f"{path} vanished or changed"
        new = set(visible) - set(self._seen)
        if new:
            results = [
                item.result
                for item in self._batches()
                if item.counts and item.result and item.result["output"]
            ]
            committed = {
                f"{_folder(result)}/{file['name']}"
                for result in results
                for file in result.get("staged", [])
            }
            # The job before wrote rows under their final names, and did not list them.
            old = tuple(f"{_folder(result)}/" for result in results if result["format"] == 1)
            strangers = {path for path in new - committed if not path.startswith(old)}
            assert strangers == set(), f"not committed, and visible: {strangers}"
        self._seen = visible

    def check_settled(self) -> None:
        """What holds when the job has nothing left to do."""
        self.check()
        assert self.outstanding() == self.unreadable(), "versions are left in landing"
        # A late write of a dead run may bring back an old record, of versions that are gone.
        on_record = self.on_record() & self.outstanding()
        assert on_record == self.unreadable(), "the record names others than those"
        batches = [item for item in self._batches() if item.counts]
        assert [item.batch for item in batches if item.done is None] == [], "batches are open"
        assert self.head()["open"] == [], "the head names batches that are done"
        assert self.staged() == [], "stages are left"
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

    def head(self) -> dict[str, Any]:
        """The head of the ledger; names nothing where there is none."""
        [head] = self.world.in_lake("ledger/orders/head.json").values() or [b'{"open": []}']
        found: dict[str, Any] = json.loads(head)
        return found

    def staged(self) -> list[str]:
        """What lies in stages."""
        if self.world.curated_in_s3:
            return list(self.world.in_lake("curated/orders/_staging/"))
        stages = self.world.curated_folder / "_staging"
        return [str(file) for file in stages.rglob("*") if file.is_file()]

    def _check_ledger(self, batches: list[Batch]) -> None:
        planned: Counter[Identity] = Counter()
        for item in batches:
            assert item.plan is not None, f"{item.batch} has records but no plan"
            assert item.result or not item.done, f"{item.batch} is done without a result"
            if not item.counts:
                continue
            planned.update(item.taken)
            assert item.named or item.done, f"{item.batch} is committed, and nobody will finish it"
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
        committed = [item for item in batches if item.counts and item.result and not item.done]
        assert len(committed) <= 1, "two batches are committed and not settled"

    def _check_outcome(self, file: dict[str, Any]) -> None:
        upload = self.uploads[(file["key"], file["version_id"])]
        if upload.archived and file["outcome"] == "unreadable":
            assert (file["rows"], file["destination"]) == (0, None), file
            assert file["reason"]
            return
        lost = self.lost_runs - upload.lost_before
        if lost >= SET_ASIDE_AFTER and "ended without an error" in (file["reason"] or ""):
            # Nothing tells it from a file that ends whatever run reads it.
            upload = self.uploads[upload.identity] = replace(upload, orders=None)
        expected = "quarantined" if upload.orders is None else "curated"
        assert (file["outcome"], file["rows"]) == (expected, len(upload.orders or ())), file
        assert (file["reason"] is None) == (upload.orders is not None)

    def _check_places(self, batches: list[Batch], outstanding: set[Identity]) -> set[Identity]:
        """Every version is in landing, or its bytes are in the one place where they belong."""
        assert outstanding <= set(self.uploads), "landing holds what nobody put there"
        places = {
            (file["key"], file["version_id"]): file["destination"]
            for item in batches
            if item.counts and item.result
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
        """No row twice, none of a bad file, and all of a file once it has left landing."""
        batches = [item for item in batches if item.counts]
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
        for identity in settled:
            expected = Counter(self.uploads[identity].orders or ())
            assert Counter(found[identity]) == expected, f"rows of {identity} are missing"

    def _batches(self) -> list[Batch]:
        records: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for key, body in self.world.in_lake("ledger/").items():
            batch, name = key.split("/")[-2:]
            if name in ("head.json", "unreadable.json") or "/drift/" in key:
                continue
            records[batch][name.removesuffix(".json")] = json.loads(body)
        open = self.head()["open"]
        return [
            Batch(batch, found.get("plan"), found.get("result"), found.get("done"), batch in open)
            for batch, found in sorted(records.items())
        ]

    def _rows(self) -> Iterable[tuple[Row, str]]:
        for path, body in self.world.curated_files().items():
            # Most files stay as they are while a proof looks at them again and again.
            if body not in self._rows_of:
                file = pq.ParquetFile(io.BytesIO(body))
                self._rows_of[body] = file.read(columns=LINEAGE).to_pylist()
            for row in self._rows_of[body]:
                assert f"/batch={row['_batch']}/" in path
                identity = (row["_source_key"], row["_source_version"])
                yield (row["order_id"], identity), row["_batch"]


def _identities(plan: dict[str, Any] | None) -> list[Identity]:
    return [(file["key"], file["version_id"]) for file in (plan or {}).get("inputs", [])]


def _folder(result: dict[str, Any]) -> str:
    """The folder of a batch's rows, below curated."""
    _, mark, after = result["output"].partition("ingest_date=")
    return mark + str(after)


def _bad(place: str | None) -> bool:
    return place is not None and place.startswith("quarantine/")
