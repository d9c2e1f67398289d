"""Bringing files back into landing, each at most once: see docs/adr on replaying.

    ledger/<pipeline>/replays/latest.json                the newest request, and whether it is open
    ledger/<pipeline>/replays/<id>/plan.json             which files, and whose output goes
                                   prepared-0001.json    their uploads, ready but for completion
                                   sent-0001.json        the versions that landing holds
                                   removed.json          whose old output went, when (--replace)
                                   given-up.json         somebody ended it before its end
                                   done.json             all of it in one record

An upload can be completed only once, however often that is asked for. The rest relies on it.
"""
