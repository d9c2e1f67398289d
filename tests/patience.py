"""How long a test waits for what must happen."""

# Seconds. Nothing that works takes a tenth of it, also on a machine that is busy: who waits longer
# has found something that hangs.
PATIENCE = 900.0
