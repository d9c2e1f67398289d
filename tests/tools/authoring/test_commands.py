"""`burst new` and `burst try` as they are typed: what they say, and their exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from stacks.settings import read_environments
from tests.tools.authoring.conftest import Burst
from tools.authoring.trial import passes_through
from tools.operate import answer

CSV = b"id;price;note\n1;12.50;\n2;7.00;x\n"
LIKE = "4 files in 1 minute, 2 times a day"
PASSES = '"""D."""\ndef transform(frame):\n    """D."""\n    return frame\n'


def test_pipeline_is_made_from_a_sample_and_reads_it(project: Path, burst: Burst) -> None:
    Path("a.csv").write_bytes(CSV)
    Path("b.csv").write_bytes(CSV)

    code, said = burst("new", "sales", "--from", "a.csv", "b.csv", "--yes")
    assert code == 0, said
    assert "decimal(18,4)" in said

    code, said = burst("try", "sales", "a.csv", "b.csv")
    assert code == 0, said
    assert "Spark was not needed" in said
    assert "rows in  4\nrows out 4" in said


def test_pipeline_that_loads_rows_as_they_come_needs_no_module(project: Path, burst: Burst) -> None:
    Path("a.csv").write_bytes(b"Order ID;Day;Price\n7;25.11.2026;1.234,50\n8;NA;5\n")

    code, said = burst("new", "sales", "--from", "a.csv", "--pass-through", "--yes")
    assert code == 0, said
    assert not (project / "glue_jobs/transforms/sales.py").exists()

    code, said = burst("try", "sales", "a.csv")
    assert code == 0, said
    assert "none; the rows are loaded as they come" in said
    assert "rows in  2\nrows out 2" in said
    assert "2026-11-25" in said
    assert "1234.5000" in said


def test_forecast_advises_size_window_and_workers_and_the_user_decides(
    project: Path, burst: Burst
) -> None:
    Path("a.csv").write_bytes(CSV)
    given = ["--from", "a.csv", "--like", LIKE, "--yes"]

    code, said = burst("new", "sales", *given, "--json")
    assert code == 0, said
    advised = json.loads(said)["advice"]
    sales = read_environments(project / "cdktf.json")["dev"].pipelines["sales"]
    assert (sales.batch_size, sales.batch_window_seconds, sales.job.number_of_workers) == (
        advised["batch_size"],
        advised["window_seconds"],
        advised["workers"],
    )
    assert "99 of 100 bursts are queryable within" in advised["words"]

    code, said = burst("new", "mine", *given, "--size", "7", "--window", "11")
    assert code == 0, said
    assert "The forecast advises a run after" in said
    mine = read_environments(project / "cdktf.json")["dev"].pipelines["mine"]
    assert (mine.batch_size, mine.batch_window_seconds) == (7, 11)


def test_nested_json_is_read_and_shown_by_what_is_inside(project: Path, burst: Burst) -> None:
    row = {"id": 1, "items": [{"unitPrice": 9.5}, {"unitPrice": 12}], "labels": {"x-y": "z"}}
    Path("a.json").write_text(json.dumps(row))

    code, said = burst("new", "baskets", "--from", "a.json", "--yes")
    assert code == 0, said
    assert re.search(r"items +array<struct> +2 elements in 1 list", said)
    assert re.search(r"  items\[\]\.unitPrice +decimal\(18,3\) +2 values", said)
    assert "labels: taken as a map, by its 1 different key" in said

    code, said = burst("try", "baskets", "a.json")
    assert code == 0, said
    assert re.search(r"labels +map<string,string> +{\"x-y\": +\"z\"}", said)


def test_standard_input_is_a_sample_and_a_file_to_try(project: Path, burst: Burst) -> None:
    assert burst("new", "sales", "--from", "-", "--yes", stdin=CSV)[0] == 0
    assert burst("try", "sales", "-", stdin=CSV)[0] == 0


def test_nothing_is_written_without_an_answer(
    project: Path, burst: Burst, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.csv").write_bytes(CSV)
    before = (project / "cdktf.json").read_bytes()
    code, said = burst("new", "sales", "--from", "a.csv")
    assert code == 2
    assert "Give --yes" in said
    code, said = burst("new", "sales", "--from", "a.csv", "--json")
    shown, _, rest = said.partition("\n}\n")
    assert (code, json.loads(shown + "}")["written"]) == (2, False)
    assert "Nothing was written: give --yes" in rest
    monkeypatch.setattr(answer.Answer, "can_ask", True)
    monkeypatch.setattr(answer, "agreed", lambda question: False)
    code, said = burst("new", "sales", "--from", "a.csv")
    assert (code, said.splitlines()[-1]) == (130, "Nothing was written.")
    assert (project / "cdktf.json").read_bytes() == before
    assert not (project / "glue_jobs/transforms/sales.py").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["new", "sales"], "at least one sample"),
        (["new", "sales", "--from", "missing.csv", "--yes"], "missing.csv cannot be read"),
        (["new", "sales", "--from", ".", "--yes"], "is a folder"),
        (["new", "orders", "--from", "a.csv", "--yes"], "already"),
        (["new", "sales", "--from", "a.csv", "--suffix", ".txt", "--yes"], "does not end in it"),
        (["new", "sales", "--from", "a.csv", "--prefix", "orders/x/", "--yes"], "overlap"),
        (["new", "sales", "--from", "a.csv", "--size", "101", "--yes"], "101"),
        (
            ["new", "sales", "--from", "a.csv", "--like", "4 files a day", "--arrivals", "a.csv"],
            "both are given",
        ),
        (["new", "sales", "--from", "a.csv", "--like", "often"], "often"),
        (["new", "sales", "--from", "a.csv", "--promise", "soon"], "--promise is 'soon'"),
        (
            ["new", "sales", "--from", "a.csv", "--like", LIKE, "--promise", "1s"],
            "Give a longer --promise",
        ),
        (["try", "sales", "a.csv"], "There is no pipeline 'sales'"),
        (["try", "orders", "a.csv", "--environment", "x"], "There is no environment 'x'"),
        (["try", "orders", "missing.csv"], "missing.csv cannot be read"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    project: Path, burst: Burst, arguments: list[str], words: str
) -> None:
    Path("a.csv").write_bytes(CSV)
    code, said = burst(*arguments)
    assert code == 2, said
    assert words in said
    assert "Traceback" not in said


def test_folder_that_cannot_be_written_is_named_and_nothing_is_half_done(
    project: Path, burst: Burst
) -> None:
    Path("a.csv").write_bytes(CSV)
    shutil.rmtree(project / "tests")
    (project / "tests").touch()
    before = (project / "cdktf.json").read_bytes()
    code, said = burst("new", "sales", "--from", "a.csv", "--yes")
    assert code == 2, said
    assert "test_transform_sales.py cannot be read or written: Not a directory" in said
    assert (project / "cdktf.json").read_bytes() == before
    assert not (project / "glue_jobs/transforms/sales.py").exists()


def test_file_that_would_go_to_quarantine_has_its_reason_and_exit_code_1(
    project: Path, burst
) -> None:
    Path("a.csv").write_bytes(CSV)
    Path("bad.csv").write_bytes(b"id;price;note\nx;1;\n")
    burst("new", "sales", "--from", "a.csv", "--yes")
    code, said = burst("try", "sales", "a.csv", "bad.csv")
    assert code == 1
    assert "good        a.csv: 2 rows" in said
    assert "quarantine  bad.csv: Row 2, column 'id': found 'x'" in said


def test_transform_that_is_no_python_is_named_with_its_line(project: Path, burst: Burst) -> None:
    Path("a.csv").write_bytes(CSV)
    burst("new", "sales", "--from", "a.csv", "--yes")
    (project / "glue_jobs/transforms/sales.py").write_text("import os\ndef transform(frame)\n")
    code, said = burst("try", "sales", "a.csv")
    assert code == 1
    assert "glue_jobs/transforms/sales.py, line 2: Python cannot read it: expected ':'" in said


def test_transform_that_keeps_columns_that_are_declared_dropped_is_wrong(
    project: Path, burst
) -> None:
    Path("a.csv").write_bytes(CSV)
    burst("new", "sales", "--from", "a.csv", "--environment", "dev", "--yes")
    file = project / "cdktf.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    sales = document["context"]["environments"]["dev"]["pipelines"]["sales"]
    sales["output"] = {"dropped_columns": ["note"]}
    file.write_text(json.dumps(document), encoding="utf-8")
    code, said = burst("try", "sales", "a.csv", "--json")
    assert code == 1
    assert "note is not declared" in json.loads(said)["transformed"]["wrong"]


@pytest.mark.parametrize(
    ("source", "passes"),
    [
        (PASSES, True),
        (PASSES.replace("return frame", "return frame.limit(1)"), False),
        (PASSES.replace("return frame", "return other"), False),
        ("@wrapped\n" + PASSES.split("\n", 1)[1], False),
        ("from elsewhere import transform\n", False),
        (PASSES + "\ndef transform(frame):\n    return None\n", False),
    ],
)
def test_only_a_transform_that_returns_its_frame_is_run_without_spark(
    source: str, passes: bool
) -> None:
    assert passes_through(source) is passes
