"""Fast bindings under the real stacks: what is loaded, and what still works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lazy_bindings.both_ways import (
    PROJECT_FOLDER,
    Synth,
    clean_environment,
    run_python,
    synthesize,
)


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    return synthesize(tmp_path_factory.mktemp("fast"))


def test_a_synth_loads_the_resources_that_it_uses_and_no_others(fast: Synth) -> None:
    assert fast.stderr == ""
    assert "cdktf_cdktf_provider_aws.glue_trigger" in fast.python_modules
    assert len(fast.python_modules) < 100
    assert any("glue-trigger" in file for file in fast.node_modules)
    assert len(fast.node_modules) < 100


def test_resources_that_the_stacks_do_not_use_can_still_be_imported() -> None:
    done = run_python("""
import stacks
from cdktf import TerraformStack, Testing
import cdktf_cdktf_provider_aws as aws
import cdktf_cdktf_provider_aws.kms_key
from cdktf_cdktf_provider_aws import sns_topic

stack = TerraformStack(Testing.app(), "stack")
topic = sns_topic.SnsTopic(stack, "topic", name="a")
key = aws.kms_key.KmsKey(stack, "key", description=topic.arn)
queue = aws.sqs_queue.SqsQueue(stack, "queue", name="b")
assert queue.arn and key.arn and stack.node.find_child("topic") is topic
""")

    assert (done.returncode, done.stderr) == (0, "")


def test_jsii_can_return_a_resource_that_python_has_not_imported_yet() -> None:
    done = run_python("""
import sys
import stacks
from cdktf import TerraformStack, Testing
import cdktf_cdktf_provider_aws.kms_key
from jsii._kernel.types import CreateRequest
from jsii._runtime import kernel

stack = TerraformStack(Testing.app(), "stack")
fqn = "@cdktf/provider-aws.snsTopic.SnsTopic"
kernel.provider.create(CreateRequest(fqn=fqn, args=[stack, "topic"]))
assert "cdktf_cdktf_provider_aws.sns_topic" not in sys.modules

assert type(stack.node.find_child("topic")).__name__ == "SnsTopic"
""")

    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_can_still_be_zipped(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "job.py").write_text("print()")

    done = run_python(f"""
import glob, zipfile
import stacks
from cdktf import App, AssetType, TerraformAsset, TerraformStack

app = App(outdir={str(tmp_path / "out")!r})
stack = TerraformStack(app, "stack")
TerraformAsset(stack, "code", path={str(tmp_path / "code")!r}, type=AssetType.ARCHIVE)
app.synth()
[archive] = glob.glob({str(tmp_path / "out/**/archive.zip")!r}, recursive=True)
assert zipfile.ZipFile(archive).read("job.py") == b"print()"
""")

    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_of_cdktf_says_what_it_is_and_fails_the_synth() -> None:
    done = run_python("""
import stacks
from cdktf import TerraformStack, Testing
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

stack = TerraformStack(Testing.app(), "stack")
SqsQueue(stack, "queue")
SqsQueue(stack, "queue")
""")

    assert done.returncode == 1
    assert "RuntimeError: There is already a Construct with name 'queue'" in done.stderr


def test_every_worker_of_pytest_xdist_has_lazy_bindings(tmp_path: Path) -> None:
    (tmp_path / "test_worker.py").write_text("""
import sys
import pytest
import stacks
from cdktf import Testing, TerraformStack
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

@pytest.mark.parametrize("number", [1, 2])
def test_synth(number: int) -> None:
    stack = TerraformStack(Testing.app(), "stack")
    SqsQueue(stack, "queue", name=str(number))
    assert '"aws_sqs_queue"' in Testing.synth(stack)
    assert sum(name.startswith("cdktf_cdktf_provider_aws.") for name in sys.modules) < 10
""")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "2", str(tmp_path)],
        cwd=tmp_path,
        env=clean_environment(
            PYTHONPATH=str(PROJECT_FOLDER), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=""
        ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert "half is off" not in done.stdout + done.stderr
