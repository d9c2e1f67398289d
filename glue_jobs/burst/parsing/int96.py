"""Timestamps of 96 bits as they are in a Parquet file: nanoseconds of a day, and a Julian day.

No way of pyarrow's reads all of them right: as nanoseconds they wrap around before 1677 and after
2262, as microseconds those before 1970 that Arrow itself wrote are 584 years off
(https://github.com/apache/arrow/issues/48246). So the file gets a second footer that calls such
columns 12 bytes of no meaning, and the bytes are converted here. The two kinds of column are stored
alike (Parquet format, Encodings.md, "Plain").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa

from burst.parsing.reasons import UnfitError

WIDTH = 12
_MAGIC = b"PAR1"
# Of the Parquet format (parquet.thrift).
_INT96, _FIXED_LEN_BYTE_ARRAY = 3, 7
_SCHEMA, _ROW_GROUPS, _CHUNKS, _CHUNK_METADATA = 2, 4, 1, 3
_TYPE, _TYPE_LENGTH = 1, 2
# Of the compact protocol of Thrift.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)

_UNIX_EPOCH = 2_440_588
_DAY_MICROSECONDS = 86_400_000_000


def add_footer_with_bytes(file: IO[bytes]) -> None:
    """Append a footer to the file in which its columns of 96 bits are 12 bytes of no meaning."""
    size = file.seek(0, 2)
    file.seek(size - 8)
    length = int.from_bytes(file.read(4), "little")
    file.seek(size - 8 - length)
    footer = _Footer(file.read(length)).with_bytes()
    file.seek(0, 2)
    file.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)


def to_timestamps(values: Any) -> Any:
    """The 12 bytes as instants in microseconds. Raises UnfitError where a nanosecond is lost."""
    _, data = values.buffers()
    count = len(values)
    raw = np.frombuffer(data or b"", np.uint8, count * WIDTH, offset=values.offset * WIDTH)
    parts = raw.view([("nanoseconds", "<i8"), ("day", "<i4")])
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    nanoseconds = np.where(valid, parts["nanoseconds"], 0)
    days = np.where(valid, parts["day"], _UNIX_EPOCH).astype(np.int64) - _UNIX_EPOCH
    # A day is far from what 64 bits hold, as days of 32 bits are not.
    if (nanoseconds % 1000).any() or (abs(days) > 4_000_000).any():
        raise UnfitError
    instants = days * _DAY_MICROSECONDS + nanoseconds // 1000
    return pa.array(instants, mask=~valid).view(pa.timestamp("us", "UTC"))


class _Footer:
    """A footer's bytes: a struct of Thrift's compact protocol. It is copied but for the types."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._out = bytearray()
        self._copied = 0

    def with_bytes(self) -> bytes:
        for field, kind in self._fields():
            if (field, kind) == (_SCHEMA, _LIST):
                for _ in range(self._list()[1]):
                    self._element()
            elif (field, kind) == (_ROW_GROUPS, _LIST):
                for _ in range(self._list()[1]):
                    self._row_group()
            else:
                self._skip(kind)
        return bytes(self._out + self._data[self._copied :])

    def _row_group(self) -> None:
        for field, kind in self._fields():
            if (field, kind) == (_CHUNKS, _LIST):
                for _ in range(self._list()[1]):
                    self._chunk()
            else:
                self._skip(kind)

    def _chunk(self) -> None:
        for field, kind in self._fields():
            if (field, kind) == (_CHUNK_METADATA, _STRUCT):
                for inner, inner_kind in self._fields():
                    if not self._is_int96(inner, inner_kind):
                        self._skip(inner_kind)
            else:
                self._skip(kind)

    def _element(self) -> None:
        """A column in the schema, which tells the width beside the type."""
        after_int96 = False
        for field, kind in self._fields():
            if after_int96:
                # The width comes in between: field 2, and the next field is counted from there.
                start = self._at - 1
                self._copy_to(start)
                self._out += bytes([(_TYPE_LENGTH - _TYPE) << 4 | _I32, WIDTH << 1])
                self._out.append((field - _TYPE_LENGTH) << 4 | kind)
                self._copied = self._at
                after_int96 = False
            if self._is_int96(field, kind):
                after_int96 = True
            else:
                self._skip(kind)

    def _is_int96(self, field: int, kind: int) -> bool:
        """Past the field and its type changed, when it is this type; else nothing is read."""
        if (field, kind) != (_TYPE, _I32) or self._data[self._at] != _INT96 << 1:
            return False
        self._copy_to(self._at)
        self._out.append(_FIXED_LEN_BYTE_ARRAY << 1)
        self._at += 1
        self._copied = self._at
        return True

    def _copy_to(self, end: int) -> None:
        self._out += self._data[self._copied : end]
        self._copied = end

    def _fields(self) -> Iterator[tuple[int, int]]:
        """Number and kind of each field; the value must be read before the next one."""
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._zigzag()
            yield field, head & 15

    def _skip(self, kind: int) -> None:
        if kind == _BYTE:
            self._at += 1
        elif kind in (_I16, _I32, _I64):
            self._varint()
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind in (_LIST, _SET):
            inner, count = self._list()
            for _ in range(count):
                # In a list a boolean is a byte; in a struct its kind is its value.
                self._skip(_BYTE if inner in (_TRUE, _FALSE) else inner)
        elif kind == _STRUCT:
            for _, inner in self._fields():
                self._skip(inner)
        elif kind not in (_TRUE, _FALSE):
            raise OSError(f"The footer has a field of the unknown kind {kind}.")

    def _list(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4
        return head & 15, self._varint() if count == 15 else count

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise OSError("The footer is cut short.")
        self._at += 1
        return self._data[self._at - 1]

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift
