"""A lake and a landing bucket in the emulated account, filled as the job fills them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from burst.batch import REASON_SUFFIX, InputFile, batch_id, destination, output_uri, stage_uri
from burst.landing import Landing, joined
from burst.ledger import (
    DoneRecord,
    FileResult,
    Head,
    Ledger,
    Origin,
    Outcome,
    PlanRecord,
    ResultRecord,
    UnsettledFile,
    UnsettledRecord,
)
from burst.settle import Move, Mover

from tests.jobs.memory_s3 import MemoryS3
from tests.unit.operate.records import DEPLOYMENT, PIPELINE
from tools.operate.replays.giving_up import GivingUp
from tools.operate.replays.replay import Load, Replay, ReplayProgress, ignore_progress
from tools.operate.replays.selection import Selection
from tools.sandbox.account import Account

LANDING, LAKE = DEPLOYMENT.landing_bucket, DEPLOYMENT.lake_bucket


@dataclass
class World:
    """What a test has to do with: batches that are done, and what landing holds."""

    s3: Any
    batches: int = 0
    bodies: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def create(cls, account: Account) -> World:
        """In the emulated account, over HTTP."""
        s3 = account.client("s3")
        for bucket in (LANDING, LAKE):
            s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return cls(s3)

    @classmethod
    def in_memory(cls) -> World:
        """In the stand-in, where a hundred histories take a second."""
        s3 = MemoryS3()
        for bucket in (LANDING, LAKE):
            s3.create_bucket(Bucket=bucket)
        return cls(s3)

    def batch(
        self,
        bad: Sequence[str] = (),
        good: Sequence[str] = (),
        *,
        settled: bool = True,
        now: datetime | None = None,
    ) -> str:
        """A batch as the job leaves it; returns its id. Its keys are `orders/<name>.csv`."""
        self.batches += 1
        at = (now or datetime.now(UTC) - timedelta(hours=1)) + timedelta(seconds=self.batches)
        named: list[tuple[str, Outcome]] = [(n, "quarantined") for n in bad]
        named += [(n, "curated") for n in good]
        inputs = tuple(
            InputFile(f"orders/{n}.csv", f"made-up-{self.batches}-{n}", "e", 5, at)
            for n, _ in named
        )
        batch = batch_id(inputs, at)
        files = [
            self._moved(batch, file, outcome)
            for file, (_, outcome) in zip(inputs, named, strict=True)
        ]
        self._record(batch, at, inputs, files, settled=settled)
        if good:
            self._publish(batch, files)
            # What belongs to the neighbour stays.
            self.s3.put_object(Bucket=LAKE, Key=f"{output_prefix(batch)[:-1]}9/part", Body=b"p")
        return batch

    def _publish(self, batch: str, files: Sequence[FileResult]) -> None:
        """One row a file: its key."""
        rows = "\n".join(file.key for file in files if file.outcome == "curated")
        part = f"{output_prefix(batch)}part-0.parquet"
        self.s3.put_object(Bucket=LAKE, Key=part, Body=rows.encode())

    def rows(self) -> Counter[str]:
        """The rows that readers of curated see."""
        parts = [key for key in self.keys(LAKE, "curated/orders/ingest_date=") if "part-0" in key]
        return Counter(
            row for key in parts for row in self._body(LAKE, key, None).decode().splitlines()
        )

    def job_runs(
        self,
        bad: Sequence[str] = (),
        most: int | None = None,
        seen: Callable[[], None] = lambda: None,
    ) -> None:
        """Take everything from landing as the job does: archive it, delete it, write it down.

        bad: keys that go to quarantine. most: files to take. seen: called after each step.
        """
        inputs = self._outstanding()[:most]
        if not inputs:
            return
        stage = stage_uri("curated/orders", batch_id(inputs, (at := datetime.now(UTC))), "a")
        self.s3.put_object(Bucket=LAKE, Key=f"{stage}/part-0.parquet", Body=b"rows")
        seen()
        batch, files = self._load(inputs, at, bad)
        seen()
        self._publish(batch, files)
        seen()
        self.s3.delete_object(Bucket=LAKE, Key=f"{stage}/part-0.parquet")
        seen()
        moves = [
            Move(file.key, file.version_id, file.etag, file.size, moved.destination or "", None)
            for file, moved in zip(inputs, files, strict=True)
        ]
        Mover(LANDING, LAKE).move(self.s3, moves, threads=4)
        self._done(batch, at, files)

    def job_is_refused(self, reason: str) -> str:
        """Load everything from landing as the job does where S3 does not let it go; the batch."""
        inputs = self._outstanding()
        batch, _ = self._load(inputs, at := datetime.now(UTC))
        ledger = Ledger(self.s3, LAKE, "orders", "dev")
        head = Head("orders", "dev", "run", 1, (batch,), "jr_1", "wr_1", at)
        ledger.write_head(head, replaces=None)
        files = tuple(UnsettledFile(file.key, file.version_id, reason, at) for file in inputs)
        ledger.replace(UnsettledRecord(_origin(batch, at), files))
        return batch

    def _outstanding(self) -> Sequence[InputFile]:
        landing = Landing(self.s3, LANDING, PIPELINE.prefix, PIPELINE.suffix)
        return joined(landing.pages()).files

    def _load(
        self, inputs: Sequence[InputFile], at: datetime, bad: Sequence[str] = ()
    ) -> tuple[str, list[FileResult]]:
        batch = batch_id(inputs, at)
        files = [
            self._result(batch, file, "quarantined" if file.key in bad else "curated")
            for file in inputs
        ]
        self._record(batch, at, inputs, files, settled=False)
        return batch, files

    def replay(self, *, s3: Any = None, **selection: Any) -> Replay:
        content: Path | None = selection.pop("file", None)
        report: Callable[[ReplayProgress], None] = selection.pop("report", ignore_progress)
        load: Load = selection.pop("load", self.load)
        return Replay(
            s3 or self.s3,
            DEPLOYMENT,
            PIPELINE,
            Selection(**{"area": "quarantine", **selection}),
            datetime.now(UTC),
            content,
            report,
            load,
        )

    def load(self, seen: Callable[[], object]) -> str:
        """A run that takes all that waits."""
        self.job_runs()
        seen()
        return "The run ended as SUCCEEDED."

    def giving_up(self, s3: Any = None) -> GivingUp:
        return GivingUp(s3 or self.s3, DEPLOYMENT, PIPELINE, "ada", datetime.now(UTC))

    def arrivals(self) -> list[tuple[str, bytes]]:
        """Key and bytes of every version that ever came to landing and was not the job's start."""
        found = [
            (version["Key"], self._body(LANDING, version["Key"], version["VersionId"]))
            for version in self._versions(LANDING, "orders/")
        ]
        ledger = Ledger(self.s3, LAKE, "orders", "dev")
        for batch, names in ledger.batches().items():
            if "result" not in names:
                continue
            for file in ledger.read_result(batch).files:
                if file.destination and not file.version_id.startswith("made-up"):
                    found.append((file.key, self._body(LAKE, file.destination, None)))
        return sorted(found)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        listed = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in listed for item in page.get("Contents", [])]

    def waiting(self) -> list[str]:
        """The keys of the versions in landing."""
        return [version["Key"] for version in self._versions(LANDING, "orders/")]

    def _versions(self, bucket: str, prefix: str) -> list[Mapping[str, Any]]:
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        return [version for page in pages for version in page.get("Versions", [])]

    def _body(self, bucket: str, key: str, version_id: str | None) -> bytes:
        version = {"VersionId": version_id} if version_id else {}
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key, **version)["Body"].read()
        return body

    def _moved(self, batch: str, file: InputFile, outcome: Outcome) -> FileResult:
        result = self._result(batch, file, outcome)
        body = f"{file.key} {file.version_id}".encode()
        self.bodies[result.destination or ""] = body
        self.s3.put_object(Bucket=LAKE, Key=result.destination, Body=body)
        if outcome == "quarantined":
            self.s3.put_object(Bucket=LAKE, Key=f"{result.destination}{REASON_SUFFIX}", Body=b"{}")
        return result

    def _result(self, batch: str, file: InputFile, outcome: Outcome) -> FileResult:
        return FileResult(
            key=file.key,
            version_id=file.version_id,
            size=file.size,
            outcome=outcome,
            rows=1 if outcome == "curated" else 0,
            reason=None if outcome == "curated" else "Line 2: no number.",
            destination=destination(
                "archive" if outcome == "curated" else "quarantine",
                pipeline="orders",
                batch=batch,
                key=file.key,
                version_id=file.version_id,
            ),
        )

    def _record(
        self,
        batch: str,
        at: datetime,
        inputs: Sequence[InputFile],
        files: Sequence[FileResult],
        *,
        settled: bool,
    ) -> ResultRecord:
        ledger = Ledger(self.s3, LAKE, "orders", "dev")
        origin = _origin(batch, at)
        rows = sum(file.rows for file in files)
        output = f"s3://{LAKE}/{output_prefix(batch)[:-1]}" if rows else None
        result = ResultRecord(origin, output, rows, 5 * len(files), {"read": 1.0}, tuple(files))
        ledger.write(PlanRecord(origin, tuple(inputs)))
        ledger.write(result)
        if settled:
            self._done(batch, at, files)
        return result

    def _done(self, batch: str, at: datetime, files: Sequence[FileResult]) -> None:
        origin = _origin(batch, at)
        outcomes = [file.outcome for file in files]
        Ledger(self.s3, LAKE, "orders", "dev").write(
            DoneRecord(
                origin=origin,
                archived=outcomes.count("curated"),
                quarantined=outcomes.count("quarantined"),
                gone=0,
                unreadable=0,
                missing=(),
            )
        )


