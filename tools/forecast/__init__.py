"""What-if: runs, latency and cost of a pipeline's settings on a trace of arrivals.

`replay.py` plays a trace in virtual time as Glue and the job do; everything else feeds it
(`trace.py`, `sentence.py`, `sources.py`) or reads its result (`costs.py`, `search.py`, the views).
"""
