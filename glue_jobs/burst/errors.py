"""The errors that stop a run. Each one is a sentence for the person who has to act."""

from __future__ import annotations


class BurstError(Exception):
    """The run cannot go on; its text says what happened and what to do."""


class ArgumentError(BurstError):
    """An argument of the job is missing or wrong."""


class LandingError(BurstError):
    """The landing bucket is not as the job needs it."""


class LedgerError(BurstError):
    """A record of the ledger cannot be trusted."""


class TooManyBadFilesError(BurstError):
    """So many files of a batch are bad that the columns, not the files, are probably wrong."""


class TooManyUnreadableFilesError(BurstError):
    """S3 refuses so many files that the job's permissions are probably wrong."""


class SettleError(BurstError):
    """Versions which are dealt with do not leave landing."""


class PublishError(BurstError):
    """Committed rows cannot be moved to where readers look."""


class TakenOverError(BurstError):
    """Another run has taken over this pipeline.

    finished: whether nothing is left of what this run began; then it ends well.
    """

    def __init__(self, message: str, *, finished: bool) -> None:
        super().__init__(message)
        self.finished = finished


class AwsCallError(BurstError):
    """A call to AWS failed after all its retries."""


class RowEngineError(BurstError):
    """Reading or writing failed. A file of the batch may be why.

    cause: what the engine said, as one sentence.
    """

    def __init__(self, message: str, *, cause: str | None = None) -> None:
        super().__init__(message)
        self.cause = cause or message


class TransformError(RowEngineError):
    """The transform does what its settings forbid, whatever the files are."""


class ConnectionFailedError(RowEngineError):
    """S3 or the way to it failed, which says nothing about any file."""


class EngineLostError(BurstError):
    """The engine no longer works, so its failures say nothing about any file."""
