"""What the Glue job runs: plan a batch, read it, write it, settle it, until landing is empty.

The package is shipped to Glue as a zip file beside the entry script. It needs nothing but what
Glue bundles: Python 3.11, boto3, pyarrow and pyspark.
"""
