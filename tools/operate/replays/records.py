"""The records of replays in the ledger. All but the newest request's are written once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError
from burst.batch import ID_TIME
from burst.contract import LEDGER, folder
from burst.s3 import is_gone, read_whole, repeated

from tools.operate.connection import THREADS
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import OperateError
from tools.operate.replays.selection import Earlier, Item, Output, Selection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FORMAT = 1
_CONFLICTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class ReplayRequest:
    """One request to replay. The end of its id is random: two may begin in the same second."""

    id: str
    selection: Selection
    at: datetime
    state: Literal["open", "done"] = "open"

    @classmethod
    def new(cls, selection: Selection, now: datetime) -> ReplayRequest:
        moment = now.astimezone(UTC).replace(microsecond=0)
        return cls(f"{moment.strftime(ID_TIME)}-{secrets.token_hex(4)}", selection, moment)


@dataclass(frozen=True)
class ReplayPlan:
    """The files of a request, in order, and the outputs that it removes. They never change."""

    items: tuple[Item, ...]
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Upload:
    """An upload to landing that needs nothing but to be completed. parts: their ETags."""

    upload_id: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Sent:
    """What became of one file of a request.

    sent: whether it came to landing. version_id: its version there, None where S3 does not say.
    """

    sent: bool
    version_id: str | None = None


@dataclass(frozen=True)
class GivenUp:
    """That a request is not to go on. by: the local user who decided; at: in UTC."""

    by: str
    at: datetime


@dataclass(frozen=True)
class SentFile:
    """A file of a finished request, and its version in landing."""

    item: Item
    sent: Sent


@dataclass(frozen=True)
class DoneReplay:
    """A finished request.

    at: when it began. removed_at: by batch, when its old rows went, which is after the new ones
    came; without those that an earlier release removed, which kept no times.
    """

    id: str
    at: datetime
    selection: Selection
    files: tuple[SentFile, ...]
    outputs: tuple[Output, ...]
    removed_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class ReplayRecords:
    """The records of one pipeline's replays in the lake bucket."""

    s3: S3Client
    bucket: str
    pipeline: str
    environment: str

    @classmethod
    def of(cls, s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline) -> ReplayRecords:
        return cls(s3, deployment.lake_bucket, pipeline.name, deployment.environment)

    @property
    def prefix(self) -> str:
        return f"{folder(LEDGER, self.pipeline)}replays/"

    def latest(self) -> tuple[ReplayRequest | None, str | None]:
        """The newest request and its ETag; None where there never was one."""
        try:
            text, etag = repeated(self._read_latest)
        except ClientError as error:
            if not is_gone(error):
                raise
            return None, None
        return self._request(text), etag

    def _read_latest(self) -> tuple[bytes, str]:
        answer = self.s3.get_object(Bucket=self.bucket, Key=f"{self.prefix}latest.json")
        return answer["Body"].read(), answer["ETag"]

    def open_request(self) -> ReplayRequest | None:
        """The request that is not finished, if there is one."""
        request, _ = self.latest()
        return request if request is not None and request.state == "open" else None

    def begin(self, selection: Selection, now: datetime) -> tuple[ReplayRequest, bool]:
        """The open request for this selection, begun now or before; and whether it was before.

        The record of the newest request is the lock: it changes only from what was read, so of two
        who begin at once one finds the other's. Raises `OperateError` when another is open.
        """
        while True:
            latest, etag = self.latest()
            if latest is not None and latest.state == "open":
                self._must_be(latest, selection)
                return latest, True
            request = ReplayRequest.new(selection, now)
            if self._swap(request, etag):
                return request, False

    def finish(self, request: ReplayRequest, done: DoneReplay) -> None:
        """Write what became of it, then let the next request begin."""
        self.write_once(request, "done", _done_record(done))
        latest, etag = self.latest()
        if latest is not None and latest.id == request.id and latest.state == "open":
            self._swap(ReplayRequest(request.id, request.selection, request.at, "done"), etag)

    def fix_plan(self, request: ReplayRequest, plan: ReplayPlan) -> ReplayPlan:
        """Write the plan unless there is one; returns the one that counts."""
        return plan_from(self.write_once(request, "plan", plan_record(plan)))

    def give_back(self, request: ReplayRequest) -> None:
        """End a request that has no plan, so that the next one may begin.

        Where somebody else planned it at the same moment, it goes on.
        """
        plan = self.fix_plan(request, ReplayPlan((), ()))
        if not (plan.items or plan.outputs):
            self.finish(request, DoneReplay(request.id, request.at, request.selection, (), ()))

    def write_once(
        self, request: ReplayRequest, name: str, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write a record unless it is there; returns the one that is there now."""
        body = _dump({"record": f"replay-{name.partition('-')[0]}", "id": request.id, **fields})
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=self._key(request.id, name),
                Body=body,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if not _is_conflict(error):
                raise
        record = self.read(request, name)
        if record is None:
            raise OperateError(f"{self._key(request.id, name)} was deleted while it was written.")
        return record

    def read(self, request: ReplayRequest, name: str) -> dict[str, Any] | None:
        """A record of a request, None where there is none."""
        return self._read(self._key(request.id, name))

    def plan(self, request: ReplayRequest) -> ReplayPlan | None:
        record = self.read(request, "plan")
        return None if record is None else plan_from(record)

    def given_up(self, request: ReplayRequest) -> GivenUp | None:
        """Who gave this request up; None where nobody did."""
        record = self.read(request, "given-up")
        return None if record is None else given_up_from(record)

    def done(self) -> list[DoneReplay]:
        """Every finished request, oldest first."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        keys = [
            item["Key"]
            for page in pages
            for item in page.get("Contents", [])
            if item["Key"].endswith("/done.json")
        ]
        with ThreadPoolExecutor(THREADS) as threads:
            records = list(threads.map(self._read, sorted(keys)))
        return [_done(record) for record in records if record is not None]

    def _must_be(self, latest: ReplayRequest, selection: Selection) -> None:
        if latest.selection != selection:
            raise OperateError(
                f"The replay {latest.id} is not finished, and there is one at a time. Finish it "
                f"first: `burst replay` with {latest.selection.words()}. Or end it without sending "
                f"the rest: `burst replay {self.environment} {self.pipeline} --give-up`."
            )

    def _swap(self, request: ReplayRequest, etag: str | None) -> bool:
        """Make this the newest request if the record is still the one with that ETag."""
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        fields = {"selection": asdict(request.selection), "at": request.at, "state": request.state}
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=f"{self.prefix}latest.json",
                Body=_dump({"record": "replay-latest", "id": request.id, **fields}),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if not _is_conflict(error):
                raise
            # The answer to a first try may have got lost: then it is ours all the same.
            latest, _ = self.latest()
            return latest == request
        return True

    def _request(self, text: bytes) -> ReplayRequest:
        record = self._parsed(text, f"{self.prefix}latest.json")
        return ReplayRequest(
            record["id"],
            Selection(**record["selection"]),
            datetime.fromisoformat(record["at"]),
            record["state"],
        )

    def _key(self, request_id: str, name: str) -> str:
        return f"{self.prefix}{request_id}/{name}.json"

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            text = read_whole(self.s3, self.bucket, key)
        except ClientError as error:
            if not is_gone(error):
                raise
            return None
        return self._parsed(text, key)

    def _parsed(self, text: bytes, key: str) -> dict[str, Any]:
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise OperateError(
                f"s3://{self.bucket}/{key} is damaged or from another version of burst. Restore an "
                "earlier version of this object: without it files could be replayed twice."
            )
        return record


