"""Operating the deployed pipeline from the command line, also when things go wrong."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from burst.batch import REASON_SUFFIX, InputFile, batch_id, destination
from burst.ledger import DoneRecord, FileResult, Ledger, Origin, PlanRecord, ResultRecord
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend

from tests.deploy.conftest import Deployed
from tests.deploy.operating import PROJECT_FOLDER, Burst, Said, burst_on, clean, only_allowed
from tests.patience import PATIENCE
from tools.authoring.commands import drift
from tools.operate import draining, ids, logs
from tools.operate.checking import flight
from tools.operate.commands import pause
from tools.sandbox import command
from tools.sandbox.applying import APPLIED
from tools.sandbox.glue.notices import JobRunChanged
from tools.sandbox.narration import Narrator
from tools.sandbox.orders import generate
from tools.sandbox.work import works

RULE = ROLE = "burst-dev-orders"
# In the gate as many as a listing needs two pages for; `-m full` has ten thousand.
MANY = 1_200


@pytest.fixture
def burst(
    deployed: Deployed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Burst]:
    """The command line; the pipeline is idle and empty before and after each test."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(draining, "LOOK_EVERY_SECONDS", 0.2)
    clean(deployed)
    yield burst_on(deployed, capsys)
    clean(deployed)


@pytest.fixture
def paused(deployed: Deployed) -> Iterator[None]:
    """Files start no run."""
    events = deployed.sandbox.account.client("events")
    events.disable_rule(Name=RULE)
    yield
    events.enable_rule(Name=RULE)


def order_file(folder: Path, name: str = "orders.csv", *, bad: bool = False) -> Path:
    [file] = generate(1, seed=3, now=datetime.now(UTC), bad=int(bad))
    path = folder / name
    path.write_bytes(file.body)
    return path


def waiting(deployed: Deployed) -> list[str]:
    listed = deployed.sandbox.account.client("s3").list_object_versions(
        Bucket=deployed.sandbox.outputs["landing_bucket_name"], Prefix="orders/"
    )
    return [version["Key"] for version in listed.get("Versions", [])]


# ---- the runbook -------------------------------------------------------------------------------


