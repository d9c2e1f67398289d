"""Text of another encoding as UTF-8, while it is being read."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from burst.byte_stream import Bytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 1024**2
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Transcoded(io.RawIOBase):
    """A stream of UTF-8 over one of another encoding.

    problem: the reason why the bytes are no such text, once they have been seen. It is kept,
        because through pyarrow the caller gets some other error, or none.
    """

    def __init__(self, source: Bytes, encoding: str) -> None:
        super().__init__()
        self._source = source
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = memoryview(b"")
        self._first = b""
        self._lines = 0
        self._ended = False
        self.problem: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            self._ready = memoryview(self._next())
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _next(self) -> bytes:
        data = self._source.read(CHUNK_BYTES)
        self._ended = not data
        self._first = self._first or data[:2]
        try:
            text = self._decoder.decode(data, final=self._ended)
        except UnicodeError as error:
            self.problem = self._reason(error)
            raise
        self._lines += text.count("\n")
        return text.encode()

    def _reason(self, error: UnicodeError) -> str:
        name = self._encoding.upper()
        # By the bytes, because Python 3.13 has another error for it than Python 3.11.
        if self._encoding == "utf-16" and self._first not in UTF_16_MARKS:
            return f"The file does not begin with the byte order mark of {name}."
        what = f"found bytes that are not {name}."
        if self._encoding == "utf-16" or not isinstance(error, UnicodeDecodeError):
            return f"After line {self._lines}: {what}"
        # In the other encodings a byte is a character.
        line = self._lines + error.object.count(b"\n", 0, error.start) + 1
        return f"Line {line}: {what}"
