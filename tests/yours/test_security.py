"""Every rule of the security bar, held against your stacks.

The rules, and their exceptions with reasons, are in `tests/synth/test_security.py`. A rule that is
added there counts here by itself.
"""

from __future__ import annotations

from inspect import signature

from tests.synth import test_security as _bar

globals().update(
    {
        name: rule
        for name, rule in vars(_bar).items()
        if name.startswith("test_") and "stack" in signature(rule).parameters
    }
)
