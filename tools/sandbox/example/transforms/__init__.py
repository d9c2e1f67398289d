"""The transform of the example, in place of the user's in `glue_jobs/transforms`."""
