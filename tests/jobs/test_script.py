"""The script as Glue starts it: alone in a folder, the packages in a zip file on the path."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.jobs.world import GLUE_JOBS, World, as_csv, build_burst_zip, order
from tests.patience import PATIENCE
from tools.sandbox.java import java_options


def submit_arguments(java: str) -> str:
    """What Spark is started with; `java` are options for Java."""
    return f"--driver-java-options '{java}' {SUBMIT_ARGS}"


SUBMIT_ARGS = (
    "--master local[2,4] --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 "
    "--conf spark.driver.bindAddress=127.0.0.1 --conf spark.sql.shuffle.partitions=4 pyspark-shell"
)


class Script:
    """The entry script in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {
            **environment,
            "PYTHONPATH": str(build_burst_zip(folder / "burst-0123.zip")),
            "PYSPARK_SUBMIT_ARGS": submit_arguments(java_options()),
        }
        self.path = Path(shutil.copy(GLUE_JOBS / "burst_job.py", folder / "burst_job-4567.py"))

    def run(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.path), *argv],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def why_it_ended(done: subprocess.CompletedProcess[str]) -> str:
    """The exception that ended the run, as Glue shows it: its name without the module, and text.

    Glue tells nothing of an exit code, so there is only Python's own for an exception.
    """
    assert done.returncode == 1
    last = done.stderr.rstrip().rpartition("\n")[2]
    name, separator, text = last.partition(": ")
    return name.rpartition(".")[2] + separator + text


@pytest.fixture
def script(tmp_path: Path, job_environment: dict[str, str]) -> Script:
    folder = tmp_path / "fetched"
    folder.mkdir()
    return Script(folder, job_environment)


def test_script_with_its_zip_takes_a_burst(script: Script, world: World) -> None:
    for number in range(4):
        world.put(f"orders/{number}.csv", as_csv([order(number)]))

    done = script.run(*world.argv())

    assert done.returncode == 0, done.stderr
    assert len(world.order_ids()) == 4
    assert world.in_landing() == []
    assert '"event": "batch"' in done.stdout
    published = boto3.client("cloudwatch").list_metrics(
        Namespace="Burst", Dimensions=[{"Name": "Pipeline", "Value": "orders"}]
    )
    names = {metric["MetricName"] for metric in published["Metrics"]}
    assert {"Files", "Rows", "RowsWritten", "ReadSeconds", "OldestOutstandingSeconds"} <= names


def test_run_without_time_says_what_waits_and_ends_well(script: Script, world: World) -> None:
    world.put("orders/a.csv", as_csv([order(1)]))

    done = script.run(*world.argv(timeout_minutes=1, time_reserve=1), JAVA_HOME="/nonexistent")

    assert done.returncode == 0, done.stderr
    [line] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert (line["event"], line["batches"], line["waiting_files"]) == ("out_of_time", 0, 1)
    assert world.in_landing() == ["orders/a.csv"]


def test_run_that_finds_nothing_starts_no_spark_and_ends_at_once(
    script: Script, world: World
) -> None:
    # Java that is not there: starting Spark fails.
    done = script.run(*world.argv(), JAVA_HOME="/nonexistent", PYTHONPROFILEIMPORTTIME="1")

    assert done.returncode == 0, done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "burst.drain" in imported
    assert not imported & {"pyspark", "pyarrow"}
    assert world.ledger() == {}


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("input_format", "xml", "--input_format is 'xml'; allowed are "),
        (
            "transform",
            "nowhere",
            "--transform is 'nowhere', but there is no module glue_jobs/transforms/nowhere.py.",
        ),
    ],
)
def test_wrong_argument_is_the_sentence_that_ends_the_run(
    script: Script, world: World, argument: str, value: str, sentence: str
) -> None:
    done = script.run(*world.argv(**{argument: value}))

    assert why_it_ended(done).startswith(f"ArgumentError: {sentence}")


@pytest.mark.parametrize("status", ["Suspended", "never enabled"])
def test_landing_without_versioning_is_the_sentence_that_ends_the_run(
    script: Script, world: World, status: str
) -> None:
    landing = f"{world.landing}-unversioned"
    world.s3.create_bucket(Bucket=landing)
    if status == "Suspended":
        world.s3.put_bucket_versioning(
            Bucket=landing, VersioningConfiguration={"Status": "Suspended"}
        )
    world.s3.put_object(Bucket=landing, Key="orders/a.csv", Body=as_csv([order(1)]))

    done = script.run(*world.argv(landing_bucket=landing))

    assert why_it_ended(done) == (
        f"LandingError: Versioning of the landing bucket {landing} is not Enabled (it is "
        f"{status}), so a file that is overwritten while a run reads it would be lost. Enable "
        "it (aws s3api "
        f"put-bucket-versioning --bucket {landing} --versioning-configuration Status=Enabled) and "
        "start the job again. Nothing was read or moved."
    )
    assert world.in_lake("") == {}


def test_bucket_that_is_not_there_is_the_sentence_that_ends_the_run(
    script: Script, world: World
) -> None:
    done = script.run(*world.argv(landing_bucket="no-such-bucket"))

    why = why_it_ended(done)
    assert why.startswith("AwsCallError: A call to AWS failed")
    assert "NoSuchBucket" in why
