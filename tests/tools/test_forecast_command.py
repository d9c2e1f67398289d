"""`burst forecast` as people call it: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from burst.ledger import Ledger
from moto import mock_aws

from stacks.settings import read_environments
from tests import example
from tests.unit.forecast.test_ledger import done_of, plan_of
from tools import cli
from tools.forecast import command, present, report, search
from tools.forecast.command import read_duration
from tools.forecast.errors import ForecastError
from tools.forecast.model import Candidate
from tools.forecast.sources import trace_from_file
from tools.forecast.writing import with_candidate

STORY = "10 files in 2 minutes, 6 times a day; 300 files of 20 KB in 5 minutes, once a day"
LIKE = ("--like", STORY, "--days", "8")


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process, beside the example's settings, with a small grid."""
    monkeypatch.setattr(report, "candidates", partial(search.candidates, sizes=(10, 100)))
    monkeypatch.setattr(present, "SETTINGS_FILE", example.SETTINGS)

    def called(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["burst", "forecast", *map(str, arguments)])
        try:
            code = cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, error = capsys.readouterr()
        # Typer draws a box around its own errors.
        return Said(code, out, " ".join(error.replace("│", " ").split()))

    return called


def test_without_arguments_an_example_is_played_and_said_to_be_one(run: Run) -> None:
    said = run()
    assert said.code == 0
    assert "These arrivals are an example" in " ".join(said.out.split())
    assert "To keep 99 of 100 bursts within 5m:" in said.out


def test_everything_fits_a_terminal_of_80_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A terminal of 80 columns that knows no colours.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    said = run(*LIKE, "--size", 10, "--window", 60, "--limit", 0)
    assert 60 < max(map(len, said.out.splitlines())) <= 80


