"""Which types and which layout come out of which samples, and why."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import FileFormat

from tools.authoring.inference import Inference, infer
from tools.authoring.samples import Sample, read_samples
from tools.authoring.views import doubts_of, next_steps
from tools.operate.errors import InputError


def samples(*bodies: bytes) -> list[Sample]:
    """Samples called a, b, c."""
    return [Sample(name, body) for name, body in zip("abc", bodies, strict=False)]


def of(*bodies: bytes) -> Inference:
    return infer(samples(*bodies))


def refusal(*bodies: bytes) -> str:
    with pytest.raises(InputError) as error:
        of(*bodies)
    return str(error.value)


def parquet(**columns: pa.Array) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_names_lose_their_accents_and_keep_their_letters() -> None:
    names = ["Größe", "país", "Łódź", "Straße/m²", "通貨"]
    found = of(f"{','.join(names)}\na,b,c,d,e\n".encode())
    plain = ["grosse", "pais", "lodz", "strasse_m2", "column"]
    assert [column.name for column in found.format.columns] == plain


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "bigint"),
        (["-9223372036854775808", "3"], "bigint"),
        (["9223372036854775808"], "decimal(38,0)"),
        (["0", "1"], "bigint"),
        (["true", "0"], "boolean"),
        (["007", "8"], "string"),
        (["+41791234567"], "string"),
        (["12.50", "7"], "decimal(18,4)"),
        (["12345678901234.5"], "decimal(38,3)"),
        (["0.30000000000000004"], "double"),
        (["1e5", "2"], "double"),
        (["NaN", "1.5"], "double"),
        (["NaN"], "string"),
        (["9" * 39], "string"),
        (["2025-01-31", ""], "date"),
        (["2025-01-31", "2025-01-31T10:00:00"], "timestamp"),
        (["2025-01-31T10:00:00+01:00"], "timestamp"),
        (["31.01.2025"], "date"),
        (["1.2.2025 9:05", "31.12.2025 10:00"], "timestamp"),
        (["2025/01/31"], "date"),
        (["01/02/2025", "31/01/2025"], "date"),
        (["01/31/2025 10:00:00.123Z"], "timestamp"),
        (["01/02/2025", "02/03/2025"], "string"),
        (["31.02.2025"], "string"),
        (["1,5"], "decimal(18,3)"),
        (["1.234,50", "7"], "decimal(18,4)"),
        (["1'234.50", "-7"], "decimal(18,4)"),
        (["1 234"], "bigint"),
        (["1,234", "5,678"], "string"),
        (["1,234", "5.5"], "decimal(18,3)"),
        (["1,5", "1.5"], "string"),
        (["1", "n/a"], "bigint"),
        (["NULL", "2025-01-31", "NA"], "date"),
        (["NA", "1,5"], "decimal(18,3)"),
        (["NA", "31.01.2025"], "date"),
        (["NA", "Namibia"], "string"),
        (["", ""], "string"),
    ],
)
def test_csv_column_gets_the_widest_type_that_takes_its_values(
    values: list[str], kind: str
) -> None:
    lines = "".join(f'"{value}",x\n' for value in values)
    assert of(f"v,w\n{lines}".encode()).format.columns[0].type == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "bigint"),
        (["1", "2.25"], "decimal(18,4)"),
        (["1e3"], "double"),
        (["true", "null"], "boolean"),
        (['"12"'], "string"),
        (['"12"', "1.5"], "decimal(18,3)"),
        (['"2025-01-31"'], "date"),
        (['"2025-01-31T10:00:00Z"', '"2025-01-31"'], "timestamp"),
        (["null"], "string"),
    ],
)
def test_json_field_gets_the_widest_type_that_takes_its_values(
    values: list[str], kind: str
) -> None:
    body = "".join(f'{{"v": {value}}}\n' for value in values)
    assert of(body.encode()).format.columns[0].type == kind


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (pa.int16(), pa.int16(), "smallint"),
        (pa.int8(), pa.int32(), "int"),
        (pa.float32(), pa.float16(), "float"),
        (pa.float32(), pa.int16(), "float"),
        (pa.float32(), pa.float64(), "double"),
        (pa.binary(), pa.large_binary(), "binary"),
        (pa.int32(), pa.int64(), "bigint"),
        (pa.uint64(), pa.int32(), "decimal(20,0)"),
        (pa.int64(), pa.decimal128(9, 2), "decimal(21,2)"),
        (pa.decimal128(9, 2), pa.decimal128(9, 4), "decimal(11,4)"),
        (pa.float32(), pa.int64(), "double"),
        (pa.null(), pa.string(), "string"),
        (pa.timestamp("us"), pa.timestamp("ms", "UTC"), "timestamp"),
    ],
)
def test_parquet_column_gets_a_type_that_takes_those_of_all_files(
    one: pa.DataType, other: pa.DataType, kind: str
) -> None:
    files = [parquet(v=pa.array([None], first)) for first in (one, other)]
    assert of(*files).format.columns[0].type == kind
    assert of(*files[::-1]).format.columns[0].type == kind


@pytest.mark.parametrize(
    ("body", "layout"),
    [
        (b"a,b\n1,2\n", {}),
        (b"\xef\xbb\xbfa,b\n1,2\n", {}),
        (b"a;b\n1,5;2\n", {"delimiter": ";", "decimal_separator": ","}),
        (b"a\tb\r\n1\t2\r\n", {"delimiter": "\t"}),
        (b"a|b\n1|2\n", {"delimiter": "|"}),
        (b'a,b\n"x \\" y",2\n', {"escape": "\\"}),
        ("a,b\nZürich,2\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("a,b\nZürich,2\n".encode("utf-16"), {"encoding": "utf-16"}),
        (b"a,b\n\x81,2\n", {"encoding": "iso-8859-1"}),
    ],
)
def test_delimiter_encoding_and_escape_are_found(body: bytes, layout: dict[str, str]) -> None:
    found = of(body).format
    assert found == FileFormat("csv", found.columns, **layout)  # type: ignore[arg-type]
    assert [column.name for column in found.columns] == ["a", "b"]


def test_value_that_makes_a_column_text_is_named_with_its_file_and_row() -> None:
    [finding, _] = of(b"v,w\n1,x\n2,x\n", b"v,w\n3,x\nmany,x\n").findings
    assert finding.type == "string"
    assert finding.doubts == (
        "text because of b, row 3: 'many'; 3 values before it: whole numbers",
    )


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"Order ID,OrderId,sku-no\n1,2,3\n", ["order_id", "order_id_2", "sku_no"]),
        (b"ingest_date,order_id,Order ID\n1,2,3\n", ["file_ingest_date", "order_id", "order_id_2"]),
        (b'{"Order ID": 1, "2x": 2}\n', ["order_id", "column_2x"]),
        (parquet(V=pa.array([1]), v=pa.array([1])), ["v_2", "v"]),
    ],
)
def test_name_that_no_column_can_have_becomes_the_source_of_one(
    body: bytes, names: list[str]
) -> None:
    found = of(body)
    assert [column.name for column in found.format.columns] == names
    assert [column.in_file for column in found.format.columns] == [
        one.name for one in found.findings
    ]


@pytest.mark.parametrize(
    "bodies",
    [
        [b"a,b\n1,x\n", b"a\n1\n"],
        [b"a\n1\n", b"b,a\nx,1\n"],
        [b'{"a": 1, "b": "x"}\n', b'{"a": 1}\n'],
        [parquet(a=pa.array([1]), b=pa.array(["x"])), parquet(a=pa.array([1]))],
    ],
)
def test_column_that_some_rows_lack_is_optional(bodies: list[bytes]) -> None:
    found = of(*bodies)
    optional = {column.name: (column.type, column.optional) for column in found.format.columns}
    assert optional == {"a": ("bigint", False), "b": ("string", True)}
    assert found.rows == 2


@pytest.mark.parametrize(
    ("body", "format"),
    [
        (b"createdAt,b\n1700000000,x\n,x\n", "epoch_seconds"),
        (b'{"ts": 1700000000123}\n', "epoch_milliseconds"),
        (b'{"ts": 5}\n', ""),
        (b"status,b\n1700000000,x\n", ""),
        (b"day;b\n25.11.2026;x\n", "dd.MM.yyyy"),
        (b"day;b\n25.11.2026 9:05:01;x\n", "dd.MM.yyyy H:mm:ss"),
        (b'{"day": "11/25/2026"}\n', "MM/dd/yyyy"),
    ],
)
def test_format_of_days_and_instants_is_found(body: bytes, format: str) -> None:
    assert of(body).format.columns[0].format == format


def test_what_applies_to_the_whole_file_is_said_with_the_columns_it_comes_from() -> None:
    found = of(b"v;w;x;y\nNA;1.234,50;NA;DE\n5;7;Namibia;CH\n")
    assert (found.format.null_texts, found.format.decimal_separator) == (("NA",), ",")
    assert "'NA' means null in every column, because of the values of v" in found.doubts
    assert "x: has 'NA' too, and there it may mean something" in found.doubts
    assert "decimals after ',', thousands marked by '.' (w)" in found.evidence


def test_column_without_a_value_is_undecided() -> None:
    first, second = of(b"v,w\n1,\n2,\n").findings
    assert (first.undecided, second.undecided) == (False, True)
    assert "undecided" in second.doubts[0]


def test_last_character_of_another_encoding_is_not_taken_for_a_cut_one() -> None:
    assert of("a\ncaf\u00e9".encode("cp1252")).format.encoding == "cp1252"


def test_doubt_that_columns_share_is_said_once_with_their_names() -> None:
    found = of(b"a,b,c,d\n2025-01-31 10:00:00,2025-01-31 11:00:00,,\n")
    assert doubts_of(found) == [
        "a, b: a value without a zone offset is taken as UTC (a, row 2: '2025-01-31 10:00:00')",
        "c, d: no sample has a value, so the type is undecided; string takes anything",
    ]


@pytest.mark.parametrize(("body", "doubts"), [(b"a,b\nx,y\n", False), (b"a,b\nx,\n", True)])
def test_next_steps_name_the_doubts_only_where_there_are_any(body: bytes, doubts: bool) -> None:
    [line] = next_steps("sales", ["a.csv"], of(body))
    assert ("doubts" in str(line)) is doubts


def test_samples_without_a_row_leave_every_column_undecided() -> None:
    found = of(b"v,w\n")
    assert all(one.undecided for one in found.findings)
    assert "no row" in found.doubts[0]


def test_columns_may_come_in_another_order_in_another_sample() -> None:
    found = of(b"v,w\n1,x\n", b"w,v\ny,2\n")
    assert [(c.name, c.type) for c in found.format.columns] == [("v", "bigint"), ("w", "string")]


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        ([b"a,b\n1,2\n", b'{"a": 1}\n'], ["a is csv", "b is json"]),
        ([b"a,b\n1,2\n", b"a,c\n1,2\n"], ["contradict", "b has no column 'b'", "the column 'c'"]),
        ([b"a,b\n1,2\n", b"a,b\n1,2\n3\n"], ["contradict", "b cannot", "Row 3", "found 1 value"]),
        (["a\nZürich\nö".encode()[:-1]], ["a is cut short", "ends inside of a character"]),
        ([b'{"a": 1}\n', b'{"a": "x"}\n'], ["'a'", "a, line 1: '1'", "b, line 1: 'x'"]),
        (["a\nZürich\n".encode(), "a\nZürich\n".encode("cp1252")], ["a is UTF-8", "line 2"]),
        (["a\nb\n".encode("utf-16"), b"a\nb\n"], ["byte order mark of UTF-16"]),
        (
            [parquet(v=pa.array(["x"])), parquet(v=pa.array([1]))],
            ["'v' is string in a", "int64 in b"],
        ),
        (
            [parquet(v=pa.array([1])), parquet(w=pa.array([1]))],
            ["b has no column 'v'", "'w' as well"],
        ),
    ],
)
def test_samples_that_contradict_each_other_are_refused_with_file_and_place(
    bodies: list[bytes], words: list[str]
) -> None:
    said = refusal(*bodies)
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a data file"),
        (b"PK\x03\x04\x14\0\0\0", "Excel workbook can be saved as CSV"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"a," + b"b" * 256 + b"\n1,2\n", "must have 1 to 255 characters"),
        (b"a,b,a\n1,2,3\n", "same name twice"),
        (b"1,2025-01-31,x\n2,2025-01-31,y\n", "needs a header line"),
        (b"a,b\n1,2\n3\n", "Row 3: found 1 value, expected 2"),
        (b'[{"a": 1}]', "JSON list"),
        (b'{\n "a": 1\n}\n', "not a whole JSON object"),
        (b'{"a": 1}\n{"a": \n', "a, line 2, column 7: not JSON: Expecting value."),
        (b"\n <!DOCTYPE html><html><body>404</body></html>", "begins with <, as HTML and XML do"),
        (b"id,name\n1,\x01\n", "the byte 0x01 in line 2, column 3 is a control character"),
        (b'{"a": {"b-c": 1, "d-e": "x"}}\n', "no field that a column can take: a: "),
        (b'{"a": [1]}\n{"a": 2}\n', "values of several kinds: a, line 1: '[\"1\"]' is a list"),
        (b'{"a": 1, "a": 2}\n', "twice"),
        (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", "nested too deep"),
        (parquet(v=pa.array([{"a b": 1}])), "found a space, which types do not have. Leave it out"),
        (parquet(v=pa.array([[1]], pa.list_(pa.time32("s")))), "column 'v[]' is time32[ms]"),
        (b"PAR1 and no more", "not readable Parquet"),
    ],
)
def test_sample_that_no_pipeline_can_read_is_refused_in_a_sentence(body: bytes, words: str) -> None:
    assert words in refusal(body)


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("zipped.csv", gzip.compress(b"a\n1\n"), "Rename it to"),
        ("plain.csv.gz", b"a\n1\n", "is not gzip data"),
        ("cut.csv.gz", gzip.compress(b"a\n1\n" * 99)[:-9], "damaged or cut short"),
        ("twice.csv.gz", gzip.compress(gzip.compress(b"a\n1\n")), "compressed twice"),
        ("missing/", None, "No such file"),
        (".", None, "is a folder"),
    ],
)
def test_file_that_says_nothing_is_refused_by_its_name(
    tmp_path: Path, name: str, body: bytes | None, words: str
) -> None:
    if body is not None:
        (tmp_path / name).write_bytes(body)
    with pytest.raises(InputError, match=words):
        read_samples([str(tmp_path / name)])


def test_file_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="more than once: a"):
        read_samples(["a", "b", "a"])


@pytest.fixture
def small_samples(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many bytes of a file are read at most; a megabyte, without this."""
    monkeypatch.setattr("tools.authoring.samples.LEAST_BYTES", 20 * 1024)
    return 20 * 1024


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("line", [b'"x\ny",1\n', b"x,1\n"])
def test_of_a_large_file_the_first_whole_rows_are_read(
    tmp_path: Path, small_samples: int, zipped: bool, line: bytes
) -> None:
    body = b"v,w\n" + line * small_samples
    file = tmp_path / f"large.csv{'.gz' * zipped}"
    file.write_bytes(gzip.compress(body, 1) if zipped else body)

    [sample] = read_samples([str(file)], total=1)

    assert sample.read.startswith("the first 2")
    assert small_samples - 20 < len(sample.body) <= small_samples
    assert infer([sample]).rows == (len(sample.body) - 4) // len(line)


def test_of_a_large_utf_16_file_the_first_whole_rows_are_read(
    tmp_path: Path, small_samples: int
) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(("v,w\n" + "x,1\n" * small_samples).encode("utf-16"))
    [sample] = read_samples([str(file)], total=1)
    assert sample.read
    assert infer([sample]).rows == small_samples // 8 - 2


def test_of_five_gigabytes_only_the_beginning_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as large:
        large.write(b"v,w\n" + b"x,1\n" * 300_000)
        # The rest is a hole, which takes no place on the disk.
        large.truncate(5 * 1024**3)

    [sample] = read_samples([str(file)], total=1)

    assert sample.read == "the first 1.0 MiB"
    assert infer([sample]).rows == 1024**2 // 4 - 1


def test_of_a_large_parquet_file_the_first_rows_are_read(tmp_path: Path) -> None:
    file = tmp_path / "large.parquet"
    pq.write_table(pa.table({"v": pa.array(range(600_000))}), file, compression="none")
    [sample] = read_samples([str(file)], total=1)
    assert sample.read.startswith("the first ")
    assert 0 < infer([sample]).rows < 600_000
