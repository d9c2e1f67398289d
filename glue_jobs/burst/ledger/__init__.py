"""What each batch read and wrote, as records in the lake bucket."""

from burst.ledger.checkpoint import Checkpoint
from burst.ledger.records import (
    DoneRecord,
    FileResult,
    Ledger,
    Origin,
    Outcome,
    PlanRecord,
    RecordName,
    ResultRecord,
)
from burst.ledger.unreadable import Unreadable, UnreadableFile, read_record

__all__ = [
    "Checkpoint",
    "DoneRecord",
    "FileResult",
    "Ledger",
    "Origin",
    "Outcome",
    "PlanRecord",
    "RecordName",
    "ResultRecord",
    "Unreadable",
    "UnreadableFile",
    "read_record",
]