def test_pipe_gets_whole_sentences_and_no_blanks_at_the_ends_of_lines(run: Run) -> None:
    lines = run().out.splitlines()
    assert any(line.startswith("Note: ") and len(line) > 80 for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_json_is_one_document_with_everything_that_is_shown(run: Run) -> None:
    said = run(*LIKE, "--json", "--size", 10, "--window", 60, "--assume", "per_file=0.2")
    assert said.code == 0
    found = said.json
    assert (found["arrivals"]["files"], found["arrivals"]["days"]) == (8 * 360, 8)
    assert found["present"]["batch_size"] == 10
    assert found["recommended"]["burst_p99_seconds"] <= 300
    assert found["assumptions"]["per_file"] == 0.2
    assert [item["name"] for item in found["alternatives"]] == [
        "job every 15 min", "scan every 15 min", "job run per file", "SQS and Lambda",
    ]  # fmt: skip
    assert found["idle_dollars_a_month"] > 0


def test_same_call_gives_the_same_numbers(run: Run) -> None:
    assert run(*LIKE, "--json").out == run(*LIKE, "--json").out


def test_csv_has_a_row_per_candidate(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    assert run(*LIKE, "--csv", file, "--workers", 7).code == 0
    with file.open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert len({(r["batch_size"], r["batch_window_seconds"], r["workers"]) for r in rows}) == len(
        rows
    )
    assert rows[0]["workers"] == "7"
    assert all(float(row["dollars_a_month"]) > 0 for row in rows)


def test_saved_trace_gives_the_same_forecast(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "trace.csv.gz"
    first = run(*LIKE, "--json", "--save-trace", file).json
    assert len(trace_from_file(file)) == 8 * 360
    again = run("--arrivals", file, "--json").json
    assert again["present"]["runs"] == first["present"]["runs"]
    assert again["recommended"]["batch_size"] == first["recommended"]["batch_size"]


def test_page_is_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    said = run(*LIKE, "--html", file)
    assert f"Written: {file}" in said.out
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_explain_says_which_event_fired_which_run_and_why(run: Run) -> None:
    said = run(*LIKE, "--explain", "2025-01-06T00:00:00Z", "--size", 10, "--window", 60)
    assert said.code == 0
    story = said.out.splitlines()
    assert "the file arrives" in story[0]
    assert "its event reaches the trigger" in story[1]
    assert any("the trigger fires: the " in line for line in story)
    assert any("its rows can be queried" in line for line in story)
    assert story[-1].startswith("The wait was ")


def test_promise_that_nothing_keeps_shows_the_nearest_and_ends_with_1(run: Run) -> None:
    said = run(*LIKE, "--promise", "5s")
    assert said.code == 1
    text = " ".join(said.out.split())
    assert (
        "No candidate makes 99 percent of the bursts queryable within 5 s. The nearest is" in text
    )
    assert run(*LIKE, "--promise", "5s", "--json").json["recommended"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--like", "many files"), "'many files' cannot be read"),
        (("--like", "1 file once a day", "--arrivals", "x.csv"), "2 are given"),
        (("--arrivals", "none.csv"), "none.csv cannot be read"),
        (("--inventory", "none.json"), "none.json cannot be read"),
        (("--listing", "bucket/prefix"), "'bucket/prefix' is no address; write s3://BUCKET"),
        (("--listing", "s3://"), "'s3://' is no address"),
        ((*LIKE, "--promise", "soon"), "--promise is 'soon'; allowed is a time from 1s to 168h"),
        ((*LIKE, "--promise", "0s"), "--promise is '0s'"),
        ((*LIKE, "--region", "mars-north-1"), "no prices for the region 'mars-north-1'; it has"),
        ((*LIKE, "--prices", "none.json"), "none.json cannot be read"),
        ((*LIKE, "--assume", "per_file"), "--assume 'per_file' is not NAME=SECONDS"),
        ((*LIKE, "--assume", "per_fly=1"), "no assumption 'per_fly'; allowed are event_delay"),
        ((*LIKE, "--assume", "per_file=-1"), "per_file is -1.0; allowed are 0 and more"),
        ((*LIKE, "--assume", "per_file=nan"), "per_file is nan"),
        ((*LIKE, "--explain", "noon"), "--explain is 'noon'"),
        ((*LIKE, "--explain", "2025-01-06T12:00:00"), "has no zone"),
        ((*LIKE, "--explain", "2035-01-06T12:00:00Z"), "No file arrived at 2035"),
        (("dev",), "Name a pipeline of 'dev'"),
        (("moon", "orders", *LIKE), "no environment 'moon'"),
        (("dev", "moon", *LIKE), "no pipeline 'moon' in the environment 'dev'"),
        ((*LIKE, "--write"), "--write needs an environment and a pipeline"),
        ((*LIKE, "--html", "/none/page.html"), "/none/page.html cannot be written"),
        ((*LIKE, "--csv", "/none/all.csv"), "/none/all.csv cannot be written"),
        ((*LIKE, "--save-trace", "/none/trace.csv"), "/none/trace.csv cannot be"),
        ((*LIKE, "--size", "101"), "give a whole number, 1 to"),
        (("dev", "orders", "--outputs", "none.json"), "none.json"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    said = run(*arguments)
    assert said.code == 2, said
    assert words in said.error
    assert "Traceback" not in said.error


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3600), ("45", 45), ("1.5 M", 90)]
)
def test_promise_is_read(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5 days", "-5m", "0", "200h", "nan"])
def test_promise_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ForecastError, match="allowed is a time from 1s to 168h"):
        read_duration(text)


def test_names_of_the_sources_are_in_the_help(run: Run) -> None:
    said = run("--help")
    assert said.code == 0
    for option in ("--like", "--arrivals", "--listing", "--inventory", "--promise", "--explain"):
        assert option in said.out
    assert command.forecast.__doc__


# ---- writing the settings ----------------------------------------------------------------------


def test_write_changes_three_numbers_and_no_other_character(
    run: Run, tmp_path: Path, monkeypatch: Any
) -> None:
    file = tmp_path / "cdktf.json"
    before = example.SETTINGS.read_text(encoding="utf-8")
    file.write_text(before, encoding="utf-8")
    monkeypatch.setattr(present, "SETTINGS_FILE", file)
    said = run("dev", "orders", *LIKE, "--promise", "1h", "--write", "--json")
    assert said.code == 0
    best = said.json["recommended"]
    orders = read_environments(file)["dev"].pipelines["orders"]
    assert (orders.batch_size, orders.batch_window_seconds, orders.job.number_of_workers) == (
        best["batch_size"], best["batch_window_seconds"], best["workers"],
    )  # fmt: skip
    after = file.read_text(encoding="utf-8")
    changed = [
        (one, other)
        for one, other in zip(before.splitlines(), after.splitlines(), strict=True)
        if one != other
    ]
    assert 1 <= len(changed) <= 3
    assert "review it with `pipenv run diff dev`" in said.error
    assert said.error.startswith("--- a/cdktf.json +++ b/cdktf.json @@ ")
    assert run("dev", "orders", *LIKE, "--promise", "1h", "--write").code == 0
    assert file.read_text(encoding="utf-8") == after


def test_promise_that_nothing_keeps_writes_nothing(
    run: Run, tmp_path: Path, monkeypatch: Any
) -> None:
    file = tmp_path / "cdktf.json"
    file.write_text(example.SETTINGS.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(present, "SETTINGS_FILE", file)
    before = file.read_bytes()
    assert run("dev", "orders", *LIKE, "--promise", "5s", "--write").code == 1
    assert file.read_bytes() == before


def test_settings_that_are_left_out_are_added() -> None:
    document = json.loads(example.SETTINGS.read_text(encoding="utf-8"))
    orders = document["context"]["environments"]["dev"]["pipelines"]["orders"]
    del orders["job"], orders["batch_window_seconds"]
    text = with_candidate(json.dumps(document, indent=2), "dev", "orders", Candidate(33, 44, 5))
    found = json.loads(text)["context"]["environments"]["dev"]["pipelines"]["orders"]
    assert (found["batch_size"], found["batch_window_seconds"]) == (33, 44)
    assert found["job"] == {"number_of_workers": 5}


# ---- from a deployment -------------------------------------------------------------------------


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The outputs of a deployment whose ledger is empty."""
    names = {
        "prefix": "orders/", "suffix": ".csv", "rule_name": "r", "sweep_rule_name": "s",
        "workflow_name": "w", "job_name": "j", "dead_letter_queue_url": "q",
        "log_group_prefix": "/burst/dev/orders", "paused": False,
    }  # fmt: skip
    file = tmp_path / "outputs.json"
    document = {
        "environment": "dev", "region": "us-east-1", "landing_bucket_name": "landing",
        "lake_bucket_name": "lake", "pipelines": {"orders": names},
    }  # fmt: skip
    file.write_text(json.dumps(document), encoding="utf-8")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="lake")
        yield file


@pytest.fixture
def deployed(outputs: Path) -> Path:
    """The outputs of a deployment whose ledger has a batch of 30 files per hour."""
    s3 = boto3.client("s3", region_name="us-east-1")
    ledger = Ledger(s3, "lake", "orders", "dev")
    now = datetime.now(UTC).replace(microsecond=0)
    for hour in range(24):
        at = now - timedelta(hours=hour + 1)
        arrived = at - timedelta(minutes=2)
        plan = plan_of(f"jr_{hour}", at, [(arrived, 1_000)] * 30, hour)
        ledger.write(plan)
        ledger.write(done_of(plan, at + timedelta(seconds=40)))
    return outputs


def test_named_pipeline_is_forecast_from_its_own_ledger(run: Run, deployed: Path) -> None:
    said = run("dev", "orders", "--outputs", deployed, "--json")
    assert said.code == 0, said
    found = said.json
    assert (found["arrivals"]["files"], found["arrivals"]["source"]) == (
        24 * 30, "the ledger of dev/orders",
    )  # fmt: skip
    assert any("those of 24 batches in the ledger" in note for note in found["notes"])
    # Each batch took 40 seconds from its plan to its end.
    assert found["assumptions"]["start"] == 15
    assert found["recommended"]["burst_p99_seconds"] >= 15 + 40


def test_ledger_without_a_batch_is_said(run: Run, outputs: Path) -> None:
    said = run("dev", "orders", "--outputs", outputs)
    assert said.code == 2
    assert "the ledger of dev/orders has no batch in these days" in said.error


def test_bucket_that_is_not_there_is_said_in_a_sentence(run: Run, outputs: Path) -> None:
    said = run("--listing", "s3://nobodys-bucket/orders/")
    assert said.code in (1, 2)
    assert "nobodys-bucket" in said.error or "NoSuchBucket" in said.error
    assert "Traceback" not in said.error