def runbook(title: str) -> list[str]:
    """The commands of one of the runbook's sections, in their order."""
    text = (PROJECT_FOLDER / "docs" / "runbook.md").read_text(encoding="utf-8")
    section = text.split(f"## {title}")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_runbook_leads_from_a_bad_file_to_its_rows(
    deployed: Deployed, burst: Burst, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Inside `burst sandbox`, which here finds everything deployed already."""
    said: dict[str, str] = {}
    monkeypatch.setattr("tools.sandbox.sandbox.Sandbox", lambda *_, **__: _Already(deployed))
    monkeypatch.setattr(command, "deploy", lambda *_: None)
    monkeypatch.setattr(
        command, "_until_interrupted", lambda *_: said.update(walk(burst, tmp_path))
    )

    sandbox = burst("sandbox")

    assert sandbox.code == 0, sandbox.err
    assert f"source {deployed.sandbox.folder / 'environment.sh'}" in sandbox.out
    (status, *_, healthy) = [text for line, text in said.items() if "burst status" in line]
    assert "orders/broken.csv: The header has no column 'quantity'" in status
    assert "1 file is in quarantine" in status
    first, last = (text for line, text in said.items() if "burst inspect" in line)
    assert "set aside: The header has no column 'quantity'" in first
    assert "rows loaded into curated" in last
    assert "Rows of orders/broken.csv in curated" in last
    assert re.search(r"order_id\W+O-\d{8}", last)
    assert "dev orders: healthy" in healthy


class _Already:
    """The shared sandbox, in a `with` block that does not end it."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed

    def __enter__(self) -> Any:
        return self._deployed.sandbox

    def __exit__(self, *error: object) -> None:
        pass


def walk(burst: Burst, folder: Path) -> dict[str, str]:
    """Type every command of the runbook into one shell; returns what each printed."""
    said: dict[str, str] = {}
    source = f"source {burst.deployed.sandbox.folder / 'environment.sh'}"
    for number, line in enumerate(runbook("A bad file, from the alarm to its rows")):
        wanted = {1} if line.endswith("# exit code 1") else {0}
        if "burst drain" in line:
            # The run that the file's own event started may have taken it before.
            wanted |= {0}
        here = line.replace("pipenv run burst", f"PYTHONPATH={PROJECT_FOLDER} python -m tools.cli")
        done = subprocess.run(
            ["bash", "-c", f"{source}\n{here}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in wanted, f"{line}\n{done.stdout}{done.stderr}"
        said[f"{number} {line}"] = " ".join(done.stdout.replace("│", " ").split())
    return said


# ---- status ------------------------------------------------------------------------------------


def test_healthy_pipeline_is_one_screen_and_exit_code_0(burst: Burst) -> None:
    said = burst("status", "dev")
    assert (said.code, said.err) == (0, "")
    assert "dev orders: healthy" in said.text
    assert len(said.out.splitlines()) < 40


def test_status_shows_what_started_a_batch(
    burst: Burst, tmp_path: Path, deployed: Deployed
) -> None:
    burst("put", "dev", "orders", str(order_file(tmp_path)))
    assert deployed.sandbox.engine.wait(lambda now: not now.idle, PATIENCE)
    assert deployed.sandbox.engine.wait(lambda now: now.idle, PATIENCE)
    said = burst("status", "dev", "--json")
    (pipeline,) = said.json["environments"][0]["pipelines"]
    (batch,) = pipeline["snapshot"]["history"]["last"]
    assert said.code == 0
    assert (batch["files"], batch["bad_files"], batch["started_by"]) == (1, 0, "window (1 event)")
    assert pipeline["snapshot"]["runs"][0]["state"] == "SUCCEEDED"


@pytest.mark.usefixtures("paused")
def test_rule_disabled_by_hand_and_files_that_wait_are_said(burst: Burst, tmp_path: Path) -> None:
    burst("put", "dev", "orders", str(order_file(tmp_path)))
    said = burst("status", "dev")
    assert said.code == 1
    assert "1 file waits" in said.text
    assert "disabled by hand" in said.text


# ---- what goes wrong ---------------------------------------------------------------------------


def test_nothing_deployed_is_one_sentence(burst: Burst, tmp_path: Path) -> None:
    empty = tmp_path / "outputs.json"
    empty.write_text("{}")
    said = burst("status", "dev", "--outputs", str(empty))
    assert said.code == 2
    assert "Nothing is deployed" in said.error
    assert burst("status", "nowhere", BURST_OUTPUTS=None).code == 2


def test_outputs_are_read_from_terraform_where_no_file_is_named(
    burst: Burst, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks = deployed.sandbox.stack_folder.parent
    monkeypatch.setattr("tools.operate.deployment.STACKS_FOLDER", stacks)
    # As the deployment made it, Terraform looks for its state in the emulated account.
    said = burst("status", "dev", BURST_OUTPUTS=None)
    assert said.code == 0, said.err
    assert burst("status", BURST_OUTPUTS=None).code == 0
    said = burst("status", "prod2", BURST_OUTPUTS=None)
    assert (said.code, "Synthesized: " in said.error) == (2, True)


def test_wrong_environment_and_wrong_pipeline_are_named(burst: Burst) -> None:
    said = burst("status", "prod")
    assert (said.code, "describes the environment 'dev', not 'prod'" in said.error) == (2, True)
    said = burst("drain", "dev", "invoices")
    assert (said.code, "Deployed: orders." in said.error) == (2, True)


def test_no_credentials_is_one_sentence(burst: Burst) -> None:
    said = burst("status", "dev", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert said.code == 2
    assert "There are no AWS credentials" in said.error
    assert "Traceback" not in said.err


def test_account_that_cannot_be_reached_is_one_sentence(burst: Burst) -> None:
    said = burst("drain", "dev", "orders", "--endpoint-url", "http://127.0.0.1:9")
    assert said.code == 1
    assert "AWS cannot be reached" in said.error


def test_status_shows_what_it_may_see_and_names_the_permission_that_is_missing(
    burst: Burst, deployed: Deployed
) -> None:
    allowed = ("s3:*", "glue:*", "events:*")
    with only_allowed(deployed, *allowed) as credentials:
        said = burst("status", "dev", **credentials)
    assert said.code == 1
    assert "Undelivered not known, see below" in said.text
    assert "Rule enabled" in said.text
    assert "lack the permission sqs:GetQueueAttributes" in said.text


@pytest.mark.usefixtures("paused")
def test_replay_that_is_denied_in_the_middle_names_the_permission_and_goes_on_later(
    burst: Burst, deployed: Deployed
) -> None:
    seed(deployed, 3)
    landing = f"arn:aws:s3:::{deployed.sandbox.outputs['landing_bucket_name']}/*"
    with only_allowed(deployed, "s3:*", but=("s3:PutObject", landing)) as credentials:
        said = burst("replay", "dev", "orders", "--quarantine", **credentials)
    assert said.code == 1
    assert "lack the permission s3:PutObject" in said.error
    assert waiting(deployed) == []
    assert "The replay" in burst("status", "dev").text
    assert "--give-up` ends it" in said.error
    said = burst("replay", "dev", "orders", "--quarantine")
    assert (said.code, "which was interrupted" in said.text) == (0, True)
    assert len(waiting(deployed)) == 3


@pytest.mark.usefixtures("paused")
def test_replay_that_cannot_go_on_is_given_up_and_the_next_one_sends_the_files(
    burst: Burst, deployed: Deployed
) -> None:
    give_up = ("replay", "dev", "orders", "--give-up")
    said = burst(*give_up)
    assert (said.code, "no replay of dev/orders is open" in said.error) == (2, True)
    seed(deployed, 3)
    landing = f"arn:aws:s3:::{deployed.sandbox.outputs['landing_bucket_name']}/*"
    with only_allowed(deployed, "s3:*", but=("s3:PutObject", landing)) as credentials:
        assert burst("replay", "dev", "orders", "--quarantine", **credentials).code == 1
    said = burst("replay", "dev", "orders", "--quarantine", "--key", "orders/00000.csv")
    assert (said.code, "`burst replay dev orders --give-up`" in said.error) == (1, True)
    said = burst(*give_up)
    assert (said.code, "Say --yes if that is what you want" in said.error) == (2, True)
    said = burst(*give_up, "--yes")
    assert said.code == 0
    assert "0 of 3 files came to landing, 3 did not." in said.text
    assert "is given up: 0 files came to landing, 3 did not." in said.text
    said = burst("replay", "dev", "orders", "--quarantine", "--key", "orders/00000.csv")
    assert (said.code, waiting(deployed)) == (0, ["orders/00000.csv"])


def test_check_says_what_it_could_not_ask_and_which_permission_is_missing(
    burst: Burst, deployed: Deployed
) -> None:
    allowed = ("s3:*", "glue:*", "events:*", "sqs:*", "logs:*", "cloudwatch:*")
    with only_allowed(deployed, *allowed) as credentials:
        said = burst("check", "dev", "--no-probe", "--json", **credentials)
    found = {finding["link"]: finding for finding in said.json["findings"]}
    assert said.code == 0, said.text
    for link, permission in (("job-role", "iam:GetRole"), ("topic", "sns:GetTopicAttributes")):
        assert found[link]["verdict"] == "not tried"
        assert f"lack the permission {permission}" in found[link]["detail"]
    assert found["rule"]["verdict"] == "seen"


# ---- drain and redeliver -----------------------------------------------------------------------


def test_drain_that_fails_says_why_and_where_the_log_is(burst: Burst, deployed: Deployed) -> None:
    account = deployed.sandbox.account
    job = account.client("glue").get_job(JobName=RULE)["Job"]
    bucket, key = job["Command"]["ScriptLocation"].removeprefix("s3://").split("/", 1)
    s3 = account.client("s3")
    script = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=b"raise RuntimeError('the disk is full')")
    try:
        said = burst("drain", "dev", "orders")
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=script)
    assert said.code == 1
    assert "ended as FAILED" in said.text
    assert "the disk is full" in said.text
    assert "/burst/dev/orders/error" in said.text
    assert "ended as FAILED" in burst("status", "dev").text
    said = burst("drain", "dev", "orders", "--json")
    assert (said.json["state"], said.json["batches"], said.json["left"]) == ("SUCCEEDED", [], 0)


@pytest.mark.usefixtures("paused")
def test_ids_that_drain_and_status_show_are_what_inspect_and_logs_take(
    burst: Burst, deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(logs, "LAST_LOOK_SECONDS", 0)
    burst("put", "dev", "orders", str(order_file(tmp_path)))
    said = burst("drain", "dev", "orders")
    (shown,) = set(re.findall(r"wr_[0-9a-f]{8}", said.text))
    assert shown in burst("status", "dev").text

    story = burst("inspect", "dev", "orders", shown, "--json").json
    (batch,) = story["batches"]
    run = story["run"]
    assert (ids.short(run["workflow_run_id"]), run["state"]) == (shown, "SUCCEEDED")
    assert sandbox_line(deployed, run["run_id"]).endswith(
        f"is SUCCEEDED: took 1 file, {batch['rows']} rows."
    )
    shown_batch = ids.short_batch(batch["batch"])
    assert shown_batch in burst("inspect", "dev", "orders", run["run_id"]).text
    assert run["run_id"] in burst("inspect", "dev", "orders", shown).text
    found = burst("inspect", "dev", "orders", shown_batch, "--json").json
    assert (found["batch"], found["rows"]) == (batch["batch"], batch["rows"])

    newest = burst("logs", "dev", "orders", "--follow")
    assert newest.code == 0
    assert '"event": "batch"' in newest.out
    assert f"Run {shown}, SUCCEEDED" in newest.error
    for one in (shown, run["workflow_run_id"], shown_batch, batch["batch"]):
        assert burst("logs", "dev", "orders", one).out == newest.out
    kinds = burst("logs", "dev", "orders", "--json", "--only", "output").json["lines"]
    assert {line["kind"] for line in kinds} == {"output"}
    assert burst("logs", "dev", "orders", "jr_00000000").code == 2
    assert burst("logs", "dev", "orders", "--json", "--follow").code == 2


def sandbox_line(deployed: Deployed, run_id: str) -> str:
    """What the sandbox's terminal says of a job run that has ended well."""
    (run,) = (run for run in deployed.sandbox.engine.snapshot().job_runs if run.run_id == run_id)
    lines: list[str] = []
    narrator = Narrator(lambda at, line: lines.append(line), works(deployed.sandbox))
    narrator.take(
        JobRunChanged(
            job=run.job,
            run_id=run_id,
            workflow_run_id=run.workflow_run_id,
            state=run.state,
            error_message=None,
            log=str(run.log),
        )
    )
    return lines[0]


def test_drain_of_a_full_workflow_waits_for_room(burst: Burst, deployed: Deployed) -> None:
    workflow = deployed.sandbox.account.backend("glue").workflows[RULE]
    limit = workflow.max_concurrent_runs
    first = burst("drain", "dev", "orders", "--no-wait", "--json").json["workflow_run_id"]
    workflow.max_concurrent_runs = 1
    try:
        said = burst("drain", "dev", "orders")
    finally:
        workflow.max_concurrent_runs = limit
    assert said.code == 0
    assert ids.short(first) in said.error
    assert "waiting for one to end" in said.error


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_stops_following_and_not_the_run(
    burst: Burst, deployed: Deployed, number: signal.Signals, code: int
) -> None:
    process = burst.start("drain", "dev", "orders")
    assert process.stderr is not None
    started = process.stderr.readline()
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert "Started the run wr_" in started
    assert "Stopped following. The run wr_" in errors
    assert "Traceback" not in errors
    assert deployed.sandbox.engine.wait(lambda now: now.idle, PATIENCE)
    assert deployed.sandbox.engine.snapshot().job_runs[-1].state == "SUCCEEDED"


@pytest.fixture
def undeliverable(deployed: Deployed) -> Iterator[None]:
    """EventBridge may not hand events to the workflow."""
    iam = deployed.sandbox.account.client("iam")
    where = {"RoleName": "burst-dev-orders-events", "PolicyName": "notify-the-workflow"}
    policy = iam.get_role_policy(**where)["PolicyDocument"]
    iam.delete_role_policy(**where)
    yield
    iam.put_role_policy(**where, PolicyDocument=json.dumps(policy))


@pytest.mark.usefixtures("undeliverable")
def test_redeliver_says_why_has_the_files_taken_and_deletes_what_was_there_before_the_run(
    burst: Burst, deployed: Deployed, tmp_path: Path
) -> None:
    files = [str(order_file(tmp_path, f"{name}.csv")) for name in "ab"]
    burst("put", "dev", "orders", *files)
    said = burst("status", "dev")
    assert (said.code, "2 events in the dead-letter queue" in said.text) == (1, True)
    said = burst("redeliver", "dev", "--dry-run")
    assert said.code == 0
    assert "NO_PERMISSIONS" in said.text
    assert "glue:notifyEvent" in said.text
    assert "dry run, the messages stay" in said.text

    with file_that_comes_late(deployed):
        said = burst("redeliver", "dev", "--json")

    (orders,) = said.json["pipelines"]
    assert [reason["events"] for reason in orders["reasons"]] == [2]
    assert (said.code, orders["deleted"], orders["left"]) == (1, 2, 1)
    assert burst("redeliver", "dev").code == 0
    assert waiting(deployed) == []
    said = burst("redeliver", "dev")
    assert (said.code, "every event was delivered" in said.text) == (0, True)


@contextmanager
def file_that_comes_late(deployed: Deployed) -> Iterator[None]:
    """A producer who uploads as soon as the next run has begun."""
    engine = deployed.sandbox.engine
    runs = len(engine.snapshot().job_runs)

    def upload() -> None:
        assert engine.wait(lambda now: len(now.job_runs) > runs, PATIENCE)
        deployed.sandbox.account.client("s3").put_object(
            Bucket=deployed.sandbox.outputs["landing_bucket_name"], Key="orders/late.csv", Body=b""
        )

    producer = threading.Thread(target=upload)
    producer.start()
    yield
    producer.join()


# ---- pause and resume --------------------------------------------------------------------------


@pytest.fixture
def settings(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The settings of the deployed project, for the commands that change them."""
    file = deployed.sandbox.folder / "project" / "cdktf.json"
    monkeypatch.setattr(pause, "SETTINGS_FILE", file)
    monkeypatch.setattr(drift, "FOLDER", file.parent)
    before = file.read_bytes()
    yield file
    if file.read_bytes() != before:
        file.write_bytes(before)
        deployed.terraform.apply()
    deployed.sandbox.outputs = deployed.terraform.outputs()


def apply(burst: Burst) -> Said:
    """What pause and resume tell the user to do in the sandbox, in another process."""
    process = burst.start("sandbox", "apply", "--folder", str(burst.deployed.sandbox.folder))
    out, err = process.communicate(timeout=10 * PATIENCE)
    assert process.returncode is not None
    return Said(process.returncode, out, err)


@pytest.mark.gate
def test_running_sandbox_takes_settings_from_a_pause_and_a_new_column_to_its_rows(
    burst: Burst, deployed: Deployed, settings: Path, tmp_path: Path
) -> None:
    """Two sections of the runbook in one go, as an apply takes long."""
    text = settings.read_text(encoding="utf-8")
    rescue = '"unknown_columns": "rescue", "format": "csv"'
    settings.write_text(text.replace('"format": "csv"', rescue, 1), encoding="utf-8")
    said = burst("pause", "dev", "orders", "--write", BURST_SANDBOX=str(deployed.sandbox.folder))
    assert said.code == 0
    assert '+            "paused": true,' in said.out
    assert "pipenv run burst sandbox apply" in said.out
    said = apply(burst)
    assert said.code == 0, said.err
    # The two rules, the job and the table for `_rescued`, and who is told of what is in it.
    assert "2 to add · 4 to change · 0 to replace · 0 to destroy" in said.text
    assert len(re.findall(r"ENABLED\W+DISABLED", said.text)) == 2

    burst("put", "dev", "orders", str(with_channel(order_file(tmp_path))))
    said = burst("status", "dev")
    assert (said.code, "Paused by its setting" in said.text) == (1, True)
    assert deployed.sandbox.engine.snapshot().idle
    assert waiting(deployed) == ["orders/orders.csv"]

    # A paused pipeline still takes what it is told to.
    assert burst("drain", "dev", "orders").code == 0
    assert waiting(deployed) == []
    said = burst("resume", "dev", "orders", "--write")
    assert "pipenv run burst drain dev orders" in said.out
    lead_from_a_new_column_to_its_rows(burst)
    assert burst("status", "dev").code == 0
    # The folders of what is no longer deployed are gone.
    assert [path.name for path in (deployed.sandbox.folder / APPLIED).iterdir()] == ["002"]


def with_channel(file: Path) -> Path:
    """The file with a column that nobody declared."""
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    wider = [f"{header},Channel", *(f"{line},web" for line in lines)]
    file.write_text("\n".join(wider) + "\n", encoding="utf-8")
    return file


def lead_from_a_new_column_to_its_rows(burst: Burst) -> None:
    """Every command of the runbook's section, in its order."""
    said: list[Said] = []
    for line in runbook("A new column, from the message to its rows"):
        if line == "pipenv run diff dev":
            said.append(apply(burst))
            continue
        arguments = line.removeprefix("pipenv run burst ").split()
        if "--since" in arguments:
            # The moment is that which `drift` has printed.
            text = said[-2].out.replace("\\\n", " ")
            printed = re.findall(r"pipenv run burst (replay .*--replace)", text)[0].split()
            here = arguments.index("--since") + 1
            arguments[here] = printed[here]
            assert arguments == printed
            arguments.append("--yes")
        said.append(burst(*arguments))
    first, write, applied, replayed, last = said
    assert [one.code for one in said] == [1, 0, 0, 0, 0], [one.err for one in said]
    assert "Channel: a column that nobody declared, could be channel string" in first.text
    assert re.search(r'^\+ .*"channel"', write.out, re.MULTILINE)
    assert re.search(r"channel\W+.*string", applied.text)
    assert "was removed from curated" in replayed.text
    assert "Nothing came since" in last.text
    rows = rows_of(burst, "orders/orders.csv")
    assert {row["channel"] for row in rows} == {"web"}
    assert {row["_rescued"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ('"batch_size": ', '"batch_size": 1000000', "Allowed: a whole number from 1 to 100"),
        ('"eu-central-1"', '"eu-west-1"', "Another region is another deployment"),
        ('"dev": {', '"test": {', "cdktf.json has no environment 'dev'"),
        ("{", "", "is not usable: line 2"),
    ],
)
def test_settings_that_cannot_be_applied_leave_the_sandbox_as_it_was(
    before: str, after: str, what: str, burst: Burst, deployed: Deployed, settings: Path
) -> None:
    known = (deployed.sandbox.folder / "sandbox.json").read_bytes()
    content = settings.read_bytes()
    settings.write_bytes(content.replace(before.encode(), after.encode(), 1))
    try:
        said = burst("sandbox", "apply", "--folder", str(deployed.sandbox.folder))
    finally:
        settings.write_bytes(content)
    assert (said.code, what in said.error) == (2, True), said.error
    assert "Traceback" not in said.err
    assert (deployed.sandbox.folder / "sandbox.json").read_bytes() == known
    assert burst("status", "dev").code == 0


@pytest.mark.full
def test_apply_that_terraform_gives_up_in_the_middle_is_undone(
    burst: Burst, deployed: Deployed, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account refuses to change one of the two rules."""
    put_rule = EventsBackend.put_rule

    def refuse_one(self: Any, name: str, **named: Any) -> Any:
        if named.get("state") == "DISABLED" and "sweep" in name:
            raise ValidationException("not today")
        return put_rule(self, name, **named)

    burst("pause", "dev", "orders", "--write")
    with monkeypatch.context() as patched:
        patched.setattr(EventsBackend, "put_rule", refuse_one)
        said = apply(burst)
    assert said.code == 2
    assert "not today" in said.error
    assert "What was deployed before is deployed again." in said.error
    rules = deployed.sandbox.account.client("events").list_rules()["Rules"]
    assert {rule["State"] for rule in rules} == {"ENABLED"}
    burst("resume", "dev", "orders", "--write")


# ---- replaying what was loaded -----------------------------------------------------------------


def rows_of(burst: Burst, key: str) -> list[dict[str, Any]]:
    said = burst("inspect", "dev", "orders", key, "--rows", "10000", "--json")
    return list(said.json["rows"])


@pytest.mark.usefixtures("paused")
def test_replaced_batch_is_loaded_again_and_its_rows_are_there_once(
    burst: Burst, deployed: Deployed, tmp_path: Path
) -> None:
    burst("put", "dev", "orders", str(order_file(tmp_path)))
    (batch,) = burst("drain", "dev", "orders", "--json").json["batches"]
    before = rows_of(burst, "orders/orders.csv")
    replace = ("replay", "dev", "orders", "--archive", "--batch", batch["batch"], "--replace")

    said = burst(*replace)
    assert (said.code, "Say --yes if that is what you want" in said.error) == (2, True)
    assert (said.text, said.error.count("Readers never miss these rows")) == ("", 1)
    said = burst(*replace, "--yes")
    assert said.code == 0
    assert "Started the run wr_" in said.error
    assert "Readers never miss these rows" in said.text
    assert "the old output of 1 batch was removed from curated" in said.text

    after = rows_of(burst, "orders/orders.csv")
    assert len(after) == len(before) == batch["rows"]
    assert {row["order_id"] for row in after} == {row["order_id"] for row in before}
    assert {row["_batch"] for row in after}.isdisjoint({row["_batch"] for row in before})
    assert "There is nothing to bring back" in burst(*replace, "--yes").text
    story = burst("inspect", "dev", "orders", batch["batch"])
    assert "removed by the replay" in story.text


# ---- ten thousand, and Ctrl-C ------------------------------------------------------------------


def seed(deployed: Deployed, count: int) -> str:
    """A batch with this many bad files, put into the emulator's own state; returns its id."""
    account, outputs = deployed.sandbox.account, deployed.sandbox.outputs
    at = datetime.now(UTC) - timedelta(minutes=10)
    inputs = tuple(InputFile(f"orders/{n:05d}.csv", f"v{n}", "e", 3, at) for n in range(count))
    batch = batch_id(inputs, at)
    s3 = account.backend("s3")
    files = []
    for file in inputs:
        place = destination(
            "quarantine", pipeline="orders", batch=batch, key=file.key, version_id=file.version_id
        )
        for key in (place, f"{place}{REASON_SUFFIX}"):
            s3.put_object(outputs["lake_bucket_name"], key, b"bad")
        files.append(
            FileResult(file.key, file.version_id, 3, "quarantined", 0, "Line 2: no.", place)
        )
    origin = Origin(batch, "orders", "dev", "orders", None, None, at)
    ledger = Ledger(account.client("s3"), outputs["lake_bucket_name"], "orders", "dev")
    ledger.write(PlanRecord(origin, inputs))
    ledger.write(ResultRecord(origin, None, 0, 3 * count, {"read": 1.0}, tuple(files)))
    ledger.write(DoneRecord(origin, 0, count, 0, 0, ()))
    return batch


@pytest.mark.parametrize(
    ("many", "narrower", "count"),
    [
        pytest.param(MANY, ["--key", "orders/00[0-4]*"], 500, marks=pytest.mark.gate),
        pytest.param(10_000, ["--key", "orders/00*"], 1_000, marks=pytest.mark.full),
        pytest.param(10_000, [], 10_000, marks=pytest.mark.full),
    ],
)
@pytest.mark.usefixtures("paused")
def test_files_among_many_come_back_once_although_ctrl_c_came_in_the_middle(
    burst: Burst, deployed: Deployed, many: int, narrower: list[str], count: int
) -> None:
    replay = ("replay", "dev", "orders", "--quarantine", *narrower)
    seed(deployed, many)
    said = burst("status", "dev")
    assert said.code == 1
    assert f"{many:,} files" in said.text
    assert f"and {many - 5:,} more" in said.text
    assert f"{many:,} files" in burst(*replay[:4], "--dry-run").text

    process = burst.start(*replay)
    deadline = time.monotonic() + PATIENCE
    landing = deployed.sandbox.account.backend("s3").buckets[
        deployed.sandbox.outputs["landing_bucket_name"]
    ]
    while len(list(landing.keys)) < count // 10:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert re.search(r"About [\d,]+ files came to landing", errors)
    assert "The same command goes on from here and sends no file twice." in errors
    assert len(list(landing.keys)) < count
    assert "was interrupted" in burst("status", "dev").text

    again = burst.start(*replay)
    output, errors = again.communicate(timeout=PATIENCE)

    assert again.returncode == 0, errors
    assert f"{count:,} files came back to landing" in " ".join(output.split())
    versions = [len(landing.keys.getlist(key)) for key in list(landing.keys)]
    assert versions == [1] * count
    assert "There is nothing to bring back" in burst(*replay).text
    status = burst("status", "dev").text
    assert f"{count:,} files wait" in status
    assert f"and {count:,} that came back already" in status


# ---- a deployment that proves itself ---------------------------------------------------------


@pytest.mark.full
def test_row_that_came_into_a_batch_with_a_producers_file_is_named_with_the_way_to_remove_it(
    burst: Burst, deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put, file = flight.put_file, order_file(tmp_path)

    def put_after_a_producer(s3: Any, deployment: Any, path: Path, key: str) -> Any:
        if key.endswith("-bad.csv"):
            put(s3, deployment, file, "orders/theirs.csv")
        return put(s3, deployment, path, key)

    monkeypatch.setattr(flight, "put_file", put_after_a_producer)
    monkeypatch.setattr(flight, "LOOK_EVERY_SECONDS", 0.2)

    said = burst("check", "dev", "--yes", "--json", "--wait", "5")

    (clean_up,) = [f for f in said.json["findings"] if f["verdict"] == "not seen"]
    assert (said.code, clean_up["link"]) == (1, "clean-up")
    probe = re.search(r"1 row of (orders/burst-check-\S+-good\.csv) stays", clean_up["detail"])
    assert probe
    assert len(rows_of(burst, probe[1])) == 1
    theirs = len(rows_of(burst, "orders/theirs.csv"))
    command = re.search(r"`burst (replay [^`]+)`", clean_up["detail"])
    assert command
    assert burst(*command[1].split(), "--yes").code == 0
    assert burst("drain", "dev", "orders").code == 0
    assert rows_of(burst, probe[1]) == []
    assert len(rows_of(burst, "orders/theirs.csv")) == theirs > 0


def test_check_sees_every_promise_of_the_deployment_and_leaves_nothing(
    burst: Burst, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks = deployed.sandbox.stack_folder.parent
    monkeypatch.setattr("tools.operate.deployment.STACKS_FOLDER", stacks)
    monkeypatch.setattr(flight, "LOOK_EVERY_SECONDS", 0.2)
    curated = deployed.sandbox.curated("orders")
    rows_before = set(curated.rglob("*.parquet"))

    said = burst("check", "dev", "--yes", "--json", "--wait", "5", BURST_OUTPUTS=None)

    found = {finding["link"]: finding for finding in said.json["findings"]}
    verdicts = {link: finding["verdict"] for link, finding in found.items()}
    details = {link: finding["detail"] for link, finding in found.items()}
    assert {n: details[n] for n, verdict in verdicts.items() if verdict != "seen"} == {
        "subscriptions": details["subscriptions"]
    }
    assert "Nobody is subscribed to" in details["subscriptions"]
    assert (said.code, said.json["passed"]) == (0, True)
    assert said.err == ""
    assert "1 row with its `_source_key` is in file://" in details["rows"]
    assert "Its reason: Row 2: found 10 values, expected 9" in details["quarantine"]
    assert re.search(r"waited, and ended as SUCCEEDED", details["queuing"])
    assert "ArgumentError: --input_format is 'burst-check'" in details["failed-run"]
    assert details["second-plan"] == "Terraform finds no changes."
    # What is left is the ledger, which says what happened.
    assert waiting(deployed) == []
    lake = deployed.sandbox.account.client("s3").list_object_versions(
        Bucket=deployed.sandbox.outputs["lake_bucket_name"]
    )
    left = {version["Key"].split("/")[0] for version in lake["Versions"]}
    assert left == {"artifacts", "ledger"}
    assert lake.get("DeleteMarkers", []) == []
    assert set(curated.rglob("*.parquet")) == rows_before
    queues = deployed.sandbox.account.client("sqs").list_queues().get("QueueUrls", [])
    assert not [url for url in queues if "burst-check" in url]
    assert burst("status", "dev").code == 0
