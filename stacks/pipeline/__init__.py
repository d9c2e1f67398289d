"""One pipeline: job, workflow, routing, table."""
