"""A second data engine for the tests: in the process, without Spark, in about ten milliseconds.

It fetches and parses with the same functions as the shipped one. It has no transform: what is
proven with it is the protocol, and that only the rows of good files pass.
"""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from burst.batch import InputFile
from burst.columns import read_schema
from burst.contract import INPUT, PRIVATE, STATUS_ROWS, FileFormat
from burst.reader import made_up_rows, read_files
from burst.row_engine import FileOutcome, R, ReadBatch, T, Written, outcome_of
from burst.s3 import threads_each
from mypy_boto3_s3 import S3Client

# What a batch's rows may take in memory before they go to disk.
SPOOL_BYTES = 8 * 1024**2


def folder_of(uri: str) -> Path:
    """The folder that a file: URI names."""
    return Path(url2pathname(urlsplit(uri).path))


@dataclass
class PlainRowEngine:
    """Reads in the process; writes Parquet files to S3 or into a folder.

    bucket: the landing bucket.
    step: is told what writing has just done, so that a test can stop it there.
    """

    s3: S3Client
    bucket: str
    format: FileFormat
    step: Callable[[str], None] = field(default=lambda _: None)

    def warm_up(self) -> None:
        pass

    def read(self, batch: str, inputs: Sequence[InputFile]) -> ReadBatch:
        pieces = read_files(
            self.s3,
            bucket=self.bucket,
            batch=batch,
            inputs=list(enumerate(inputs)),
            format=self.format,
            threads=threads_each(1),
        )
        return self._read(batch, pieces, len(inputs), sum(file.size for file in inputs))

    def made_up(self, batch: str) -> ReadBatch:
        return self._read(batch, made_up_rows(batch, self.format), 1, 0)

    def _read(
        self, batch: str, pieces: Iterator[pa.RecordBatch], files: int, size: int
    ) -> ReadBatch:
        spool: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - see release
        outcomes: dict[int, FileOutcome] = {}
        schema = read_schema(self.format.columns, self.format.rescues)
        with pa.ipc.new_stream(spool, schema) as stream:
            for piece in pieces:
                outcomes.update(_outcomes(piece))
                stream.write_batch(piece)
        return ReadBatch(
            batch=batch,
            outcomes=tuple(outcomes[index] for index in range(files)),
            bytes=size,
            rows=spool,
        )

    def write(self, read: ReadBatch, target: str) -> Written:
        """Two files with names that no other attempt gives, as Spark does it, and _SUCCESS."""
        schema = read_schema(self.format.columns, self.format.rescues)
        kept = [name for name in schema.names if name not in PRIVATE]
        columns = pa.schema([schema.field(name) for name in kept])
        attempt, written = uuid.uuid4(), 0
        for number, rows in enumerate(_good_rows(read)):
            body = io.BytesIO()
            with pq.ParquetWriter(body, columns) as writer:
                writer.write_batch(rows.select(kept))
            written += rows.num_rows
            self._put(target, f"part-{number:05}-{attempt}-c000.snappy.parquet", body.getvalue())
        self._put(target, "_SUCCESS", b"")
        return Written(written)

    def _put(self, target: str, name: str, body: bytes) -> None:
        if target.startswith("s3://"):
            bucket, _, prefix = target.removeprefix("s3://").partition("/")
            self.s3.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=body)
        else:
            folder = folder_of(target)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
            self.step(f"wrote {name.partition('-')[0]}")

    def spread(self, work: Callable[[S3Client, T, int], R], parts: Sequence[T]) -> list[R]:
        return [work(self.s3, part, threads_each(1)) for part in parts]

    def release(self, read: ReadBatch) -> None:
        read.rows.close()


def _outcomes(piece: pa.RecordBatch) -> dict[int, FileOutcome]:
    found: list[dict[str, Any]] = piece.filter(pc.is_valid(piece.column(STATUS_ROWS))).to_pylist()
    return {row[INPUT]: outcome_of(row) for row in found}


def _good_rows(read: ReadBatch) -> Iterator[pa.RecordBatch]:
    """The rows of the files that did not fail, at most half of a small batch's at a time."""
    failed = pa.array(
        [index for index, outcome in enumerate(read.outcomes) if outcome.reason], pa.int32()
    )
    read.rows.seek(0)
    with pa.ipc.open_stream(read.rows) as stream:
        for piece in stream:
            passed = pc.invert(pc.is_in(piece.column(INPUT), value_set=failed))
            rows = piece.filter(pc.and_(pc.is_null(piece.column(STATUS_ROWS)), passed))
            half = max(1, rows.num_rows // 2)
            for start in range(0, rows.num_rows, half):
                yield rows.slice(start, half)
