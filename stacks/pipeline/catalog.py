"""The curated tables, as Athena and whatever else reads the Glue Data Catalog sees them."""

from __future__ import annotations

from collections.abc import Sequence

from burst.contract import BATCH, LAYOUT, RESCUED, SOURCE_KEY, SOURCE_VERSION
from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_catalog_table import (
    GlueCatalogTable,
    GlueCatalogTablePartitionKeys,
    GlueCatalogTableStorageDescriptor,
    GlueCatalogTableStorageDescriptorColumns,
    GlueCatalogTableStorageDescriptorSerDeInfo,
)
from constructs import Construct

from stacks.environment import Environment
from stacks.settings import Column

# What the job adds to every row, with what each column says.
LINEAGE = {
    SOURCE_KEY: "Key of the file in the landing bucket.",
    SOURCE_VERSION: "Version id of the file.",
    BATCH: "Batch in which the file was processed; the ledger has its record.",
}

_RESCUED = {
    RESCUED: "JSON: what the file had in this row and no column takes, by its name in the file."
}

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


class Catalog(Construct):
    """One Glue database per environment, for the tables of its pipelines.

    Underscores are the only special characters that Athena allows (Athena user guide, "Name
    databases, tables, and columns"), so the hyphens of a name become underscores.
    """

    def __init__(self, scope: Construct, id_: str, *, environment: Environment) -> None:
        super().__init__(scope, id_)
        database = GlueCatalogDatabase(
            self,
            "database",
            name=environment.prefix.replace("-", "_"),
            description=f"The curated tables of environment {environment.name}.",
        )
        self.database_name = database.name


class Table(Construct):
    """The curated rows of one pipeline.

    Nobody has to tell the catalog of a new day, neither a crawler nor MSCK: Athena derives the
    days from the table's own properties (partition projection, Athena user guide), from the first
    day to today in UTC, which is how the job names its folders
    (``LAYOUT`` of the contract). The batch's folder below is no partition, because
    nothing could list its values; Athena reads everything below a partition's location (Athena
    user guide, "Table location in Amazon S3"), and each row names its batch in ``_batch``.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        database_name: str,
        pipeline: str,
        columns: Sequence[Column],
        rescues: bool,
        curated_uri: str,
    ) -> None:
        super().__init__(scope, id_)
        table = GlueCatalogTable(
            self,
            "table",
            database_name=database_name,
            name=pipeline.replace("-", "_"),
            description=f"Curated rows of pipeline {pipeline}, by the UTC day of their batch.",
            table_type="EXTERNAL_TABLE",
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "parquet",
                "projection.enabled": "true",
                **{
                    f"projection.{level.name}.{name}": value
                    for level in LAYOUT
                    for name, value in (level.projection or {}).items()
                },
            },
            # Athena's documentation uses a string here whenever the projection is of type date.
            partition_keys=[
                GlueCatalogTablePartitionKeys(name=level.name, type="string", comment=level.comment)
                for level in LAYOUT
                if level.projection
            ],
            storage_descriptor=GlueCatalogTableStorageDescriptor(
                location=f"{curated_uri}/",
                input_format=f"{_PARQUET}.MapredParquetInputFormat",
                output_format=f"{_PARQUET}.MapredParquetOutputFormat",
                ser_de_info=GlueCatalogTableStorageDescriptorSerDeInfo(
                    name="parquet",
                    serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe",
                    parameters={"serialization.format": "1"},
                ),
                columns=[
                    *(
                        GlueCatalogTableStorageDescriptorColumns(
                            name=column.name, type=column.hive_type
                        )
                        for column in columns
                    ),
                    *(
                        GlueCatalogTableStorageDescriptorColumns(
                            name=name, type="string", comment=comment
                        )
                        for name, comment in (
                            {**_RESCUED, **LINEAGE} if rescues else LINEAGE
                        ).items()
                    ),
                ],
            ),
        )
        self.name = table.name
