"""The errors of a forecast: sentences for the person who asked for it."""

from __future__ import annotations


class ForecastError(Exception):
    """The input of a forecast cannot be used; says what, and what is allowed. Exit code 2."""


class PromiseError(ForecastError):
    """No candidate keeps the promise; says which comes nearest. Exit code 1."""
