"""Files as the settings describe them: other columns, other delimiters, other encodings."""

from __future__ import annotations

import gzip
import io
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import ENCODINGS, Column, FileFormat, Format
from burst.parsing.parse import parse
from burst.parsing.reasons import ParseError
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = (Column("a", "int"), Column("b", "string"))
ROW = {"a": 1, "b": "x"}


def read(body: bytes, kind: Format = "csv", key: str = "k", **settings: Any) -> list[Any]:
    format = FileFormat(kind, COLUMNS, **settings)
    batches = parse(io.BytesIO(body), key=key, format=format)
    return [row for batch in batches for row in batch.to_pylist()]


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


MORE: dict[str, tuple[Format, bytes]] = {
    "csv": ("csv", b"z,b,a\n?,x,1\n"),
    "csv: several of one name": ("csv", b"z,b,z,a\n1,x,2,1\n"),
    "csv: bytes of any kind in it": ("csv", b"z,b,a\n\xff,x,1\n"),
    "json": ("json", b'{"z":1,"b":"x","a":1}\n'),
    "json: nested": ("json", b'{"z":{"a":[1,{"b":2}]},"b":"x","a":1}\n'),
    "json: several of one name": ("json", b'{"z":1,"z":[],"b":"x","a":1}\n'),
    "parquet": ("parquet", parquet(z=[0.5], b=["x"], a=[1])),
    "parquet: nested": ("parquet", parquet(z=[{"a": [2]}], b=["x"], a=[1])),
    "parquet: a name with a dot": ("parquet", parquet(**{"a.z": [2], "b": ["x"], "a": [1]})),
}


@pytest.mark.parametrize(("kind", "body"), MORE.values(), ids=MORE)
def test_unknown_columns_are_left_out_where_the_settings_say_so(kind: Format, body: bytes) -> None:
    assert read(body, kind, unknown="drop") == [ROW]
    with pytest.raises(ParseError, match="unknown"):
        read(body, kind)


SOURCES = (
    Column("order_id", "int", "Order ID"),
    Column("day", "date", "Tag", format="dd.MM.yyyy"),
    Column("note", "string", optional=True),
    Column("price", "decimal(9,2)", optional=True),
)
SOURCE_ROW = {"order_id": 7, "day": date(2026, 11, 25), "note": None, "price": None}
OF_SOURCES: dict[str, tuple[Format, bytes]] = {
    "csv": ("csv", b"Tag,Order ID\n25.11.2026,7\n"),
    "json": ("json", b'{"Order ID":7,"Tag":"25.11.2026"}\n'),
    "json: an exponent, read exactly": (
        "json",
        b'{"Order ID":7,"Tag":"25.11.2026"}\n{"price":1e0}\n',
    ),
    "parquet": ("parquet", parquet(**{"Order ID": [7], "Tag": ["25.11.2026"]})),
}


def read_sources(body: bytes, kind: Format) -> list[Any]:
    batches = parse(io.BytesIO(body), key="k", format=FileFormat(kind, SOURCES))
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize(("kind", "body"), OF_SOURCES.values(), ids=OF_SOURCES)
def test_column_is_found_by_its_source_and_may_be_missing_where_it_is_optional(
    kind: Format, body: bytes
) -> None:
    assert read_sources(body, kind)[0] == SOURCE_ROW


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("csv", b"Tag,order_id\n25.11.2026,7\n", "no column 'Order ID'"),
        ("csv", b"Tag,Order ID,day\n25.11.2026,7,1\n", "the unknown column 'day'"),
        ("csv", b"Tag,Order ID\n2026-11-25,7\n", "expected a date in the form dd.MM.yyyy"),
        ("json", b'{"Tag":"25.11.2026"}\n', "No line has the field 'Order ID'"),
        ("json", b'{"Order ID":7,"Tag":"x"}\n', "'Tag': found 'x', expected a date in the form"),
        ("parquet", parquet(Tag=["25.11.2026"]), "no column 'Order ID'"),
        ("parquet", parquet(**{"Order ID": [7], "Tag": ["x"]}), "Column 'Tag', row 1: found 'x'"),
    ],
)
def test_what_is_wrong_is_named_as_the_file_has_it(kind: Format, body: bytes, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        read_sources(body, kind)

    assert reason in str(caught.value)


def test_file_that_lacks_every_optional_column_keeps_its_rows() -> None:
    format = FileFormat("csv", (Column("note", "string", optional=True),), unknown="drop")
    batches = parse(io.BytesIO(b"z\n\xff\n2\n"), key="k", format=format)
    assert [row for batch in batches for row in batch.to_pylist()] == [{"note": None}] * 2


def test_texts_that_mean_null_do_so_in_every_column_quoted_or_not() -> None:
    body = b'a,b\nNA,"NA"\n"-", NA\n1,na\n'
    assert read(body, null_texts=("NA", "-")) == [
        {"a": None, "b": None},
        {"a": None, "b": " NA"},
        {"a": 1, "b": "na"},
    ]


STILL_BAD: dict[str, tuple[Format, bytes, str]] = {
    "csv: missing": ("csv", b"z,a\n1,1\n", "The header has no column 'b'"),
    "csv: twice": ("csv", b"z,a,b,a\n1,1,x,1\n", "has the column 'a' more than once"),
    "csv: wrong value": ("csv", b"z,a,b\n1,one,x\n", "Row 2, column 'a': found 'one'"),
    "csv: ragged": ("csv", b"z,a,b\n1,2\n", "Row 2: found 2 values, expected 3"),
    "json: missing": ("json", b'{"z":1,"a":1}\n', "No line has the field 'b'"),
    "json: twice": ("json", b'{"a":1,"a":1,"b":"x","z":1}\n', "Line 1 has the field 'a' twice"),
    "json: wrong value": ("json", b'{"a":"1","z":1}\n', "Line 1, field 'a': found '1'"),
    "json: no JSON": ("json", b'{"a":1,"z":nope}\n', "Line 1, column 12: not JSON"),
    "parquet: missing": ("parquet", parquet(z=[1], a=[1]), "The file has no column 'b'"),
}


@pytest.mark.parametrize(("kind", "body", "reason"), STILL_BAD.values(), ids=STILL_BAD)
def test_what_is_wrong_with_the_known_columns_stays_wrong(
    kind: Format, body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(body, kind, unknown="drop")

    assert reason in str(caught.value)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " ", "-", ".", "\\", "'", "\x01"])
