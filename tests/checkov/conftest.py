"""The stacks that are scanned are those of the synth tests."""

from __future__ import annotations

from tests.synth.conftest import every_stack, state_stack, synth

__all__ = ["every_stack", "state_stack", "synth"]
