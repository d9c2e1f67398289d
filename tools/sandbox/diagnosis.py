"""Why files wait in landing and nothing happens: looks at what is deployed and names the cause.

The same links as `burst check` looks at, decided by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.operate.checking import Verdict, chain, look
from tools.operate.connection import Connection
from tools.operate.deployment import parse_outputs
from tools.sandbox.account import Account


def causes(account: Account, outputs: Mapping[str, Any], pipeline: str, key: str) -> list[str]:
    """Every broken link between the landing bucket and the rows, in the data's order.

    key: of a file that waits.
    """
    deployment = parse_outputs(outputs, source="the sandbox")
    connection = Connection(deployment.region, session=_Session(account))
    facts = look(connection, deployment, deployment.pipeline(pipeline), key)
    return [finding.detail for finding in chain(facts) if finding.verdict is Verdict.NOT_SEEN]


class _Session:
    """Gives the account's own clients, on which the user's AWS settings have no influence."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def client(self, service: str, **_: object) -> Any:
        return self._account.client(service)
