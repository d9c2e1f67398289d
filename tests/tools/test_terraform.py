"""How the sandbox finds Terraform's provider, and what it lets through from the user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.sandbox import terraform
from tools.sandbox.terraform import PROVIDER, Change, Terraform, find_mirror, write_override


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, no configuration, and Terraform found wherever it is asked for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TF_CLI_CONFIG_FILE", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(terraform, "find_terraform", lambda: Path("terraform"))
    return tmp_path


def environment_of(stack: Path, **variables: str) -> dict[str, str]:
    stack.mkdir(exist_ok=True)
    return Terraform(stack, environment=variables)._environment


def test_provider_in_an_implied_mirror_folder_is_found(home: Path) -> None:
    mirror = home / ".terraform.d" / "plugins"
    (mirror / PROVIDER).mkdir(parents=True)
    assert find_mirror() == mirror


def test_mirror_is_used_for_the_aws_provider_only(home: Path) -> None:
    mirror = home / ".terraform.d" / "plugins"
    (mirror / PROVIDER).mkdir(parents=True)
    file = Path(environment_of(home / "stack")["TF_CLI_CONFIG_FILE"])
    assert file.parent == home / "stack"
    text = file.read_text(encoding="utf-8")
    assert f'path    = "{mirror}"' in text
    assert text.count('"registry.terraform.io/hashicorp/aws"') == 2


def test_without_a_mirror_the_provider_is_downloaded_once_for_all_sandboxes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "find_mirror", lambda: None)
    file = Path(environment_of(home / "stack")["TF_CLI_CONFIG_FILE"])
    assert str(home / ".cache" / "burst") in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("named", [True, False])
def test_configuration_of_the_user_goes_first(
    home: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    own = home / ("own.rc" if named else ".terraformrc")
    own.touch()
    if named:
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(own))
    assert environment_of(home / "stack")["TF_CLI_CONFIG_FILE"] == str(own)


def test_configuration_that_is_named_but_missing_is_left_aside(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(home / "missing.rc"))
    assert Path(environment_of(home / "stack")["TF_CLI_CONFIG_FILE"]).is_file()


def test_workspace_and_arguments_for_other_stacks_do_not_reach_this_one(home: Path) -> None:
    passed = environment_of(
        home / "stack", TF_WORKSPACE="prod", TF_CLI_ARGS="-lock=false", TF_LOG="INFO", PATH="/bin"
    )
    assert {"TF_WORKSPACE", "TF_CLI_ARGS"}.isdisjoint(passed)
    assert (passed["TF_LOG"], passed["PATH"]) == ("INFO", "/bin")


def test_override_never_takes_a_newer_provider_than_the_bindings_know(tmp_path: Path) -> None:
    stack = {"terraform": {"required_providers": {"aws": {"version": "6.25.0"}}}}
    (tmp_path / "cdk.tf.json").write_text(json.dumps(stack), encoding="utf-8")
    write_override(tmp_path, access_key="a", secret_key="b", resources={})
    written = json.loads((tmp_path / terraform.OVERRIDE_FILE).read_text(encoding="utf-8"))
    provider = written["terraform"]["required_providers"]["aws"]
    assert provider["version"] == ">= 5.100.0, <= 6.25.0"


RULE = {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
WITHOUT_BLOCKED_TYPES = {terraform.ENCRYPTION: {"lake": {"rule": [RULE]}}}


@pytest.mark.parametrize(
    ("provider", "replaced"),
    [
        ("5.100.0", WITHOUT_BLOCKED_TYPES),
        ("terraform-provider-aws_6.21.0_linux_amd64.zip", WITHOUT_BLOCKED_TYPES),
        ("6.22.0", None),
        (None, None),
    ],
    ids=["unpacked", "packed", "new enough", "from the registry"],
)
def test_override_takes_out_what_an_old_provider_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str | None, replaced: object
) -> None:
    mirror = tmp_path / "mirror" if provider else None
    if mirror and provider:
        (mirror / PROVIDER / provider).mkdir(parents=True)
    monkeypatch.setattr(terraform, "find_mirror", lambda: mirror)
    stack = {
        "terraform": {"required_providers": {"aws": {"version": "6.25.0"}}},
        "resource": {
            terraform.ENCRYPTION: {
                "lake": {"bucket": "lake", "rule": [RULE | {"blocked_encryption_types": ["SSE-C"]}]}
            }
        },
    }
    (tmp_path / "cdk.tf.json").write_text(json.dumps(stack), encoding="utf-8")
    write_override(tmp_path, access_key="a", secret_key="b", resources={})
    written = json.loads((tmp_path / terraform.OVERRIDE_FILE).read_text(encoding="utf-8"))
    assert written.get("resource") == replaced


def test_progress_counts_resources_and_errors_are_collected() -> None:
    lines = [
        '{"type": "apply_complete", "hook": {"resource": {"addr": "data.a.b"}}}',
        '{"type": "change_summary", "changes": {"operation": "plan", "add": 2, "change": 1,'
        ' "remove": 0}}',
        '{"type": "apply_start", "hook": {"resource": {"addr": "data.a.late"}}}',
        '{"type": "apply_start", "hook": {"resource": {"addr": "a.first"}}}',
        '{"type": "apply_start", "hook": {"resource": {"addr": "a.second"}}}',
        '{"type": "apply_progress", "hook": {"resource": {"addr": "a.first"}}}',
        '{"type": "apply_complete", "hook": {"resource": {"addr": "a.first"}}}',
        "no json at all",
        '{"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "No.",'
        ' "detail": "Because.", "address": "a.second"}}',
        '{"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "Hm."}}',
    ]
    seen: list[Change] = []
    assert terraform._follow(lines, seen.append) == ["a.second: No. Because."]
    assert seen[-2] == Change(0, 3, "a.first", waiting=("a.first", "a.second"))
    assert seen[-1] == Change(1, 3, "a.first", waiting=("a.second",))
