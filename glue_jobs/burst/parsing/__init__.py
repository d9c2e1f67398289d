"""From one file's bytes to the pipeline's columns, or to the reason why not."""
