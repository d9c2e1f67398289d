"""The bytes of one object on their way to a parser."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Bytes(Protocol):
    """What a parser needs of a stream; botocore's StreamingBody has it."""

    def read(self, amt: int, /) -> bytes: ...


class Guarded(io.RawIOBase):
    """A stream that remembers the first error of the stream below it.

    The parsers see an error of the stream as some failure to read. Only here it is still known
    where it came from.
    """

    def __init__(self, source: Bytes) -> None:
        super().__init__()
        self._source = source
        self.error: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(len(view))
        except Exception as error:
            self.error = self.error or error
            raise
        view[: len(data)] = data
        return len(data)
