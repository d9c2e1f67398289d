"""The pipeline on this machine: an emulated account, and the part of Glue that it lacks."""

from tools.sandbox.errors import SandboxError

__all__ = ["SandboxError"]
