"""Deployments with an account of their own, one a file, beside the one that the others share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.conftest import skip_without_terraform
from tools.sandbox.account import Account
from tools.sandbox.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An empty account with an engine that plays what is deployed to it."""
    skip_without_terraform()
    with Sandbox(tmp_path_factory.mktemp("alone") / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def account(sandbox: Sandbox) -> Account:
    return sandbox.account
