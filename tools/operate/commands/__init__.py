"""The commands as a user types them. Each one reads, asks, decides and draws, in this order.

Each has a module: a command imports what it needs, and not what the others need.
"""
