"""Hints of the bindings' stubs are evaluated once, those of all other functions as ever."""

from __future__ import annotations

import typing
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

from stacks.lazy_bindings import type_hints
from tests.lazy_bindings.both_ways import run_python


def counted(name: str) -> tuple[Callable[..., Any], list[None]]:
    """A function of that name, and a list that grows whenever its hint is evaluated."""
    evaluated: list[None] = []

    def kind() -> type:
        evaluated.append(None)
        return int

    code = compile("def function(a: 'kind()') -> None: ...", "stub", "exec")
    namespace: dict[str, Any] = {"kind": kind}
    exec(code, namespace)
    function: FunctionType = namespace["function"]
    function.__name__ = name
    return function, evaluated


@pytest.mark.parametrize(("name", "times"), [("_typecheckingstub__0c1e", 1), ("somebody_elses", 3)])
def test_only_hints_of_stubs_are_remembered(name: str, times: int) -> None:
    function, evaluated = counted(name)
    for _ in range(3):
        assert typing.get_type_hints(function) == {"a": int, "return": type(None)}
    assert len(evaluated) == times


def test_hints_that_are_asked_for_otherwise_are_evaluated_otherwise() -> None:
    stub, _ = counted("_typecheckingstub__0c1e")
    assert typing.get_type_hints(stub)["a"] is int
    assert typing.get_type_hints(stub, {"kind": lambda: str})["a"] is str


def test_a_second_activation_changes_nothing() -> None:
    type_hints.activate()
    first = typing.get_type_hints
    type_hints.activate()
    assert typing.get_type_hints is first


def test_a_wrong_argument_is_refused_at_the_first_call_and_at_the_next() -> None:
    done = run_python("""
import stacks
from cdktf import TerraformStack, Testing
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

stack = TerraformStack(Testing.app(), "stack")
for number in range(2):
    try:
        SqsQueue(stack, f"queue-{number}", name=number)
    except TypeError as error:
        print(error)
""")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("type of argument name must be one of") == 2
