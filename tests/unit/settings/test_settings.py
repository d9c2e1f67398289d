"""Wrong settings are named: where, what, and what is allowed."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from burst.contract import INPUT_FORMATS, Bounds, FileFormat, TimeLimit, arguments_of
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from stacks import settings
from stacks.settings import (
    Environments,
    SettingsError,
    parse_environments,
    read_environments,
    reasons,
)
from stacks.settings.reading import _model_of
from stacks.settings.regions import partitions
from stacks.settings.setting import one_of
from tests import example

PLACE = "environment 'dev', pipeline 'orders', field "


def valid() -> dict[str, Any]:
    return {
        "dev": {
            "region": "eu-central-1",
            "pipelines": {
                "orders": {
                    "prefix": "orders/",
                    "batch_size": 10,
                    "input": {"format": "csv", "columns": [{"name": "order_id", "type": "string"}]},
                }
            },
        }
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """Valid settings with one value at a dotted path below the environment replaced."""
    environments = valid()
    target: Any = environments["dev"]
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in parents:
        target = target[step] if isinstance(step, int) else target.setdefault(step, {})
    target[last] = value
    return environments


def problems(environments: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_environments(environments, source="cdktf.json")
    return str(caught.value)


def test_environments_of_the_example_are_valid_and_have_the_pipeline_orders() -> None:
    environments = read_environments(example.SETTINGS)
    assert {name: list(item.pipelines) for name, item in environments.items()} == {
        "dev": ["orders"],
        "prod": ["orders"],
    }


def test_defaults_are_the_documented_ones() -> None:
    environment = parse_environments(valid())["dev"]
    pipeline = environment.pipelines["orders"]
    assert environment.ephemeral is False
    assert environment.state.backend == "local"
    assert environment.existing_landing is None
    assert pipeline.producers == ()
    assert pipeline.batch_window_seconds == 900
    assert (pipeline.max_files_per_batch, pipeline.max_bytes_per_batch) == (10_000, 10 * 1024**3)
    assert (pipeline.max_bad_fraction, pipeline.min_bad_files) == (0.5, 5)
    assert pipeline.input.unknown_columns == "quarantine"
    assert (pipeline.input.delimiter, pipeline.input.encoding) == (",", "utf-8")
    assert pipeline.input.escape == ""
    assert pipeline.sweep == "rate(1 day)"
    assert pipeline.output.model_dump() == {
        "added_columns": (),
        "dropped_columns": (),
        "compression": "snappy",
        "row_changes": "none",
        "target_file_megabytes": 128,
    }
    assert pipeline.job.model_dump() == {
        "worker_type": "G.1X",
        "number_of_workers": 2,
        "timeout_minutes": 60,
        "time_reserve": 0.25,
        "glue_version": "5.1",
    }
    assert pipeline.workflow_max_concurrent_runs == 3
    assert environment.encryption == "sse-s3"
    assert (environment.account_id, environment.event_rules_quota) == (None, None)
    assert environment.max_dpu_hours_per_run is None
    assert environment.retention.model_dump() == {
        "log_days": 365,
        "old_version_days": 30,
        "unfinished_upload_days": 7,
        "archive_storage_class": "GLACIER_IR",
        "archive_move_days": None,
        "archive_expire_days": None,
    }


def test_glue_version_can_be_the_newer_one() -> None:
    environments = valid()
    environments["dev"]["pipelines"]["orders"]["job"] = {"glue_version": "6.0"}
    settings = parse_environments(environments)["dev"].pipelines["orders"]
    assert settings.job.glue_version == "6.0"


ORDERS = "pipelines.orders"
ANOTHER = {**valid()["dev"]["pipelines"]["orders"], "prefix": "another/"}
LENT: dict[str, Any] = {"name": "uploads", "versioned": True}
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SHOP = "arn:aws:iam::111122223333:role/shop"
VERSIONING = "get-bucket-versioning --bucket <name>"
STATE_KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-86ef-1234567890ab"
S3 = {"backend": "s3", "bucket": "abc"}
CLOUD = {"backend": "cloud", "organization": "acme"}
# The parts of the job's specification that settings of the same name fill, and where these are.
PARTS = ((Bounds, ORDERS), (FileFormat, f"{ORDERS}.input"), (TimeLimit, f"{ORDERS}.job"))
OUT_OF_RANGE = [
    (f"{place}.{argument.name}", value, f"{argument.name}' = {value}", allowed)
    for part, place in PARTS
    for argument in arguments_of(part).values()
    if argument.least is not None and argument.most is not None
    for value, allowed in (
        (argument.least - 1, f"from {argument.least}"),
        (argument.most + 1, f"to {argument.most}"),
    )
]
WRONG = [
    *OUT_OF_RANGE,
    (f"{ORDERS}.batch_size", 0, "'batch_size' = 0", "from 1 to 100"),
    (f"{ORDERS}.batch_size", 101, "'batch_size' = 101", "from 1 to 100"),
    (f"{ORDERS}.batch_size", "10", "'batch_size' = \"10\"", "from 1 to 100"),
    (f"{ORDERS}.batch_size", 1.5, "'batch_size' = 1.5", "from 1 to 100"),
    (f"{ORDERS}.batch_size", None, "'batch_size' = null", "from 1 to 100"),
    (f"{ORDERS}.batch_size", True, "'batch_size' = true", "from 1 to 100"),
    (f"{ORDERS}.paused", "yes", "'paused' = \"yes\"", "true or false"),
    (f"{ORDERS}.paused", 1, "'paused' = 1", "true or false"),
    (f"{ORDERS}.batch_window_seconds", 0, "'batch_window_seconds' = 0", "from 1 to 900"),
    (f"{ORDERS}.batch_window_seconds", 901, "'batch_window_seconds' = 901", "from 1 to 900"),
    (f"{ORDERS}.prefix", "", "'prefix' = \"\"", "ending in /"),
    (f"{ORDERS}.prefix", "orders", "'prefix' = \"orders\"", "ending in /"),
    (f"{ORDERS}.prefix", "/orders/", "'prefix' = \"/orders/\"", "not beginning with it"),
    (f"{ORDERS}.prefix", "a//b/", "'prefix' = \"a//b/\"", "in folders"),
    (f"{ORDERS}.prefix", "or*ers/", "'prefix' = \"or*ers/\"", "letters, digits"),
    (f"{ORDERS}.prefix", "o" * 256 + "/", "'prefix'", "1 to 256"),
    (f"{ORDERS}.suffix", "", "'suffix' = \"\"", "or left out"),
    (f"{ORDERS}.suffix", ".c/v", "'suffix' = \".c/v\"", "1 to 64"),
    (f"{ORDERS}.transform", "../orders", "'transform' = \"../orders\"", "glue_jobs/transforms"),
    (f"{ORDERS}.job.worker_type", "G.9X", "'job.worker_type' = \"G.9X\"", "G.1X, G.2X"),
    (f"{ORDERS}.job.number_of_workers", 1, "'job.number_of_workers' = 1", "2 or more"),
    (f"{ORDERS}.job.glue_version", "5.0", "'job.glue_version' = \"5.0\"", "no conditional writes"),
    (f"{ORDERS}.job.glue_version", "4.0", "'job.glue_version' = \"4.0\"", "5.1 or 6.0"),
    (f"{ORDERS}.job.glue_version", 6.0, "'job.glue_version' = 6.0", "5.1 or 6.0"),
    (f"{ORDERS}.job.glue_version", 5.1, "'job.glue_version' = 5.1", "5.1"),
    (f"{ORDERS}.job.workers", 3, "'job.workers' = 3: there is no such setting", "one of worker"),
    (f"{ORDERS}.input.format", "xml", "'input.format' = \"xml\"", one_of(INPUT_FORMATS)),
    (f"{ORDERS}.input.columns", [], "'input.columns' = []", "one or more columns"),
    (
        f"{ORDERS}.input.columns.0.name",
        "Order",
        "column 1 ('Order'), field 'name' = \"Order\"",
        "lower-case",
    ),
    (f"{ORDERS}.input.columns.0.name", "batch", "taken by a partition", "lower-case"),
    (f"{ORDERS}.input.columns.0.name", "_batch", "column 1 ('_batch'), field 'name'", "lower"),
    (
        f"{ORDERS}.input.columns.0.type",
        "text",
        "column 1 ('order_id'), field 'type' = \"text\"",
        "string, boo",
    ),
    (f"{ORDERS}.input.columns.0.type", "decimal(39,2)", "decimal(39,2)", "p <= 38"),
    (f"{ORDERS}.input.columns.0.type", "decimal(4,5)", "decimal(4,5)", "s <= p"),
    (
        f"{ORDERS}.input.columns.0.kind",
        "x",
        "column 1 ('order_id'), field 'kind' = \"x\"",
        "one of name, type",
    ),
    (f"{ORDERS}.input.columns.0.source", "", "field 'source' = \"\"", "1 to 255 characters"),
    (f"{ORDERS}.input.columns.0.optional", "yes", "field 'optional' = \"yes\"", "true or false"),
    (f"{ORDERS}.input.columns.0.type", "decimal(4, 2)", "which types do not have", "string, boo"),
    (f"{ORDERS}.input.columns.0.type", "array<txt>", "at character 7: there is no type", "array<t"),
    (f"{ORDERS}.input.columns.0.type", "array<int>", "which csv cannot hold", "one or more col"),
    (
        f"{ORDERS}.input",
        {"format": "json", "columns": [{"name": "c", "type": "array<struct<x:binary>>"}]},
        "c has binary inside",
        "one or more columns",
    ),
    (
        f"{ORDERS}.input",
        {"format": "json", "columns": [{"name": "c", "type": "array<map<int,int>>"}]},
        "c has a map with keys of type int; in json they are string",
        "one or more columns",
    ),
    (f"{ORDERS}.input.columns.0.format", "hex", "a string has no such format", "for date and time"),
    (f"{ORDERS}.input.columns.0.type", "binary", "needs a format, base64 or hex", "one or more"),
    (
        f"{ORDERS}.input.columns",
        [{"name": name, "type": "string", "source": "x"} for name in "ab"],
        "names are there more than once: x",
        "different names",
    ),
    (
        f"{ORDERS}.input.columns",
        [{"name": "a", "type": "date", "format": "d.M"}],
        "a date has no such format",
        "dd.MM.yyyy",
    ),
    (f"{ORDERS}.input.null_texts", ["NA", "NA"], "there more than once", "different texts"),
    (f"{ORDERS}.input.null_texts", [""], "'input.null_texts' = [\"\"]", "1 to 64 characters"),
    (f"{ORDERS}.input.decimal_separator", ";", 'decimal_separator\' = ";"', "a point or a comma"),
    (f"{ORDERS}.input.thousands_separator", "x", "no separator of thousands", "an empty text, or"),
    (f"{ORDERS}.input.thousands_separator", ".", "decimal separator, too", "an empty text, or"),
    (f"{ORDERS}.input.unknown_columns", "keep", "'input.unknown_columns' = \"keep\"", "or rescue"),
    (f"{ORDERS}.input.unknown_columns", True, "'input.unknown_columns' = true", "or rescue"),
    (f"{ORDERS}.input.bad_values", "drop", "'input.bad_values' = \"drop\"", "or rescue"),
    (f"{ORDERS}.input.delimiter", "", "'input.delimiter' = \"\"", "one ASCII character"),
    (f"{ORDERS}.input.delimiter", "||", "'input.delimiter' = \"||\"", "one ASCII character"),
    (f"{ORDERS}.input.delimiter", '"', "'input.delimiter'", "no letter, digit, double quote"),
    (f"{ORDERS}.input.delimiter", "\n", "'input.delimiter'", "or line end"),
    (f"{ORDERS}.input.delimiter", "x", "'input.delimiter' = \"x\"", "no letter"),
    (f"{ORDERS}.input.delimiter", "§", "'input.delimiter' = \"§\"", "one ASCII character"),
    (f"{ORDERS}.input.encoding", "ascii", "'input.encoding' = \"ascii\"", "utf-8, utf-16, iso"),
    (f"{ORDERS}.input.escape", "\\\\", "'input.escape'", "an empty text or one ASCII character"),
    (f"{ORDERS}.input.escape", ",", "'input.escape' = \",\"", "but not the same one"),
    (f"{ORDERS}.output.row_changes", "some", "'output.row_changes' = \"some\"", "none, drop"),
    (f"{ORDERS}.max_bytes_per_batch", 1024, "'max_bytes_per_batch' = 1024", "from 1048576 (1 MiB)"),
    (f"{ORDERS}.max_bytes_per_batch", 1 << 41, "'max_bytes_per_batch' = 2", "(1 TiB)"),
    (f"{ORDERS}.max_bad_fraction", "0.5", "'max_bad_fraction' = \"0.5\"", "from 0 to 1"),
    (f"{ORDERS}.output.compression", "gzip", "'output.compression' = \"gzip\"", "snappy (quick)"),
    (f"{ORDERS}.output.target_file_megabytes", 0, "target_file_megabytes' = 0", "from 1 to 4096"),
    (f"{ORDERS}.output.target_file_megabytes", 4097, "megabytes' = 4097", "from 1 to 4096"),
    (
        f"{ORDERS}.output.codec",
        "zstd",
        "'output.codec' = \"zstd\": there is no",
        "one of added_columns",
    ),
    (f"{ORDERS}.batchsize", 5, "'batchsize' = 5: there is no such", "did you mean 'batch_size'?"),
    ("region", "Frankfurt", "field 'region' = \"Frankfurt\"", "such as eu-central-1"),
    ("regions", [], "field 'regions' = []: there is no such setting", "one of region"),
    ("ephemeral", 1, "field 'ephemeral' = 1", "true or false"),
    ("github", "octo-org/octo-repo", "field 'github' = \"octo-org/octo-repo\"", "an object with"),
    ("github.repository", "octo-repo", "'github.repository' = \"octo-repo\"", "OWNER/NAME"),
    ("github.repository", "octo-org/*", "'github.repository' = \"octo-org/*\"", "OWNER/NAME"),
    ("github.repository", "o@1/r", "'github.repository' = \"o@1/r\"", "OWNER@ID/NAME@ID"),
    ("github.deploy_environment", "a:b", "'github.deploy_environment' = \"a:b\"", "letters, dig"),
    ("github.create_provider", "yes", "'github.create_provider' = \"yes\"", "true or false"),
    ("ephemeral", "yes", "field 'ephemeral' = \"yes\"", "true or false"),
    ("tags", {"aws:x": "1"}, "AWS keeps these keys for itself: aws:x", "do not begin with aws:"),
    ("tags", {"k" * 129: "1"}, "field 'tags.kkk", "1 to 128 characters"),
    ("tags", {"k": "v" * 257}, "field 'tags.k'", "up to 256"),
    ("tags", {"k": 1}, "field 'tags.k' = 1", "up to 256"),
    ("tags", {str(n): "" for n in range(41)}, "at most 40", "up to 40 tags"),
    ("state", {"backend": "gcs"}, 'field \'state\' = {"backend": "gcs"}', '{"backend": "local"}'),
    ("state", {}, "field 'state' = {}", '{"backend": "local"}'),
    ("state", {"backend": "s3"}, "field 'state.bucket' is missing", "existing bucket"),
    ("state", {"backend": "s3", "bucket": "X"}, "'state.bucket' = \"X\"", "existing bucket"),
    ("state", {"backend": "s3", "bucket": "abc", "lock": 1}, "'state.lock' = 1", "one of backend"),
    ("state", {"backend": "s3", "bucket": "abc", "key": ""}, "'state.key' = \"\"", "1 to 1024"),
    ("state", {"backend": "local", "path": "x"}, "'state.path' = \"x\"", "one of backend"),
    (
        "existing_landing",
        {},
        "field 'existing_landing.name' is missing",
        "existing general purpose",
    ),
    ("existing_landing", "uploads", "'existing_landing' = \"uploads\"", "`name` and `versioned`"),
    ("existing_landing", {"name": "uploads"}, "landing.versioned' is missing", VERSIONING),
    ("existing_landing", LENT | {"versioned": False}, "that is not versioned", VERSIONING),
    ("existing_landing", LENT | {"versioned": 1}, "landing.versioned' = 1", "Status=Enabled"),
    ("existing_landing", LENT | {"name": "Uploads"}, 'landing.name\' = "Uploads"', "lower-case"),
    ("existing_landing", LENT | {"name": "up"}, 'landing.name\' = "up"', "3 to 63"),
    ("existing_landing", LENT | {"name": "u" * 64}, "landing.name' = \"uuu", "3 to 63"),
    ("existing_landing", LENT | {"name": "a--eun1-az1--x-s3"}, "directory bucket", "general purp"),
    ("existing_landing", LENT | {"name": "a-s3alias"}, "S3 gives no general", "general purpose"),
    ("existing_landing", LENT | {"name": "a..b"}, "neither two dots", "digits, dots"),
    ("existing_landing", LENT | {"name": "10.0.0.1"}, "form of an IP address", "digits, dots"),
    ("existing_landing", LENT | {"events": "sqs"}, 'landing.events\' = "sqs"', "or cloudtrail"),
    (
        "existing_landing",
        LENT | {"kms_key_arn": "alias/x"},
        'kms_key_arn\' = "alias/x"',
        "key/<id>",
    ),
    (
        "existing_landing",
        LENT | {"kms_key_arn": KEY.replace("eu-", "us-")},
        "the key of uploads is in us-central-1, but a bucket in eu-central-1",
        "or left out",
    ),
    (
        "existing_landing",
        LENT | {"prefix": "a/"},
        'landing.prefix\' = "a/": there is',
        "one of name",
    ),
    (f"{ORDERS}.producers", SHOP, "'producers' = \"arn:aws", "a list of ARNs"),
    (f"{ORDERS}.producers", [1], "'producers', element 1 = 1", "a list of ARNs"),
    (
        f"{ORDERS}.producers",
        ["*"],
        "'producers', element 1 = \"*\": a bucket policy takes",
        "no wildcards",
    ),
    (f"{ORDERS}.producers", [SHOP, f"{SHOP}*"], "'producers', element 2 = \"arn:", "no wildcards"),
    (f"{ORDERS}.producers", ["arn:aws:iam::*:root"], "and * is everyone", "no wildcards"),
    (f"{ORDERS}.producers", ["s3.amazonaws.com"], "name the role that the service", "no services"),
    (f"{ORDERS}.producers", ["glue.amazonaws.com.cn"], "that is a service", "no services"),
    (f"{ORDERS}.producers", ["111122223333"], "as arn:aws:iam::111122223333:root", "accounts"),
    (
        f"{ORDERS}.producers",
        ["arn:aws:sts::111122223333:assumed-role/shop/x"],
        "that is one session; name the role",
        "roles, users",
    ),
    (f"{ORDERS}.producers", ["arn:aws:iam::111122223333:group/x"], "group is no", "roles, users"),
    (f"{ORDERS}.producers", ["arn:aws:iam::1111:role/shop"], "that is no ARN of", "roles, users"),
    (f"{ORDERS}.producers", ["arn:aws:iam::111122223333:role/"], "that is no ARN of", "roles, us"),
    (f"{ORDERS}.producers", [f"{SHOP}\n"], "that is no ARN of", "roles, users"),
    (f"{ORDERS}.producers", [SHOP, SHOP], f"more than once: {SHOP}", "each once"),
    ("alerts.emails", ["nobody"], "'alerts.emails', element 1 = \"nobody\"", "e-mail addresses"),
    ("alerts.emails", ["a b@example.com"], "'alerts.emails', element 1", "e-mail addresses"),
    ("alerts.emails", ["a@example"], "'alerts.emails', element 1", "e-mail addresses"),
    ("alerts.emails", ["a@@example.com"], "'alerts.emails', element 1", "e-mail addresses"),
    (
        "alerts.emails",
        ["a" * 250 + "@example.com"],
        "'alerts.emails', element 1",
        "e-mail addresses",
    ),
    ("alerts.emails", ["a@example.com"] * 2, "an address is there more than once", "different"),
    ("alerts.emails", "a@example.com", "'alerts.emails' = ", "a list"),
    ("alerts.emails", [1], "'alerts.emails', element 1 = 1", "e-mail addresses"),
    ("alerts.alarms", "on", "'alerts.alarms' = \"on\"", "true or false"),
    ("alerts.dashboard", 1, "'alerts.dashboard' = 1", "true or false"),
    ("alerts.quarantine", "batch", "'alerts.quarantine' = \"batch\"", "file (a message for each"),
    ("alerts.quarantine", True, "'alerts.quarantine' = true", "or off"),
    ("alerts.oldest_file_minutes", 15, "'alerts.oldest_file_minutes' = 15", "longest batch window"),
    ("alerts.oldest_file_minutes", 20_161, "'alerts.oldest_file_minutes' = 20161", "14 days"),
    ("alerts.oldest_file_minutes", 1.5, "'alerts.oldest_file_minutes' = 1.5", "a whole number"),
    ("alerts.dead_letters", 0, "'alerts.dead_letters' = 0", "1 or more"),
    ("alerts.runbook_url", "http://example.com", "'alerts.runbook_url'", "an https:// address"),
    ("alerts.runbook_url", "https://example.com/#x", "'alerts.runbook_url'", "without #"),
    ("alerts.runbook_url", "https://example.com/a b", "'alerts.runbook_url'", "spaces"),
    ("alerts.runbook_url", 'https://example.com/"', "'alerts.runbook_url'", "an https:// address"),
    (
        "alerts.runbook_url",
        "https://example.com/<job>",
        "'alerts.runbook_url'",
        "an https:// address",
    ),
    ("alerts.runbook_url", "https://" + "a" * 200, "'alerts.runbook_url'", "up to 200 characters"),
    ("alerts.email", "a@example.com", "'alerts.email' = ", "one of emails"),
    ("state", {"backend": "remote"}, '{"backend": "remote"}', '"cloud", "organization": ...}'),
    ("state", {"backend": "S3"}, '\'state\' = {"backend": "S3"}', '{"backend": "s3", "bucket"'),
    ("state", "s3", "field 'state' = \"s3\"", '{"backend": "local"}'),
    ("state", None, "field 'state' = null", '{"backend": "local"}'),
    ("state", S3 | {"key": "k" * 1025}, "'state.key' = \"kkk", "1 to 1024 characters"),
    ("region", "eu-centrl-1", "did you mean 'eu-central-1'", "such as eu-central-1"),
    ("region", "eu-central-9", "did you mean 'eu-central-2' or 'eu-central-1'", "eu-central-1"),
    ("region", "xx-nowhere-1", "AWS has no such region; if it is a new one", "eu-central-1"),
    ("state", S3 | {"region": "eu-wst-1"}, "did you mean 'eu-west-1'", "such as eu-central-1"),
    ("state", S3 | {"region": "Ireland"}, "'state.region' = \"Ireland\"", "such as eu-central-1"),
    ("state", S3 | {"bucket": "a_b"}, "'state.bucket' = \"a_b\"", "existing bucket"),
    (
        "state",
        S3 | {"bucket": None},
        "'state.bucket' = null",
        "it may be left out where",
    ),
    ("state", S3 | {"kms_key_arn": "alias/state"}, "'state.kms_key_arn' = \"alias", ":key/<id>"),
    (
        "state",
        S3 | {"kms_key_arn": STATE_KEY[:-36] + "x"},
        "'state.kms_key_arn' = \"arn",
        ":key/<id>",
    ),
    (
        "state",
        S3 | {"kms_key_arn": STATE_KEY.replace("key/", "alias/")},
        "kms_key_arn'",
        ":key/<id>",
    ),
    (
        "state",
        S3 | {"kms_key_arn": STATE_KEY.replace("-86ef", "-56ef")},
        "kms_key_arn'",
        ":key/<id>",
    ),
    ("state", S3 | {"use_lockfile": False}, "'state.use_lockfile' = false: there", "one of back"),
    ("state", S3 | {"dynamodb_table": "t"}, "'state.dynamodb_table' = \"t\"", "one of backend"),
    ("state", {"backend": "cloud"}, "'state.organization' is missing", "letters, digits, - and _"),
    ("state", CLOUD | {"organization": "a b"}, "'state.organization' = \"a b\"", "letters, digit"),
    ("state", CLOUD | {"workspace": ""}, "'state.workspace' = \"\"", "1 to 90 letters"),
    ("state", CLOUD | {"workspace": "w" * 91}, "'state.workspace' = \"www", "1 to 90 letters"),
    (
        "state",
        CLOUD | {"hostname": "https://tfe.example.com"},
        "hostname' = \"http",
        "without http",
    ),
    ("state", CLOUD | {"hostname": "localhost"}, "'state.hostname' = \"localhost\"", "a host name"),
    (
        "state",
        CLOUD | {"token": "secret"},
        "'state.token' = \"secret\": there is no",
        "one of back",
    ),
    ("state", CLOUD | {"bucket": "abc"}, "'state.bucket' = \"abc\": there is no", "one of backend"),
    ("pipelines", {}, "field 'pipelines' = {}", "one or more pipelines"),
    ("pipelines", [], "field 'pipelines' = []", "one or more pipelines"),
    ("pipelines.Orders", {}, "pipeline 'Orders'", "1 to 48 lower-case"),
    ("pipelines.a--b", {}, "pipeline 'a--b'", "single hyphens"),
    ("pipelines." + "o" * 49, {}, "pipeline 'ooo", "1 to 48"),
    (
        f"{ORDERS}.output.dropped_columns",
        ["x"],
        "the files have no column x",
        "settings of the out",
    ),
    (
        f"{ORDERS}.output.added_columns",
        ["x"],
        "'output.added_columns', column 1 = \"x\"",
        "do not have",
    ),
    (
        f"{ORDERS}.sweep",
        "daily",
        "'sweep' = \"daily\": it is neither a rate nor",
        "off, rate(N unit)",
    ),
    (f"{ORDERS}.sweep", "rate(1 days)", "after 1 the unit is 'day'", "where N is more than 1"),
    (f"{ORDERS}.sweep", "cron(0 3 * * *)", "this one has 5", "cron(minutes hours day-of-month"),
    (f"{ORDERS}.workflow_max_concurrent_runs", 2, "a run must be able to wait", "from 3 to 1000"),
    (f"{ORDERS}.workflow_max_concurrent_runs", 0, "concurrent_runs' = 0", "from 3 to 1000"),
    (f"{ORDERS}.workflow_max_concurrent_runs", None, "runs' = null", "from 3 to 1000"),
    (f"{ORDERS}.workflow_max_concurrent_runs", 1001, "runs' = 1001", "from 3 to 1000"),
    (f"{ORDERS}.workflow_max_concurrent_runs", True, "runs' = true", "from 3 to 1000"),
    (f"{ORDERS}.job.number_of_workers", 300, "a job has 299 at most", "299 of G.1X, 149 of G.2X"),
    (f"{ORDERS}.job.max_retries", 1, "'job.max_retries' = 1: there is no such", "one of worker"),
    (
        f"{ORDERS}.job",
        {"worker_type": "G.8X", "number_of_workers": 38},
        "'job.number_of_workers' = 38: a job has 37 at most",
        "37 of G.8X",
    ),
    ("encryption", "sse-c", "field 'encryption' = \"sse-c\"", "sse-s3 (keys that AWS manages) or"),
    (
        "encryption",
        "SSE-KMS",
        "field 'encryption' = \"SSE-KMS\"",
        "or sse-kms (your own key",
    ),
    ("encryption", True, "field 'encryption' = true", "sse-s3"),
    ("kms_key_arn", "x", "field 'kms_key_arn' = \"x\": there is no such", "one of region"),
    ("account_id", 123456789012, "field 'account_id' = 123456789012", "12 digits in quotes"),
    ("account_id", "1234", "field 'account_id' = \"1234\"", "12 digits in quotes"),
    ("max_dpu_hours_per_run", 0, "'max_dpu_hours_per_run' = 0", "a number above 0"),
    ("event_rules_quota", 0, "'event_rules_quota' = 0", "from 1 to 10000"),
    ("retention", 30, "field 'retention' = 30", "an object with settings of the retention"),
    ("retention.days", 30, "'retention.days' = 30: there is no such setting", "one of log_days"),
    ("retention.log_days", 364, "CloudWatch Logs does not know", "180, 365, 400"),
    ("retention.log_days", 0, "'retention.log_days' = 0", "one of 1, 3, 5"),
    ("retention.old_version_days", 13, "'retention.old_version_days' = 13", "from 14 to 36500"),
    ("retention.unfinished_upload_days", 0, "upload_days' = 0", "from 1 to 36500"),
    ("retention.archive_storage_class", "GLACIER_DEEP", 'class\' = "GLACIER_DEEP"', "DEEP_ARCHIVE"),
    ("retention.archive_move_days", -1, "'retention.archive_move_days' = -1", "from 0 to 36500"),
    ("retention.archive_expire_days", 0, "'retention.archive_expire_days' = 0", "from 1 to"),
    (
        "retention",
        {"archive_storage_class": "STANDARD_IA", "archive_move_days": 29},
        "'retention.archive_move_days' = 29: S3 moves no object to STANDARD_IA that is younger",
        "at least 30 for STANDARD_IA",
    ),
    (
        "retention",
        {"archive_move_days": 10, "archive_expire_days": 99},
        "'retention.archive_expire_days' = 99: the files move to GLACIER_IR after 10 days, which",
        "as many days after that",
    ),
    (
        "retention",
        {
            "archive_storage_class": "INTELLIGENT_TIERING",
            "archive_move_days": 10,
            "archive_expire_days": 10,
        },
        "'retention.archive_expire_days' = 10",
        "as many days after that",
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "what", "allowed"), WRONG, ids=[f"{w[0]}={w[1]!r}"[:60] for w in WRONG]
)
def test_wrong_value_is_named_with_what_is_allowed(
    path: str, value: Any, what: str, allowed: str
) -> None:
    message = problems(changed(path, value))
    assert "cdktf.json: environment 'dev'" in message
    assert what in message
    assert allowed in message.split("Allowed:", 1)[1]
    if path.startswith(f"{ORDERS}."):
        assert PLACE in message


def test_table_of_wrong_settings_is_long_and_has_one_for_every_setting() -> None:
    assert len({repr(wrong[:2]) for wrong in WRONG}) == len(WRONG) >= 100
    tried = {step for path, *_ in WRONG for step in path.split(".")}
    tried |= {name for _, value, *_ in WRONG if isinstance(value, dict) for name in value}
    for model in models():
        # The state bucket is no environment's: see test_state_settings.py.
        if model not in (settings.Settings, settings.Environments, settings.StateBucket):
            assert set(model.model_fields) <= tried, model


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("delimiter", ";"),
        ("encoding", "cp1252"),
        ("escape", "$"),
        ("null_texts", ["NA"]),
        ("decimal_separator", ","),
        ("thousands_separator", ","),
    ],
)
@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_setting_of_csv_beside_another_format_is_refused_with_the_reason(
    kind: str, field: str, value: object
) -> None:
    environments = changed(f"{ORDERS}.input.format", kind)
    environments["dev"]["pipelines"]["orders"]["input"][field] = value
    message = problems(environments)
    assert f"{PLACE}'input.{field}' = {json.dumps(value)}: the format is {kind}" in message
    assert "csv only" in message


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " ", "-", "\\", "\x01"])
def test_delimiters_that_producers_use_are_allowed(delimiter: str) -> None:
    parse_environments(changed(f"{ORDERS}.input.delimiter", delimiter))


def test_every_wrong_value_is_named_at_once() -> None:
    environments = changed(f"{ORDERS}.batch_size", 0)
    environments["dev"]["region"] = "nowhere"
    assert len(problems(environments).splitlines()) == 2


@pytest.mark.parametrize("name", ["Dev", "dev_1", "-dev", "1dev", "e" * 33, ""])
def test_name_of_an_environment_that_aws_names_could_not_hold_is_refused(name: str) -> None:
    assert f"environment {name!r}" in problems({name: valid()["dev"]})


@pytest.mark.parametrize("environments", [{}, [], None, "dev", 3])
def test_environments_that_are_no_environments_are_refused(environments: Any) -> None:
    assert "one or more environments by name" in problems(environments)


@pytest.mark.parametrize(
    ("first", "second"), [("a/", "a/"), ("a/", "a/b/"), ("a/b/c/", "a/b/"), ("a/", "a/b.csv/")]
)
def test_prefixes_of_which_one_begins_with_another_are_refused(first: str, second: str) -> None:
    environments = valid()
    pipelines = environments["dev"]["pipelines"]
    pipelines["other"] = copy.deepcopy(pipelines["orders"]) | {"prefix": second}
    pipelines["orders"]["prefix"] = first
    message = problems(environments)
    assert "'orders'" in message
    assert "'other'" in message
    assert "would start both" in message


segments = st.lists(st.sampled_from(["a", "ab", "b", "a-b", "a.b"]), min_size=1, max_size=3)


@given(st.lists(segments.map(lambda parts: "/".join(parts) + "/"), min_size=2, max_size=6))
def test_prefixes_are_refused_exactly_when_two_of_them_overlap(prefixes: list[str]) -> None:
    environments = valid()
    template = environments["dev"]["pipelines"].pop("orders")
    for number, prefix in enumerate(prefixes):
        environments["dev"]["pipelines"][f"p{number}"] = template | {"prefix": prefix}
    overlapping = any(
        one.startswith(other)
        for index, one in enumerate(prefixes)
        for position, other in enumerate(prefixes)
        if index != position
    )
    if overlapping:
        assert "overlap" in problems(environments)
    else:
        assert len(parse_environments(environments)["dev"].pipelines) == len(prefixes)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "cdktf.json is not usable"),
        ('{"context": {"environments": {"dev": {}, "dev": {}}}}', "'dev' stands twice"),
        ("[]", "line 1, column 1: expected an object, found a list"),
        ("3", "line 1, column 1: expected an object, found a number"),
        ("{}", "line 1, column 1: there is no 'context'"),
        ('{"context": 3}', "line 1, column 2: 'context' is a number"),
        ('{"context": []}', "line 1, column 2: 'context' is a list"),
        ('{\n"environments": {}, "context": {}}', "line 2, column 1: 'environments' stands beside"),
        ('{"context": {}}', "line 1, column 2: there is no 'environments'"),
        ('{"context": {"environments": {}}}', "field 'environments' = {}: it is empty"),
        ('{"context": {"enviroments": {}}}', "did you mean 'environments'?"),
        ('{"context": {"environments": {}, "state_buckt": {}}}', "did you mean 'state_bucket'?"),
    ],
)
def test_file_that_holds_no_settings_is_named(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "cdktf.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=what):
        read_environments(file)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cdktf\.json cannot be read: No such file"):
        read_environments(tmp_path / "cdktf.json")


BREAKS = """{
  "context": {
    "environments": {
      "dev": {
        "region": "eu-central-1",
        "bach": 1,
        "pipelines": {
          "orders": {
            "prefix": "orders/",
            "batch_size": 0,
            "input": {"format": "csv", "columns": [
              {"name": "a", "type": "int"},
              {"name": "price", "type": "x"}
            ]}
          }
        }
      }
    }
  }
}"""


def test_every_wrong_setting_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "cdktf.json"
    file.write_text(BREAKS, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_environments(file)
    places = [re.sub(r" = .*", "", one) for one in caught.value.problems]
    assert sorted(places) == [
        f"cdktf.json, line 10, column 13: {PLACE}'batch_size'",
        f"cdktf.json, line 13, column 33: {PLACE}'input.columns', column 2 ('price'), field 'type'",
        "cdktf.json, line 6, column 9: environment 'dev', field 'bach'",
    ]


def test_setting_that_is_missing_is_named_with_the_place_of_its_object(tmp_path: Path) -> None:
    file = tmp_path / "cdktf.json"
    file.write_text(BREAKS.replace('"batch_size": 0,', ""), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_environments(file)
    assert f"cdktf.json, line 8, column 11: {PLACE}'batch_size' is missing" in str(caught.value)


ODD = (
    None,
    True,
    3,
    -(10**30),
    10**30,
    1.5,
    -1e300,
    1e300,
    "",
    "x",
    "x" * 2000,
    [],
    {},
    [1],
    ["x"],
    [[]],
    [{}],
)
ODD = (
    *ODD,
    {"a": 1},
    {"": ""},
    {"backend": "gcs"},
    {"backend": 1},
    {f"k{n}": "" for n in range(50)},
)


def fields(model: type[settings.Settings], path: str = "") -> Iterator[str]:
    """The dotted paths of all settings of an environment, of elements the first."""
    for name, field in model.model_fields.items():
        yield f"{path}{name}"
        inner = _model_of(field)
        if inner and name not in ("state", "pipelines"):
            yield from fields(inner, f"{path}{name}." + ("0." if "columns" in name else ""))


def test_no_reason_is_in_the_words_of_the_library() -> None:
    paths = [
        *fields(settings.EnvironmentSettings),
        *(
            f"{ORDERS}.{one}"
            for one in fields(settings.PipelineSettings)
            if "d_columns.0" not in one
        ),
        *(f"state.{one}" for one in fields(settings.S3State)),
    ]
    seen = set()
    for path, value in itertools.product(paths, ODD):
        given = changed("state", dict(S3)) if path.startswith("state.") else valid()
        target: Any = given["dev"]
        *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in parents:
            target = target[step] if isinstance(step, int) else target.setdefault(step, {})
        target[last] = copy.deepcopy(value)
        try:
            Environments.model_validate_json(json.dumps({"environments": given}))
        except ValidationError as error:
            seen |= {problem["type"] for problem in error.errors()}
    assert len(seen) > 15
    assert seen <= reasons.KNOWN | {"missing", "value_error"}


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("state", {"backend": "gcs"}, "there is no backend 'gcs'. Allowed"),
        ("state", {"backend": "S3"}, "there is no backend 'S3' (did you mean 's3'?)"),
        ("state", {}, "it has no 'backend'"),
        (ORDERS, None, "expected an object, found null. Allowed: an object with the settings of"),
        ("pipelines.Orders", {}, "Allowed: 1 to 48 lower-case"),
        (f"{ORDERS}.input.columns", {}, "expected a list, found an object"),
        (f"{ORDERS}.job.glue_version", 5.1, 'put it into double quotes ("5.1")'),
        (f"{ORDERS}.job.worker_type", "g.1x", "did you mean 'G.1X'?"),
        (f"{ORDERS}.batch_size", 101, "it is too large"),
        (f"{ORDERS}.batch_size", 1.5, "expected a whole number, found a number"),
        ("tags", {str(n): "" for n in range(41)}, "at most 40 are allowed"),
    ],
)
def test_reason_is_plain(path: str, value: object, why: str) -> None:
    assert why in problems(changed(path, value))


def models() -> list[type[settings.Settings]]:
    return [*settings.Settings.__subclasses__(), *settings.Column.__subclasses__()]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_field_says_what_it_is_and_what_is_allowed(model: type[settings.Settings]) -> None:
    field: FieldInfo
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        assert field.description, name
        assert isinstance(extra, dict), name
        assert extra["allowed"], name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.sampled_from([path for path, *_ in WRONG if ".0." not in path and path.count(".") < 4]),
    json_values,
)
def test_no_value_at_all_ends_in_anything_but_settings_or_a_settings_error(
    path: str, value: Any
) -> None:
    environments = json.loads(json.dumps(changed(path, value)))
    with contextlib.suppress(SettingsError):
        parse_environments(environments)


def test_every_region_that_botocore_offers_is_allowed() -> None:
    session = boto3.session.Session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("s3", partition):
            environment = parse_environments(changed("region", region))["dev"]
            assert partitions()[environment.region] == partition
