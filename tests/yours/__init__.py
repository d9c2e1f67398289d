"""Tests of your settings and your transforms. Add your own here.

Everything else in `tests` is about the code and stands on the settings of an example. This room
alone reads `cdktf.json` and `glue_jobs/transforms`: whatever you configure, it looks at that. A
test of a transform may say `from transforms.mine import transform` and ask for the fixture `spark`.
"""
