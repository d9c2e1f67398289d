"""How long the command line takes before it does anything.

`python -c pass` and importing typer alone are the floor. Times come from alternating rounds after
a warm-up; the processor's time is shown as well, because a busy machine changes the other.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.process_tree import Command, Cost, measure_time
from tests.benchmarks.synth import environment
from tools import cli

PROJECT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench cli", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (default: 5)")
    rounds = parser.parse_args(arguments).rounds
    Console().print(costs_table(measure(commands(), rounds), rounds))
    return 0


def commands() -> Mapping[str, Command]:
    """The floor, the list of commands, and the help of each: all that happens before its work."""
    burst = ["-m", "tools.cli"]
    calls = {
        "python -c pass": ["-c", "pass"],
        "python -c 'import typer'": ["-c", "import typer"],
        "burst --help": [*burst, "--help"],
        **{f"burst {name} --help": [*burst, name, "--help"] for name in cli.COMMANDS},
    }
    return {
        name: Command([sys.executable, *words], environment(), PROJECT)
        for name, words in calls.items()
    }


def measure(calls: Mapping[str, Command], rounds: int) -> Mapping[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, command in calls.items():
            cost = measure_time(command)
            if number:
                costs[name].append(cost)
    return costs


def costs_table(costs: Mapping[str, list[Cost]], rounds: int) -> Table:
    table = Table("command", "seconds", "of the processor", title=f"Median of {rounds} rounds")
    for name, measured in costs.items():
        table.add_row(
            name,
            f"{statistics.median(cost.seconds for cost in measured):.2f}",
            f"{statistics.median(cost.cpu_seconds for cost in measured):.2f}",
        )
    return table
