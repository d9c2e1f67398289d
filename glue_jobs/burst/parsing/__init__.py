"""From one file's bytes to the pipeline's columns, or to the reason why not."""

from burst.parsing.parse import parse
from burst.parsing.reasons import ParseError

__all__ = ["ParseError", "parse"]
