"""What is asked again because its answer broke off, and what is not."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from burst.s3 import retry
from burst.s3.retry import ATTEMPTS, repeated
from urllib3.exceptions import ProtocolError


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT_SECONDS", 0)


class Call:
    """Raises these errors, one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.left = list(errors)
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        if self.left:
            raise self.left.pop(0)
        return "answer"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")


BROKEN = [
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ProtocolError("Connection broken"),
    # The refusal arrived and its explanation did not.
    refused("403"),
]


@pytest.mark.parametrize("error", BROKEN, ids=["body", "connection", "refusal"])
def test_answer_that_breaks_off_is_asked_for_again(error: Exception) -> None:
    assert repeated(Call(error, error)) == "answer"


@pytest.mark.parametrize("error", BROKEN, ids=["body", "connection", "refusal"])
def test_answer_that_always_breaks_off_is_an_error_at_last(error: Exception) -> None:
    call = Call(*[error] * ATTEMPTS)

    with pytest.raises(type(error)):
        repeated(call)

    assert call.count == ATTEMPTS


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied", "InvalidObjectState"])
def test_answer_that_says_what_is_wrong_is_an_answer(code: str) -> None:
    call = Call(refused(code))

    with pytest.raises(ClientError):
        repeated(call)

    assert call.count == 1
