"""The row engine that is shipped. Importing it does not import Spark; reading a batch does."""

from burst.spark.row_engine import SparkRowEngine

__all__ = ["SparkRowEngine"]
