"""The part of Glue that the emulator lacks: EVENT triggers, workflow runs and job runs.

`batches` and `admission` decide, without clocks, threads or an account. `triggers`,
`workflow_runs`, `job_runs` and `notice_board` each do one job of the engine; `engine` joins them.
"""
