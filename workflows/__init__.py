"""Temporal workflows: the durable shell around the core. Others import only `workflows.interface`."""
