"""From one file's bytes to the pipeline's columns, or to the reason why not."""

from burst.parsing.parquet import is_bytes
from burst.parsing.parse import parse
from burst.parsing.reasons import ParseError
from burst.parsing.values import BadValue, convert_or_say_which, from_texts

__all__ = ["BadValue", "ParseError", "convert_or_say_which", "from_texts", "is_bytes", "parse"]
