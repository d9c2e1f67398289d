"""What can go wrong on this machine, said in sentences."""


class SandboxError(Exception):
    """Something on this machine keeps the sandbox from working; the message says what to do."""


class PipelineError(SandboxError):
    """The sandbox works, but what is deployed in it does not; the message names the cause."""
