"""The row engine that is shipped. Importing it does not import Spark; reading a batch does."""

from burst.spark.accounting import Observed, account_of, fault, origin
from burst.spark.row_engine import SparkRowEngine, cause_of

__all__ = ["Observed", "SparkRowEngine", "account_of", "cause_of", "fault", "origin"]
