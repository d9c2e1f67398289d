"""Inference has a proof that takes long."""

from tests.long_proofs import pytest_collection_modifyitems, pytest_configure

__all__ = ["pytest_collection_modifyitems", "pytest_configure"]
