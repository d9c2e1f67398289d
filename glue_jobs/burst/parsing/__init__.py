"""From one file's bytes to the pipeline's columns, or to the reason why not."""

from burst.parsing.nested import Inside, inside
from burst.parsing.nested import general as general_name
from burst.parsing.parquet import is_bytes
from burst.parsing.parse import goes_together, parse, parse_together
from burst.parsing.reasons import ParseError
from burst.parsing.values import BadValue, convert_or_say_which, from_texts

__all__ = [
    "BadValue",
    "Inside",
    "ParseError",
    "convert_or_say_which",
    "from_texts",
    "general_name",
    "goes_together",
    "inside",
    "is_bytes",
    "parse",
    "parse_together",
]
