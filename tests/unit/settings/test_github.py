"""Who may plan and deploy from GitHub: what is refused, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.settings import parse_environments
from tests.unit.settings.test_settings import changed, problems

S3 = {"backend": "s3", "bucket": "example-terraform-state"}
GITHUB = {"repository": "octo-org/octo-repo"}


def environments(**github: Any) -> Any:
    settings = changed("state", S3)
    settings["dev"] |= {"account_id": "123456789012", "github": GITHUB | github}
    return settings


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("repository", "octo-org/octo-repo/x", "OWNER/NAME"),
        ("repository", "-octo/octo-repo", "OWNER/NAME"),
        ("repository", "repo:octo-org/octo-repo", "OWNER/NAME"),
        # Both ids or none: GitHub never signs the half of it.
        ("repository", "octo-org@1/octo-repo", "OWNER@ID/NAME@ID"),
        ("repository", "octo-org/octo-repo@2", "OWNER@ID/NAME@ID"),
        ("deploy_environment", "", "1 to 255"),
        ("deploy_environment", "prod*", "letters, digits"),
        ("branch", "main", "one of repository"),
    ],
)
def test_wrong_value_is_named_with_what_is_allowed(field: str, value: Any, allowed: str) -> None:
    message = problems(environments(**{field: value}))
    assert f"environment 'dev', field 'github.{field}' = " in message
    assert allowed in message.split("Allowed:", 1)[1]


def test_repository_must_be_there() -> None:
    settings = environments()
    settings["dev"]["github"] = {}
    assert "field 'github.repository' is missing" in problems(settings)


def test_account_of_the_roles_must_be_known() -> None:
    settings = environments()
    del settings["dev"]["account_id"]
    message = problems(settings)
    assert "environment 'dev', field 'github'" in message
    assert "set the field 'account_id'" in message


@pytest.mark.parametrize("repository", ["octo-org/octo.repo_1", "octo-org@12/octo-repo@345"])
def test_both_forms_of_a_subject_are_allowed(repository: str) -> None:
    github = parse_environments(environments(repository=repository))["dev"].github
    assert github
    assert github.repository == repository


@pytest.mark.parametrize("state", [None, {"backend": "local"}])
def test_state_that_a_workflow_cannot_reach_is_refused(state: Any) -> None:
    settings = environments()
    del settings["dev"]["state"]
    if state:
        settings["dev"]["state"] = state
    message = problems(settings)
    assert "environment 'dev', field 'github'" in message
    assert "a workflow keeps no file" in message
    assert '{"backend": "s3", "bucket": ...}' in message


@pytest.mark.parametrize("account_id", [None, "123456789012"])
def test_environment_whose_name_the_roles_of_another_would_cover_is_refused(
    account_id: str | None,
) -> None:
    settings = environments()
    settings["dev-eu"] = changed("account_id", account_id)["dev"]
    message = problems(settings)
    assert "the roles of 'dev'" in message
    assert "those of 'dev-eu' too" in message


def test_same_names_in_another_account_are_allowed() -> None:
    settings = environments()
    settings["dev-eu"] = changed("account_id", "210987654321")["dev"]
    assert set(parse_environments(settings)) == {"dev", "dev-eu"}


def test_names_that_only_begin_alike_are_allowed() -> None:
    settings = environments()
    settings["devel"] = changed("region", "eu-west-1")["dev"]
    assert set(parse_environments(settings)) == {"dev", "devel"}
