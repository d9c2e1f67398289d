"""Which files a replay is about: pure decisions on what the ledger and the lake hold."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from burst.contract import Area

from tools.operate.deployment import DeployedPipeline
from tools.operate.errors import InputError, OperateError
from tools.operate.ids import looks_like_batch
from tools.operate.ledger import FileResult, Outcome, ResultRecord
from tools.operate.probes import is_probe

_AGO = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_OUTCOME: Mapping[Area, Outcome] = {"quarantine": "quarantined", "archive": "curated"}


@dataclass(frozen=True)
class Selection:
    """What the user asked for, as typed: the same words are the same request.

    key: a pattern with *, ? and [...] over the whole key. replace: the batches' output is removed,
    and all of their files come again. content: SHA-256 of the file that takes the place of the
    one that is found; None to send the file as it is.
    """

    area: Area
    batch: str | None = None
    since: str | None = None
    key: str | None = None
    replace: bool = False
    content: str | None = None

    def __post_init__(self) -> None:
        if self.batch is not None and not looks_like_batch(self.batch):
            raise InputError(
                f"--batch is {self.batch!r}: give a batch id such as 20250131T235959Z-0123abcd, or "
                "its beginning; `burst status` shows the last ones."
            )
        if self.area == "archive" and not (self.batch or self.since or self.key):
            raise InputError(
                "--archive alone would bring back everything that was ever loaded: add --batch, "
                "--since or --key."
            )
        if self.replace and (self.area != "archive" or self.key):
            raise InputError(
                "--replace removes the output of whole batches: it goes with --archive and --batch "
                "or --since, and not with --key or --quarantine."
            )
        if self.content and self.area != "quarantine":
            raise InputError("--with corrects a file in quarantine: it goes with --quarantine.")

    def words(self) -> str:
        """The options that ask for this."""
        parts = [f"--{self.area}"]
        for name in ("batch", "since", "key"):
            if value := getattr(self, name):
                parts.append(f"--{name} '{value}'")
        if self.replace:
            parts.append("--replace")
        if self.content:
            parts.append("--with the same file")
        return " ".join(parts)


@dataclass(frozen=True)
class Item:
    """One file to bring back. source: its key in the lake bucket; size in bytes."""

    key: str
    source: str
    batch: str
    size: int


@dataclass(frozen=True)
class Output:
    """The folder of a batch's Parquet files, which a replacing replay removes."""

    batch: str
    uri: str


@dataclass(frozen=True)
class Earlier:
    """A file that an earlier replay sent from this area.

    at: when that replay began. version_id: of the file in landing, None where S3 did not say.
    batch: which took it from there, None where the selection does not show that.
    """

    key: str
    area: Area
    replay: str
    at: datetime
    version_id: str | None
    batch: str | None = None


@dataclass(frozen=True)
class ArchivedFile:
    """A file whose bytes S3 returns only after they are restored.

    storage_class: GLACIER, DEEP_ARCHIVE, or INTELLIGENT_TIERING with its tier. restoring: whether
    somebody has asked for that already.
    """

    key: str
    source: str
    batch: str
    bucket: str
    storage_class: str
    restoring: bool

    @property
    def words(self) -> str:
        """The file with its class."""
        now = ", being restored" if self.restoring else ""
        return f"{self.key} ({self.storage_class}{now})"


