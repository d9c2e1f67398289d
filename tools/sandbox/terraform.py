"""Terraform on this machine: the real command line and provider against the emulated account.

The synthesized stack is used as it is. What must differ in the sandbox (whose keys are used, how
old the provider may be, where the state and the curated files go) is in one override file next
to it, which Terraform merges by itself (Terraform documentation, "Override Files").

The environment says where the account is, by `AWS_ENDPOINT_URL`. The provider has a block
`endpoints` for that, too, but takes two seconds of computing to check it, at every plan and apply
(pulumi/pulumi-terraform-bridge#1448).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.processes import run, started
from tools.sandbox.errors import SandboxError

MINIMUM_VERSION = (1, 11)
MINIMUM_PROVIDER = "5.100.0"
PROVIDER = Path("registry.terraform.io/hashicorp/aws")
ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration"
# The first provider that knows `blocked_encryption_types` (its changelog); the stacks state it.
KNOWS_BLOCKED_TYPES = (6, 22)
OVERRIDE_FILE = "sandbox_override.tf.json"
INHERITED = frozenset({"TF_LOG", "TF_LOG_PATH", "TF_PLUGIN_CACHE_DIR"})
INTERRUPT_SECONDS = 20.0


@dataclass(frozen=True)
class Change:
    """A step of a running apply or destroy: ``done`` of ``total`` resources, the newest named.

    Attributes:
        waiting: the resources that are being changed, those for the longest time first.
    """

    done: int
    total: int
    resource: str
    waiting: tuple[str, ...] = ()


class Terraform:
    """Runs Terraform in one stack's folder.

    Raises `SandboxError` when Terraform is missing or too old, when there is no provider, or
    when a command fails; the message holds what Terraform said.
    """

    def __init__(self, folder: Path, *, environment: Mapping[str, str]) -> None:
        self._folder = folder.resolve()
        self._executable = find_terraform()
        self._environment = terraform_environment(self._folder, environment)

    def init(self) -> None:
        """Install the provider and set the state backend up."""
        done = self._run("init", "-input=false", "-no-color")
        if done.returncode == 0:
            return
        if re.search(r"Failed to (query|install|resolve).* provider", done.stderr):
            raise SandboxError(
                "Terraform cannot get the AWS provider: allow it to reach its public registry, or "
                "put the provider into a local mirror folder (`terraform providers mirror`, in "
                f"~/.terraform.d/plugins). Terraform said: {_first_error(done.stderr)}"
            )
        raise SandboxError(f"`terraform init` failed: {done.stderr.strip()}")

    def validate(self) -> None:
        """Check the stack against the provider's schema."""
        self._checked("validate", "-no-color")

    def plan(self, *arguments: str) -> bool:
        """Whether there is anything to change; `-out=FILE` among ``arguments`` saves the plan."""
        done = self._run("plan", "-input=false", "-no-color", "-detailed-exitcode", *arguments)
        if done.returncode not in (0, 2):
            raise SandboxError(f"`terraform plan` failed: {done.stderr.strip()}")
        return done.returncode == 2

    def apply(
        self, report: Callable[[Change], None] = lambda change: None, *, saved_plan: str = ""
    ) -> None:
        """Make the account what the stack says; ``report`` is called at every step.

        ``saved_plan``: a plan that `plan("-out=...")` saved; without one, one is made.
        """
        self._change("apply", report, *([saved_plan] if saved_plan else []))

    def destroy(
        self, report: Callable[[Change], None] = lambda change: None, *, refresh: bool = True
    ) -> None:
        """Remove everything that the stack made; without ``refresh`` as the state knows it."""
        self._change("destroy", report, *([] if refresh else ["-refresh=false"]))

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs by name."""
        values = json.loads(self._checked("output", "-json").stdout)
        return {name: output["value"] for name, output in values.items()}

    def show(self, *saved_plan: str) -> dict[str, Any]:
        """The state, or a plan that `plan("-out=...")` saved (`terraform show -json`)."""
        shown: dict[str, Any] = json.loads(self._checked("show", "-json", *saved_plan).stdout)
        return shown

    def show_text(self, saved_plan: str) -> str:
        """A plan that was saved, as Terraform prints it for people."""
        return self._checked("show", "-no-color", saved_plan).stdout

    def _checked(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self._run(*arguments)
        if done.returncode != 0:
            raise SandboxError(f"`terraform {arguments[0]}` failed: {done.stderr.strip()}")
        return done

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self._started(*arguments) as process:
            output, errors = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def _change(self, command: str, report: Callable[[Change], None], *arguments: str) -> None:
        with self._started(
            command, "-input=false", "-auto-approve", "-json", "-parallelism=20", *arguments
        ) as process:
            errors = _follow(process.stdout or (), report)
            if not errors and process.stderr:
                errors = [process.stderr.read().strip()]
        if process.returncode != 0:
            raise SandboxError(f"`terraform {command}` failed: " + "\n".join(errors))

    def _started(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """One interrupt and patience is how Terraform wants to be ended: it writes its state."""
        return started(
            f"terraform {arguments[0]}",
            [str(self._executable), f"-chdir={self._folder}", *arguments],
            patience=INTERRUPT_SECONDS,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def terraform_environment(folder: Path, base: Mapping[str, str]) -> dict[str, str]:
    """The environment for a Terraform that runs in ``folder``, without the user's settings of it.

    A workspace, a data folder or arguments that the user has set are meant for other stacks. Where
    the user has no CLI configuration, one is written into ``folder``.
    """
    kept = {k: v for k, v in base.items() if not k.startswith("TF_") or k in INHERITED}
    return kept | {
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(_cli_configuration(folder)),
    }


def find_terraform() -> Path:
    """The Terraform command line on the PATH.

    Raises `SandboxError` when there is none or it is older than the S3 backend's lock file.
    """
    wanted = ".".join(map(str, MINIMUM_VERSION))
    found = shutil.which("terraform")
    if found is None:
        raise SandboxError(
            f"Terraform is not on the PATH: install version {wanted} or newer "
            "(https://developer.hashicorp.com/terraform/install)."
        )
    shown = run("terraform version", [found, "version", "-json"], patience=0.0)
    version = re.search(r'"terraform_version":\s*"(\d+)\.(\d+)[^"]*"', shown.stdout)
    if version is None or (int(version[1]), int(version[2])) < MINIMUM_VERSION:
        number = f"{version[1]}.{version[2]}" if version else "of an unknown version"
        raise SandboxError(
            f"Terraform on the PATH is {number}: install version {wanted} or newer "
            "(https://developer.hashicorp.com/terraform/install)."
        )
    return Path(found)


def write_override(
    folder: Path,
    *,
    access_key: str | None,
    secret_key: str | None,
    resources: Mapping[str, Mapping[str, Mapping[str, Any]]],
    backend: Mapping[str, Any] | None = None,
) -> None:
    """Write the override file of the stack in ``folder``.

    Without keys the provider takes those of its environment.
    ``resources`` holds attributes by resource type and name; each takes the place of the stack's.
    ``backend`` takes the place of the stack's state backend; a file in ``folder`` by default.
    """
    stack = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    override: dict[str, Any] = {
        "terraform": {
            "backend": backend or {"local": {"path": "sandbox.tfstate"}},
            "required_providers": {
                "aws": {
                    "source": "aws",
                    "version": f">= {MINIMUM_PROVIDER}, <= {_bindings_version(stack)}",
                }
            },
        },
        "provider": {
            "aws": {
                "access_key": access_key,
                "secret_key": secret_key,
                "s3_use_path_style": True,
                "skip_credentials_validation": True,
                "skip_metadata_api_check": True,
                "skip_region_validation": True,
                # The emulated account is none of those that the environments are for.
                "allowed_account_ids": None,
            }
        },
    }
    replaced = dict(resources)
    if (found := find_mirror()) and _newest_provider(found) < KNOWS_BLOCKED_TYPES:
        replaced |= _without_blocked_types(stack)
    if replaced:  # Terraform wants at least one type in a block of resources.
        override["resource"] = replaced
    (folder / OVERRIDE_FILE).write_text(json.dumps(override, indent=2), encoding="utf-8")


def _newest_provider(mirror: Path) -> tuple[int, ...]:
    """The newest version in a mirror, packed or unpacked (Terraform documentation, "Provider
    Installation", section on filesystem mirrors)."""
    names = [path.name for path in (mirror / PROVIDER).iterdir()]
    found = (re.search(r"(\d+)\.(\d+)\.\d+", name) for name in names)
    return max((tuple(map(int, version.groups())) for version in found if version), default=())


def _without_blocked_types(stack: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of encryption for a provider that is too old for one of their attributes.

    A nested block of an override takes the place of all blocks of its type, and what it replaces
    is not checked (Terraform documentation, "Override Files", section on merging blocks).
    """
    rules = {
        name: {"rule": [_without(rule, "blocked_encryption_types") for rule in item["rule"]]}
        for name, item in stack.get("resource", {}).get(ENCRYPTION, {}).items()
    }
    return {ENCRYPTION: rules} if rules else {}


def _without(block: Mapping[str, Any], attribute: str) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != attribute}


def _bindings_version(stack: Mapping[str, Any]) -> str:
    """The provider version that the bindings pin: never take a newer one."""
    return str(stack["terraform"]["required_providers"]["aws"]["version"])


def _cli_configuration(folder: Path) -> Path:
    """The file that tells Terraform where its provider is.

    The user's own goes first. Without one, a folder that holds the provider serves as mirror;
    without that, Terraform takes the provider from its public registry, once for all sandboxes.
    """
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    users = [Path(named)] if named else []
    for file in (*users, Path.home() / ".terraformrc"):
        if file.is_file():
            return file
    configuration = folder / "terraform.rc"
    configuration.write_text(_provider_installation(find_mirror()), encoding="utf-8")
    return configuration


def _provider_installation(mirror: Path | None) -> str:
    if mirror is None:
        cache = Path.home() / ".cache" / "burst" / "terraform-plugins"
        cache.mkdir(parents=True, exist_ok=True)
        return f"plugin_cache_dir = {json.dumps(str(cache))}\n"
    return (
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path    = {json.dumps(str(mirror))}\n"
        f'    include = ["{PROVIDER.as_posix()}"]\n  }}\n'
        f'  direct {{\n    exclude = ["{PROVIDER.as_posix()}"]\n  }}\n}}\n'
    )


def find_mirror() -> Path | None:
    """A local folder that holds the AWS provider, or None.

    First the folders where Terraform itself looks (Terraform documentation, "Implied Local Mirror
    Directories"), then those directly under the root's ``opt`` folder.
    """
    data_home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    root = Path(Path.cwd().anchor)
    candidates = [
        Path.home() / ".terraform.d" / "plugins",
        data_home / "terraform" / "plugins",
        root.joinpath("usr", "local", "share", "terraform", "plugins"),
        root.joinpath("usr", "share", "terraform", "plugins"),
        *sorted(root.joinpath("opt").glob("*")),
    ]
    return next((folder for folder in candidates if (folder / PROVIDER).is_dir()), None)


def _follow(lines: Iterable[str], report: Callable[[Change], None]) -> list[str]:
    """Read Terraform's machine-readable output; returns its error messages."""
    done, total, errors = 0, 0, []
    waiting: dict[str, None] = {}
    for line in lines:
        message = _parsed(line)
        kind = message.get("type")
        address = message.get("hook", {}).get("resource", {}).get("addr", "")
        if address.startswith("data.") and kind != "diagnostic":
            continue  # It is read, which is no change.
        if kind == "change_summary" and message["changes"]["operation"] == "plan":
            changes = message["changes"]
            total = changes["add"] + changes["change"] + changes["remove"]
        elif kind == "apply_start":
            waiting[address] = None
        elif kind in ("apply_complete", "apply_errored"):
            done += kind == "apply_complete"
            waiting.pop(address, None)
        elif kind == "diagnostic" and message["diagnostic"]["severity"] == "error":
            errors.append(_diagnosis(message["diagnostic"]))
        if kind in ("change_summary", "apply_start", "apply_progress", "apply_complete"):
            report(Change(min(done, total), total, address, tuple(waiting)))
    return errors


def _parsed(line: str) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _diagnosis(diagnostic: Mapping[str, Any]) -> str:
    where = f"{diagnostic['address']}: " if diagnostic.get("address") else ""
    return f"{where}{diagnostic['summary']} {diagnostic.get('detail', '')}".strip()


def _first_error(text: str) -> str:
    lines = [line.strip("│╷╵ ") for line in text.splitlines()]
    return " ".join(line for line in lines if line)[:300]