def _origin(batch: str, at: datetime) -> Origin:
    return Origin(batch, "orders", "dev", "orders", "jr_1", "wr_1", at)


def output_prefix(batch: str) -> str:
    """The folder of a batch's Parquet files in the lake bucket."""
    return output_uri("curated/orders", batch) + "/"


class Interrupting:
    """An S3 client that is interrupted at its n-th change, before it or after S3 made it.

    at: 0 for never. then: what happens there in place of the interruption. seen: called after each
    change.
    """

    CHANGES = frozenset(
        {
            "put_object",
            "create_multipart_upload",
            "upload_part",
            "upload_part_copy",
            "complete_multipart_upload",
            "delete_objects",
            "abort_multipart_upload",
        }
    )

    def __init__(
        self,
        s3: Any,
        at: int,
        *,
        after: bool = False,
        then: Callable[[], None] | None = None,
        seen: Callable[[], None] = lambda: None,
    ) -> None:
        self._s3, self._at, self._after, self._then, self._seen = s3, at, after, then, seen
        self.changes = 0
        self.struck = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._s3, name)
        if name not in self.CHANGES:
            return real

        def call(**arguments: Any) -> Any:
            self.changes += 1
            number = self.changes
            here = number == self._at or (0 < self._at < number and self._then is None)
            if here and not (self._after and number == self._at):
                self._strike()
            answer = real(**arguments)
            if here and self._after:
                self._strike()
            self._seen()
            return answer

        return call

    def _strike(self) -> None:
        self.struck = True
        if self._then is None:
            raise KeyboardInterrupt
        self._then()
