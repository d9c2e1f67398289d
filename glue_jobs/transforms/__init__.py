"""What happens to a pipeline's rows between reading and writing: one module per pipeline.

A module has one function:

    def transform(frame: DataFrame) -> DataFrame: ...

`frame` holds the rows of one batch: the pipeline's columns with their types, `_rescued` where the
input's settings say `rescue`, and `_source_key`, `_source_version` and `_batch`, which say where a
row came from. What is returned is written to
curated as it is. It must have the last three unchanged, and as many rows of each file as came in; a
pipeline whose transform drops or multiplies rows says so in its setting `row_changes`. A transform
that does something else stops the run. The name of the module goes into the pipeline's settings.

A batch that was interrupted is run again, so a transform must give the same rows for the same
rows: no clock (derive times from `_batch`, it begins with the UTC time of planning), no random
numbers, no writes. It sees one batch at a time: what must hold across batches belongs
into the query on curated.
"""
