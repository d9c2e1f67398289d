"""Looking after a running pipeline from a workstation: what `burst status` and its kin do.

Each command reads the names of what is deployed (`deployment`), asks AWS (`connection`), decides
on plain data (`health`, `replays.selection`, `pausing`) and draws the answer (`view`). Nothing here
needs the development packages, except to show rows of curated.
"""