def plan_record(plan: ReplayPlan) -> dict[str, Any]:
    """A plan as it is written."""
    return {
        "files": [asdict(item) for item in plan.items],
        "outputs": [asdict(output) for output in plan.outputs],
    }


def plan_from(record: Mapping[str, Any]) -> ReplayPlan:
    """A plan as it was written."""
    return ReplayPlan(
        tuple(Item(**item) for item in record["files"]),
        tuple(Output(**output) for output in record["outputs"]),
    )


def uploads_from(record: Mapping[str, Any]) -> tuple[Upload, ...]:
    """Prepared uploads as they were written."""
    return tuple(Upload(item["upload_id"], tuple(item["parts"])) for item in record["uploads"])


def given_up_from(record: Mapping[str, Any]) -> GivenUp:
    """Who gave a request up, as it was written."""
    return GivenUp(record["by"], datetime.fromisoformat(record["at"]))


def removed_from(record: Mapping[str, Any], plan: ReplayPlan) -> tuple[Output, ...]:
    """The outputs that a request has removed, as it was written."""
    # A release that removed before it sent wrote no names: it always removed all.
    batches = record.get("batches")
    return tuple(item for item in plan.outputs if batches is None or item.batch in batches)


def removal_record(removed_at: Mapping[Output, datetime]) -> dict[str, Any]:
    """Which outputs a request has removed, and when."""
    return {
        "batches": [output.batch for output in removed_at],
        "removed_at": {output.batch: at for output, at in removed_at.items()},
    }


def removed_at_from(record: Mapping[str, Any]) -> dict[str, datetime]:
    """By batch, when its old rows went; empty in a record of an earlier release."""
    times: Mapping[str, str] = record.get("removed_at", {})
    return {batch: datetime.fromisoformat(at) for batch, at in times.items()}


def sent_from(record: Mapping[str, Any]) -> tuple[Sent, ...]:
    """Sent files as they were written."""
    return tuple(Sent(**item) for item in record["sent"])


def sent_before(replays: Sequence[DoneReplay]) -> dict[str, Earlier]:
    """The files that came to landing in these replays, by their keys in the lake bucket."""
    return {
        file.item.source: Earlier(
            file.item.key, done.selection.area, done.id, done.at, file.sent.version_id
        )
        for done in replays
        for file in done.files
        if file.sent.sent
    }


def _done_record(done: DoneReplay) -> dict[str, Any]:
    return {
        "at": done.at,
        "selection": asdict(done.selection),
        "files": [{**asdict(file.item), **asdict(file.sent)} for file in done.files],
        "outputs": [asdict(output) for output in done.outputs],
        "removed_at": done.removed_at,
    }


def _done(record: Mapping[str, Any]) -> DoneReplay:
    return DoneReplay(
        id=record["id"],
        at=datetime.fromisoformat(record["at"]),
        selection=Selection(**record["selection"]),
        files=tuple(
            SentFile(
                Item(file["key"], file["source"], file["batch"], file["size"]),
                Sent(file["sent"], file["version_id"]),
            )
            for file in record["files"]
        ),
        outputs=tuple(Output(**output) for output in record["outputs"]),
        removed_at=removed_at_from(record),
    )


def _dump(record: Mapping[str, Any]) -> bytes:
    def text(value: object) -> str:
        if isinstance(value, datetime):
            return value.isoformat()
        raise TypeError(f"a record cannot hold {value!r}")

    return (json.dumps({"format": FORMAT, **record}, default=text, indent=1) + "\n").encode()


def _is_conflict(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _CONFLICTS
