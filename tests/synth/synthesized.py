"""A synthesized stack as plain data, so that a test can look at all resources and not at one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Policy:
    """A policy document and the resource that carries it: its path, its type, what it is set to."""

    resource: str
    attribute: str
    statements: tuple[dict[str, Any], ...]
    kind: str
    settings: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.resource} {self.attribute}"

    @property
    def document(self) -> dict[str, Any]:
        """The policy as IAM takes it."""
        document: dict[str, Any] = json.loads(self.settings[self.attribute])
        return document


@dataclass(frozen=True)
class Synthesized:
    """What `cdk.tf.json` holds, and the folder that it lies in."""

    folder: Path
    text: str
    document: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Synthesized:
        text = (folder / "cdk.tf.json").read_text(encoding="utf-8")
        return cls(folder, text, json.loads(text))

    @property
    def is_as_it_was_read(self) -> bool:
        """Whether no test has changed the document, which all share."""
        return bool(self.document == json.loads(self.text))

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """All resources of a type by the path of their construct, without cdktf's metadata.

        They are the caller's own: a test may take them apart.
        """
        return {
            item["//"]["metadata"]["path"].split("/", 1)[1]: {
                name: copy.deepcopy(value) for name, value in item.items() if name != "//"
            }
            for item in self.document["resource"].get(kind, {}).values()
        }

    def only(self, kind: str) -> dict[str, Any]:
        """The one resource of a type; fails where there is none or more than one."""
        (resource,) = self.resources(kind).values()
        return resource

    def address(self, kind: str, path: str) -> str:
        """The Terraform address of a resource, as references spell it."""
        for name, item in self.document["resource"][kind].items():
            if item["//"]["metadata"]["path"].split("/", 1)[1] == path:
                return f"{kind}.{name}"
        raise KeyError(path)

    def data(self, kind: str, path: str) -> str:
        """The Terraform address of a data source, as references spell it."""
        for name, item in self.document["data"][kind].items():
            if item["//"]["metadata"]["path"].split("/", 1)[1] == path:
                return f"data.{kind}.{name}"
        raise KeyError(path)

    def policies(self) -> Iterator[Policy]:
        """Every policy document in the stack, whatever type of resource carries it."""
        for kind in self.document["resource"]:
            for path, item in self.resources(kind).items():
                for attribute, value in item.items():
                    if statements := _statements(value):
                        yield Policy(path, attribute, statements, kind, item)


def _statements(value: Any) -> tuple[dict[str, Any], ...]:
    """The statements of an attribute that is a policy document; none of any other."""
    try:
        document = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return ()
    return tuple(document.get("Statement", ())) if isinstance(document, dict) else ()
