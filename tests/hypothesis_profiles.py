"""How many examples Hypothesis tries. How long one takes says more about the machine than the code.

The gate looks for longer (`--hypothesis-profile thorough`) than somebody does who has just changed
something.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

for _name, _examples in {"few": 2, "quick": 10, "thorough": 200}.items():
    settings.register_profile(
        _name,
        deadline=None,
        max_examples=_examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("quick")
