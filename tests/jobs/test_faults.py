"""A bad line to S3: nothing is lost or doubled, and no file is blamed for it.

The faults are in HTTP, in front of the emulator (`faulty_s3.py`). The client is the job's own, with
its retries. Only botocore's waiting is shortened, except in one test: after a SlowDown it sends one
request in two seconds, whatever the machine.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody
from botocore.retries.bucket import TokenBucket
from burst.errors import RowEngineError
from burst.s3.client import s3_client
from pyspark.sql import SparkSession
from urllib3.exceptions import HTTPError

from tests.jobs.faulty_s3 import Fault, FaultyS3, Plan, Request, every
from tests.jobs.invariants import Proof
from tests.jobs.memory_s3 import Answer, MemoryS3
from tests.jobs.test_crashes import burst
from tests.jobs.test_script import Script, why_it_ended
from tests.jobs.world import (
    as_csv,
    as_csv_gz,
    as_json,
    as_parquet,
    memory_world,
    new_world,
    order,
)

_numbers = itertools.count(1)

# Larger than what is fetched ahead, so it is read as a stream.
LARGE = [order(number, sku="s" * 400) for number in range(1000, 11_000)]


@pytest.fixture
def proof(line: FaultyS3, job_environment: dict[str, str], tmp_path: Path) -> Proof:
    """A burst of every kind of file. The client is new: it has learnt nothing of a bad line yet."""
    s3 = s3_client.__wrapped__()
    return burst(new_world(s3, f"line{next(_numbers)}", tmp_path))


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(self: TokenBucket, amount: float = 1, block: bool = True) -> bool:
        return True

    monkeypatch.setattr(TokenBucket, "acquire", at_once)
    shorter = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 20))
    monkeypatch.setattr("botocore.endpoint.time", shorter)


def put_large(proof: Proof) -> None:
    body = as_csv(LARGE)
    assert len(body) > 4 * 1024**2
    proof.put("orders/large.csv", body, [row["order_id"] for row in LARGE])


def runs_until_settled(proof: Proof, line: FaultyS3, plan: Plan) -> int:
    """Run, and again where a run fails, as events would; returns how many runs it took."""
    for number in range(1, 10):
        line.set(plan)
        try:
            proof.world.drain_plain()
        except (BotoCoreError, ClientError, HTTPError):
            assert line.faults > 0, "the run failed on a line without faults"
            line.set(lambda _: None)
            proof.check()
        else:
            assert line.faults > 0, "nothing was spoiled"
            line.set(lambda _: None)
            proof.check_settled()
            return number
    raise AssertionError("nine runs did not settle the burst")


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("k", [2, 7, pytest.param(3, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "fault",
    [
        Fault.SLOW_DOWN,
        Fault.ERROR_BEFORE,
        Fault.ERROR_AFTER,
        Fault.RESET,
        Fault.CUT,
        Fault.SLOW,
    ],
    ids=lambda fault: fault.name.lower(),
)
def test_faults_on_every_kth_request_lose_and_double_nothing(
    proof: Proof, line: FaultyS3, fault: Fault, k: int
) -> None:
    # What is answered at last is retried within the run.
    assert runs_until_settled(proof, line, every(k, fault)) == 1


def test_slow_down_with_botocore_s_own_pace_loses_nothing(proof: Proof, line: FaultyS3) -> None:
    assert runs_until_settled(proof, line, every(7, Fault.SLOW_DOWN)) == 1


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET], ids=lambda fault: fault.name.lower())
def test_large_file_whose_answers_break_off_is_read_to_its_end(
    proof: Proof, line: FaultyS3, fault: Fault
) -> None:
    put_large(proof)

    assert runs_until_settled(proof, line, every(2, fault, method="GET")) == 1


def test_line_on_which_no_answer_is_whole_ends_the_run_and_blames_no_file(
    proof: Proof, line: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("burst.s3.fetching.FIRST_WAIT_SECONDS", 0)
    proof.put("orders/cut.csv", as_csv([order(700), order(701)]), ["o-00700", "o-00701"])

    def cut_one_file(request: Request) -> Fault | None:
        return Fault.CUT if request.path.endswith("cut.csv") else None

    line.set(cut_one_file)
    with pytest.raises(BotoCoreError):
        proof.world.drain_plain()

    assert line.faults == 5
    line.set(lambda _: None)
    proof.check()
    assert proof.world.in_lake("quarantine/") == {}
    proof.world.drain_plain()
    proof.check_settled()


def test_refusal_that_breaks_off_ends_the_run_with_a_sentence(
    proof: Proof, line: FaultyS3, tmp_path: Path, job_environment: dict[str, str]
) -> None:
    # S3 says that there is no head yet, and the line breaks while it says so.
    line.set(lambda request: Fault.RESET if request.path.endswith("head.json") else None)

    done = Script(tmp_path, job_environment).run(*proof.world.argv())

    assert why_it_ended(done).startswith("AwsCallError: A call to AWS failed, the next run goes on")
    line.set(lambda _: None)
    proof.world.drain_plain()
    proof.check_settled()


CUT_FILES = {
    # Cut after the end of a line, these two would be good files with fewer rows.
    "csv": ("csv", ".csv", as_csv),
    "json": ("json", ".json", as_json),
    # These are bad files wherever they are cut.
    "csv.gz": ("csv", ".csv.gz", as_csv_gz),
    "parquet": ("parquet", ".parquet", as_parquet),
}


@pytest.mark.parametrize("rows", [2, 12_000], ids=["small", "large"])
@pytest.mark.parametrize(("kind", "suffix", "write"), CUT_FILES.values(), ids=CUT_FILES)
def test_file_of_any_format_whose_body_is_cut_short_is_whole_in_curated(
    line: FaultyS3,
    job_environment: dict[str, str],
    tmp_path: Path,
    kind: str,
    suffix: str,
    write: object,
    rows: int,
) -> None:
    assert callable(write)
    orders = [order(number, sku=f"{number:064x}" * 6) for number in range(rows)]
    proof = Proof(new_world(s3_client(), f"cut{next(_numbers)}", tmp_path))
    proof.put(f"orders/a{suffix}", write(orders), [row["order_id"] for row in orders])
    # Its first answer is cut, the second one is whole.
    first = iter([Fault.CUT])
    line.set(lambda request: next(first, None) if request.path.endswith(suffix) else None)
    summary = proof.world.drain_plain(input_format=kind)

    assert (line.faults, summary.rows, summary.bad_files) == (1, rows, 0)
    proof.check_settled()


class Short(MemoryS3):
    """Announces whole bodies, and once for each key sends only its first line."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: set[str] = set()

    def get_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, IfMatch: str | None = None
    ) -> Answer:
        answer = super().get_object(Bucket=Bucket, Key=Key, VersionId=VersionId, IfMatch=IfMatch)
        if Bucket == "landing" and Key not in self.sent:
            self.sent.add(Key)
            first_line = answer["Body"].read().split(b"\n")[0] + b"\n"
            answer["Body"] = StreamingBody(io.BytesIO(first_line), answer["ContentLength"])
        return answer


def test_short_body_is_noticed_where_the_library_beneath_does_not_look(tmp_path: Path) -> None:
    # Before version 2 urllib3 takes the end of a connection for the end of a body.
    proof = Proof(memory_world(tmp_path, s3=Short()))
    proof.put("orders/a.csv", as_csv([order(1), order(2)]), ["o-00001", "o-00002"])

    assert proof.world.drain_plain().rows == 2

    proof.check_settled()


def test_with_spark_faults_on_a_task_s_requests_lose_and_double_nothing(
    proof: Proof, line: FaultyS3, spark: SparkSession
) -> None:
    put_large(proof)
    line.set(every(2, Fault.CUT, method="GET"))

    with contextlib.suppress(BotoCoreError, RowEngineError):
        proof.world.drain()

    assert line.faults > 5
    line.set(lambda _: None)
    proof.check()
    proof.world.drain()
    proof.check_settled()
