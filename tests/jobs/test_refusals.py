"""S3 refuses one of a run's calls: the others' files are loaded, and the next run does the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from burst import curated, settle
from burst.errors import BurstError
from burst.s3 import fetching

from tests.jobs.invariants import Proof
from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.one_process import OneProcess
from tests.jobs.test_crashes import ticking
from tests.jobs.world import as_csv, memory_world, order

CODES = {
    "AccessDenied": 403,
    "InvalidObjectState": 403,
    "OperationAborted": 409,
    "PreconditionFailed": 412,
    "KMS.DisabledException": 400,
}
# What is about one file: its bytes, its copy, its reason, its removal.
ABOUT_A_FILE = ("/landing/orders/", "/lake/archive/", "/lake/quarantine/")


@pytest.fixture(autouse=True)
def one_thread_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fetching, settle, curated):
        monkeypatch.setattr(module, "THREADS", 1)
    for module in ("conditional", "copying", "deleting", "retry"):
        monkeypatch.setattr(f"burst.s3.{module}.FIRST_WAIT_SECONDS", 0)


class RefusingOnce(MemoryS3):
    """Refuses the call of this number; where it is about a file, every further one like it."""

    def __init__(self) -> None:
        super().__init__(1000)
        self.at: int | None = None
        self.code = ""
        self.refused: str | None = None
        self.calls = 0

    def _call(self, operation: str, path: str, effect: Callable[[], Any]) -> Any:
        self.calls += 1
        call = f"{operation} {path}"
        if self.calls == self.at:
            self.refused = call
        if self.refused == call and (self.calls == self.at or is_about_a_file(call)):
            status = {"HTTPStatusCode": CODES[self.code]}
            error: Any = {
                "Error": {"Code": self.code, "Message": "No."},
                "ResponseMetadata": status,
            }
            raise ClientError(error, operation)
        return super()._call(operation, path, effect)


def is_about_a_file(call: str) -> bool:
    return any(place in call for place in ABOUT_A_FILE)


def burst_of(folder: Path, s3: RefusingOnce) -> Proof:
    proof = Proof(ticking(memory_world(folder, s3=s3)))
    for number in range(3):
        row = order(number)
        proof.put(f"orders/{number}.csv", as_csv([row]), [row["order_id"]])
    proof.put("orders/bad.csv", b"no,such,columns\n1,2,3\n", None)
    proof.put("orders/tab\t.csv", as_csv([order(9)]), [order(9)["order_id"]])
    for upload in list(proof.uploads.values()):
        proof.uploads[upload.identity] = replace(upload, archived=True)
    return proof


def drain(proof: Proof) -> None:
    proof.world.drain_plain(OneProcess(), max_bad_fraction=1, max_files_per_batch=3)


def failure_of(proof: Proof) -> Exception | None:
    try:
        drain(proof)
    except (BurstError, ClientError) as error:
        return error
    return None


@pytest.mark.parametrize("code", CODES)
def test_refusal_at_any_call_stops_nothing_else(tmp_path: Path, code: str) -> None:
    s3 = RefusingOnce()
    whole = burst_of(tmp_path, s3)
    s3.calls = files = 0
    drain(whole)
    for number in range(1, s3.calls + 1):
        s3 = RefusingOnce()
        proof = burst_of(tmp_path / str(number), s3)
        s3.at, s3.code, s3.calls = number, code, 0
        error = failure_of(proof)
        assert s3.refused
        # These two are no answers to a GetObject of a version.
        odd = "GetObject" in s3.refused and CODES[code] in (409, 412)
        if is_about_a_file(s3.refused) and not odd:
            files += 1
            assert error is None or isinstance(error, BurstError), s3.refused
            assert len(proof.world.order_ids()) >= 3, s3.refused
            proof.check_readers()
        s3.at = s3.refused = None
        drain(proof)
        drain(proof)
        proof.check_settled()
    assert files > 5
