"""What is deployed, by name: the Terraform outputs of one environment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from tools.operate.errors import InputError, NotDeployedError
from tools.operate.words import did_you_mean
from tools.processes import run

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
STACKS_FOLDER = PROJECT_FOLDER / "cdktf.out" / "stacks"
OUTPUTS_VARIABLE = "BURST_OUTPUTS"
# The folder of the sandbox whose environment this shell has sourced.
SANDBOX_VARIABLE = "BURST_SANDBOX"
# What a shell types that belongs to a sandbox, to be as it was.
LEAVE_SANDBOX = "leave_sandbox"
# How long Terraform may take to end after a Ctrl-C.
TERRAFORM_SECONDS = 10.0


@dataclass(frozen=True)
class DeployedPipeline:
    """One deployed pipeline. suffix "" is any; paused is the setting, not the rule's state.

    sweep_rule_name: "" where the sweep is off.
    trigger_name: "" where the outputs are older than this field.
    """

    name: str
    prefix: str
    suffix: str
    rule_name: str
    sweep_rule_name: str
    workflow_name: str
    job_name: str
    dead_letter_queue_url: str
    log_group_prefix: str
    paused: bool
    trigger_name: str = ""

    def owns(self, key: str) -> bool:
        """Whether a key of the landing bucket belongs to this pipeline."""
        return key.startswith(self.prefix) and key.endswith(self.suffix)


@dataclass(frozen=True)
class Deployment:
    """One deployed environment.

    topic_arn: "" where the outputs are older than this field. kms_key_arn: "" without a key.
    stack_folder: where Terraform was asked for the names; None where a file gave them.
    """

    environment: str
    region: str
    landing_bucket: str
    lake_bucket: str
    pipelines: Mapping[str, DeployedPipeline]
    topic_arn: str = ""
    kms_key_arn: str = ""
    stack_folder: Path | None = None

    def pipeline(self, name: str) -> DeployedPipeline:
        """The pipeline of this name; raises `InputError` that names the deployed ones."""
        if name not in self.pipelines:
            hint = did_you_mean(name, list(self.pipelines))
            raise InputError(
                f"There is no pipeline {name!r}{hint} in the environment {self.environment!r}. "
                f"Deployed: {', '.join(sorted(self.pipelines))}."
            )
        return self.pipelines[name]


def read_deployments(environment: str | None, outputs: Path | None) -> list[Deployment]:
    """The named environment, or every one that is deployed where none is named.

    The names come from ``outputs`` (what `terraform output -json` printed), else from the file
    that BURST_OUTPUTS names, else from Terraform in cdktf.out/stacks/<environment>. Raises
    `InputError` where nothing is deployed, and where the file describes another environment.
    """
    if outputs is None and os.environ.get(OUTPUTS_VARIABLE):
        outputs = Path(os.environ[OUTPUTS_VARIABLE])
    if outputs is not None:
        return [_from_file(outputs, environment)]
    if environment is not None:
        return [_from_terraform(environment)]
    synthesized = sorted(path.name for path in STACKS_FOLDER.glob("*") if path.is_dir())
    # Where Terraform was never initialized, nothing was deployed from here.
    found = [
        parse_outputs(values, source=_source(name))
        for name in synthesized
        if (STACKS_FOLDER / name / ".terraform").is_dir() and (values := _terraform_outputs(name))
    ]
    if not found:
        raise InputError(f"Nothing is deployed from {STACKS_FOLDER}. {_HOW_TO_DEPLOY}")
    return found


def read_deployment(environment: str, outputs: Path | None) -> Deployment:
    """The named environment; raises `InputError` as `read_deployments` does."""
    return read_deployments(environment, outputs)[0]


def parse_outputs(values: Mapping[str, Any], *, source: str) -> Deployment:
    """Outputs by name, plain or as `terraform output -json` wraps them; raises `InputError`."""
    plain = {
        name: item["value"] if isinstance(item, dict) and "value" in item else item
        for name, item in values.items()
    }
    if not plain:
        raise InputError(f"Nothing is deployed: {source} has no outputs. {_HOW_TO_DEPLOY}")
    try:
        return Deployment(
            environment=_text(plain["environment"]),
            region=_text(plain["region"]),
            landing_bucket=_text(plain["landing_bucket_name"]),
            lake_bucket=_text(plain["lake_bucket_name"]),
            pipelines={name: _pipeline(name, part) for name, part in plain["pipelines"].items()},
            topic_arn=_text(plain.get("topic_arn", "")),
            kms_key_arn=_text(plain.get("kms_key_arn", "")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{source} does not hold the outputs of a Burst stack: {error!s} is missing or is "
            "something else. Give what `terraform -chdir=cdktf.out/stacks/<environment> output "
            "-json` prints."
        ) from error


_HOW_TO_DEPLOY = (
    "Deploy first (docs/deploying.md), or name a file with the outputs of `terraform output "
    "-json` by --outputs or the variable BURST_OUTPUTS."
)


def _pipeline(name: str, part: Mapping[str, Any]) -> DeployedPipeline:
    # A stack that was deployed before these settings existed has no such outputs.
    known = {
        "name": name,
        "paused": str(part.get("paused", "false")).lower() == "true",
        "sweep_rule_name": str(part.get("sweep_rule_name", "")),
        "trigger_name": str(part.get("trigger_name", "")),
    }
    texts = {
        field.name: _text(part[field.name])
        for field in fields(DeployedPipeline)
        if field.name not in known
    }
    return DeployedPipeline(**known, **texts)  # type: ignore[arg-type]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text instead of {value!r:.40}")
    return value


def _from_file(file: Path, environment: str | None) -> Deployment:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"The outputs cannot be read: {file}: {error.strerror}.") from error
    values = _parsed(content, str(file))
    if not isinstance(values, dict):
        raise InputError(f"{file} holds no JSON object with the outputs of a stack.")
    deployment = parse_outputs(values, source=str(file))
    if environment not in (None, deployment.environment):
        raise InputError(
            f"{file} describes the environment {deployment.environment!r}, not {environment!r}"
            f"{_way_out(environment, deployment.environment)}"
        )
    return deployment


def _way_out(environment: str, described: str) -> str:
    """How the sentence about another environment ends: a typing error, or another sandbox."""
    known = _environments_of_the_settings()
    if known is not None and environment not in known:
        hint = did_you_mean(environment, list(dict.fromkeys((described, *known))))
        return f"{hint}. cdktf.json has no {environment!r}; it has {', '.join(known)}."
    if SANDBOX_VARIABLE not in os.environ:
        return "."
    another = f", and `burst sandbox --environment {environment}` starts another"
    return (
        f". This shell belongs to a sandbox: `{LEAVE_SANDBOX}` gives it back"
        f"{another if known else ''}."
    )


def _environments_of_the_settings() -> list[str] | None:
    """The names in cdktf.json; None where it cannot be used."""
    from stacks.settings import SettingsError, read_environments

    try:
        return list(read_environments(PROJECT_FOLDER / "cdktf.json"))
    except SettingsError:
        return None


def _parsed(content: bytes, name: str) -> Any:
    # Here, because pydantic takes a while and only this needs the settings.
    from stacks.settings import SettingsError, parse_document, settings_text

    try:
        return parse_document(settings_text(content, name), name)
    except SettingsError as error:
        raise InputError(str(error)) from error


def _from_terraform(environment: str) -> Deployment:
    folder = STACKS_FOLDER / environment
    if not folder.is_dir():
        known = sorted(path.name for path in STACKS_FOLDER.glob("*") if path.is_dir())
        hint = did_you_mean(environment, known)
        there = f"Synthesized: {', '.join(known)}." if known else "Nothing is synthesized yet."
        raise NotDeployedError(
            f"There is no stack of an environment {environment!r}{hint} in {STACKS_FOLDER}. "
            f"{there} `pipenv run python main.py` writes those of cdktf.json. {_HOW_TO_DEPLOY}"
        )
    deployment = parse_outputs(_terraform_outputs(environment), source=_source(environment))
    if deployment.environment != environment:
        raise InputError(f"{folder} holds the state of the environment {deployment.environment!r}.")
    return replace(deployment, stack_folder=folder)


def _source(environment: str) -> str:
    return f"the Terraform state of {environment!r}"


def _terraform_outputs(environment: str) -> dict[str, Any]:
    terraform = shutil.which("terraform")
    if terraform is None:
        raise InputError(
            "Terraform is not on the PATH, so the names of what is deployed cannot be read: "
            "install it, or give the outputs as a file by --outputs."
        )
    folder = STACKS_FOLDER / environment
    if not (folder / ".terraform").is_dir():
        raise NotDeployedError(
            f"The environment {environment!r} is not deployed from here: deploy it with `pipenv "
            f"run deploy {environment}`, or, where it was deployed from elsewhere, run `terraform "
            f"-chdir={folder} init` once."
        )
    command = [terraform, f"-chdir={folder}", "output", "-json", "-no-color"]
    done = run("terraform output", command, patience=TERRAFORM_SECONDS)
    if done.returncode != 0:
        raise InputError(
            f"Terraform cannot read the outputs of {folder}; run `terraform -chdir={folder} init` "
            f"once. It says:\n{first_error(done.stderr)}"
        )
    values = json.loads(done.stdout)
    return values if isinstance(values, dict) else {}


def first_error(text: str) -> str:
    """Terraform's first error, in its own lines and without its frame.

    A second one mostly follows from the first.
    """
    lines = [line.strip("│╷╵ ") for line in text.strip().splitlines()]
    errors = [number for number, line in enumerate(lines) if line.startswith("Error:")]
    shown = lines[errors[0] : errors[1] if len(errors) > 1 else None] if errors else lines
    return "\n".join(f"  {line}" if line else "" for line in shown).rstrip()