@dataclass(frozen=True)
class Choice:
    """What a replay will do, and what it leaves out and why.

    replayed: files of the selection that an earlier replay sent. missing: files that are no longer
    in the lake. foreign: keys that no pipeline would take from landing. unsettled: batches that
    are not done. archived: files that have to be restored first.
    """

    items: tuple[Item, ...]
    outputs: tuple[Output, ...]
    replayed: tuple[Earlier, ...]
    missing: int
    foreign: tuple[str, ...]
    unsettled: tuple[str, ...]
    archived: tuple[ArchivedFile, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(item.size for item in self.items)


def since_when(text: str, now: datetime) -> datetime:
    """The moment that --since means: a time such as 2025-01-31T12:00, or ago such as 90m, 6h, 2d.

    A time without an offset is UTC. Raises `InputError`.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"--since is {text!r}: give a time such as 2025-01-31 or 2025-01-31T12:00:00Z (UTC "
            "unless it says otherwise), or how long ago: 90m, 6h, 2d, 1w."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def choose(
    selection: Selection,
    results: Sequence[ResultRecord],
    *,
    pipeline: DeployedPipeline,
    present: Set[str],
    replayed: Mapping[str, Earlier],
    removed: Set[str] = frozenset(),
    unsettled: Sequence[str] = (),
) -> Choice:
    """Decide which files of these settled batches come back.

    present: the keys in the lake bucket; replayed: those that were sent before, which are never
    sent again; removed: batches whose output an earlier replay removed. Raises `OperateError` where
    a batch cannot be replaced as a whole.
    """
    items: list[Item] = []
    outputs: list[Output] = []
    foreign: list[str] = []
    before: dict[tuple[str, str | None], Earlier] = {}
    missing = 0
    taken = {file.identity: result.origin.batch for result in results for file in result.files}
    second = _second_copies(selection, replayed)
    for result in results:
        has_output = result.output is not None and result.origin.batch not in removed
        if selection.replace and has_output:
            _must_be_whole(result, pipeline, present, replayed)
            outputs.append(Output(result.origin.batch, result.output or ""))
        for file, place in _selected(selection, result):
            if earlier := replayed.get(place) or second.get(file.identity):
                identity = (earlier.key, earlier.version_id)
                before[identity] = replace(earlier, batch=taken.get(identity))  # type: ignore[arg-type]
            elif place not in present:
                missing += 1
            elif not pipeline.owns(file.key):
                foreign.append(file.key)
            else:
                items.append(Item(file.key, place, result.origin.batch, file.size))
    return Choice(
        items=tuple(items),
        outputs=tuple(outputs),
        replayed=tuple(before.values()),
        missing=missing,
        foreign=tuple(foreign),
        unsettled=tuple(unsettled),
    )


def without_archived(
    selection: Selection, choice: Choice, archived: Mapping[str, ArchivedFile]
) -> Choice:
    """The same without the files that have to be restored first, which are named.

    archived: by their keys in the lake. Raises `OperateError` where a batch that is to be replaced
    holds one of them.
    """
    if not archived:
        return choice
    replaced = {output.batch for output in choice.outputs}
    kept = [file for file in archived.values() if selection.replace and file.batch in replaced]
    if kept:
        raise OperateError(
            f"Batch {kept[0].batch} cannot be replaced: S3 returns {len(kept)} of the files only "
            f"after they are restored, the first is {kept[0].words}. {how_to_restore(kept[0])} "
            "Nothing was changed."
        )
    return replace(
        choice,
        items=tuple(item for item in choice.items if item.source not in archived),
        archived=tuple(archived.values()),
    )


def how_to_restore(file: ArchivedFile) -> str:
    """What to do about an archived file.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html; what is restored from
    Intelligent-Tiering moves to another tier for good, so there is no number of days
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html).
    """
    if file.restoring:
        return "It is being restored: give the same command again once it is there."
    is_tiering = file.storage_class.startswith("INTELLIGENT_TIERING")
    request = "'{}'" if is_tiering else "Days=7"
    hours = "12 hours" if "DEEP_ARCHIVE" in file.storage_class else "3 to 5 hours"
    return (
        f"Restore such a file with `aws s3api restore-object --bucket {file.bucket} --key "
        f"{shlex.quote(file.source)} --restore-request {request}` (many: S3 Batch Operations), "
        f"wait for about {hours}, and give the same command again."
    )


def _second_copies(
    selection: Selection, replayed: Mapping[str, Earlier]
) -> Mapping[tuple[str, str], Earlier]:
    """The versions that earlier replays of the archive made: once loaded, they are in it as well.

    Without this the same command would find each copy of its own work. Who names a batch or
    replaces what is there means just these copies.
    """
    if selection.area != "archive" or selection.batch or selection.replace:
        return {}
    return {
        (earlier.key, earlier.version_id): earlier
        for earlier in replayed.values()
        if earlier.area == "archive" and earlier.version_id is not None
    }


def _selected(selection: Selection, result: ResultRecord) -> Iterator[tuple[FileResult, str]]:
    for file in result.files:
        if is_probe(file.key):
            # Nobody's data: `burst check` sent it and took it away again.
            continue
        matches = selection.key is None or fnmatchcase(file.key, selection.key)
        if file.outcome == _OUTCOME[selection.area] and file.destination and matches:
            yield file, file.destination


def of_a_whole_batch(result: ResultRecord) -> Iterator[tuple[FileResult, str]]:
    """What comes again where a batch is replaced, each file with its place in the archive."""
    return _selected(Selection("archive", batch=result.origin.batch), result)


def _must_be_whole(
    result: ResultRecord,
    pipeline: DeployedPipeline,
    present: Set[str],
    replayed: Mapping[str, Earlier],
) -> None:
    """Raise unless every row of the batch's output comes again, or has come already."""
    for file, place in of_a_whole_batch(result):
        if place in replayed:
            continue
        why = None
        if place not in present:
            why = f"s3 no longer holds its archived bytes ({place})"
        elif not pipeline.owns(file.key):
            why = f"the pipeline takes only {pipeline.prefix}*{pipeline.suffix}"
        if why:
            raise OperateError(
                f"Batch {result.origin.batch} cannot be replaced: {file.key} cannot come back, "
                f"{why}. Its rows would be lost, so nothing was changed. Without --replace the "
                "other files can be replayed."
            )
