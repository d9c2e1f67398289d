"""A plan as data: what Terraform wants to do, with nothing sensitive in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Path = tuple[str | int, ...]


class Action(StrEnum):
    """What happens to one resource; the order is that of importance to a reviewer."""

    DESTROY = "destroy"
    REPLACE = "replace"
    FORGET = "forget"
    CHANGE = "change"
    ADD = "add"
    READ = "read"
    NO_OP = "no-op"


@dataclass(frozen=True)
class Unknown:
    """A value that is known only after the apply."""

    def __str__(self) -> str:
        return "(known after apply)"


@dataclass(frozen=True)
class Sensitive:
    """In place of a value that Terraform marks as sensitive.

    Equal values have equal fingerprints within one process; they reveal nothing else.
    """

    fingerprint: str = field(repr=False)

    def __str__(self) -> str:
        return "(sensitive value)"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class ResourceChange:
    """What happens, or happened outside of Terraform, to one resource.

    Attributes:
        address: as Terraform writes it, like `aws_s3_bucket.landing_bucket_34B0CCFA`.
        before: attributes now (in a drift: as Terraform last knew them); empty for a new resource.
        after: attributes afterwards (in a drift: as they are); empty for one that goes.
        replace_paths: the attributes that force a replacement.
        reason: Terraform's `action_reason`, like `delete_because_no_resource_config`.
        deposed: an older object that a replacement left behind, not the resource itself.
        previous_address: where it comes from, if it is moved.
        imported: it exists already and comes under Terraform's management.
    """

    address: str
    type: str
    name: str
    action: Action
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    replace_paths: tuple[Path, ...] = ()
    reason: str | None = None
    deposed: bool = False
    previous_address: str | None = None
    imported: bool = False

    @property
    def known(self) -> dict[str, Any]:
        """What it is now, or what it will be where it is not yet."""
        return self.before or self.after

    @property
    def goes(self) -> bool:
        """Whether what is there now will be gone."""
        return self.action in (Action.DESTROY, Action.REPLACE)


@dataclass(frozen=True)
class OutputChange:
    """What happens to one output of the stack."""

    name: str
    action: Action
    before: Any
    after: Any


@dataclass(frozen=True)
class Invocation:
    """An action that the apply invokes; trigger: the resource whose change does it, or ""."""

    address: str
    trigger: str


@dataclass(frozen=True)
class Check:
    """A condition in the configuration that is not met, or not decided before the apply.

    status: fail, error or unknown (Terraform documentation, "JSON Output Format", checks).
    """

    address: str
    status: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Deferred:
    """A resource or an action that Terraform put off to a later plan, and its keyword for why."""

    address: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Everything that a review looks at.

    Attributes:
        stack: the environment, if the stack has an output of this name.
        errored: True where Terraform could not finish the plan.
        complete: False where Terraform put some changes off to a later plan.
        changes: all managed resources and the data sources that are read, also those without a
            change.
        drift: what changed outside of Terraform since the last apply.
        data: attributes of the data sources that are read already, by address.
        references: for each address and attribute, what its expression refers to.
        configured: the addresses of all resources in the configuration.
        invocations, checks, deferred: see there; checks that passed are left out.
        unknown_parts: properties of the document that this review does not know, and how many
            values each has.
    """

    terraform_version: str = ""
    stack: str | None = None
    errored: bool = False
    complete: bool = True
    changes: tuple[ResourceChange, ...] = ()
    drift: tuple[ResourceChange, ...] = ()
    outputs: tuple[OutputChange, ...] = ()
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    references: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    configured: frozenset[str] = frozenset()
    invocations: tuple[Invocation, ...] = ()
    checks: tuple[Check, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    unknown_parts: Mapping[str, int] = field(default_factory=dict)
