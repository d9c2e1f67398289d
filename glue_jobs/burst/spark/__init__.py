"""The row engine that is shipped. Importing it does not import Spark; reading a batch does."""

from burst.spark.accounting import Observed, account_of, fault, origin
from burst.spark.row_engine import SparkRowEngine

__all__ = ["Observed", "SparkRowEngine", "account_of", "fault", "origin"]
