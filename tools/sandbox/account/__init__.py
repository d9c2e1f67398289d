"""The emulated AWS account. This is the one room that knows the emulator (moto)."""

from tools.sandbox.account.account import (
    ACCESS_KEY_ID,
    DEFAULT_REGION,
    SECRET_ACCESS_KEY,
    Account,
)

__all__ = ["ACCESS_KEY_ID", "DEFAULT_REGION", "SECRET_ACCESS_KEY", "Account"]
