"""What each batch read and wrote, as records in the lake bucket.

Records of the format before (1) are read as well as those of today (2).
"""

from burst.ledger.records import (
    AttemptsRecord,
    BadFile,
    DoneRecord,
    FileResult,
    Head,
    Origin,
    Outcome,
    PlanRecord,
    RecordName,
    ResultRecord,
    SetAsideRecord,
    StagedFile,
    UnsettledFile,
    UnsettledRecord,
)
from burst.ledger.store import Claim, Entry, Ledger
from burst.ledger.unreadable import Unreadable, UnreadableFile, read_record

__all__ = [
    "AttemptsRecord",
    "BadFile",
    "Claim",
    "DoneRecord",
    "Entry",
    "FileResult",
    "Head",
    "Ledger",
    "Origin",
    "Outcome",
    "PlanRecord",
    "RecordName",
    "ResultRecord",
    "SetAsideRecord",
    "StagedFile",
    "Unreadable",
    "UnreadableFile",
    "UnsettledFile",
    "UnsettledRecord",
    "read_record",
]
