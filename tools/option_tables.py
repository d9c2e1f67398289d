"""The commands' arguments and options as Markdown, read off the functions that declare them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo
from typer.utils import get_params_from_function

from tools import cli
from tools.operate.words import range_words


@dataclass(frozen=True)
class Declared:
    """One argument or option: its Python name and type, its default, and what typer gets."""

    name: str
    kind: Any
    default: Any
    info: ArgumentInfo | OptionInfo

    @property
    def required(self) -> bool:
        return self.default is ...

    @property
    def is_flag(self) -> bool:
        return self.kind is bool


def commands_table() -> str:
    """Every command with the first paragraph of its help."""
    rows = [
        f"| `burst {name}` | {_cell(_help(name).partition(chr(10) * 2)[0])} |"
        for name in cli.COMMANDS
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *rows]) + "\n"


def option_table(name: str) -> str:
    """The arguments and options of one command, in the order of its help."""
    rows = [
        f"| {_names(item)} | {_default(item)} | {_cell('; '.join(_words(item)))} |"
        for item in declared(cli.function(name))
    ]
    return "\n".join(["| option | default | what it is |", "|---|---|---|", *rows]) + "\n"


def reference() -> str:
    """The option tables of all commands, each under its name."""
    return "\n".join(_section(name) for name in cli.COMMANDS)


def declared(command: Callable[..., Any]) -> Iterator[Declared]:
    """The arguments and options of a command, as its function declares them."""
    for name, param in get_params_from_function(command).items():
        if not isinstance(param.default, ArgumentInfo | OptionInfo):
            raise TypeError(f"{command.__name__}: {name} is declared as no argument or option")
        yield Declared(name, _without_none(param.annotation), param.default.default, param.default)


def _section(name: str) -> str:
    head = f"## `burst {name}`\n\n{_help(name)}\n"
    has_options = any(True for _ in declared(cli.function(name)))
    return f"{head}\n{option_table(name)}" if has_options else head


def _help(name: str) -> str:
    return inspect.getdoc(cli.function(name)) or ""


def _without_none(kind: Any) -> Any:
    if get_origin(kind) is UnionType:
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def _names(item: Declared) -> str:
    if isinstance(item.info, ArgumentInfo):
        several = "..." if get_origin(item.kind) is list else ""
        return f"`{item.info.metavar or item.name.upper()}{several}`"
    value = "" if item.is_flag else f" {item.info.metavar or _value(item.kind)}"
    return ", ".join(f"`{name}{value}`" for name in _declared_names(item))


def _declared_names(item: Declared) -> list[str]:
    names = item.info.param_decls or (f"--{item.name.replace('_', '-')}",)
    return [part for name in names for part in name.split("/")]


def _value(kind: Any) -> str:
    if kind in (int, float):
        return "N"
    return "FILE" if kind is Path else "TEXT"


def _default(item: Declared) -> str:
    if item.required:
        return "required"
    if item.is_flag:
        return f"`{_declared_names(item)[0]}`" if item.default else ""
    if isinstance(item.info.show_default, str):
        return item.info.show_default
    if item.default in (None, ""):
        return ""
    return f"`{item.default.value if isinstance(item.default, Enum) else item.default}`"


def _words(item: Declared) -> Iterator[str]:
    yield (item.info.help or "").rstrip(".")
    if isinstance(item.kind, type) and issubclass(item.kind, Enum):
        yield "one of " + ", ".join(f"`{choice.value}`" for choice in item.kind)
    if item.info.min is not None or item.info.max is not None:
        yield range_words(item.info.min, item.info.max)
    if item.info.envvar:
        yield f"or the variable `{item.info.envvar}`"


def _cell(text: str) -> str:
    """The text in one line, with nothing that Markdown takes for a column or a tag."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line.replace("<", "&lt;") if "`" not in line else line
