"""`burst check`: a deployment proves itself.

`looking` and `topic` read facts, `links` and `alert_links` decide on them link by link. `flight`
sends probes and follows them, `aftermath` looks at what they left, `promises` decides on what was
seen, and `cleaning` takes everything away. `check` is the way through.
"""

from tools.operate.checking.check import Check, Looked, Options
from tools.operate.checking.cost import Cost, cost_words
from tools.operate.checking.findings import Finding, Verdict
from tools.operate.checking.links import chain
from tools.operate.checking.looking import look

__all__ = [
    "Check",
    "Cost",
    "Finding",
    "Looked",
    "Options",
    "Verdict",
    "chain",
    "cost_words",
    "look",
]
