"""Lets a role do in the account what its deployed policies allow, and refuses everything else.

A session of a role is judged by `judge.py` before moto sees the call; calls whose permissions are
not known here are refused and named, never guessed. The account's own key (`ACCESS_KEY_ID`) is the
administrator who deploys: only a bucket's policy can refuse it something. Keys of IAM users are
left to moto.
"""

from tools.sandbox.account.authorization.middleware import Authorization

__all__ = ["Authorization"]
