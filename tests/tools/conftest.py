"""What the tests of the tools share: each call that they make must have been looked up."""

from tests.listed_calls import calls_to_look_up, every_call_is_in_the_table

__all__ = [
    "calls_to_look_up",
    "every_call_is_in_the_table",
]
