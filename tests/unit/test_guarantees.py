"""Each guarantee, each line about isolation and each promise of the protocol names its tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_guarantee_names_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    section = page.partition("\n## ")[0]
    guarantees = re.split(r"^\d+\. ", section, flags=re.M)[1:]

    assert len(guarantees) == 6
    for guarantee in guarantees:
        must_name_proofs(guarantee)


def test_every_line_about_isolation_names_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    section = page.partition("\n## Isolation\n")[2]
    paragraphs = [text for text in section.split("\n\n") if text.strip()]

    assert len(paragraphs) == 5
    for paragraph in paragraphs:
        must_name_proofs(paragraph)


def test_every_promise_of_the_protocol_names_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "batch-protocol.md").read_text(encoding="utf-8")
    table = page.partition("| promise | why | proven by |\n")[2].partition("\n\n")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines()[1:]]

    assert len(rows) == 12
    for *_, proof in rows:
        names = re.findall(r"`([^`]+)`", proof)
        assert names, proof
        assert all((ROOT / name).is_file() for name in names), proof


def must_name_proofs(text: str) -> None:
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    _, proven, proof = text.partition("*Proven by*")
    assert proven, text
    names = re.findall(r"`([^`]*(?:tests/|test_)[^`]*)`", proof)
    assert names, text
    for name in names:
        assert (ROOT / name).exists() or name in files, name
