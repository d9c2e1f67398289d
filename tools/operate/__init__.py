"""Operating a running pipeline from a workstation: `burst status` and the commands beside it.

Each command reads the names of what is deployed (`deployment`), asks AWS (`connection`, `ledger`),
decides on plain data (`health`, `replays.selection`, `pausing`) and draws the answer (`views`).
Nothing here needs the development packages, except to show rows of curated.
"""
