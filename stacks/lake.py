"""Where everything goes that the job reads or writes beside the incoming files."""

from __future__ import annotations

from constructs import Construct

from stacks.private_bucket import PrivateBucket


class Lake(PrivateBucket):
    """One private bucket with a folder for each purpose.

    ``curated/`` (Parquet), ``archive/`` (the bytes of good files), ``quarantine/`` (the bytes of
    bad files and the reasons), ``ledger/`` (what each batch read and wrote) and ``artifacts/``
    (the job's code).
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        deletable: bool,
        kms_key_arn: str | None,
    ) -> None:
        super().__init__(
            scope,
            id_,
            name_prefix=f"burst-{environment}-lake-",
            deletable=deletable,
            kms_key_arn=kms_key_arn,
        )