def test_values_stand_apart_by_the_delimiter(delimiter: str) -> None:
    body = f'b{delimiter}a\n"x{delimiter},y"{delimiter}1\n'.encode()

    assert read(body, delimiter=delimiter) == [{"a": 1, "b": f"x{delimiter},y"}]


def test_other_delimiter_than_the_settings_say_is_a_reason() -> None:
    with pytest.raises(ParseError, match="it has 'a,b'"):
        read(b"a,b\n1,x\n", delimiter=";")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("zipped", [False, True])
def test_text_is_read_in_its_encoding(encoding: str, zipped: bool) -> None:
    text = "a,b\r\n" + '1,"Müller, Zoë\n""é"""\r\n' * 3
    body = text.encode(encoding)

    rows = (
        read(gzip.compress(body), key="k.gz", encoding=encoding)
        if zipped
        else read(body, encoding=encoding)
    )

    assert rows == [{"a": 1, "b": 'Müller, Zoë\n"é"'}] * 3


letters = st.text(st.characters(codec="cp1252", exclude_characters='\0"'), max_size=20)


@given(st.lists(letters, min_size=1, max_size=5), st.sampled_from(["cp1252", "utf-16"]))
def test_every_letter_of_an_encoding_survives(texts: list[str], encoding: str) -> None:
    lines = [f'{number},"{text}"\n' for number, text in enumerate(texts)]
    body = ("a,b\n" + "".join(lines)).encode(encoding)

    assert [row["b"] for row in read(body, encoding=encoding)] == [text or None for text in texts]


@pytest.mark.parametrize("body", [b"", b"\n", b"a,b\n", b"a,b"])
def test_file_without_rows_is_good_in_another_encoding_too(body: bytes) -> None:
    assert read(body, encoding="cp1252") == []
    assert read(body.decode().encode("utf-16"), encoding="utf-16") == []


NOT_THE_TEXT: dict[str, tuple[str, bytes, str]] = {
    "cp1252": ("cp1252", b"a,b\n1,x\n2,\x81\n", "Line 3: found bytes that are not CP1252."),
    "cp1252: far": (
        "cp1252",
        b"a,b\n" + b"1,x\n" * 700_000 + b"2,\x81\n",
        "Line 700002: found bytes that are not CP1252.",
    ),
    "cp1252: in the header": ("cp1252", b"a,\x81\n", "Line 1: found bytes that are not CP1252."),
    "cp1252: UTF-8 with its mark": (
        "cp1252",
        "\ufeffa,b\n".encode(),
        "The file is text in UTF-8 (CP1252 is expected)",
    ),
    "cp1252: UTF-16": (
        "cp1252",
        "a,b\n".encode("utf-16"),
        "The file is text in UTF-16 (CP1252 is expected)",
    ),
    "utf-16: cut short": (
        "utf-16",
        "a,b\n1,x\n".encode("utf-16")[:-1],
        "After line 1: found bytes that are not UTF-16.",
    ),
    "utf-16: no mark": (
        "utf-16",
        "a,b\n".encode("utf-16-be"),
        "The file does not begin with the byte order mark of UTF-16.",
    ),
    "utf-16: one byte": (
        "utf-16",
        b"a",
        "The file does not begin with the byte order mark of UTF-16.",
    ),
}


@pytest.mark.parametrize(("encoding", "body", "reason"), NOT_THE_TEXT.values(), ids=NOT_THE_TEXT)
def test_text_in_another_encoding_than_the_settings_say_is_a_reason(
    encoding: str, body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(body, encoding=encoding)

    assert reason in str(caught.value)


class Breaking(io.BytesIO):
    """A connection that is reset at its end."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError("reset by peer")
        return data


@pytest.mark.parametrize("lines", [0, 10, 900_000])
def test_broken_connection_is_not_the_encoding_s_fault(lines: int) -> None:
    body = Breaking(("a,b\n" + "1,é\n" * lines).encode("cp1252"))
    with pytest.raises(ConnectionResetError):
        list(parse(body, key="k", format=FileFormat("csv", COLUMNS, encoding="cp1252")))
