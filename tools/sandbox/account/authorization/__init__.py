"""Lets a role do in the account what its deployed policies allow, and refuses everything else.

The account's own key (`ACCESS_KEY_ID`) is the administrator who deploys, and is not judged; keys
of IAM users are left to moto. A session of a role is judged by `judge.py` before moto sees the
call. Calls whose permissions are not known here are refused and named, never guessed.
"""

from tools.sandbox.account.authorization.middleware import Authorization

__all__ = ["Authorization"]
